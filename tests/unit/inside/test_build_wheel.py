"""What the program that builds wheels copies of a project, and what it says of a missing compiler."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pydock.inside import build_wheel

if TYPE_CHECKING:
    from pathlib import Path

COPIED = {"setup.py", "package/__init__.py", "package/node_modules/x.py", ".git/HEAD", "link"}


@pytest.mark.parametrize(
    ("build", "copied"),
    [
        (["build/lib/old.py", "build/bdist.linux-x86_64/x"], set()),
        (["build/__init__.py"], {"build/__init__.py"}),
        ([], set()),
    ],
)
def test_copies_what_the_project_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: list[str], copied: set[str]
) -> None:
    project, copy = tmp_path / "project", tmp_path / "copy"
    made = [".pydock/envs/ds/dockerfile", ".venv/bin/python", "node_modules/x.js", "__pycache__/x.pyc"]
    for name in [*COPIED - {"link"}, *made, *build]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    (project / "link").symlink_to("nowhere")
    os.mkfifo(project / "package" / "pipe")
    monkeypatch.chdir(project)
    build_wheel.copy_project(str(copy))
    assert os.path.samefile(".", copy)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_symlink() or path.is_file()}
    assert found == COPIED | copied


@pytest.mark.parametrize(("compiler", "said"), [("nosuchcc -pthread", "nosuchcc"), ("sh", "")])
def test_missing_compiler(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], compiler: str, said: str
) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", lambda _: compiler)
    build_wheel.name_missing_compiler()
    assert capsys.readouterr().err == (f"missing compiler: {said}\n" if said else "")
