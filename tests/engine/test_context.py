"""What pydock counts as sent is what Docker sends."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pydock.environments.context import sent_paths

from .tools import docker

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "a.txt", ".hidden", "b~")
PATTERNS = (
    "*", "a", "/a", "b/", "**/a", "*.txt", "**/*.txt", "a/**", "a/*/b", "?", "[ab]", "[^a]", ".hidden", "!a", "!b/a",
    "!**/a.txt", "# comment", "", "b~", "a/b/../a", "!*.txt",
)  # fmt: skip


def make_tree(folder: Path, choose: random.Random, depth: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        kind = choose.choice(("file", "file", "folder", "link", "nothing"))
        if kind == "file" or (kind == "folder" and depth == 2):
            (folder / name).write_text(name)
        elif kind == "folder":
            make_tree(folder / name, choose, depth + 1)
        elif kind == "link":
            (folder / name).symlink_to(choose.choice(NAMES))


def sent_by_docker(folder: Path, out: Path) -> set[str]:
    """Build an image that is the whole context, and return its paths."""
    docker("build", "--file", str(folder / "dockerfile"), "--output", f"type=local,dest={out}", str(folder))
    return {str(path.relative_to(out)) for path in out.rglob("*")}


@pytest.mark.parametrize("seed", range(12))
def test_dockerignore_means_what_docker_says(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - the same trees every time
    folder = tmp_path / "context"
    make_tree(folder, choose)
    (folder / "dockerfile").write_text("FROM scratch\nCOPY . /\n")
    patterns = choose.sample(PATTERNS, choose.randint(0, 5))
    (folder / ".dockerignore").write_text("\n".join(patterns))
    ours = set(sent_paths(str(folder), (folder / "dockerfile").read_text()))
    theirs = sent_by_docker(folder, tmp_path / "out")
    # An excluded folder with a file that is not excluded is sent, too.
    parents = {"/".join(path.split("/")[:count]) for path in ours for count in range(1, path.count("/") + 1)}
    assert ours | parents == theirs | ({"dockerfile", ".dockerignore"} & ours), patterns
