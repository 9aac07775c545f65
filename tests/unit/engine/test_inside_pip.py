"""Packages that are lost with a container: recognized by words, and by what a shell finds."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pydock.engine.argv import DEFAULT_SHELL
from pydock.engine.inside_pip import lost_changes, shell_script

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pip install x", "install x"),
        ("/usr/bin/pip3 install x", "install x"),
        ("pip3.12 -q uninstall x", "-q uninstall x"),
        ("python -m pip install x", "install x"),
        ("python3.12 -X dev -m pip install x", "install x"),
        ("uv pip install x", "install x"),
        ("pip", ""),
        ("pip list", ""),
        ("pip download install", ""),
        ("pip install --help", ""),
        ("pip install --dry-run x", ""),
        ("pip install -t lib x", ""),
        ("pip install --prefix=/x x", ""),
        ("pipx install x", ""),
        ("python -m", ""),
        ("python -m venv install", ""),
        ("python pip install", ""),
        ("uv install", ""),
    ],
)
def test_lost_changes(command: str, words: str) -> None:
    assert lost_changes(command.split()) == words.split()


@pytest.mark.parametrize("command", [["zsh"], ["/usr/bin/fish"], ["python"]])
def test_other_programs_do_not_look(command: list[str]) -> None:
    assert shell_script(command, "ds", "pydock ") == ""


def looking(home: Path, commands: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands in a shell that has read what an interactive one reads."""
    script = shell_script(DEFAULT_SHELL, "ds", "inv env.")
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    argv = ["sh", "-c", f'{script}. "$ENV"\n{commands}']
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)


def install(home: Path, name: str, *, requested: bool = False) -> str:
    """Return shell commands that do what an installation leaves."""
    folder = f"{home}/.local/lib/python3.12/site-packages/{name}-1.0.dist-info"
    # sleep: some shells compare whole seconds
    return f"sleep 1.1; mkdir -p {folder}; " + (f"touch {folder}/REQUESTED; " if requested else "")


def test_a_shell_names_what_was_added(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    before = home / ".local/lib/python3.12/site-packages/old-1.0.dist-info"
    before.mkdir(parents=True)
    time.sleep(1.1)
    quoted = str(home).replace(" ", "\\ ")
    commands = f"""
{install(home, "needed").replace(str(home), quoted)}
{install(home, "wanted_one", requested=True).replace(str(home), quoted)}
__pydock_pip; __pydock_pip
ls -d /tmp/.pydock-$$ >&2; env | grep -c -e ^ENV= -e ^PROMPT_COMMAND=
exit 7"""
    ended = looking(home, commands)
    line = "Not kept in environment ds: needed wanted_one. `inv env.install ds wanted_one` keeps what you installed."
    shown = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout, shown[0], shown[2:]) == (7, "0\n", line, [line])
    assert not os.path.exists(shown[1])


def test_a_shell_without_changes_says_nothing(tmp_path: Path) -> None:
    ended = looking(tmp_path, "exit 3")
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", "")


def test_the_users_own_variables_stay(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("echo own\n")
    ended = looking(tmp_path, 'echo "$PROMPT_COMMAND"', ENV=str(own))
    assert (ended.stdout, ended.stderr) == ("own\n\n", "")
