"""The commands as invoke tasks of a user's own project."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from pydock.commands.namespace import COMMANDS

if TYPE_CHECKING:
    from .conftest import Ended, Machine

TASKS = """\
from invoke import Collection

import pydock

namespace = Collection()
namespace.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"shell": "fish"}}))
"""
WITH_CONFIGURED_PARENT = """\
from invoke import Collection, task

import pydock


@task
def mine(c):
    print("mine")


namespace = Collection(mine)
namespace.add_collection(Collection.from_module(pydock, name="env"))
namespace.configure({"pydock": {"repository": "mirror.example/python"}})
"""


@pytest.fixture
def project(machine: Machine) -> Machine:
    (machine.project / "tasks.py").write_text(TASKS)
    return machine


def ok(machine: Machine, *argv: str, **variables: str) -> Ended:
    ended = machine.inv(*argv, **variables)
    assert ended.code == 0, ended
    return ended


def test_all_commands_run_under_inv(project: Machine) -> None:
    ok(project, "env.create", "datascience", "3.8")
    assert ok(project, "env.install", "datascience", "six requests>=2").out == (
        "+ requests==2.31.0\n+ six==1.16.0\n"
    )
    assert project.files("datascience")["requirements.in"] == b"six\nrequests>=2\n"
    ok(project, "env.run", "datascience", "python -c 'print(\"a  b $HOME\")'")
    assert project.argvs("run")[-1][-3:] == ["python", "-c", 'print("a  b $HOME")']
    ok(project, "env.shell", "datascience")
    assert project.argvs("run")[-1][-1] == "fish"
    assert "datascience  3.8" in ok(project, "env.envs").out
    ok(project, "env.uninstall", "datascience", "six")
    ok(project, "env.update", "datascience")
    ok(project, "env.build", "datascience", "--no-cache")
    assert "installer" in ok(project, "env.config").out
    assert "pydock-datascience" in ok(project, "env.envs", "--all").out
    assert "no settings that need your trust" in ok(project, "env.trust").err
    assert ok(project, "env.clean", "--yes").err == "Nothing to clean.\n"
    ok(project, "env.delete", "datascience", "--yes")
    assert project.files("datascience") == {}


def test_requirement_with_spaces_is_one_requirement(project: Machine) -> None:
    project.add_environment("ds")
    ok(project, "env.install", "ds", "six >= 1.0 ; python_version > '3'")
    assert project.files()["requirements.in"] == b"six >= 1.0 ; python_version > '3'\n"


def test_inv_list_shows_every_command(project: Machine) -> None:
    shown = ok(project, "--list").out
    for task in COMMANDS:
        assert f"env.{task.name} " in shown
    assert "Create an environment: its folder, its dockerfile and its image." in " ".join(shown.split())
    help_text = ok(project, "--help", "env.create").out
    assert "a requirements file to install" in " ".join(help_text.split())


def test_empty_text_is_a_missing_argument(project: Machine) -> None:
    """invoke requires every positional argument, except those of the last command."""
    (project.project / "reqs.txt").write_text("six\n")
    ok(project, "env.create", "ds", "", "--base", "debian:12")
    ok(project, "env.install", "ds", "", "--requirement", "reqs.txt")
    ok(project, "env.update", "ds")
    assert project.files()["requirements.txt"] == b"six==1.16.0\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["run", "nosuch", "true"],
        ["install", "ds", "nosuchpackage"],
        ["install", "pandas"],
        ["install", "six", "ds"],
        ["install", "ds", "requirements.txt"],
        ["create", "3.12", "dev"],
        ["remove", "nosuch"],
        ["freeze", "nosuch"],
        ["create", "Bad Name", "3.12"],
        ["create", "ds", "3.12"],
        ["build", "ds"],
        ["delete", "ds"],
    ],
)
def test_errors_are_the_same_under_inv(project: Machine, argv: list[str]) -> None:
    project.add_environment("ds")
    failure = {"FAKE_DOCKER_FAIL": "build:layer-missing"} if argv[0] == "build" else {}
    by_pydock = project.pydock(*argv, **failure)
    by_inv = project.inv(f"env.{argv[0]}", *argv[1:], **failure)
    assert by_pydock.code in {1, 2, 125}
    advice = by_pydock.err.replace("`pydock ", "`inv env.")
    assert (by_inv.code, _without_log(by_inv.err)) == (by_pydock.code, _without_log(advice))


def _without_log(message: str) -> str:
    """Return a message without the name of the log, which has the time in it."""
    return re.sub(r"\S+\.log", "LOG", message)


def test_exit_code_of_the_command_is_passed_on(project: Machine) -> None:
    project.add_environment("ds")
    ended = project.inv("env.run", "ds", "false", FAKE_DOCKER_EXIT="37")
    assert (ended.code, ended.err) == (37, "")


def test_invalid_command_is_refused(project: Machine) -> None:
    project.add_environment("ds")
    ended = project.inv("env.run", "ds", "echo 'a")
    assert ended.code == 2
    assert "Check the quotes" in ended.err
    ended = project.inv("env.run", "ds", " ")
    assert ended.code == 2
    assert "A command is required" in ended.err


def test_dry_and_echo_of_inv_work(project: Machine) -> None:
    project.add_environment("ds")
    before, tags = project.files(), project.tags()
    ended = ok(project, "--dry", "env.install", "ds", "six")
    assert ended.out.startswith("mkdir -p ")
    assert (project.files(), project.tags(), project.argvs("build")) == (before, tags, [])
    ended = ok(project, "--echo", "env.install", "ds", "six")
    assert [line for line in ended.err.splitlines() if line.startswith("docker build --file ")]


def test_configuration_of_the_parent_collection_keeps_the_defaults(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(WITH_CONFIGURED_PARENT)
    ok(machine, "env.create", "ds", "3.12")
    assert machine.image("pydock-ds:latest")["base"] == "mirror.example/python:3.12"
    assert ok(machine, "mine").out == "mine\n"


def test_order_of_the_project_settings(project: Machine) -> None:
    project.add_environment("ds")
    (project.home / ".pydock.yaml").write_text("shell: zsh\nuser: notme\n")
    assert _shell(project) == "fish"  # tasks.py
    (project.project / "invoke.yaml").write_text("pydock:\n  shell: tcsh\n")
    assert _shell(project) == "tcsh"
    assert _shell(project, PYDOCK_SHELL="ksh") == "ksh"


def test_home_folder_of_the_project_settings(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(TASKS.replace('"shell": "fish"', '"home": "."'))
    ok(machine, "env.create", "ds", "3.12")
    assert sorted(path.name for path in (machine.project / "envs" / "ds").iterdir()) == [
        "dockerfile",
        "requirements.txt",
    ]


def test_unknown_setting_of_the_project_is_named(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(TASKS.replace('"shell"', '"engin"'))
    ended = machine.inv("env.envs")
    assert ended.code == 2
    assert ended.err.startswith("tasks.py or invoke.yaml: unknown setting 'engin'. Did you mean 'engine'?")


def test_collection_as_the_only_namespace(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(
        'from invoke import Collection\nimport pydock\nnamespace = Collection.from_module(pydock, name="x")\n'
    )
    ok(machine, "create", "ds", "3.12")
    assert shlex.split(ok(machine, "--dry", "run", "ds", "true").out)[:2] == ["docker", "run"]


def _shell(machine: Machine, **variables: str) -> str:
    ok(machine, "env.shell", "ds", **variables)
    return str(machine.argvs("run")[-1][-1])
