"""Killed at any call that changes a file, a command leaves the old environment or the new one, and no leftovers.

`make torture` tries every call; the usual run tries some of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import TIMEOUT, Machine

if TYPE_CHECKING:
    from pathlib import Path

EVERY = 1 if os.environ.get("PYDOCK_TORTURE") else 4
# https://docs.python.org/3/library/audit_events.html
PROGRAM = """
import os, signal, sys
place, number = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
seen = 0
def hook(event, arguments):
    global seen
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "open"):
        if event == "open" and isinstance(arguments[1], str) and arguments[1].startswith("r"):
            return
        names = [os.fsdecode(word) for word in arguments if isinstance(word, (str, bytes))]
        below = any(word >= 0 for word in arguments[1:] if isinstance(word, int)) and event != "open"
        if below or any(place in name for name in names):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from pydock.__main__ import main
main()
"""

# The command; what the user does next; the packages before and after.
OLD, NEW = "six==1.15.0\n", "numpy==2.1.0\nsix==1.15.0\n"
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "create": (["create", "new", "3.12"], ["create", "new", "3.12"]),
    "create -r": (["create", "new", "3.12", "-r", "wanted.txt"], ["create", "new", "3.12"]),
    "install": (["install", "ds", "numpy"], ["install", "ds", "scipy"]),
    "install --system": (["install", "ds", "--system", "git"], ["install", "ds", "scipy"]),
    "install --system numpy": (["install", "ds", "--system", "git", "numpy"], ["install", "ds", "scipy"]),
    "install .": (["install", "ds", "."], ["install", "ds", "scipy"]),
    "install . --system": (["install", "ds", ".", "--system", "git"], ["install", "ds", "scipy"]),
    "uninstall": (["uninstall", "ds", "six"], ["install", "ds", "scipy"]),
    "update": (["update", "ds"], ["install", "ds", "scipy"]),
    "build": (["build", "ds", "--no-cache"], ["install", "ds", "scipy"]),
    "copy": (["copy", "ds", "new"], ["copy", "ds", "new"]),
    "delete": (["delete", "ds", "--yes"], ["create", "ds", "3.12"]),
}


def kill_at(machine: Machine, number: int, argv: list[str]) -> int:
    """Run pydock and kill it at the so many-th file call in its folders; return its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(machine.home.parent), str(number), *argv],
        env=machine.environ,
        cwd=machine.project,
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    return done.returncode


def check_nothing_is_left(machine: Machine, name: str) -> None:
    """Check that the environment has its own files and tags, and that there is nothing else."""
    folder = machine.folder(name)
    names = {path.name for path in folder.iterdir()}
    assert names <= {"dockerfile", "requirements.txt", "requirements.in", "apt.txt", "wheels"}
    assert ("apt.txt" in names) == ("apt.txt" in (folder / "dockerfile").read_text())
    assert {path.name for path in folder.parent.iterdir()} <= {name, "ds"}
    tags = [tag for tag in machine.tags() if tag.startswith(f"pydock-{name}:")]
    assert len(tags) == 2, tags
    assert not [tag for tag in tags if tag.endswith(("-candidate", "-superseded"))]
    assert machine.state()["containers"] == {}
    content = next(tag for tag in tags if not tag.endswith(":latest"))
    recorded = (folder / "requirements.txt").read_text().splitlines()
    assert ("wheels" in names) <= ("source=wheels" in (folder / "dockerfile").read_text())
    wheels = [f"file:///run/{path.relative_to(folder)}" for path in folder.glob("wheels/*/*")]
    assert sorted(wheels) == sorted(
        line.partition(" @ ")[2].partition("#")[0] for line in recorded if "@" in line
    )
    hidden = [path.name for path in folder.rglob("*") if path.name.startswith(".")]
    assert not hidden
    assert machine.image(content)["installed"] == recorded
    system = (folder / "apt.txt").read_text().split() if "apt.txt" in names else []
    assert machine.image(content).get("system", []) == system


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_file_calls(tmp_path: Path, command: str) -> None:
    argv, following = COMMANDS[command]
    kills = 0
    for number in range(1, 1000, EVERY):
        (tmp_path / str(number)).mkdir()
        machine = Machine(tmp_path / str(number))
        machine.do_not_measure()
        (machine.project / "wanted.txt").write_text("six\n")
        (machine.project / "setup.py").write_text("")
        machine.add_environment("ds", "six==1.15.0", requested="six\n")
        before = machine.files("ds")
        code = kill_at(machine, number, argv)
        if code != -signal.SIGKILL:
            assert code == 0
            break
        kills += 1
        files = {
            name: content
            for name, content in machine.files("ds").items()
            if not name.startswith((".", "wheels/"))  # put away by the next command
        }
        if command == "delete":
            assert files in (before, {})
        elif "apt.txt" in files:
            assert files["apt.txt"] == b"git\n"
            assert "--system" in command
        elif command == "install .":
            # The dockerfile can read the wheels first; it makes the same image as long as there are none.
            assert files["dockerfile"] == before["dockerfile"] or b"source=wheels" in files["dockerfile"]
            assert machine.ok("run", "ds", "true").err == "" or ".requirements.in" in str(machine.files("ds"))
        elif files != before:
            assert files["dockerfile"] == before["dockerfile"]
            assert files["requirements.txt"] != before["requirements.txt"] or command == "build"
        ended = machine.pydock(*following)
        name = following[-1] if following[0] == "copy" else following[1]
        if ended.code and following[0] in {"create", "copy"} and machine.folder(name).exists():
            assert "already exists" in ended.err  # it was killed after its work was done
            machine.ok("build", name)
        else:
            assert ended.code == 0, ended
        check_nothing_is_left(machine, name)
        assert not list(machine.temporary.glob("pydock-tmp-*"))
    assert kills, "the command was never killed"
