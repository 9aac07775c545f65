"""Copies of an environment's folder."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.packages.folder_copy import copy_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ds").mkdir()
    (tmp_path / "ds" / "dockerfile").write_text("FROM scratch\n")
    return tmp_path / "ds"


def test_links_stay_links_and_special_files_are_left_out(folder: Path) -> None:
    (folder / "link").symlink_to("dockerfile")
    os.mkfifo(folder / "fifo")
    copy = folder.with_name("copy")
    copy_folder(str(folder), str(copy))
    assert sorted(os.listdir(copy)) == ["dockerfile", "link"]
    assert os.readlink(copy / "link") == "dockerfile"


def test_a_full_disk_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, copy: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, copy)

    monkeypatch.setattr(shutil, "copy2", full)
    copy = str(folder.with_name("copy"))
    with pytest.raises(errors.PydockError, match=f"Cannot write {copy}/dockerfile: No space left on device"):
        copy_folder(str(folder), copy)
