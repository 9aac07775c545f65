"""`--dry`: nothing is changed, and what is printed can be run as it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

CHANGES = {
    "create": ["create", "new", "3.12"],
    "install": ["install", "ds", "requests"],
    "uninstall": ["uninstall", "ds", "six"],
    "update": ["update", "ds"],
    "build": ["build", "ds", "--no-cache"],
    "delete": ["delete", "ds"],
    "run": ["run", "ds", "true"],
    "shell": ["shell", "ds"],
}


@pytest.mark.parametrize("command", CHANGES)
def test_dry_changes_nothing(machine: Machine, command: str) -> None:
    machine.given("ds", "six==1.16.0", asked="six\n")
    before, engine = _everything(machine.home), machine.state()
    ended = machine.ok("--dry", *CHANGES[command])
    assert _everything(machine.home) == before
    assert machine.state() == engine
    assert "docker " in ended.out
    assert ended.err == ""


def test_what_dry_create_prints_makes_the_environment(machine: Machine) -> None:
    printed = machine.ok("--dry", "create", "ds", "3.12").out
    assert machine.argvs("build") == []
    done = machine.run(["sh", "-ec", printed])
    assert done.code == 0, done
    made, tags = machine.files(), machine.tags()
    machine.ok("run", "ds", "true")
    machine.ok("delete", "ds", "--yes")
    machine.ok("create", "ds", "3.12")
    assert (machine.files(), machine.tags()) == (made, tags)


def test_what_dry_build_prints_builds(ds: Machine) -> None:
    ds.change_state(lambda state: state["images"].clear())
    printed = ds.ok("build", "ds", "--dry").out
    assert ds.run(["sh", "-ec", printed]).code == 0
    ds.ok("run", "ds", "true")


def test_what_dry_install_prints_builds_the_candidate(ds: Machine) -> None:
    printed = ds.ok("--dry", "install", "ds", "six").out
    folder, *_, build = printed.splitlines()
    assert build.startswith("docker build --file ")
    assert ds.run(["sh", "-ec", printed]).code == 0
    shutil.rmtree(folder.removeprefix("mkdir -p "))
    [candidate] = [tag for tag in ds.tags() if tag.endswith("-candidate")]
    assert ds.image(candidate)["installed"] == ["six==1.16.0"]


def test_what_dry_delete_prints_removes_the_images(ds: Machine) -> None:
    printed = ds.ok("--dry", "delete", "ds").out
    assert ds.run(["sh", "-ec", printed]).code == 0
    assert ds.tags() == []


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
