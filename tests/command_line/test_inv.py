"""The same commands as tasks of a user's own project, under `inv`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Ended, Machine

TASKS = """\
from invoke import Collection

import pydock

namespace = Collection()
namespace.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"shell": "fish"}}))
"""
REPLACING = """\
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


def test_the_main_job(project: Machine) -> None:
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
    ok(project, "env.delete", "datascience", "--yes")
    assert project.files("datascience") == {}


def test_one_requirement_with_spaces_stays_one(project: Machine) -> None:
    project.given("ds")
    ok(project, "env.install", "ds", "six >= 1.0 ; python_version > '3'")
    assert project.files()["requirements.in"] == b"six >= 1.0 ; python_version > '3'\n"


def test_list_has_every_command(project: Machine) -> None:
    shown = ok(project, "--list").out
    for name in [
        "build",
        "config",
        "create",
        "delete",
        "envs",
        "install",
        "run",
        "shell",
        "uninstall",
        "update",
    ]:
        assert f"env.{name} " in shown
    assert "Make an environment: its folder, its dockerfile and its image." in " ".join(shown.split())
    help_text = ok(project, "--help", "env.create").out
    assert "a requirements file to start from" in " ".join(help_text.split())


def test_an_empty_text_stands_for_what_is_left_out(project: Machine) -> None:
    """invoke asks for every positional argument; only the last command's are all optional."""
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
        ["create", "Bad Name", "3.12"],
        ["create", "ds", "3.12"],
        ["build", "ds"],
        ["delete", "ds"],
    ],
)
def test_errors_are_the_same_under_both_programs(project: Machine, argv: list[str]) -> None:
    project.given("ds")
    trouble = {"FAKE_DOCKER_FAIL": "build:mystery"} if argv[0] == "build" else {}
    ours = project.pydock(*argv, **trouble)
    theirs = project.inv(f"env.{argv[0]}", *argv[1:], **trouble)
    assert ours.code in {1, 2, 125}
    assert (theirs.code, theirs.err) == (ours.code, ours.err)


def test_the_programs_exit_code_is_ours(project: Machine) -> None:
    project.given("ds")
    ended = project.inv("env.run", "ds", "false", FAKE_DOCKER_EXIT="37")
    assert (ended.code, ended.err) == (37, "")


def test_unbalanced_quotes_are_refused(project: Machine) -> None:
    project.given("ds")
    ended = project.inv("env.run", "ds", "echo 'a")
    assert ended.code == 2
    assert "Balance the quotes" in ended.err
    assert project.inv("env.run", "ds", " ").code == 2


def test_dry_and_echo_are_invokes_own(project: Machine) -> None:
    project.given("ds")
    before, tags = project.files(), project.tags()
    ended = ok(project, "--dry", "env.install", "ds", "six")
    assert ended.out.startswith("mkdir -p ")
    assert (project.files(), project.tags(), project.argvs("build")) == (before, tags, [])
    ended = ok(project, "--echo", "env.install", "ds", "six")
    assert [line for line in ended.err.splitlines() if line.startswith("docker build --file ")]


def test_a_parents_table_does_not_lose_our_defaults(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(REPLACING)
    ok(machine, "env.create", "ds", "3.12")
    assert machine.image("pydock-ds:latest")["base"] == "mirror.example/python:3.12"
    assert ok(machine, "mine").out == "mine\n"


def test_settings_of_the_project_lie_over_each_other(project: Machine) -> None:
    project.given("ds")
    (project.home / ".pydock.yaml").write_text("shell: zsh\nuser: notme\n")
    assert _shell(project) == "fish"  # tasks.py
    (project.project / "invoke.yaml").write_text("pydock:\n  shell: tcsh\n")
    assert _shell(project) == "tcsh"
    assert _shell(project, PYDOCK_SHELL="ksh") == "ksh"


def test_the_project_may_name_the_home_folder(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(TASKS.replace('"shell": "fish"', '"home": "."'))
    ok(machine, "env.create", "ds", "3.12")
    assert sorted(path.name for path in (machine.project / "envs" / "ds").iterdir()) == [
        "dockerfile",
        "requirements.txt",
    ]


def test_a_misspelt_setting_of_the_project_is_named(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(TASKS.replace('"shell"', '"engin"'))
    ended = machine.inv("env.envs")
    assert ended.code == 2
    assert "tasks.py or invoke.yaml has a setting 'engin'" in ended.err
    assert "Did you mean 'engine'?" in ended.err


def test_our_own_tasks_file_works(machine: Machine) -> None:
    """The collection as this project's own tasks.py has it, beside tasks that are not pydock's."""
    (machine.project / "tasks.py").write_text(
        'from invoke import Collection\nimport pydock\nnamespace = Collection.from_module(pydock, name="x")\n'
    )
    ok(machine, "create", "ds", "3.12")
    assert shlex.split(ok(machine, "--dry", "run", "ds", "true").out)[:2] == ["docker", "run"]


def _shell(machine: Machine, **variables: str) -> str:
    ok(machine, "env.shell", "ds", **variables)
    return str(machine.argvs("run")[-1][-1])
