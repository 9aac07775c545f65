"""Which folder a run mounts as the project, and which Git folder with it; Git itself makes the repositories."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pydock.environments.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import MakeSettings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def find(make_settings: MakeSettings, home: Path) -> Find:
    return Find(make_settings)


class Find:
    def __init__(self, make_settings: MakeSettings) -> None:
        self.settings = make_settings()

    def __call__(self, folder: Path, written: str = "") -> Workspace:
        return find_workspace(self.settings, str(folder), written=written)

    def root(self, folder: Path) -> str:
        return self(folder).root


def git(folder: Path, *words: str) -> None:
    options = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True)


def made(*parts: Path) -> Path:
    for folder in parts:
        folder.mkdir(parents=True, exist_ok=True)
    return parts[-1]


@pytest.fixture
def repository(home: Path) -> Path:
    folder = made(home / "main")
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Add")
    return folder


def test_nearest_of_pydock_and_git(find: Find, repository: Path) -> None:
    below = made(repository / "a" / "b")
    assert find(below) == Workspace(str(below), str(repository))
    made(repository / "a" / ".pydock")
    assert find.root(below) == str(repository / "a")
    made(below / ".git")
    assert find.root(below) == str(repository / "a"), "a folder without HEAD is no repository"


def test_working_directory_alone(find: Find, repository: Path) -> None:
    below = made(repository / "a")
    find.settings = find.settings._replace(mount="folder")
    assert find(below) == Workspace(str(below), str(below))


def test_search_ends_below_the_home(find: Find, home: Path) -> None:
    """A repository of configuration files in the home folder must not bring the keys and the mail of the user."""
    for folder in (home, home.parent):
        git(folder, "init", "--quiet")
        made(folder / ".pydock")
    below = made(home / "x" / "y")
    assert find.root(below) == str(below)
    assert find.root(home) == str(home)
    assert find.root(made(home.parent / "beside" / "x")) == str(home.parent / "beside" / "x")


@pytest.mark.parametrize(
    "folder", ["/", "/usr/lib/x", "/tmp", "/tmp/x", "/home", "/home/somebody", "/home/somebody/x"]
)
def test_system_folders(find: Find, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    top = os.path.dirname(folder)
    monkeypatch.setattr(os.path, "isdir", lambda path: path == os.path.join(top, ".pydock"))
    assert find_workspace(find.settings, folder).root == folder


@pytest.mark.parametrize("mark", [".git", ".pydock"])
def test_mark_of_another_user_does_not_count(
    find: Find, home: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    folder = made(home / "x" / mark, home / "x" / "sub")
    (home / "x" / mark / "HEAD").write_text("ref: refs/heads/main\n")
    assert find.root(folder) == str(home / "x")
    (home / "x" / mark).chmod(0o777)
    assert find.root(folder) == str(folder)
    find.settings = find.settings._replace(safe_folders=(str(home / "x"),))
    assert find.root(folder) == str(home / "x")


@pytest.mark.parametrize("name", ["tree", "a,b: c"])
def test_worktree_brings_the_repository(find: Find, repository: Path, name: str) -> None:
    tree = repository.parent / name
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tree))
    below = made(tree / "sub")
    assert find(below) == Workspace(str(below), str(tree), str(repository / ".git"))


def test_worktree_with_relative_paths(find: Find, repository: Path) -> None:
    """As `git worktree add --relative-paths` of Git 2.48 makes it."""
    tree = repository.parent / "trees" / "one"
    git(repository, "worktree", "add", "--quiet", str(tree))
    (tree / ".git").write_text("gitdir: ../../main/.git/worktrees/one\n")
    (repository / ".git" / "worktrees" / "one" / "gitdir").write_text("../../../../trees/one/.git\n")
    expected = Workspace(str(tree), str(tree), str(repository / ".git"), str(repository.parent))
    assert find(tree) == expected


def test_worktree_of_a_bare_repository(find: Find, repository: Path, home: Path) -> None:
    git(home, "clone", "--quiet", "--bare", str(repository), str(home / "x" / ".bare"))
    git(home / "x" / ".bare", "worktree", "add", "--quiet", str(home / "x" / "tree"))
    assert find(home / "x" / "tree").git_folder == str(home / "x" / ".bare")


def test_submodule_brings_its_git_folder(find: Find, repository: Path, home: Path) -> None:
    parent = made(home / "parent")
    git(parent, "init", "--quiet")
    git(parent, "submodule", "add", "--quiet", str(repository), "libs/sub")
    folder = parent / "libs" / "sub"
    assert find(folder) == Workspace(
        str(folder), str(folder), str(parent / ".git" / "modules" / "libs" / "sub"), str(parent)
    )


def hostile_pointer(folder: Path, secret: Path) -> None:
    (folder / ".git").write_text(f"gitdir: {secret}\n")


def hostile_looks_like_git(folder: Path, secret: Path) -> None:
    made(secret / "objects")
    (secret / "HEAD").write_text("ref: refs/heads/main\n")
    (secret / "config").write_text("[core]\n\tbare = false\n")
    hostile_pointer(folder, secret)


def hostile_repository_of_another_project(folder: Path, secret: Path) -> None:
    git(secret, "init", "--quiet")
    (folder / ".git").write_text(f"gitdir: {secret}/.git\n")


def hostile_common_folder(folder: Path, secret: Path) -> None:
    """The Git folder is the clone's own, and names another one as the repository."""
    hostile_repository_of_another_project(folder, secret)
    tree = made(folder.parent / "x.git" / "worktrees" / "evil")
    (tree / "commondir").write_text(f"{secret}/.git\n")
    (tree / "gitdir").write_text(f"{folder}/.git\n")
    (folder / ".git").write_text(f"gitdir: {tree}\n")


