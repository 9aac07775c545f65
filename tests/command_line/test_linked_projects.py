"""`install -e PATH` and `create -e PATH`: what the engine is told, and what is recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line.conftest import Ended, Machine


@pytest.fixture
def linked(machine: Machine) -> Machine:
    """Return a machine with an environment `ds`, whose working directory is a Python project."""
    (machine.project / "pyproject.toml").write_text("")
    machine.ok("create", "ds", "3.12")
    return machine


def name_of(machine: Machine) -> str:
    return machine.project.name


def requested(machine: Machine) -> list[str]:
    return (machine.folder("ds") / "requirements.in").read_text().splitlines()


def folder(machine: Machine) -> Path:
    return machine.project.resolve()


def line_for(machine: Machine, extras: str = "") -> str:
    """Return the line of requirements.in for the project."""
    path = os.path.relpath(folder(machine), machine.folder("ds").resolve())
    return f"-e {path}{extras}  # {name_of(machine)}"


def option(argv: list[str], name: str) -> list[str]:
    return [value for word, value in zip(argv, argv[1:]) if word == name]


def test_install_builds_the_wheel_in_the_project(linked: Machine) -> None:
    linked.forget_calls()
    linked.ok("install", "ds", "-e", ".[test]", "six")
    assert requested(linked) == ["six", line_for(linked, "[test]")]
    assert linked.pins() == ["six==1.16.0"]
    [argv] = linked.argvs("run")
    assert option(argv, "--workdir") == [str(folder(linked))]
    assert f"type=bind,source={folder(linked)},target={folder(linked)}" in option(argv, "--mount")
    assert argv[-4:-2] == ["python3", "-c"]
    assert "--interactive" not in argv
    context = linked.builds()[-1]["context"]
    wheel = f"{name_of(linked)}-1.0-py3-none-any.whl"
    assert context["wanted.txt"]["text"] == f"six\n{name_of(linked)}[test] @ file:///requirements/{wheel}\n"
    assert context["links"]["text"] == f"{name_of(linked)}\t{folder(linked)}\n"
    assert context[wheel]["text"].startswith("PK")


def test_runs_have_the_project_in_its_place(linked: Machine) -> None:
    linked.ok("install", "ds", "-e", ".")
    linked.forget_calls()
    linked.ok("run", "ds", "pytest")
    [argv] = linked.argvs("run")
    assert option(argv, "--workdir") == [str(folder(linked))]
    assert f"type=bind,source={folder(linked)},target={folder(linked)}" in option(argv, "--mount")


def test_other_commands_keep_the_link(linked: Machine) -> None:
    linked.ok("install", "ds", "-e", ".")
    linked.forget_calls()
    linked.ok("install", "ds", "six")
    assert linked.argvs("run") == [], "the wheel of the last time is used"
    linked.ok("uninstall", "ds", "six")
    linked.ok("update", "ds")
    linked.ok("update", "ds", name_of(linked))
    linked.ok("build", "ds")
    assert requested(linked) == [line_for(linked)]
    assert len(linked.argvs("run")) == 4
    assert "link.sh" in linked.builds()[-1]["dockerfile"]
    linked.assert_consistent()
    shown = linked.ok("packages", "ds").out
    assert name_of(linked) in shown
    assert str(folder(linked)) in shown
    linked.ok("uninstall", "ds", name_of(linked))
    assert requested(linked) == []


def test_create_links(machine: Machine) -> None:
    (machine.project / "pyproject.toml").write_text("")
    machine.ok("create", "ds", "3.12", "-e", ".")
    assert requested(machine) == [line_for(machine)]


def unchanged(machine: Machine, ended: Ended, *words: str) -> None:
    assert ended.code == 1, ended
    assert all(word in ended.err for word in words), ended
    assert len(ended.err.splitlines()) <= 16
    assert not (machine.folder("ds") / "requirements.in").exists()
    machine.assert_consistent()


def test_failing_backend(linked: Machine) -> None:
    ended = linked.pydock("install", "ds", "-e", ".", FAKE_DOCKER_EXIT="3")
    unchanged(linked, ended, "could not be linked", "the build backend talks", "The full log is in")


@pytest.mark.parametrize("called", [True, False])
def test_compiler_that_setup_py_hides(linked: Machine, called: bool) -> None:
    """A setup.py that tries again without its extension prints no reason, only that it calls the compiler."""
    lines = [
        "gcc -fPIC -c fast.c -o fast.o" if called else "running egg_info",
        "error: Cannot update time stamp",
    ]
    said = "\n".join([*lines, "missing compiler: gcc"])
    ended = linked.pydock("install", "ds", "-e", ".", FAKE_DOCKER_EXIT="1", FAKE_DOCKER_SAYS=said)
    unchanged(linked, ended, "could not be linked")
    cure = "`pydock install ds --system build-essential`"
    assert ("gcc is missing" in ended.err and cure in ended.err) == called
    assert ("Cannot update time stamp" in ended.err) != called
    assert "missing compiler" not in ended.err


@pytest.mark.parametrize(
    "output", ["nonsense", "../../x-1.0-py3-none-any.whl\nd2hl", "x-1.0-py3-none-any.whl\n="]
)
def test_backend_that_makes_no_wheel(linked: Machine, output: str) -> None:
    ended = linked.pydock("install", "ds", "-e", ".", FAKE_DOCKER_WHEEL=output)
    unchanged(linked, ended, "made no wheel")


def test_lost_wheel_is_built_again(linked: Machine) -> None:
    linked.ok("install", "ds", "-e", ".")
    [wheel] = linked.home.glob(".local/state/pydock/wheels/*/*.whl")
    wheel.unlink()
    linked.forget_calls()
    linked.ok("install", "ds", "six")
    assert len(linked.argvs("run")) == 1


def test_dry_shows_every_step(linked: Machine) -> None:
    before = linked.files()
    linked.forget_calls()
    shown = linked.ok("--dry", "install", "ds", "-e", ".").out
    assert "build_editable" in shown
    assert "increment.sh" in shown
    assert not linked.argvs("run") + linked.argvs("build")
    assert linked.files() == before


def test_link_to_another_place_needs_a_build(linked: Machine) -> None:
    linked.ok("install", "ds", "-e", ".")
    other = linked.project / "other"
    other.mkdir()
    (other / "setup.py").write_text("")
    requirements = linked.folder("ds") / "requirements.in"
    requirements.write_text(requirements.read_text().replace("  #", "/other  #"))
    ended = linked.ok("run", "ds", "true")
    assert "pydock build ds" in ended.err
    linked.ok("build", "ds")
    assert "pydock build" not in linked.ok("run", "ds", "true").err
    (other / "setup.py").unlink()
    other.rmdir()
    ended = linked.pydock("run", "ds", "true")
    assert ended.code == 1
    assert f"{other.resolve()} was not found" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-e", "nowhere"], "folder nowhere not found"),
        (["-e", "data"], "no pyproject.toml and no setup.py"),
        (["-e", ".", "--pre"], "Unrecognized arguments"),
        (["file:."], "is a local path"),
    ],
)
def test_refused_before_anything_is_touched(linked: Machine, words: list[str], message: str) -> None:
    (linked.project / "data").mkdir()
    linked.forget_calls()
    ended = linked.pydock("install", "ds", *words)
    assert ended.code == 2
    assert message in ended.err
    assert not linked.argvs("run") + linked.argvs("build")


@pytest.mark.parametrize("words", [("install", "ds", "-e", "."), ("build", "ds")])
def test_an_engine_on_another_machine_cannot_link(linked: Machine, words: tuple[str, ...]) -> None:
    if words[0] == "build":
        linked.ok("install", "ds", "-e", ".")
    linked.forget_calls()
    ended = linked.pydock(*words, DOCKER_HOST="tcp://192.0.2.1:2375")
    assert ended.code == 125
    assert f"cannot mount {folder(linked)}" in ended.err
    assert not linked.argvs("run") + linked.argvs("build")
