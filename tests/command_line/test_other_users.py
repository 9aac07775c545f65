"""A folder that somebody else can change decides nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line.conftest import Ended, Machine

OTHER = 65534
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
COMMANDS = [("envs",), ("config",), ("run", "ds", "true"), ("create", "new", "3.12"), ("trust",)]


def environment(folder: Path) -> Path:
    (folder / ".pydock" / "envs" / "ds").mkdir(parents=True)
    (folder / ".pydock" / "envs" / "ds" / "dockerfile").write_text("FROM python:3.12\n")
    (folder / ".pydock" / "pydock.yaml").write_text("shell: zsh\n")
    return folder / ".pydock"


def refused(ended: Ended, path: Path) -> bool:
    return ended.code == 1 and str(path) in ended.err and "PYDOCK_SAFE_FOLDERS" in ended.err


@NEEDS_ROOT
@pytest.mark.parametrize("part", ["", "envs", "pydock.yaml"])
@pytest.mark.parametrize("above", [False, True], ids=["here", "above"])
def test_another_users_folder(machine: Machine, part: str, above: bool) -> None:
    path = environment(machine.project) / part
    os.chown(path, OTHER, OTHER)
    folder = machine.project / "work" if above else machine.project
    folder.mkdir(exist_ok=True)
    for argv in COMMANDS if not part and not above else COMMANDS[:1]:
        ended = machine.run([sys.executable, "-m", "pydock", *argv], folder=folder)
        assert refused(ended, path)
    assert machine.argvs() == []


@NEEDS_ROOT
def test_another_users_environment(machine: Machine) -> None:
    path = environment(machine.project) / "envs" / "ds"
    os.chown(path, OTHER, OTHER)
    assert refused(machine.pydock("run", "ds", "true"), path)
    assert "unusable" in machine.ok("envs").out


@NEEDS_ROOT
@pytest.mark.parametrize("link", [".pydock", ".pydock/envs", ".pydock/pydock.yaml"])
def test_another_users_link(machine: Machine, link: str) -> None:
    environment(machine.project)
    path = machine.project / link
    path.rename(machine.project / "real")
    path.symlink_to(machine.project / "real")
    machine.ok("envs")
    os.lchown(path, OTHER, OTHER)
    assert refused(machine.pydock("envs"), path)
    # and one that a link of ours leads to
    path.unlink()
    path.symlink_to(machine.project / "second")
    (machine.project / "second").symlink_to(machine.project / "real")
    machine.ok("envs")
    os.lchown(machine.project / "second", OTHER, OTHER)
    assert refused(machine.pydock("envs"), machine.project / "second")


@NEEDS_ROOT
def test_another_users_own_settings(machine: Machine) -> None:
    own = machine.home / ".pydock.yaml"
    own.write_text("engine: sh\n")
    os.chown(own, OTHER, OTHER)
    assert refused(machine.pydock("envs"), own)
    own.unlink()
    environment(machine.home)
    os.chown(machine.home / ".pydock", OTHER, OTHER)
    assert refused(machine.pydock("envs"), machine.home / ".pydock")


@pytest.mark.parametrize("part", ["", "envs", "pydock.yaml"])
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_that_everybody_can_write_to(machine: Machine, part: str, mode: int) -> None:
    path = environment(machine.project) / part
    path.chmod(mode)
    for argv in COMMANDS if not part else COMMANDS[:1]:
        ended = machine.pydock(*argv)
        assert refused(ended, path)
        assert "can be changed by other users" in ended.err


@NEEDS_ROOT
def test_a_group_of_others(machine: Machine) -> None:
    path = environment(machine.project)
    path.chmod(0o775)
    machine.ok("envs")  # root's own group
    os.chown(path, 0, 12345)
    assert refused(machine.pydock("envs"), path)


def test_a_folder_in_tmp_is_fine(machine: Machine) -> None:
    environment(machine.project)
    machine.project.chmod(0o1777)
    machine.ok("envs")


@NEEDS_ROOT
def test_the_caller_of_sudo_is_trusted(machine: Machine) -> None:
    os.chown(environment(machine.project), OTHER, OTHER)
    machine.ok("envs", SUDO_UID=str(OTHER))
    assert machine.pydock("envs", SUDO_UID="4242").code == 1


@pytest.mark.parametrize("safe", ["*", "project", "list"])
@pytest.mark.parametrize("where", ["variable", "own file"])
def test_the_user_can_allow_a_folder(machine: Machine, safe: str, where: str) -> None:
    environment(machine.project).chmod(0o777)
    value = {"*": "*", "project": str(machine.project), "list": f"/nowhere {machine.project}/.pydock"}[safe]
    if where == "variable":
        machine.ok("envs", PYDOCK_SAFE_FOLDERS=value)
    else:
        (machine.home / ".pydock.yaml").write_text(f"safe_folders: '{value}'\n")
        machine.ok("envs")
    assert machine.pydock("envs", PYDOCK_SAFE_FOLDERS="/nowhere project relative/*").code == 1


def test_a_project_cannot_allow_itself(machine: Machine) -> None:
    folder = environment(machine.project)
    (folder / "pydock.yaml").write_text("safe_folders: '*'\n")
    ended = machine.pydock("envs")
    assert ended.code == 2
    assert "is for the user to set" in ended.err
    folder.chmod(0o777)
    assert machine.pydock("envs").code == 1


@NEEDS_ROOT
def test_create_does_not_use_another_users_hidden_folder(machine: Machine) -> None:
    hidden = environment(machine.project) / "envs" / ".new"
    hidden.mkdir()
    (hidden / "file").write_text("theirs\n")
    os.chown(hidden, OTHER, OTHER)
    ended = machine.pydock("create", "new", "3.12")
    assert ended.code == 1
    assert "is in the way" in ended.err
    assert (hidden / "file").exists()
