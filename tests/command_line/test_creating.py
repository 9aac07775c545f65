"""`pydock create`, and what it leaves behind when it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine


def test_create_makes_folder_files_and_image(machine: Machine) -> None:
    ended = machine.pydock("create", "datascience", "3.8")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "Environment 'datascience' is ready; `pydock shell datascience` starts it.\n"
    assert sorted(machine.files("datascience")) == ["dockerfile", "requirements.txt"]
    assert machine.files("datascience")["requirements.txt"] == b""
    content, alias = machine.tags()
    assert alias == "pydock-datascience:latest"
    assert re.fullmatch(r"pydock-datascience:[0-9a-f]{8}-[0-9a-f]{16}", content)
    image = machine.image(alias)
    assert image["base"] == "python:3.8"
    assert image["user"] == "me"
    assert list(image["labels"]) == ["pydock.version"]


def test_the_environments_of_these_tests_are_what_create_makes(machine: Machine) -> None:
    machine.given("ds")
    given, tags = machine.files(), machine.tags()
    machine.ok("delete", "ds", "--yes")
    assert machine.tags() == []
    machine.ok("create", "ds", "3.12")
    assert (machine.files(), machine.tags()) == (given, tags)


def test_create_starts_from_existing_requirements(machine: Machine) -> None:
    (machine.project / "reqs.txt").write_text("# for the model\npandas>=2  # tables\n-r more.txt\n")
    (machine.project / "more.txt").write_text("six\n")
    machine.ok("create", "ds", "3.12", "-r", "reqs.txt")
    files = machine.files()
    assert files["requirements.in"] == b"# for the model\npandas>=2  # tables\nsix\n"
    assert files["requirements.txt"].split() == [
        b"numpy==2.1.0",
        b"pandas==2.2.1",
        b"python-dateutil==2.9.0",
        b"six==1.16.0",
    ]
    assert sorted(files) == ["dockerfile", "requirements.in", "requirements.txt"]
    assert machine.argvs("run") == []
    machine.ok("run", "ds", "true")
    assert len(machine.tags()) == 2


def test_create_takes_any_base_image(machine: Machine) -> None:
    machine.ok("create", "ds", "--base", "debian:12")
    machine.ok("create", "same", "12", "--base", "debian")
    assert machine.files("same") == machine.files()
    assert machine.image("pydock-ds:latest")["base"] == "debian:12"
    assert b"ARG BASE=debian:12\nFROM ${BASE}\n" in machine.files()["dockerfile"]


def test_create_takes_another_repository(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12", PYDOCK_REPOSITORY="mirror.example/python")
    assert machine.image("pydock-ds:latest")["base"] == "mirror.example/python:3.12"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["create", "Data Science", "3.12"], "Try 'data-science'"),
        (["create", "ds", "3 12"], "Try '3-12'"),
        (["create", "ds"], "Which Python?"),
        (["create", "ds", "--base", "-x"], "argument"),
        (["create", "ds", "3.12", "--base", "debian:12"], "'debian:12:3.12' cannot be an image's name"),
        (["create", "ds", "--base", "No Image"], "cannot be an image's name"),
        (["create", "ds", "3.12", "-r", "missing.txt"], "missing.txt cannot be read"),
        (["create", "ds", "3.12", "extra"], "nrecognized arguments: extra"),
        (["create", "ds", "3.12", "--frobnicate"], "--frobnicate"),
    ],
)
def test_create_refuses_a_wrong_call_before_anything(machine: Machine, argv: list[str], words: str) -> None:
    ended = machine.pydock(*argv)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""
    assert machine.calls() == []
    assert list(machine.home.iterdir()) == []


@pytest.mark.parametrize("failure", ["registry-unreachable", "broken-step"])
def test_a_failed_create_leaves_neither_folder_nor_image(machine: Machine, failure: str) -> None:
    ended = machine.pydock("create", "ds", "3.12", FAKE_DOCKER_FAIL=f"build:{failure}")
    assert ended.code in {1, 125}
    assert machine.files() == {}
    assert [path.name for path in machine.folder("ds").parent.iterdir()] == []
    assert machine.tags() == []
    machine.ok("create", "ds", "3.12")


def test_a_create_whose_packages_fail_leaves_neither_folder_nor_image(machine: Machine) -> None:
    (machine.project / "reqs.txt").write_text("nosuchpackage\n")
    ended = machine.pydock("create", "ds", "3.12", "-r", "reqs.txt")
    assert ended.code == 1
    assert "nosuchpackage was not found" in ended.err
    assert machine.files() == {}
    assert machine.tags() == []


def test_create_of_an_unknown_version_names_the_image(machine: Machine) -> None:
    ended = machine.pydock("create", "ds", "9.9")
    assert ended.code == 125
    assert "The base image python:9.9 exists neither on this machine nor in its registry" in ended.err
    assert machine.files() == {}


def test_create_of_what_is_there_touches_nothing(ds: Machine) -> None:
    before, tags = ds.files(), ds.tags()
    ended = ds.pydock("create", "ds", "3.11")
    assert ended.code == 1
    assert "exists already" in ended.err
    assert "pydock delete ds" in ended.err
    assert (ds.files(), ds.tags()) == (before, tags)
    assert ds.argvs("build") == []


def test_create_goes_where_it_is_told(machine: Machine) -> None:
    machine.ok("--local", "create", "ds", "3.12")
    machine.ok("create", "ds2", "3.12")  # local, since there is a .pydock now
    machine.ok("create", "ds", "3.12", "--global")
    assert sorted(path.name for path in (machine.project / ".pydock" / "envs").iterdir()) == ["ds", "ds2"]
    assert [path.name for path in machine.folder("ds").parent.iterdir()] == ["ds"]
    assert len([tag for tag in machine.tags() if tag.startswith("pydock-ds:")]) == 3


def test_an_own_template_goes_before_ours(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text("FROM {{ repository }}:{{ version }}\n")
    machine.ok("create", "ds", "3.12", PYDOCK_TEMPLATES="mine")
    assert machine.files()["dockerfile"] == b"FROM python:3.12\n"


def test_a_broken_own_template_is_named(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text("FROM x\n{% if %}\n")
    ended = machine.pydock("create", "ds", "3.12", PYDOCK_TEMPLATES="mine")
    assert ended.code == 1
    assert "dockerfile.j2, line 2" in ended.err
    assert machine.calls() == []
