"""scripts/shells.sh: what it installs, and for whom."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "shells.sh"
TOOLS = ("bash", "cat", "tail")
APT_GET = """\
echo "$*" >>"$HOME/apt"
[ "$APT" != fails ] || { echo "no such package"; exit 100; }
[ "$APT" != stale ] || [ "$(cat "$HOME/apt")" != "$*" ]
"""


class Machine:
    """A machine of root or another user, with apt and without shells for users."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.add("id", "echo ${WHO:-0}")
        self.add("apt-get", APT_GET)

    def add(self, name: str, body: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (self.bin / name).chmod(0o755)

    def run(self, **environ: str) -> tuple[int, list[str], str]:
        """Run the script; return its exit code, what apt-get was told, and the error messages."""
        bash = str(self.bin / "bash")
        variables = {"PATH": str(self.bin), "HOME": str(self.folder), **environ}
        done = subprocess.run([bash, SCRIPT], env=variables, capture_output=True, text=True, check=False)
        log = self.folder / "apt"
        return done.returncode, log.read_text().splitlines() if log.exists() else [], done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_root_gets_what_is_missing(machine: Machine) -> None:
    machine.add("fish", "")
    code, [call], message = machine.run()
    words = call.split()
    assert code == 0
    assert {"install", "-y", "zsh"} <= set(words)
    assert "fish" not in words
    assert message.startswith("Installing zsh")


def test_old_lists_of_packages_are_renewed(machine: Machine) -> None:
    code, calls, _ = machine.run(APT="stale")
    assert code == 0
    assert [call.split()[0] for call in calls] == ["install", "update", "install"]


def test_a_failure_is_told(machine: Machine) -> None:
    code, _, message = machine.run(APT="fails")
    assert code == 1
    assert "no such package\n" in message
    assert "could not be installed; all messages are in /tmp/pydock-shells.log" in message


def test_other_users_and_other_systems_get_nothing(machine: Machine) -> None:
    assert machine.run(WHO="1000") == (0, [], "")
    (machine.bin / "apt-get").unlink()
    assert machine.run() == (0, [], "")
