"""Command lines of people who know pip, virtualenv, conda or docker: they work, or the answer names the command."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from .conftest import PYDOCK

if TYPE_CHECKING:
    from .conftest import Ended, Machine


@pytest.fixture
def two(ds: Machine) -> Machine:
    """Return a machine with the environments `ds` and `py3.8`."""
    ds.add_environment("py3.8")
    return ds


def refused(machine: Machine, line: str, **variables: str) -> Ended:
    """Run a command line that is refused with a short message, before anything is touched."""
    before, tags = machine.home_and_project(), machine.tags()
    ended = machine.pydock(*shlex.split(line), **variables)
    assert ended.code in {1, 2}, ended
    assert ended.out == ""
    assert len(ended.err.splitlines()) <= 12
    assert (machine.home_and_project(), machine.tags()) == (before, tags)
    assert machine.calls() == []
    return ended


@pytest.mark.parametrize(
    ("line", "code", "suggestion"),
    [
        ("install pandas", 1, "`pydock install ds pandas`"),
        ("install pandas numpy", 1, "`pydock install ds pandas numpy`"),
        ("install 'pandas>=2'", 1, "`pydock install ds 'pandas>=2'`"),
        ("install 'pandas[excel] >= 2'", 1, "`pydock install ds 'pandas[excel] >= 2'`"),
        ("install six ds", 1, "`pydock install ds six`"),
        ("install six ds requests", 1, "`pydock install ds six requests`"),
        ("uninstall six ds", 1, "`pydock uninstall ds six`"),
        ("update six ds", 1, "`pydock update ds six`"),
        ("install -r reqs.txt", 2, "`pydock install NAME -r reqs.txt`"),
        ("install --upgrade", 2, "`pydock install NAME --upgrade`"),
        ("install ds reqs.txt", 2, "`pydock install ds -r reqs.txt`"),
        ("install ds requirements.txt", 2, "`pydock install ds -r requirements.txt`"),
        ("install ds six dev.in", 2, "`pydock install ds -r dev.in`"),
        ("create 3.12 ds", 2, "`pydock create ds 3.12`"),
        ("create 3.12-slim dev", 2, "`pydock create dev 3.12-slim`"),
        ("create 3.12", 2, "`pydock create NAME 3.12`"),
        ("create --base debian:12", 2, "`pydock create NAME --base debian:12`"),
        ("ds", 2, "`pydock shell ds`"),
        ("ds python -V", 2, "`pydock run ds python -V`"),
        ("--global ds python", 2, "`pydock run ds python`"),
        ("run ds", 2, "`pydock run ds python`"),
        ("run ds --", 2, "`pydock run ds python`"),
        ("exec ds", 2, "`pydock shell ds`"),
        ("run python", 2, "`pydock run NAME python`"),
        ("run --", 2, "`pydock run NAME COMMAND`"),
        ("delete --yes", 2, "`pydock delete NAME --yes`"),
        ("remove ds pandas", 2, "`pydock uninstall ds pandas`"),
        ("rm ds pandas", 2, "`pydock uninstall ds pandas`"),
        ("add ds six", 2, "`pydock install NAME PACKAGE`"),
        ("status ds", 2, "`pydock info NAME`"),
        ("inspect ds", 2, "`pydock info NAME`"),
        ("check", 2, "`pydock doctor`"),
        ("upgrade ds", 2, "`pydock update NAME [PACKAGE]`"),
        ("version", 2, "`pydock --version`"),
        ("help instal", 2, "Did you mean 'install'"),
        ("list ds --all", 2, "--all"),
        ("packages ds --format xml", 2, "Use one of: columns, freeze, json."),
    ],
)
def test_answer_names_the_command(ds: Machine, line: str, code: int, suggestion: str) -> None:
    for name in ("reqs.txt", "dev.in"):
        (ds.project / name).write_text("six\n")
    ended = refused(ds, line)
    assert ended.code == code
    assert suggestion in ended.err


def test_answer_without_any_environment(machine: Machine) -> None:
    ended = refused(machine, "install pandas numpy")
    assert "none exists there yet" in ended.err
    assert "`pydock create NAME 3.12`, then `pydock install NAME pandas numpy`" in ended.err


def test_answer_with_several_environments_lists_them(two: Machine) -> None:
    ended = refused(two, "install pandas")
    assert "Environments there: ds, py3.8." in ended.err
    assert "`pydock install NAME pandas`" in ended.err


def test_similar_environment_is_more_likely_than_a_package(ds: Machine) -> None:
    ended = refused(ds, "install dss six")
    assert "Did you mean 'ds'?" in ended.err
    assert "package" not in ended.err


@pytest.mark.parametrize(("name", "similar"), [("Ds", "ds"), ("my env", "my-env")])
def test_invalid_name_is_still_explained(ds: Machine, name: str, similar: str) -> None:
    ended = refused(ds, f"install '{name}' six")
    assert ended.code == 2
    assert ended.err.startswith(f"Invalid environment name '{name}'.")
    assert f"Try '{similar}'." in ended.err


@pytest.mark.parametrize(
    ("flag", "variables", "advice"),
    [
        ("", {}, "use --global, or set PYDOCK_MODE=global"),
        ("--local", {}, "use --global"),
        ("", {"PYDOCK_MODE": "local"}, "use --global"),
    ],
)
@pytest.mark.parametrize("command", ["run ds true", "shell ds", "install ds six", "delete ds --yes"])
def test_environment_of_the_global_mode(
    ds: Machine, command: str, flag: str, variables: dict[str, str], advice: str
) -> None:
    (ds.project / ".pydock").mkdir()
    ended = refused(ds, f"{flag} {command}", **variables)
    assert f"There is one in {ds.home}/.pydock (global mode): {advice}" in ended.err
    assert "create" not in ended.err


@pytest.mark.parametrize(
    ("line", "below", "advice"),
    [
        ("--global run ds true", ".", "use --local, or set PYDOCK_MODE=local"),
        ("--global run ds true", "sub", "leave out --global"),
        ("--local run ds true", "sub", "leave out --local"),
    ],
)
def test_environment_of_the_local_mode(ds: Machine, line: str, below: str, advice: str) -> None:
    (ds.home / ".pydock").rename(ds.project / ".pydock")
    (ds.project / "sub").mkdir()
    ended = ds.run(["sh", "-c", f'cd {below} && exec "$@"', "sh", *PYDOCK, *line.split()])
    assert (ended.code, ended.out) == (1, "")
    assert f"There is one in {ds.project}/.pydock (local mode): {advice}." in ended.err


@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("python3.12", "3.12"),
        ("py312", "3.12"),
        ("py3.12", "3.12"),
        ("python:3.12", "3.12"),
        ("python=3.12", "3.12"),
        ("python==3.12.4", "3.12.4"),
        ("python:3.12-slim", "3.12-slim"),
        ("cpython@3.12", "3.12"),
        ("python3", "3"),
        ("3", "3"),
        ("3.12", "3.12"),
    ],
)
def test_version_as_other_tools_write_it(machine: Machine, version: str, tag: str) -> None:
    assert f"\nARG VERSION={tag}\n" in machine.ok("--dry", "create", "ds", version).out


def test_tags_of_another_repository_are_left_alone(machine: Machine) -> None:
    ended = machine.ok("--dry", "create", "ds", "python3.12", PYDOCK_REPOSITORY="mirror.example/uv")
    assert "\nARG VERSION=python3.12\n" in ended.out


@pytest.mark.parametrize(("name", "tag"), [("3.12", "slim"), ("3.12", "3.13"), ("py3", "slim")])
def test_name_that_looks_like_a_version(machine: Machine, name: str, tag: str) -> None:
    assert f"\nARG VERSION={tag}\n" in machine.ok("--dry", "create", name, tag).out


@pytest.mark.parametrize("options", [[], ["--echo"]], ids=["fast", "task"])
@pytest.mark.parametrize(
    "words", [["run", "ds", "--"], ["run", "--", "ds"], ["exec", "ds"], ["exec", "--global", "ds", "--"]]
)
def test_run_with_a_separator_or_as_exec(ds: Machine, options: list[str], words: list[str]) -> None:
    ds.ok(*options, *words, "python", "--", "-V")
    [argv] = ds.argvs("run")
    assert argv[-4:] == ["sh", "python", "--", "-V"]


@pytest.mark.parametrize("options", [[], ["--echo"]], ids=["fast", "task"])
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nosuch"], 127, "Command 'nosuch' not found in environment 'ds'."),
        (["./nosuch"], 127, "Command './nosuch' not found in environment 'ds'."),
        (["no such\n%s`id`$(id)'\""], 127, "Command 'no such\n%s`id`$(id)'\"' not found"),
        ([""], 127, "Command '' not found in environment 'ds'."),
        (["-x"], 127, "Command '-x' not found in environment 'ds'."),
        (["./text"], 126, "'./text' is not an executable file. For a script: `pydock run ds python ./text`."),
        (["/"], 126, "'/' is not an executable file."),
        (["true"], 0, ""),
        (["./script"], 5, ""),
        (["sh", "-c", "exit 127"], 127, ""),
        (["sh", "-c", "exit 126"], 126, ""),
    ],
)
def test_command_that_cannot_be_started(
    ds: Machine, options: list[str], words: list[str], code: int, message: str
) -> None:
    """What the container would run is run here."""
    (ds.project / "text").write_text("text\n")
    (ds.project / "script").write_text("#!/bin/sh\nexit 5\n")
    (ds.project / "script").chmod(0o755)
    ds.ok(*options, "run", "ds", *words)
    [argv] = ds.argvs("run")
    inside = argv[argv.index("/bin/sh") :]
    for shell in ("dash", "bash"):
        done = subprocess.run(
            [shell, *inside[1:]], capture_output=True, text=True, cwd=ds.project, check=False
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(message)
        assert bool(done.stderr) == bool(message)
        assert done.stderr.count("\n") == bool(message) + words[0].count("\n")


def test_advice_in_the_container_is_for_inv_under_inv(ds: Machine) -> None:
    (ds.project / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\n"
        'namespace = Collection()\nnamespace.add_collection(Collection.from_module(pydock, name="env"))\n'
    )
    assert ds.inv("env.exec", "ds", "nosuch").code == 0
    [argv] = ds.argvs("run")
    done = subprocess.run(argv[argv.index("/bin/sh") :], capture_output=True, text=True, check=False)
    assert "`inv env.install ds PACKAGE`" in done.stderr
    assert "pydock" not in done.stderr


def test_other_names_of_commands(two: Machine) -> None:
    assert two.ok("ls").out == two.ok("list").out == two.ok("envs").out
    assert two.ok("-V").out == two.ok("--version").out
    two.ok("rm", "ds", "--yes")
    two.ok("remove", "py3.8", "-y")
    assert [path.name for path in two.folder("ds").parent.iterdir()] == []


def test_install_with_upgrade(machine: Machine) -> None:
    machine.add_environment("ds", "numpy==1.26.0", "six==1.15.0", requested="numpy\nsix\n")
    assert machine.ok("install", "ds", "-U", "six").out == "- six==1.15.0\n+ six==1.16.0\n"
    assert machine.pins() == ["numpy==1.26.0", "six==1.16.0"]
    machine.assert_consistent()


def test_install_with_upgrade_of_new_and_installed_packages(machine: Machine) -> None:
    machine.add_environment("ds", "numpy==1.26.0", "six==1.15.0", requested="numpy\nsix\n")
    ended = machine.ok("install", "--upgrade", "ds", "requests", "six")
    assert ended.out == "+ requests==2.31.0\n- six==1.15.0\n+ six==1.16.0\n"
    assert machine.files()["requirements.in"] == b"numpy\nsix\nrequests\n"
    assert machine.pins() == ["numpy==1.26.0", "requests==2.31.0", "six==1.16.0"]
    machine.assert_consistent()


def test_install_with_upgrade_records_a_dependency_as_requested(machine: Machine) -> None:
    machine.add_environment("ds", "pandas==2.2.1", "six==1.15.0", requested="pandas\n")
    machine.ok("install", "ds", "-U", "six")
    assert machine.files()["requirements.in"] == b"pandas\nsix\n"
    assert "six==1.16.0" in machine.pins()
