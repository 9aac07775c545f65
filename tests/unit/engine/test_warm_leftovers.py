"""Folders that dead warm containers have left."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from pydock.engine.warm_leftovers import remove_folders

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0123456789ab"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the warm containers' folders."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "pydock" / "warm"
    folder.mkdir(parents=True)
    return folder


def leave(state: Path, entry: str, *files: str, is_old: bool = True) -> None:
    (state / entry).mkdir()
    for file in files:
        (state / entry / file).touch()
    if is_old:
        os.utime(state / entry, (0, 0))


def left(state: Path) -> list[str]:
    return sorted(path.name for path in state.iterdir())


def test_only_folders_of_dead_containers_are_removed(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(state, f"11111111-{KEY}", "socket", "socket.7", "stay")
    leave(state, f"22222222-{KEY}", is_old=False)  # it may be starting
    leave(state, f"33333333-{KEY}", "unusable")
    (state / "44444444-up").touch()
    leave(state, f"55555555-{KEY}")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(state / f"55555555-{KEY}")
        server.bind("socket")
        server.listen()
        os.utime(state / f"55555555-{KEY}", (0, 0))
        remove_folders([])
    assert left(state) == [f"22222222-{KEY}", f"33333333-{KEY}", "44444444-up", f"55555555-{KEY}"]


def test_everything_of_environments_that_are_gone_is_removed(state: Path) -> None:
    leave(state, f"33333333-{KEY}", "unusable")
    (state / "33333333-up").touch()
    (state / "44444444-up").touch()
    remove_folders(["33333333"])
    assert left(state) == ["44444444-up"]


def test_links_are_not_followed(state: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (state / f"33333333-{KEY}").symlink_to(tmp_path / "mine")
    remove_folders(["33333333"])
    assert (tmp_path / "mine" / "file").exists()


def test_without_a_state_folder_there_is_nothing_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    remove_folders(["33333333"])
    assert not (tmp_path / "none").exists()
