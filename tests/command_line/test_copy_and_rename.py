"""`pydock copy` and `pydock rename`: the files, the tags and what is remembered."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from .conftest import Machine
from .test_killed_at_file_calls import EVERY, check_nothing_is_left, kill_at

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """\
name: pydock-ds-IDENTITY
services:
  env:
    build: .
"""
COMMANDS = pytest.mark.parametrize("command", ["copy", "rename"])


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "six==1.15.0", requested="six<1.16\n")
    return machine


def identity(machine: Machine, name: str) -> str:
    [tag] = [tag for tag in machine.tags() if tag.startswith(f"pydock-{name}:") and "latest" not in tag]
    return tag.partition(":")[2].partition("-")[0]


def test_a_copy_has_the_files_and_the_image_without_a_build(ds: Machine) -> None:
    (ds.folder("ds") / "apt.txt").write_text("git\n")
    ds.ok("build", "ds")
    ds.forget_calls()
    before = ds.files("ds"), ds.tags()
    ended = ds.ok("copy", "ds", "new")
    assert (ended.out, ended.err) == ("", "Copied environment 'ds' to 'new'.\n")
    assert ds.files("new") == ds.files("ds") == before[0]
    assert ds.argvs("build") == []
    assert {*before[1]} < {*ds.tags()}
    assert ds.image_id("pydock-new:latest") == ds.image_id("pydock-ds:latest")
    for name in ("ds", "new"):
        assert ds.ok("run", name, "true").err == ""
    ds.ok("install", "new", "numpy")
    assert ds.pins("ds") == ["six==1.15.0"]
    ds.ok("delete", "ds", "--yes")
    assert ds.ok("run", "new", "true").err == ""


def test_a_copy_is_built_if_the_files_were_edited(ds: Machine) -> None:
    with (ds.folder("ds") / "dockerfile").open("a") as file:
        file.write("ENV A=b\n")
    ds.ok("copy", "ds", "new")
    assert len(ds.argvs("build")) == 1
    assert ds.ok("run", "new", "true").err == ""


@COMMANDS
def test_edited_requirements_stay_edited(ds: Machine, command: str) -> None:
    ds.ok("install", "ds", "numpy")
    (ds.folder("ds") / "requirements.in").write_text("six<1.17\nnumpy\n")
    assert "was edited" in ds.ok("run", "ds", "true").err
    ds.ok(command, "ds", "new")
    assert "of 'new' was edited" in ds.ok("run", "new", "true").err


@COMMANDS
def test_credentials_reach_the_builds_of_ones_own_environments_only(ds: Machine, command: str) -> None:
    config = ds.project / "pip.conf"
    config.write_text("[global]\nindex-url = https://me:hunter2@index.example/simple\n")
    theirs = ds.folder("theirs")
    theirs.mkdir()
    (theirs / "dockerfile").write_text("FROM python:3.12\n")
    for name, withheld in (("ds", False), ("theirs", True)):
        ds.ok("build", name, PYDOCK_PIP_CONFIG=str(config))
        ds.ok(command, name, f"{name}-new", PYDOCK_PIP_CONFIG=str(config))
        ended = ds.ok("build", f"{name}-new", "--no-cache", PYDOCK_PIP_CONFIG=str(config))
        assert ("pydock trust" in ended.err) == withheld


def test_the_copy_of_a_compose_file_is_another_project(ds: Machine) -> None:
    path = ds.folder("ds") / "docker-compose.yml"
    path.write_text(COMPOSE.replace("IDENTITY", identity(ds, "ds")) + "# name: pydock-ds\n")
    assert "same project name" not in ds.ok("copy", "ds", "new").err
    text = ds.files("new")["docker-compose.yml"].decode()
    assert text == COMPOSE.replace("ds-IDENTITY", f"new-{identity(ds, 'new')}") + "# name: pydock-ds\n"
    path.write_text("name: mine\nservices:\n  env:\n    build: .\n")
    assert "has the same project name as that of 'ds'" in ds.ok("copy", "ds", "other").err


def test_a_copy_in_the_project(ds: Machine) -> None:
    ds.ok("copy", "ds", "ds", "--to", "local")
    local = ds.project / ".pydock" / "envs" / "ds"
    assert (local / "requirements.in").read_text() == "six<1.16\n"
    assert ds.ok("run", "ds", "true").err == ""
    assert ds.argvs("build") == []
    for file, text, reason in (
        ("requirements.in", "./project\n", "requirements.in has the path ./project"),
        ("docker-compose.yml", "services: {}\n", "it has a docker-compose.yml"),
    ):
        (local / file).write_text(text)
        (local / "project").mkdir(exist_ok=True)
        (local / "project" / "setup.py").write_text("")
        ended = ds.pydock("copy", "ds", "there", "--to", "global")
        assert (ended.code, reason in ended.err) == (2, True), ended
        (local / file).unlink()
    assert ds.pydock("copy", "ds", "there", "--to", "nowhere").code == 2
    assert not ds.folder("there").exists()


def test_a_rename_changes_every_tag_and_builds_nothing(ds: Machine) -> None:
    with (ds.folder("ds") / "dockerfile").open("a") as file:
        file.write("ENV A=b\n")
    ds.ok("build", "ds")
    before, images = ds.files("ds"), {*ds.state()["images"]}
    ds.forget_calls()
    ended = ds.ok("rename", "ds", "new")
    assert (ended.out, ended.err) == ("", "Renamed environment 'ds' to 'new'.\n")
    assert ds.files("new") == before
    assert not ds.folder("ds").exists()
    assert ds.argvs("build") == []
    assert [tag.partition(":")[0] for tag in ds.tags()] == ["pydock-new"] * len(ds.tags())
    assert images == {*ds.state()["images"]}
    assert ds.ok("run", "new", "true").err == ""
    assert ds.ok("install", "new", "numpy").out == "+ numpy==2.1.0\n"
    records = [path for path in (ds.home / ".local" / "state" / "pydock").rglob("*") if path.is_file()]
    assert not [path for path in records if path.read_bytes().endswith(b"/envs/ds")]


def test_a_rename_keeps_older_images_that_run_with_a_warning(ds: Machine) -> None:
    with (ds.folder("ds") / "dockerfile").open("a") as file:
        file.write("ENV A=b\n")
    ds.ok("rename", "ds", "new")
    assert "has changed since its image was built. Running the older image" in ds.ok("run", "new", "true").err


def test_a_rename_keeps_the_alias_of_another_project(ds: Machine) -> None:
    ds.ok("--local", "create", "ds", "3.11")
    theirs = ds.image_id("pydock-ds:latest")
    ds.ok("--global", "rename", "ds", "new")
    assert ds.image_id("pydock-ds:latest") == theirs
    assert ds.ok("--global", "run", "new", "true").err == ""


def test_services_must_be_down(ds: Machine) -> None:
    labels = {
        "com.docker.compose.project": "p",
        "com.docker.compose.service": "db",
        "com.docker.compose.project.working_dir": str(ds.folder("ds")),
    }
    row = {
        "ID": "db0123",
        "State": "running",
        "Status": "Up",
        "Ports": "",
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
    }
    (ds.engine / "companions.json").write_text(json.dumps([row]))
    before = ds.home_and_project(), ds.state()
    ended = ds.pydock("rename", "ds", "new")
    assert ended.code == 1
    assert "The services of 'ds' are up (db)" in ended.err
    assert "`pydock down ds`" in ended.err
    assert (ds.home_and_project(), ds.state()) == before


def test_a_home_volume_is_named(ds: Machine) -> None:
    volume = f"pydock-ds-{identity(ds, 'ds')}-home"
    (ds.engine / "volumes").mkdir()
    (ds.engine / "volumes" / volume).touch()
    ended = ds.ok("rename", "ds", "new")
    new = f"pydock-new-{identity(ds, 'new')}-home"
    assert f"The volume {volume} with the home folder stays, and 'new' begins with an empty one." in ended.err
    assert f"-v {volume}:/from -v {new}:/to --entrypoint cp pydock-new:latest -a /from/. /to/`" in ended.err


@COMMANDS
@pytest.mark.parametrize(
    ("words", "code", "answer"),
    [
        (["ds", "other"], 1, "/other already exists. Choose another name"),
        (["ds", "ds"], 1, "/ds already exists"),
        (["ds", "broken"], 1, "/broken already exists"),
        (["ds", "New"], 2, "Try 'new'"),
        (["ds", "../x"], 2, "Invalid environment name"),
        (["nosuch", "new"], 1, "not found"),
        (["ds"], 2, "arguments are required: NEW_NAME"),
    ],
)
def test_refused_before_anything_is_touched(
    ds: Machine, command: str, words: list[str], code: int, answer: str
) -> None:
    ds.add_environment("other")
    (ds.folder("ds").parent / "broken").symlink_to("other")
    before = ds.home_and_project(), ds.state()
    ended = ds.pydock(command, *words)
    assert (ended.code, answer in ended.err) == (code, True), ended
    assert (ds.home_and_project(), ds.state()) == before
    assert {argv[0] for argv in ds.argvs()} <= {"ps"}


@COMMANDS
def test_a_link_out_of_the_project_is_refused(ds: Machine, command: str) -> None:
    (ds.folder("ds") / "apt.txt").symlink_to("/etc/hostname")
    ended = ds.pydock(command, "ds", "new")
    assert (ended.code, "outside of the environment's folder" in ended.err) == (1, True)
    assert not ds.folder("new").exists()


def test_a_link_is_not_renamed(ds: Machine) -> None:
    ds.folder("linked").symlink_to("ds")
    ended = ds.pydock("rename", "linked", "new")
    assert (ended.code, "is a symbolic link to" in ended.err) == (1, True)
    ds.ok("copy", "linked", "new")
    assert ds.files("new") == ds.files("ds")


@COMMANDS
@pytest.mark.parametrize("failing", ["tag:permission-denied", "images:daemon-down"])
def test_a_failing_engine_leaves_the_original(ds: Machine, command: str, failing: str) -> None:
    before = ds.files("ds"), ds.tags()
    ended = ds.pydock(command, "ds", "new", FAKE_DOCKER_FAIL=failing)
    if command == "rename" or failing.startswith("tag"):
        assert ended.code == 125, ended
        assert (ds.files("ds"), ds.tags()) == before
        assert not ds.folder("new").exists()
        assert not ds.folder(".new").exists()


@COMMANDS
def test_what_dry_prints_does_the_same(ds: Machine, command: str) -> None:
    ended = ds.ok("--dry", command, "ds", "new")
    before = ds.files("ds")
    ds.shell(ended.out)
    assert ds.files("new") == before
    assert ds.ok("run", "new", "true").err == ""
    assert ds.folder("ds").exists() == (command == "copy")


def test_a_killed_rename_leaves_the_one_or_the_other(tmp_path: Path) -> None:
    kills = set()
    for number in range(1, 1000, EVERY if os.environ.get("PYDOCK_TORTURE") else 2):
        (tmp_path / str(number)).mkdir()
        machine = Machine(tmp_path / str(number))
        machine.do_not_measure()
        machine.add_environment("ds", "six==1.15.0", requested="six\n")
        before = machine.files("ds")
        code = kill_at(machine, number, ["rename", "ds", "new"])
        if code != -signal.SIGKILL:
            assert code == 0
            break
        [name] = [name for name in ("ds", "new") if machine.folder(name).exists()]
        kills.add(name)
        assert machine.files(name) == before
        assert machine.ok("run", name, "true").err == ""
        if name == "ds":
            machine.ok("rename", "ds", "new")
        machine.ok("clean", "--yes")
        assert not [tag for tag in machine.tags() if tag.startswith("pydock-ds")]
        machine.ok("create", "other", "3.12")
        machine.ok("delete", "other", "--yes")
        check_nothing_is_left(machine, "new")
    assert kills == {"ds", "new"}
