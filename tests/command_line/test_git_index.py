"""Git's index is read as Git writes it, in all versions; what is not understood is said to be."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pydock.environments.git_index import GitIndexUnreadable, times_of_files

if TYPE_CHECKING:
    from pathlib import Path


NAMES = ["a", "folder/a-long-name", "folder/a-long-name-2", "folder/ü", "x" * 200, "z/b/c"]


def git(folder: Path, *argv: str) -> str:
    words = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", *argv]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    for number, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x" * number)
        os.utime(folder / name, (1_600_000_000 + number, 1_600_000_000 + number))
    git(folder, "add", ".")
    git(folder, "commit", "-m", "x")
    return folder


EXPECTED = {name: (1_600_000_000 + number, number) for number, name in enumerate(NAMES)}


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version(repository: Path, version: str) -> None:
    git(repository, "update-index", "--index-version", version, "--force-write-index")
    if version == "3":
        (repository / "new").write_text("x")
        git(repository, "add", "--intent-to-add", "new")  # has the flags that only version 3 has
    found = times_of_files(str(repository / ".git"))
    assert {name: found[name] for name in NAMES} == EXPECTED
    assert sorted(found) == sorted(
        os.fsdecode(name) for name in git(repository, "ls-files", "-z").split("\0") if name
    )


def test_a_work_tree_and_a_new_repository(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", str(tmp_path / "tree"))
    assert sorted(times_of_files(str(tmp_path / "tree" / ".git"))) == sorted(NAMES)
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init")
    assert times_of_files(str(tmp_path / "new" / ".git")) == {}


def test_what_is_not_understood(repository: Path, tmp_path: Path) -> None:
    index = repository / ".git" / "index"
    content = index.read_bytes()
    for broken in (
        b"",
        b"DIRC",
        content[:-1],
        content[:100],
        b"X" + content,
        content[:7] + b"\x09" + content[8:],
    ):
        index.write_bytes(broken)
        with pytest.raises(GitIndexUnreadable):
            times_of_files(str(repository / ".git"))
    index.write_bytes(content)
    git(repository, "update-index", "--split-index")
    with pytest.raises(GitIndexUnreadable):
        times_of_files(str(repository / ".git"))
    (tmp_path / "file").write_text("something else\n")
    for path in ("file", "nowhere"):
        with pytest.raises(GitIndexUnreadable):
            times_of_files(str(tmp_path / path))


def test_longer_object_names(tmp_path: Path) -> None:
    git(tmp_path, "init", "--object-format=sha256")
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    git(tmp_path, "add", ".")
    with pytest.raises(GitIndexUnreadable):
        times_of_files(str(tmp_path / ".git"))
