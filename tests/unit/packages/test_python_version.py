"""Which Python a project's files ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.packages.python_version import STABLE, newest_python, project_python

if TYPE_CHECKING:
    from pathlib import Path


def version_for(folder: Path, home: Path | None = None) -> str | None:
    choice = project_python(str(folder), str(home or folder.parent / "home"))
    return choice and choice.version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.12\n", "3.12"),
        ("3.12.4", "3.12.4"),
        ("  3.12  \r\n", "3.12"),
        ("cpython@3.12\n", "3.12"),
        ("python3.12", "3.12"),
        ("312", "3.12"),
        ("3", "3"),
        ("cpython-3.12.4-linux-x86_64-gnu", "3.12.4"),
        ("# what we deploy\n\n3.11  # until June\n3.12\n", "3.11"),
        ("3.12.4 3.11.9", "3.12.4"),
        (">=3.9,<3.13", "3.12"),
    ],
)
def test_python_version_file(tmp_path: Path, text: str, version: str) -> None:
    (tmp_path / ".python-version").write_text(text)
    assert version_for(tmp_path) == version


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"pypy3.10\n", "'pypy3.10' is not a version"),
        (b"3.12-slim\n", "'3.12-slim' is not a version"),
        (b"3.14t\n", "'3.14t' is not a version"),
        (b"my-venv\n", "'my-venv' is not a version"),
        (b"3.12;rm\n", "'3.12;rm' is not a version"),
        (b"# nothing\n", "there is no version in it"),
        (b"", "there is no version in it"),
        (b"\xff\xfe3\x00", "is not valid UTF-8"),
        (b">=4\n", "no Python from 3.6 to"),
        (b">=x\n", "is not a specifier"),
        (b"3" * 70_000, "is larger than"),
    ],
)
def test_python_version_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / ".python-version"
    path.write_bytes(content)
    with pytest.raises(errors.BadProject) as raised:
        version_for(tmp_path)
    assert words in raised.value.message
    assert str(path) in raised.value.message


@pytest.mark.parametrize(
    ("required", "version"),
    [
        (">=3.9", STABLE[0]),
        (">=3.8,<3.13", "3.12"),
        ("<3.12.4", "3.11"),
        ("<=3.12", "3.11"),  # 3.12.1 is larger
        ("~=3.10.2", "3.10"),
        ("==3.11.*", "3.11"),
        ("==3.12.4", "3.12.4"),
        ("!=3.14.*,>=3.9", "3.13"),
        ("", STABLE[0]),
    ],
)
def test_newest_python(required: str, version: str) -> None:
    assert newest_python(required, "pyproject.toml") == version


@pytest.mark.parametrize("required", [">=4", "<3", "3.12", "^3.8", 3.12, [">=3"]])
def test_requirement_without_an_answer_is_refused(required: object) -> None:
    with pytest.raises(errors.BadProject, match=r"^/p/pyproject\.toml: "):
        newest_python(required, "/p/pyproject.toml")


def test_stable_versions_are_listed_newest_first() -> None:
    minors = [int(version.partition(".")[2]) for version in STABLE]
    assert minors == sorted(minors, reverse=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the folder `a/b/c` of a user's home."""
    folder = tmp_path / "home" / "a" / "b" / "c"
    folder.mkdir(parents=True)
    return folder


def test_search_goes_upwards(tree: Path) -> None:
    (tree.parents[1] / ".python-version").write_text("3.11")
    assert version_for(tree, tree.parents[2]) == "3.11"
    (tree.parents[0] / ".python-version").write_text("3.10")
    assert version_for(tree, tree.parents[2]) == "3.10"


@pytest.mark.parametrize("mark", [".git", ".pydock"])
def test_search_ends_at_the_project(tree: Path, mark: str) -> None:
    (tree.parents[1] / ".python-version").write_text("3.11")
    (tree.parents[0] / mark).mkdir()
    assert version_for(tree, tree.parents[2]) is None
    (tree.parents[0] / ".python-version").write_text("3.10")
    assert version_for(tree, tree.parents[2]) == "3.10"


def test_search_ends_at_the_home_folder(tree: Path) -> None:
    (tree.parents[3] / ".python-version").write_text("3.11")
    assert version_for(tree, tree.parents[2]) is None
    (tree.parents[2] / ".python-version").write_text("3.10")
    assert version_for(tree, tree.parents[2]) == "3.10"


def test_python_version_file_wins_over_requires_python(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[project]\nrequires-python = '<3.12'\n")
    assert version_for(tree, tree.parents[2]) == "3.11"
    (tree.parents[0] / ".python-version").write_text("3.10")
    assert version_for(tree, tree.parents[2]) == "3.10"


def test_pyproject_without_requires_python_is_passed_over(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[tool.ruff]\n")
    (tree.parents[0] / "pyproject.toml").write_text("[project]\nrequires-python = '<3.12'\n")
    assert version_for(tree, tree.parents[2]) == "3.11"


def test_pyproject_that_is_not_toml_is_named(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[project\n")
    with pytest.raises(errors.BadProject, match=r"pyproject\.toml is not valid TOML: "):
        version_for(tree, tree.parents[2])


def test_file_that_others_can_change_is_refused(tree: Path) -> None:
    path = tree / ".python-version"
    path.write_text("3.12")
    path.chmod(0o666)
    with pytest.raises(errors.UnsafePath, match="can be changed by other users"):
        version_for(tree, tree.parents[2])
