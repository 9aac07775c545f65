"""What a run sees of the project: all of it, at the paths of this machine, with Git's folder."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pydock.environments.caller import current_caller

if TYPE_CHECKING:
    from pathlib import Path

    from .tools import Project

# What `git` says in the container: the work tree's top, and whether a file is new.
STATUS = "git rev-parse --show-toplevel && git status --short --untracked-files=all ."


def git(folder: Path, *words: str) -> str:
    options = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "protocol.file.allow=always"]
    return subprocess.run(
        ["git", *options, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def with_git(shared_home: Project) -> str:
    """Return the name of a global environment that has Git and pytest."""
    name = shared_home.new_name("git")
    shared_home.pydock("--global", "create", name, "3.12", "--system", "git")
    shared_home.pydock("--global", "install", name, "pytest")
    return name


def test_subfolder_of_a_git_work_tree(runner: Project, with_git: str) -> None:
    """As in a virtualenv: tests import the project, Git knows the repository, paths are those of this machine."""
    tests = runner.folder / "tests"
    tests.mkdir()
    git(runner.folder, "init", "--quiet")
    (runner.folder / "package.py").write_text("def fail():\n    raise ValueError('oh')\n")
    (runner.folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    (tests / "test_it.py").write_text("import package\ndef test_it():\n    assert package.fail\n")
    assert "1 passed" in runner.pydock("run", with_git, "pytest", folder=tests).stdout
    top, *status = runner.pydock("run", with_git, "sh", "-c", STATUS, folder=tests).stdout.splitlines()
    assert top == f"/home/{current_caller().name}/{runner.folder.name}"
    assert "?? test_it.py" in status
    for start, place in (("home", f"{top}/tests"), ("same", str(tests))):
        shown = runner.pydock(
            "run", with_git, "pwd", folder=tests, variables={"PYDOCK_WORKDIR": start}
        ).stdout
        assert shown == f"{place}\n"
    # A path of this machine, as an editor or a script passes it, and what a traceback says of it.
    code = "import sys; sys.path.insert(0, sys.argv[1]); import package; package.fail()"
    failed = runner.pydock(
        "run", with_git, "python", "-c", code, str(runner.folder), folder=tests, check=False
    )
    assert f'File "{runner.folder}/package.py", line 2, in fail' in failed.stderr
    alone = runner.pydock("run", with_git, "ls", "..", folder=tests, variables={"PYDOCK_MOUNT": "folder"})
    assert alone.stdout == "tests\n"


def test_worktree_and_submodule(runner: Project, with_git: str) -> None:
    """Git's folder of both is elsewhere; a commit inside is one outside."""
    main, tree = runner.folder / "main", runner.folder / "some, tree: x"
    main.mkdir()
    git(main, "init", "--quiet")
    git(main, "commit", "--quiet", "--allow-empty", "--message", "Add")
    git(main, "worktree", "add", "--quiet", "-b", "other", str(tree))
    git(main, "submodule", "add", "--quiet", str(main), "libs/sub")
    for folder in (tree, main / "libs" / "sub"):
        (folder / "new file").write_text("")
        for start in ("home", "same"):
            result = runner.pydock(
                "run", with_git, "sh", "-c", STATUS, folder=folder, variables={"PYDOCK_WORKDIR": start}
            )
            assert result.stdout.splitlines()[-1] == '?? "new file"', (folder, start)
        commit = (
            "git add . && git -c user.name=me -c user.email=me@example.org commit --quiet --message Inside"
        )
        runner.pydock("run", with_git, "sh", "-c", commit, folder=folder)
        assert "Inside" in git(folder, "log", "--oneline")
        assert git(folder, "status", "--short") == ""


def test_symbolic_links_to_the_project(runner: Project, ready: str) -> None:
    """The shell's name of the working directory (PWD) exists inside too."""
    real = runner.folder / "real"
    (real / ".pydock").mkdir(parents=True)
    (real / "sub").mkdir()
    (real / "sub" / "mod.py").write_text("print(__file__)\n")
    link = runner.folder / "link"
    link.symlink_to(real)
    for place in (link / "sub", real / "sub"):
        path = str(place / "mod.py")
        result = runner.pydock(
            "--global",
            "run",
            ready,
            "python",
            path,
            folder=real / "sub",
            variables={"PWD": str(link / "sub")},
        )
        assert result.stdout == f"{path}\n"


def test_folders_of_the_caller_are_not_opened(runner: Project, ready: str) -> None:
    """A `.git` file that names a folder of keys gives the program nothing of it."""
    keys = runner.folder / "keys"
    clone = runner.folder / "clone"
    for folder in (keys / "objects", clone):
        folder.mkdir(parents=True)
    (keys / "HEAD").write_text("secret")
    (clone / ".git").write_text(f"gitdir: {keys}\n")
    assert runner.pydock("run", ready, "cat", f"{keys}/HEAD", folder=clone, check=False).returncode == 1
    assert os.listdir(keys / "objects") == []
