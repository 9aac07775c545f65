"""The logs of failed builds: private, few, without secrets, and no trouble if they cannot be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pydock import credentials
from pydock.engine.build_log import KEPT, keep_log


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pydock" / "logs"


def test_log_is_private(state: Path) -> None:
    path = Path(keep_log(["docker build /d", "", "#1 x"]))
    assert path.parent == state
    assert path.read_text() == "docker build /d\n#1 x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_log_has_no_secret_and_no_control_character(state: Path) -> None:
    credentials.forget_secrets()
    credentials.register_secret("canary-123")
    text = Path(
        keep_log(["token canary-123", "https://me:other-secret@index.example", "\x1b]0;x\x07"])
    ).read_text()
    credentials.forget_secrets()
    assert text == "token ****\nhttps://****@index.example\n\\x1b]0;x\\x07\n"


def test_the_newest_are_kept(state: Path) -> None:
    state.mkdir(parents=True)
    (state / "notes.txt").touch()
    for number in range(KEPT + 5):
        (state / f"build-2024010{number // 10}-00000{number % 10}-1.log").touch()
    path = keep_log(["x"])
    names = sorted(os.listdir(state))
    assert len(names) == KEPT + 1
    assert Path(path).name in names
    assert "notes.txt" in names
    assert "build-20240100-000000-1.log" not in names


def test_full_disk_is_no_error(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mkdir(parents=True)
    monkeypatch.setattr(os, "O_WRONLY", os.O_RDONLY)  # so that the write fails after the file was made
    assert keep_log(["x"]) == ""
    assert list(state.iterdir()) == []


def test_folder_that_cannot_be_made_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pydock").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert keep_log(["x"]) == ""


def test_link_is_not_followed(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mkdir(parents=True)
    monkeypatch.setattr("time.strftime", lambda _: "now")
    other = tmp_path / "other"
    other.write_text("mine")
    (state / f"build-now-{os.getpid()}.log").symlink_to(other)
    assert keep_log(["x"]) == ""
    assert other.read_text() == "mine"