def hostile_link(folder: Path, secret: Path) -> None:
    (folder / "real").symlink_to(secret)
    (folder / ".git").write_text("gitdir: real\n")


def hostile_size(folder: Path, secret: Path) -> None:
    (folder / ".git").write_text(f"gitdir: {'./' * 9999}{secret}\n")


def hostile_bytes(folder: Path, secret: Path) -> None:
    (folder / ".git").write_bytes(b"gitdir: \0\xff" + bytes(secret))


def hostile_fifo(folder: Path, secret: Path) -> None:
    (folder / ".git").write_text(f"gitdir: {secret}\n")
    made(secret / "objects")
    os.mkfifo(secret / "commondir")


@pytest.mark.parametrize(
    "attack",
    [
        hostile_pointer,
        hostile_looks_like_git,
        hostile_repository_of_another_project,
        hostile_common_folder,
        hostile_link,
        hostile_size,
        hostile_bytes,
        hostile_fifo,
    ],
)
def test_git_file_of_a_hostile_repository_opens_nothing(find: Find, home: Path, attack: object) -> None:
    secret, folder = made(home / ".ssh"), made(home / "clone" / "evil")
    attack(folder, secret)  # type: ignore[operator]
    found = find(folder)
    assert (found.root, found.git_folder, found.base) == (str(folder), "", "")


def test_working_directory_behind_a_symbolic_link(find: Find, repository: Path, home: Path) -> None:
    below = made(repository / "a")
    link = home / "link"
    link.symlink_to(repository)
    expected = Workspace(str(below), str(repository), logical=str(link))
    assert find(below, str(link / "a")) == expected
    assert find(link / "a") == expected, "as with c.cd(…)"
    inner = home / "inner"
    inner.symlink_to(below)
    assert find(below, str(inner)).logical == "", "the project has no other name"
    for written in ("a", str(home), str(link / "a") + "/", f"{link}/./a", "/nowhere/a", ""):
        assert find(below, written).logical == ""
