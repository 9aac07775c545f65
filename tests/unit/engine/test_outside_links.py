"""Symbolic links of the project that lead to where the container has nothing, after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.engine.outside_links import outside_links, print_links
from pydock.environments.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name in ("data/sets", "project/sub", "project/real"):
        (tmp_path / name).mkdir(parents=True)
    root = tmp_path / "project"
    (root / "data").symlink_to("../data")
    (root / "inner").symlink_to(root / "real")
    (root / "gone").symlink_to("../nowhere")
    (root / "system").symlink_to("/usr/bin")
    (root / "sub" / "deep").symlink_to("../real")
    return Workspace(str(root / "sub"), str(root))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 1),
        (["--mount", "type=bind,source=/x,target={}"], 0),
        (["--mount", 'type=bind,source=/x,"target={}"', "image"], 0),
        (["--volume", "{}:{}:ro"], 0),
        (["--mount", "type=bind,source=/x,target={}/sets"], 1),
    ],
)
def test_links_that_lead_out(workspace: Workspace, tmp_path: Path, words: list[str], count: int) -> None:
    argv = [
        "docker",
        "run",
        *(word.replace("{}", str(tmp_path / "data")) for word in words),
        "python",
        "x.py",
    ]
    notes = outside_links(workspace, argv)
    assert len(notes) == count
    target = tmp_path / "data"
    assert not count or notes[0].startswith(f"pydock: '../data' is a link to {target}, which is not in the")
    assert not count or f"`-v {target}:{target}` before NAME" in notes[0]


def test_link_in_the_words_of_the_command(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "project" / "real" / "below"
    folder.mkdir()
    (folder / "x").symlink_to(tmp_path / "data")
    for word in ("../real/below/x/sets/1.csv", f"{folder}/x"):
        assert any(
            note.startswith("pydock: '../real/below/x'") for note in outside_links(workspace, ["p", word])
        )
    assert len(outside_links(workspace, ["p", "a/\0b", "/", "../../..", "x/y", ""])) == 1


@pytest.mark.parametrize(("code", "lines"), [(0, 0), (1, 1), (127, 1), (130, 0), (143, 0)])
def test_only_after_failures(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], code: int, lines: int
) -> None:
    print_links(code, workspace, [])
    assert len(capsys.readouterr().err.splitlines()) == lines
