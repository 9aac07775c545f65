"""`pydock create`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from pydock.engine.tools import PROGRAMS

if TYPE_CHECKING:
    from .conftest import Machine


def test_create_makes_folder_files_and_image(machine: Machine) -> None:
    ended = machine.pydock("create", "datascience", "3.8")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == (
        "Created environment 'datascience'. `pydock shell datascience` starts a shell in it.\n"
    )
    files = machine.files("datascience")
    assert sorted(files) == ["dockerfile", "requirements.txt"]
    assert files["requirements.txt"] == b""
    assert f"ARG USER=me UID={os.getuid()} GID={os.getgid()}\n" in files["dockerfile"].decode()
    content, alias = machine.tags()
    assert alias == "pydock-datascience:latest"
    assert re.fullmatch(r"pydock-datascience:[0-9a-f]{8}-[0-9a-f]{16}", content)
    image = machine.image(alias)
    assert image["base"] == "python:3.8"
    assert image["user"] == "me"
    assert list(image["labels"]) == ["pydock.arguments", "pydock.version"]


def test_add_environment_gives_the_same_files_and_tags_as_create(machine: Machine) -> None:
    machine.add_environment("ds")
    added = machine.files(), machine.tags()
    machine.ok("delete", "ds", "--yes")
    assert machine.tags() == []
    machine.ok("create", "ds", "3.12")
    assert (machine.files(), machine.tags()) == added


def test_build_gets_the_programs_of_pydock_as_a_named_context(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12", PYDOCK_INSTALLER="pip")
    [build] = machine.calls("build")
    context = build["named_contexts"]["pydock"]
    assert sorted(context) == sorted([*PROGRAMS, "installer"])
    assert context["installer"]["text"] == "pip\n"
    assert context["pip"]["mode"] == "755"


def test_create_from_requirements_file(machine: Machine) -> None:
    (machine.project / "reqs.txt").write_text("# for the model\npandas>=2  # tables\n-r more.txt\n")
    (machine.project / "more.txt").write_text("six\n")
    machine.ok("create", "ds", "3.12", "-r", "reqs.txt")
    assert sorted(machine.files()) == ["dockerfile", "requirements.in", "requirements.txt"]
    assert machine.files()["requirements.in"] == b"# for the model\npandas>=2  # tables\nsix\n"
    assert machine.pins() == ["numpy==2.1.0", "pandas==2.2.1", "python-dateutil==2.9.0", "six==1.16.0"]
    assert machine.argvs("run") == []
    machine.assert_consistent()


PROJECT = """\
[project]
name = "demo"
requires-python = ">=3.8,<3.13"
dependencies = ["pandas>=2"]

[project.optional-dependencies]
web = ["requests"]

