"""The lines `-e PATH` of requirements.in, and which folders may be mounted for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.environments.linked import LinkedProject, check_projects, hides_nothing, linked_projects
from pydock.settings import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "project"),
    [
        ("-e ../../..", LinkedProject("/srv/work")),
        ("-e ../../..[test]  # name", LinkedProject("/srv/work", "test")),
        ("--editable=../../../libs/x[b, a]", LinkedProject("/srv/work/libs/x", "a,b")),
        ("  --editable ../../../libs/x", LinkedProject("/srv/work/libs/x")),
        ("-e '../../../libs/a b[test]'", LinkedProject("/srv/work/libs/a b", "test")),
        ("-e /srv/other#1", LinkedProject("/srv/other#1")),
    ],
)
def test_project_lines(line: str, project: LinkedProject) -> None:
    assert linked_projects(f"six\n{line}\nidna", "/srv/work/.pydock/envs/ds") == [project]


@pytest.mark.parametrize(
    "line",
    ["-e git+https://example.org/x#egg=x", "# -e .", "six-e .", "-extra .", "-e", "-e '.", "x @ file:///x-e"],
)
def test_other_lines(line: str) -> None:
    assert linked_projects(f"{line}\n", "/srv/work/.pydock/envs/ds") == []


def test_symbolic_links_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert linked_projects("-e link", str(tmp_path)) == [LinkedProject(str(tmp_path / "real"))]


@pytest.mark.parametrize("folder", ["/", "/home", "/usr/local/x", "/etc/x", "/proc/1", "/lib64/x"])
def test_system_folders_are_not_mounted(folder: str) -> None:
    assert not hides_nothing(folder)


def test_home_is_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not hides_nothing(str(tmp_path))
    assert hides_nothing(str(tmp_path / "work"))


def test_local_environment_links_only_what_is_in_its_project(tmp_path: Path) -> None:
    work, other = tmp_path / "work", tmp_path / "other"
    for folder in (work / ".pydock", other):
        folder.mkdir(parents=True)
    local = Home(str(work / ".pydock"), "local", "")
    check_projects([LinkedProject(str(work)), LinkedProject(str(work / ".pydock"))], local)
    with pytest.raises(errors.UnsafePath, match=f"outside of {work}"):
        check_projects([LinkedProject(str(other))], local)
    check_projects([LinkedProject(str(other))], Home(str(tmp_path / "home" / ".pydock"), "global", ""))


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(errors.PydockError, match="was not found"):
        check_projects([LinkedProject(str(tmp_path / "x"))], Home(str(tmp_path / ".pydock"), "global", ""))
