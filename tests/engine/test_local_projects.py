"""Local projects that are installed, not linked: `install NAME .`, with their wheels in the environment's folder."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .test_linked_projects import BACKENDS, MODULE, PROJECT, SETUPTOOLS, module_of, write_files
from .test_plain_docker_build import plain_build
from .tools import docker, images

if TYPE_CHECKING:
    from pathlib import Path

    from .tools import Project

VERSION = "from importlib.metadata import version; print(version('some-example'))"


def files_of(project: Project) -> dict[str, bytes]:
    """Return the project's own files; pydock may change none of them."""
    found = [path for path in project.folder.rglob("*") if path.is_file() and ".pydock" not in path.parts]
    return {str(path): path.read_bytes() for path in found}


def value(project: Project, name: str) -> str:
    """Return what the project's script prints, without the place of the module in the image."""
    shown = project.pydock("run", name, "say-value").stdout
    assert "site-packages/some_example" in shown, "not the project's folder"
    return shown.split()[1]


def names(project: Project, name: str) -> list[str]:
    return [line.partition(" @ ")[0] for line in project.packages(name)]


@pytest.mark.parametrize(
    ("backend", "installer"), [("hatchling", "uv"), ("flit", "pip"), ("setup.py", "pip")]
)
def test_backends(project: Project, backend: str, installer: str) -> None:
    """Dependencies are pinned, script and metadata work; the same version of changed sources is installed again."""
    project.environ["PYDOCK_INSTALLER"] = installer
    write_files(project.folder, BACKENDS[backend])
    before = files_of(project)
    (project.folder / "reqs.txt").write_text(".[test]\n")
    name = project.create("-r", "reqs.txt")
    (project.folder / "reqs.txt").unlink()
    assert files_of(project) == before
    assert project.requested(name) == ["../../..[test]  # some-example"]
    assert names(project, name) == ["idna", "six", "some-example"]
    assert value(project, name) == "1"
    assert project.pydock("run", name, "python", "-c", VERSION).stdout == "1.2\n"
    assert "Nothing to change" in project.pydock("install", name, ".").stderr, (
        "the same files, the same wheel"
    )
    module_of(project).write_text(MODULE.replace("VALUE = 1", "VALUE = 2"))
    project.pydock("install", name, ".")
    assert value(project, name) == "2"
    assert names(project, name) == ["idna", "six", "some-example"]


def test_all_commands_keep_the_installation(project: Project, tmp_path: Path) -> None:
    write_files(project.folder, {"pyproject.toml": SETUPTOOLS + PROJECT, "src/some_example.py": MODULE})
    # What setuptools left of an earlier build is no part of the project.
    write_files(project.folder, {"build/lib/old_module.py": "", "src/Some.Example.egg-info/PKG-INFO": ""})
    before = files_of(project)
    name = project.create()
    folder = project.environment(name)
    project.pydock("install", name, "idna")
    project.pydock("install", name, ".")
    assert files_of(project) == before
    assert project.pydock("run", name, "python", "-c", "import old_module", check=False).returncode == 1
    tags = set(images(name))
    pip = ("run", name, "python", "-m", "pip")
    frozen = project.pydock(*pip, "freeze").stdout.splitlines()
    [wheel] = folder.glob("wheels/*/*.whl")
    place = f"@ file:///run/{wheel.relative_to(folder)}"
    assert any(place in line for line in frozen), (
        "the image tells where the wheel is from, as requirements.txt does"
    )
    assert any(f"{place}#sha256=" in line for line in project.requirements(name))

    project.pydock("uninstall", name, "idna")
    project.pydock("install", name, "idna")
    assert value(project, name) == "1"
    assert set(images(name)) == tags, "the same files, so the same tag"
    (folder / "dockerfile").write_text((folder / "dockerfile").read_text() + "ENV MORE=1\n")
    project.pydock("build", name)
    assert value(project, name) == "1"
    assert "No broken requirements" in project.pydock(*pip, "check").stdout

    module_of(project).write_text(MODULE.replace("VALUE = 1", "VALUE = 2"))
    project.pydock("build", name)
    assert value(project, name) == "1", "the wheel in the folder counts"
    project.pydock("update", name, "some-example")
    assert value(project, name) == "2"

    plain = f"plain-{name}"
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    try:
        plain_build(copy, plain, tmp_path / "pip.conf")
        assert docker("run", "--rm", plain, "say-value").startswith("value 2 ")
        assert docker("run", "--rm", plain, "sh", "-c", "ls /run/wheels 2>/dev/null || true") == ""

        project.pydock("uninstall", name, "some-example", "idna")
        assert project.pydock("run", name, "say-value", check=False).returncode == 127
        assert project.requested(name) == project.packages(name) == []
        # Git keeps no empty folder, but the one for wheels has a file.
        for words in (["init", "--quiet"], ["add", "."], ["clone", "--quiet", ".", str(tmp_path / "clone")]):
            subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
            if words[0] == "add":
                commit = [
                    "-c",
                    "user.name=me",
                    "-c",
                    "user.email=me@example.org",
                    "commit",
                    "--message",
                    "Add",
                ]
                subprocess.run(["git", *commit], cwd=folder, check=True, capture_output=True)
        plain_build(tmp_path / "clone", plain, tmp_path / "pip.conf")
    finally:
        docker("rmi", "--force", plain, check=False)


def test_changed_wheel_is_refused_by_the_installer_too(project: Project, tmp_path: Path) -> None:
    """`docker build` without pydock checks the SHA-256 in requirements.txt."""
    write_files(project.folder, {"pyproject.toml": SETUPTOOLS + PROJECT, "src/some_example.py": MODULE})
    name = project.create()
    project.pydock("install", name, ".")
    [wheel] = project.environment(name).glob("wheels/*/*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    assert "was changed" in project.pydock("build", name, check=False).stderr
    with pytest.raises(AssertionError, match=r"(?i)hash"):
        plain_build(project.environment(name), f"plain-{name}", tmp_path / "pip.conf")
