"""Where a script is in its container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.engine.script import script_command
from pydock.environments.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def only(folder: Path) -> Workspace:
    real = str(folder.resolve())
    return Workspace(real, real)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "sub").mkdir(parents=True)
    for name in ("s.py", "sub/s.py", "-s.py"):
        (folder / name).write_text("")
    (tmp_path / "other.py").write_text("")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("s.py", "s.py"),
        ("./s.py", "./s.py"),
        ("sub/s.py", "sub/s.py"),
        ("sub/../s.py", "sub/../s.py"),
        ("../work/s.py", "../work/s.py"),
        ("-s.py", "./-s.py"),
    ],
)
def test_script_in_the_working_directory(folder: Path, path: str, word: str) -> None:
    expected = "s.py" if path.startswith("../") else word
    assert script_command(path, str(folder), ["-x", "--"], only(folder)) == (
        ["python", expected, "-x", "--"],
        [],
    )
    assert script_command(str(folder / path), str(folder), [], only(folder))[0][1] in {
        expected,
        "s.py",
        "./-s.py",
    }


def test_script_from_elsewhere_is_mounted_alone(folder: Path) -> None:
    other = folder.parent / "other.py"
    mount = f"type=bind,source={other},target=/run/pydock/script/other.py,readonly"
    for path in ("../other.py", str(other)):
        assert script_command(path, str(folder), ["a"], only(folder)) == (
            ["python", "/run/pydock/script/other.py", "a"],
            ["--mount", mount],
        )


def test_script_elsewhere_in_the_project_keeps_its_neighbours(folder: Path) -> None:
    workspace = Workspace(str(folder), str(folder.parent))
    for path in ("../other.py", str(folder.parent / "other.py")):
        assert script_command(path, str(folder), [], workspace) == (["python", "../other.py"], [])


def test_link_to_elsewhere_is_mounted_under_its_own_name(folder: Path) -> None:
    (folder / "tool").symlink_to(folder.parent / "other.py")
    command, options = script_command("tool", str(folder), [], only(folder))
    assert command == ["python", "/run/pydock/script/tool"]
    assert (
        options[1] == f"type=bind,source={folder.parent / 'other.py'},target=/run/pydock/script/tool,readonly"
    )


def test_absolute_link_to_the_working_directory_is_what_it_leads_to(folder: Path) -> None:
    (folder / "tool").symlink_to(folder / "sub" / "s.py")
    assert script_command("tool", str(folder), [], only(folder)) == (["python", "sub/s.py"], [])


def test_working_directory_that_is_a_link(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert script_command("s.py", str(link), [], only(link)) == (["python", "s.py"], [])
    assert script_command(str(link / "s.py"), str(link), [], only(link)) == (["python", "s.py"], [])


def test_commas_and_quotes_in_the_path(folder: Path) -> None:
    other = folder.parent / 'a,"b.py'
    other.write_text("")
    _, options = script_command(str(other), str(folder), [], only(folder))
    quoted = str(other).replace('"', '""')
    assert f'"source={quoted}"' in options[1]
