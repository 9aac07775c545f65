"""`--dry` changes nothing, and what it prints builds the image when it is pasted into a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .tools import TIMEOUT, Project, docker, files_below, images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Paste:
    """Runs printed shell commands as if they were pasted."""

    def __init__(self) -> None:
        self._made: list[str] = []

    def __call__(self, text: str, project: Project) -> None:
        folders = re.findall(
            rf"^mkdir -p ({re.escape(project.environ['TMPDIR'])}/pydock-\S+)$", text, re.MULTILINE
        )
        assert folders or "=docker-image://" in text, (
            "the build has its programs from a folder or from an image"
        )
        self._made += folders
        result = subprocess.run(
            ["sh", "-eu"],
            input=text,
            cwd=project.folder,
            env=project.environ,
            text=True,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert result.returncode == 0, f"{text}\n{result.stderr}"

    def remove_folders(self) -> None:
        for folder in self._made:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_temporary_folder(project: Project) -> None:
    """Let no other test's pydock remove the folders that pasted commands make; nobody holds a lock on them."""
    folder = project.home / "temporary"
    folder.mkdir()
    project.environ["TMPDIR"] = str(folder)


@pytest.fixture
def paste() -> Iterator[Paste]:
    made = Paste()
    yield made
    made.remove_folders()


@pytest.mark.parametrize(
    "command",
    [["install", "NAME", "six"], ["build", "NAME"], ["delete", "NAME", "--yes"], ["update", "NAME"]],
    ids=lambda command: command[0],
)
def test_dry_changes_nothing(project: Project, command: list[str]) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    words = [name if word == "NAME" else word for word in command]
    assert "docker " in project.pydock("--dry", *words).stdout
    assert (files_below(project.environment(name)), images(name)) == before


def test_paste_dry_build(project: Project, paste: Paste) -> None:
    name = project.create()
    project.pydock("install", name, "six")
    docker("rmi", *images(name))
    paste(project.pydock("--dry", "build", name).stdout, project)
    project.check_installed(name, ["six"])


def test_paste_dry_install(project: Project, paste: Paste, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\ntimeout = 59\nretries = 4\n", encoding="utf-8")
    project.environ["PYDOCK_PIP_CONFIG"] = str(tmp_path / "pip.conf")  # so that there is a secret to export
    name = project.create()
    printed = project.pydock("--dry", "install", name, "idna>=3,<3.7").stdout
    assert "export PYDOCK_SECRET_PIP_CONF=" in printed
    paste(printed, project)
    [candidate] = [tag for tag in images(name) if tag.endswith("-candidate")]
    assert docker("run", "--rm", candidate, "python", "-m", "pip", "freeze") == "idna==3.6\n"
    assert "idna==3.6" in project.requirements(name)
    assert project.requested(name) == ["idna>=3,<3.7"]
    assert images(name)[candidate] == images(name)[f"pydock-{name}:latest"]


def test_paste_dry_create(project: Project, paste: Paste) -> None:
    name = project.new_name()
    paste(project.pydock("--dry", "create", name, "3.12").stdout, project)
    assert project.pydock("run", name, "python", "-c", "print(6 * 7)").stdout == "42\n"


def test_paste_dry_create_with_requirements(project: Project, paste: Paste) -> None:
    (project.folder / "r.txt").write_text("# mine\nidna>=3,<3.7\n")
    name = project.new_name()
    printed = project.pydock("--dry", "create", name, "3.12", "-r", "r.txt").stdout
    assert not project.environment(name).exists()
    paste(printed, project)
    assert project.requested(name) == ["# mine", "idna>=3,<3.7"]
    assert docker("run", "--rm", f"pydock-{name}", "python", "-m", "pip", "freeze") == "idna==3.6\n"
    project.pydock("build", name)
