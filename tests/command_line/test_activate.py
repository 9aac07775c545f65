"""`activate`, `expose` and `shell-hook`: what is written where, when it is written again, and what its programs call."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "ruff==0.1", "dependency==1.0", requested="ruff\n")
    return machine


def facade(machine: Machine) -> Path:
    """Return the folder that VIRTUAL_ENV names; there is one."""
    [owner] = (machine.home / ".pydock" / "venvs").iterdir()
    return owner / "ds"


def activated(machine: Machine, script: str, **variables: str) -> str:
    """Run a script in a shell where the environment is active; return its output."""
    code = machine.ok("activate", "ds").out
    ended = machine.run(["sh", "-euc", f"{code}\n{script}"], variables)
    assert ended.code == 0, ended
    return ended.out


def last_run(machine: Machine) -> list[str]:
    return machine.argvs("run")[-1]


def test_activate_prints_one_line_and_asks_the_image_once(ds: Machine) -> None:
    first, again = ds.ok("activate", "ds"), ds.ok("activate", "ds")
    assert first.out == again.out == f". '{facade(ds)}/bin/activate'\n"
    assert len(ds.argvs("run")) == 1
    assert (facade(ds) / "lib/python3.12/site-packages/module.py").read_text() == "x = 1\n"
    assert (facade(ds).parent.stat().st_mode & 0o777, first.err) == (0o700, "")


@pytest.mark.parametrize(
    ("shell", "printed"),
    [
        ("fish", "source '{}/bin/activate.fish'\n"),
        ("direnv", "export VIRTUAL_ENV='{}' VIRTUAL_ENV_PROMPT=ds; PATH_add '{}/bin'\n"),
        ("zsh", ". '{}/bin/activate'\n"),
    ],
)
def test_other_shells(ds: Machine, shell: str, printed: str) -> None:
    assert ds.ok("activate", "ds", "--shell", shell).out == printed.replace("{}", str(facade(ds)))


def test_shell_is_detected(ds: Machine) -> None:
    pydock = f"{shlex.quote(sys.executable)} -m pydock activate ds"
    assert "activate.fish" in ds.ok("activate", "ds", SHELL="/usr/bin/fish").out
    if shutil.which("zsh"):
        ended = ds.run(["zsh", "-fc", f"({pydock}); true"], {"SHELL": "/usr/bin/fish"})
        assert ended.out.startswith(". ")


def test_unknown_shells(ds: Machine) -> None:
    for argv in (["activate", "ds", "--shell", "tcsh"], ["shell-hook", "csh"]):
        ended = ds.pydock(*argv)
        assert (ended.code, ended.out) == (2, "false\n" if argv[0] == "activate" else "")
        assert "Unknown shell" in ended.err
    assert ds.argvs() == []


def test_on_a_terminal_it_says_what_to_type(ds: Machine) -> None:
    assert 'eval "$(pydock activate ds)"' in ds.in_terminal(b"", "activate", "ds", "--shell", "bash")[1]
    assert "pydock activate ds | source" in ds.in_terminal(b"", "activate", "ds", "--shell", "fish")[1]


def test_programs_call_run_with_the_paths_of_this_machine(ds: Machine) -> None:
    here = os.path.realpath(ds.project)
    out = activated(ds, "python -c 'print(1)' 'a  b' ''; printf '%s' \"$VIRTUAL_ENV\"")
    argv = last_run(ds)
    assert argv[-5:] == ["python", "-c", "print(1)", "a  b", ""]
    assert argv[argv.index("--workdir") + 1] == here
    mount = f"type=bind,source={facade(ds).parent}/.inside,target={facade(ds)},readonly"
    assert mount in argv
    assert f"export VIRTUAL_ENV='{facade(ds)}'; PATH=$VIRTUAL_ENV/bin:$PATH; " in argv[-7]
    assert out == str(facade(ds))


def test_variables_for_python_are_passed(ds: Machine) -> None:
    activated(ds, "ruff check", PYTHONPATH="/x", PYTHONHOME="", OTHER="1")
    argv = last_run(ds)
    assert "PYTHONPATH" in argv
    assert not {"PYTHONHOME", "OTHER"} & set(argv)


@pytest.mark.parametrize("words", [["run", "ds", "python"], ["--global", "run", "ds", "python"]])
def test_plain_runs_do_not_have_the_facade(ds: Machine, words: list[str]) -> None:
    ds.ok("activate", "ds")
    ds.ok(*words)
    assert "VIRTUAL_ENV" not in str(last_run(ds))


def test_environment_of_a_project_is_found_from_everywhere(machine: Machine) -> None:
    machine.ok("--local", "create", "ds", "3.12")
    activated(machine, "cd /; python -V")
    assert last_run(machine)[-2:] == ["python", "-V"]


def test_pip_is_pydock_s(ds: Machine) -> None:
    ds.ok("activate", "ds")
    for words in ("pip", "python -m pip", "python3 -m pip"):
        text = (facade(ds) / "bin" / words.split()[0]).read_text()
        assert 'pip ds "$@"' in text or "pip 'ds' \"$@\"" in text


def test_pydock_itself_ignores_programs_of_the_facade(ds: Machine) -> None:
    """A package with a script of the name `docker` would otherwise be our engine."""
    ds.ok("activate", "ds")
    (facade(ds) / "bin" / "docker").write_text('#!/bin/sh\ntouch "$HOME/hurt"\n')
    (facade(ds) / "bin" / "docker").chmod(0o755)
    activated(ds, "python -V; pydock run ds true; python3 -m pydock envs >/dev/null")
    assert not (ds.home / "hurt").exists()


def test_install_renews_what_is_on_the_path(ds: Machine) -> None:
    ds.ok("activate", "ds")
    changed = json.dumps(
        {
            "version": "3.12.4",
            "executable": "/usr/local/bin/python3.12",
            "programs": ["python3"],
            "scripts": {"black": ["/usr/local/bin/black", "black"]},
            "packages": [],
        }
    )
    ds.ok("install", "ds", "six", FAKE_DOCKER_PYTHON=changed)
    assert (facade(ds) / "bin" / "black").exists()
    assert not (facade(ds) / "bin" / "ruff").exists()


def test_environments_that_were_never_activated_cost_nothing(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    assert ds.argvs("run") == []
    assert not (ds.home / ".pydock" / "venvs").exists()


def test_answer_that_cannot_be_read_does_not_fail_an_install(ds: Machine) -> None:
    ds.ok("activate", "ds")
    ended = ds.ok("install", "ds", "six", FAKE_DOCKER_PYTHON="nonsense")
    assert "`pydock activate ds` tries again" in ended.err
    assert "six==1.16.0" in ds.pins()


def test_failure_of_the_image_s_python(ds: Machine) -> None:
    ended = ds.pydock("activate", "ds", FAKE_DOCKER_EXIT="3")
    assert (ended.code, ended.out) == (1, "false\n")
    assert "could not be listed (exit code 3)" in ended.err


def test_image_that_is_missing(ds: Machine) -> None:
    ds.remove_images()
    ended = ds.pydock("activate", "ds")
    assert (ended.code, ended.out) == (125, "false\n")
    assert "`pydock build ds`" in ended.err


def test_packages_are_not_copied_if_not_wanted(ds: Machine) -> None:
    ds.ok("activate", "ds")
    ds.ok("activate", "ds", PYDOCK_HOST_PACKAGES="false")
    assert "--mount" not in last_run(ds)
    assert not (facade(ds) / "lib" / "python3.12").exists()


def test_delete_removes_it(ds: Machine) -> None:
    ds.ok("activate", "ds")
    ds.ok("expose", "ds", "ruff")
    ds.ok("delete", "ds", "--yes")
    assert list((ds.home / ".pydock" / "venvs").iterdir()) == []
    assert list((ds.home / ".local" / "bin").iterdir()) == []


def test_clean_removes_those_of_environments_that_are_gone(ds: Machine) -> None:
    ds.ok("install", "ds", "six")  # which records the folder
    ds.ok("activate", "ds")
    ds.ok("clean", "--yes")
    assert facade(ds).exists()
    shutil.rmtree(ds.folder("ds"))
    ds.ok("clean", "--yes")
    assert list((ds.home / ".pydock" / "venvs").iterdir()) == []


def test_what_a_killed_command_left_is_removed(ds: Machine) -> None:
    ds.ok("activate", "ds")
    owner = facade(ds).parent
    (owner / ".packages").mkdir()
    (owner / ".made-of").unlink()
    ds.ok("activate", "ds")
    assert sorted(os.listdir(owner)) == [".inside", ".made-of", "ds"]


def test_rename_removes_it(ds: Machine) -> None:
    ds.ok("activate", "ds")
    ds.ok("expose", "ds", "ruff")
    ended = ds.ok("rename", "ds", "other")
    assert "`pydock expose other ruff` exposes them again" in ended.err
    assert list((ds.home / ".pydock" / "venvs").iterdir()) == []
    assert list((ds.home / ".local" / "bin").iterdir()) == []


def test_dry_run_writes_nothing(ds: Machine) -> None:
    before = ds.home_and_project()
    ds.ok("--dry", "activate", "ds")
    ds.ok("--dry", "expose", "ds")
    assert ds.home_and_project() == before


def test_folder_of_another_user_is_refused(ds: Machine) -> None:
    ds.ok("activate", "ds")
    owner = facade(ds).parent
    owner.chmod(0o777)
    ended = ds.run([str(facade(ds) / "bin" / "python"), "-V"])
    assert ended.code == 1
    assert "can be changed by other users" in ended.err


# ---- expose ------------------------------------------------------------------------------------


def test_expose_what_was_installed_by_name(ds: Machine) -> None:
    ended = ds.ok("expose", "ds")
    programs = ds.home / ".local" / "bin"
    assert os.listdir(programs) == ["ruff"]
    assert f'export PATH="{programs}:$PATH"' in ended.err
    assert "is not on PATH" not in ds.ok("expose", "ds", PATH=f"{programs}:{ds.environ['PATH']}").err
    listed = json.loads(ds.ok("expose", "--list", "--json").out)
    assert [(one["command"], one["environment"]) for one in listed] == [("ruff", "ds")]


def test_exposed_command_needs_no_environment_variables(ds: Machine) -> None:
    ds.ok("expose", "ds", "ruff", "--to", "programs")
    path = f"{ds.bin}:/usr/bin:/bin"
    done = subprocess.run(
        [
            "env",
            "-i",
            f"HOME={ds.home}",
            f"PATH={path}",
            "PYDOCK_USER=me",
            ds.project / "programs" / "ruff",
            "check",
            "a  b",
        ],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert last_run(ds)[-3:] == ["ruff", "check", "a  b"]


def test_expose_refuses_before_it_writes(ds: Machine) -> None:
    ds.ok("expose", "ds", "helper")
    programs = ds.home / ".local" / "bin"
    (programs / "ruff").write_text("mine")
    for words in (["helper", "ruff"], ["helper", "nosuch"]):
        ended = ds.pydock("expose", "ds", *words)
        assert (ended.code, "Nothing was written" in ended.err) == (1, True)
    assert sorted(os.listdir(programs)) == ["helper", "ruff"]
    assert (programs / "ruff").read_text() == "mine"


@pytest.mark.parametrize("name", ["docker", "docker-credential-x", "pydock", "sudo", "sh", "my-client"])
def test_names_that_pydock_calls_are_not_exposed(ds: Machine, name: str) -> None:
    """pydock would start itself, in a new container each time, without end."""
    scripts = {name: [f"/usr/local/bin/{name}", "ruff"]}
    says = json.dumps(
        {"version": "3.12.4", "executable": "/p", "programs": ["python3"], "scripts": scripts, "packages": []}
    )
    ds.add_program("my-client", f'exec {ds.client} "$@"')
    ended = ds.pydock("expose", "ds", name, FAKE_DOCKER_PYTHON=says, PYDOCK_ENGINE="my-client")
    assert ended.code == 2
    assert "that name has a meaning on this machine" in ended.err
    assert not (ds.home / ".local" / "bin").exists()


def test_eval_fails_if_activate_does(ds: Machine) -> None:
    script = 'eval "$("$@" activate nosuch)"; echo went on'
    ended = ds.run(["sh", "-ec", script, "sh", sys.executable, "-m", "pydock"])
    assert (ended.code, ended.out) == (1, "")


def test_remove_exposed_commands(ds: Machine) -> None:
    ds.ok("expose", "ds", "ruff", "helper")
    assert ds.pydock("expose", "ds", "--remove", "nosuch").code == 1
    ds.ok("expose", "ds", "--remove", "ruff")
    assert "helper" in ds.ok("expose", "--list", "ds").out
    ds.ok("expose", "ds", "--remove")
    assert "No commands of environments" in ds.ok("expose", "--list").err


def test_expose_without_a_name(ds: Machine) -> None:
    assert ds.pydock("expose", "--remove").code == 2
