"""What is opened, written and removed by descriptor is what was checked, whatever becomes of the names."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.environments import descriptors, files

if TYPE_CHECKING:
    from pathlib import Path


def test_no_part_of_the_path_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    with descriptors.opened(str(tmp_path / "real" / "below")) as handle:
        assert os.path.samestat(os.fstat(handle), (tmp_path / "real" / "below").stat())
    for path in ("link", "link/below"):
        with (
            pytest.raises(errors.UnsafePath, match="symbolic link"),
            descriptors.opened(str(tmp_path / path)),
        ):
            pass
    with pytest.raises(FileNotFoundError), descriptors.opened(str(tmp_path / "nowhere")):
        pass


def test_a_write_never_uses_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine\n")
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "fifo")
    with descriptors.opened(str(tmp_path)) as handle:
        for name in ("link", "fifo", "target"):
            with pytest.raises(FileExistsError):
                descriptors.write(handle, name, "x")
        descriptors.write(handle, "new", "x\n")
    assert (tmp_path / "target").read_text() == "mine\n"
    assert (tmp_path / "new").read_text() == "x\n"


def test_a_commit_goes_to_the_folder_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that has the project mounted replaces the folder between two steps."""
    folder, victim = tmp_path / "ds", tmp_path / "victim"
    for path in (folder, victim):
        path.mkdir()
        (path / "requirements.txt").write_text("old\n")
    write = descriptors.write

    def swap(handle: int, name: str, text: str) -> None:
        if folder.is_dir() and not folder.is_symlink():
            folder.rename(tmp_path / "moved")
            folder.symlink_to(victim)
        write(handle, name, text)

    monkeypatch.setattr(descriptors, "write", swap)
    files.commit(str(folder), "new\n", "new\n")
    assert os.listdir(victim) == ["requirements.txt"]
    assert (victim / "requirements.txt").read_text() == "old\n"
    assert (tmp_path / "moved" / "requirements.txt").read_text() == "new\n"


def test_a_removal_follows_no_link(tmp_path: Path) -> None:
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine\n")
    (folder / "a" / "b").mkdir(parents=True)
    for link in ("link", "a/link", "a/b/link"):
        (folder / link).symlink_to(victim)
    with descriptors.opened(str(folder)) as handle:
        descriptors.remove_contents(handle)
    assert os.listdir(folder) == []
    assert os.listdir(victim) == ["file"]


def test_a_removal_is_as_deep_as_it_must_be(tmp_path: Path) -> None:
    deep = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with descriptors.opened(str(tmp_path)) as handle:
        resource.setrlimit(resource.RLIMIT_NOFILE, (handle + 10, limits[1]))
        try:
            descriptors.remove_contents(handle)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert os.listdir(tmp_path) == []
