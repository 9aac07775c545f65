"""How `-e PATH` is read, named and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.engine.links import Wheel
from pydock.environments.linked import LinkedProject
from pydock.packages import projects, requirements

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "setup.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (".", "-e ../../..  # some-name"),
        (".[b,a]", "-e ../../..[a,b]  # some-name"),
        ("a b[x]", "-e '../../../a b[x]'  # some-name"),
    ],
)
def test_recorded_line(folder: Path, value: str, recorded: str) -> None:
    line = projects.project_line(value, str(folder))
    [project] = projects.projects_of([line])
    wheel = Wheel(project, "some-name", "/x/some_name-1-py3-none-any.whl")
    environment = folder / ".pydock" / "envs" / "ds"
    named = projects.named(line, wheel, str(environment))
    assert (named.text, named.name) == (recorded, "some-name")
    extras = f"[{project.extras}]" if project.extras else ""
    assert wheel.requirement == f"some-name{extras} @ file:///requirements/some_name-1-py3-none-any.whl"
    assert requirements.bounds([named]) == []
    assert requirements.merge([requirements.Line("Some_Name>=1", "some-name", "Some_Name>=1")], [named]) == [
        named
    ]


def test_own_comment_is_kept(folder: Path) -> None:
    line = projects.project_line(".", str(folder), "-e . # mine")
    wheel = Wheel(LinkedProject(str(folder)), "name", "/x/name-1-py3-none-any.whl")
    named = projects.named(line, wheel, str(folder / "envs" / "ds"))
    assert named.text == "-e ../..  # mine"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("nowhere", "not found"),
        (".pydock", "no pyproject.toml and no setup.py"),
        (".[a b!]", "invalid extras"),
    ],
)
def test_refused(folder: Path, value: str, words: str) -> None:
    (folder / ".pydock").mkdir()
    with pytest.raises(errors.UsageError, match=words):
        projects.project_line(value, str(folder))