[dependency-groups]
test = ["scipy<1.12"]
"""


def test_create_from_a_project(machine: Machine) -> None:
    (machine.project / "pyproject.toml").write_text(PROJECT)
    machine.ok("create", "ds", "--from", "pyproject.toml", "--extra", "web", "--group", "test")
    assert b"ARG VERSION=3.12\n" in machine.files()["dockerfile"]
    assert machine.files()["requirements.in"].decode() == (
        "# from pyproject.toml\npandas>=2\n# from pyproject.toml, extra web\nrequests\n"
        "# from pyproject.toml, group test\nscipy<1.12\n"
    )
    assert "scipy==1.11.0" in machine.pins()
    machine.assert_consistent()
    (machine.project / "pyproject.toml").unlink()  # the environment does not need it
    machine.ok("install", "ds", "numpy<2.1")
    machine.ok("update", "ds")
    assert machine.files()["requirements.in"].endswith(b"scipy<1.12\nnumpy<2.1\n")
    assert {"numpy==2.0.0", "scipy==1.11.0"} <= set(machine.pins())


def test_version_is_that_of_the_project_that_is_named(machine: Machine) -> None:
    (machine.project / ".python-version").write_text("3.9\n")
    other = machine.project.parent / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text(PROJECT)
    machine.ok("create", "ds", "--from", str(other))
    assert b"ARG VERSION=3.12\n" in machine.files()["dockerfile"]


def test_requirements_files_add_to_a_project(machine: Machine) -> None:
    (machine.project / "pyproject.toml").write_text(PROJECT)
    (machine.project / "more.txt").write_text("six\n")
    machine.ok("create", "ds", "3.12", "--from", ".", "-r", "more.txt")
    assert machine.files()["requirements.in"] == b"# from ./pyproject.toml\npandas>=2\nsix\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--extra", "web"], "--extra and --group need the file of the project"),
        (["--group", "test"], "--extra and --group need the file of the project"),
        (["--from", "pyproject.toml", "--extra", "x"], "has no extra 'x'. It has: web."),
        (["--from", "nowhere.toml"], "--from reads pyproject.toml, and not nowhere.toml"),
    ],
)
def test_project_that_cannot_be_read_creates_nothing(machine: Machine, argv: list[str], words: str) -> None:
    (machine.project / "pyproject.toml").write_text(PROJECT)
    ended = machine.pydock("create", "ds", "3.12", *argv)
    assert (ended.code, machine.files(), machine.calls()) == (2, {}, [])
    assert words in ended.err


def test_version_of_the_project(machine: Machine) -> None:
    path = machine.project / ".python-version"
    path.write_text("3.8\n")
    assert f"Python 3.8, as {path} says.\n" in machine.ok("create", "ds").err
    assert machine.image("pydock-ds:latest")["base"] == "python:3.8"
    path.unlink()
    project = machine.project / "pyproject.toml"
    project.write_text("[project]\nrequires-python = '>=3.8,<3.13'\n")
    err = machine.ok("create", "second").err
    assert f"Python 3.12, the newest that requires-python = '>=3.8,<3.13' in {project} allows.\n" in err
    assert machine.image("pydock-second:latest")["base"] == "python:3.12"


def test_given_version_wins_over_that_of_the_project(machine: Machine) -> None:
    (machine.project / ".python-version").write_text("nonsense\n")
    assert "nonsense" not in machine.ok("create", "ds", "3.12").err
    assert machine.image("pydock-ds:latest")["base"] == "python:3.12"


def test_version_that_cannot_be_read_is_refused(machine: Machine) -> None:
    (machine.project / ".python-version").write_text("pypy3.10\n")
    ended = machine.pydock("create", "ds")
    assert ended.code == 2
    assert f"{machine.project / '.python-version'}: 'pypy3.10' is not a version of CPython" in ended.err
    assert machine.files() == {}


def test_version_of_the_project_is_not_a_tag_of_other_images(machine: Machine) -> None:
    (machine.project / ".python-version").write_text("3.12\n")
    assert machine.pydock("create", "ds", PYDOCK_REPOSITORY="nvidia/cuda").code == 2
    machine.ok("create", "ds", "--base", "debian:12")
    assert machine.image("pydock-ds:latest")["base"] == "debian:12"


def test_create_from_another_base_image(machine: Machine) -> None:
    machine.ok("create", "ds", "--base", "debian:12")
    machine.ok("create", "same", "12", "--base", "debian")
    assert machine.files("same") == machine.files()
    assert machine.image("pydock-ds:latest")["base"] == "debian:12"
    assert b"ARG BASE=debian:12\n" in machine.files()["dockerfile"]


def test_create_from_another_repository(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12", PYDOCK_REPOSITORY="mirror.example/python")
    assert machine.image("pydock-ds:latest")["base"] == "mirror.example/python:3.12"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["create", "Data Science", "3.12"], "Try 'data-science'"),
        (["create", "ds", "3 12"], "Try '3-12'"),
        (["create", "ds"], "A Python version is required"),
        (["create", "ds", "--base", "-x"], "argument"),
        (["create", "ds", "3.12", "--base", "debian:12"], "Invalid image name 'debian:12:3.12'"),
        (["create", "ds", "--base", "No Image"], "Invalid image name 'No Image'"),
        (["create", "ds", "3.12", "-r", "missing.txt"], "Requirements file not found: missing.txt"),
        (["create", "ds", "3.12", "extra"], "nrecognized arguments: extra"),
        (["create", "ds", "3.12", "--frobnicate"], "--frobnicate"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_done(
    machine: Machine, argv: list[str], words: str
) -> None:
    ended = machine.pydock(*argv)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""
    assert machine.calls() == []
    assert list(machine.home.iterdir()) == []


@pytest.mark.parametrize("failure", ["registry-unreachable", "step-failed"])
def test_failed_create_leaves_no_folder_and_no_image(machine: Machine, failure: str) -> None:
    ended = machine.pydock("create", "ds", "3.12", FAKE_DOCKER_FAIL=f"build:{failure}")
    assert ended.code in {1, 125}
    assert list(machine.folder("ds").parent.iterdir()) == []
    assert machine.tags() == []
    machine.ok("create", "ds", "3.12")


def test_failed_installation_in_create_leaves_no_folder_and_no_image(machine: Machine) -> None:
    (machine.project / "reqs.txt").write_text("nosuchpackage\n")
    ended = machine.pydock("create", "ds", "3.12", "-r", "reqs.txt")
    assert ended.code == 1
    assert "nosuchpackage was not found" in ended.err
    assert list(machine.folder("ds").parent.iterdir()) == []
    assert machine.tags() == []


def test_unknown_python_version_is_named(machine: Machine) -> None:
    ended = machine.pydock("create", "ds", "9.9")
    assert ended.code == 125
    assert "The base image python:9.9 was not found, neither on this machine nor in its registry" in ended.err
    assert machine.files() == {}


@pytest.mark.parametrize(("version", "code"), [("3.11", 1), ("not a version", 2)])
def test_create_does_not_touch_an_existing_environment(ds: Machine, version: str, code: int) -> None:
    before, tags = ds.files(), ds.tags()
    assert ds.pydock("create", "ds", version).code == code
    assert (ds.files(), ds.tags()) == (before, tags)
    assert ds.argvs("build") == []


def test_existing_environment_is_named(ds: Machine) -> None:
    ended = ds.pydock("create", "ds", "3.12")
    assert "already exists" in ended.err
    assert "pydock delete ds" in ended.err


def test_local_and_global_folders(machine: Machine) -> None:
    machine.ok("--local", "create", "ds", "3.12")
    machine.ok("create", "ds2", "3.12")  # local, because .pydock exists now
    machine.ok("create", "ds", "3.12", "--global")
    assert sorted(path.name for path in (machine.project / ".pydock" / "envs").iterdir()) == ["ds", "ds2"]
    assert [path.name for path in machine.folder("ds").parent.iterdir()] == ["ds"]


def test_local_and_global_environments_of_one_name_have_their_own_images(machine: Machine) -> None:
    machine.ok("--global", "create", "dev", "3.12")
    machine.ok("--local", "create", "dev", "3.8")
    machine.ok("--local", "install", "dev", "six")
    bases = {}
    for mode in ("--global", "--local"):
        assert machine.ok(mode, "run", "dev", "true").err == ""
        [image] = set(machine.argvs("run")[-1]) & set(machine.tags())
        bases[mode] = machine.image(image)["base"]
    assert bases["--global"] == "python:3.12"
    assert bases["--local"].startswith("pydock-dev:")
    machine.ok("--local", "delete", "dev", "--yes")
    machine.ok("--global", "run", "dev", "true")
    assert len(machine.tags()) == 1


def test_name_with_a_dot(machine: Machine) -> None:
    machine.ok("create", "py3.8", "3.8")
    assert machine.tags()[-1] == "pydock-py3.8:latest"
    machine.ok("install", "py3.8", "six")
    machine.ok("run", "py3.8", "true")
    [argv] = machine.argvs("run")
    assert argv[argv.index("--hostname") + 1] == "py3-8"
    assert "py3.8 " in machine.ok("envs").out


def test_own_template_replaces_the_template_of_pydock(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text("FROM {{ repository }}:{{ version }}\n")
    machine.ok("create", "ds", "3.12", PYDOCK_TEMPLATES="mine")
    assert machine.files()["dockerfile"] == b"FROM python:3.12\n"


def test_error_in_own_template_is_named(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text("FROM x\n{% if %}\n")
    ended = machine.pydock("create", "ds", "3.12", PYDOCK_TEMPLATES="mine")
    assert ended.code == 1
    assert "Template dockerfile.j2, line 2" in ended.err
    assert machine.calls() == []


def pull(state: dict[str, dict[str, dict[str, object]]]) -> None:
    """Let the engine have a base image, to compare other images with."""
    state["images"]["sha256:base"] = {
        "tags": ["python:3.12"],
        "labels": {},
        "installed": [],
        "layers": ["sha256:python:3.12"],
        "user": "",
        "base": "",
    }


def test_image_with_the_same_content_is_reused(ds: Machine) -> None:
    ds.change_state(pull)
    ds.ok("create", "twin", "3.12")
    assert ds.argvs("build") == []
    assert ds.image("pydock-twin:latest") == ds.image("pydock-ds:latest")
    ds.ok("run", "twin", "true")
    ds.ok("delete", "ds", "--yes")
    ds.ok("run", "twin", "true")


def test_image_with_the_same_content_is_deleted_meanwhile(ds: Machine) -> None:
    ds.change_state(pull)
    process = ds.start("create", "twin", "3.12", FAKE_DOCKER_PAUSE="tag")
    ds.wait_for_pause()
    ds.ok("delete", "ds", "--yes")
    ds.resume()
    ended = ds.wait(process)
    assert ended.code == 0, ended.err
    ds.ok("run", "twin", "true")
    assert len(ds.argvs("build")) == 1
