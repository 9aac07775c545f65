"""The folder is the environment: every road to an image gives the same packages, pydock or not."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from .conftest import make_project
from .tools import Project, canonical, docker, images, remove_everything

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("everywhere"))
    yield made
    remove_everything(made.names)


@pytest.fixture(scope="module")
def travelled(project: Project) -> str:
    """Return an environment with a history: everything that changes packages has happened to it."""
    name = project.create()
    project.pydock("install", name, "six==1.16.0", "click", "idna==3.6")
    project.pydock("install", name, "Jinja2")
    project.pydock("uninstall", name, "click")
    (project.environment(name) / "requirements.in").write_text("six\nidna==3.6\nJinja2\n", encoding="utf-8")
    project.pydock("update", name, "six")
    return name


@pytest.fixture
def bare_image() -> Iterator[str]:
    image = f"engine-ring-bare-{os.getpid()}"
    yield image
    docker("rmi", "--force", image, check=False)


def bare_build(folder: Path, image: str) -> None:
    """Run plain `docker build .`: no pydock, no build arguments; this network's CA is all that it may need."""
    ca = next((os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(name)), "")
    secret = ["--secret", f"id=ca.pem,src={ca}"] if ca else []
    docker("build", *secret, "--tag", image, str(folder))


def freeze(image: str) -> list[str]:
    lines = docker("run", "--rm", image, "python", "-m", "pip", "freeze").splitlines()
    return sorted(canonical(line) for line in lines)


def test_every_road_gives_the_same_packages(
    project: Project, travelled: str, bare_image: str, tmp_path: Path
) -> None:
    recorded = project.requirements(travelled)
    assert {line.split("==")[0] for line in recorded} == {"idna", "jinja2", "markupsafe", "six"}
    assert "idna==3.6" in recorded
    assert "six==1.16.0" not in recorded
    assert project.freeze(travelled) == recorded

    project.pydock("build", travelled, "--no-cache")
    assert project.requirements(travelled) == recorded
    assert project.freeze(travelled) == recorded

    copy = tmp_path / "elsewhere" / "anything"
    shutil.copytree(project.environment(travelled), copy)
    assert sorted(path.name for path in copy.iterdir()) == [
        "dockerfile",
        "requirements.in",
        "requirements.txt",
    ]
    bare_build(copy, bare_image)
    assert freeze(bare_image) == recorded
    assert docker("run", "--rm", bare_image, "python", "-c", "import jinja2, six; print('ok')") == "ok\n"


def test_a_checkout_elsewhere_is_adopted_with_build(
    project: Project, travelled: str, another: Project
) -> None:
    shutil.copytree(project.environment(travelled), another.environment(travelled))
    assert another.pydock("run", travelled, "true", check=False).returncode == 125
    another.pydock("build", travelled)
    assert another.freeze(travelled) == project.requirements(travelled)
    another.pydock("install", travelled, "packaging")
    assert "packaging" in "".join(another.requirements(travelled))
    assert project.freeze(travelled) == project.requirements(travelled), "the first is as it was"


def test_a_folder_written_by_hand_is_an_environment(project: Project) -> None:
    name = project.new_name()
    folder = project.environment(name)
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\nENV GREETING=hello\n", encoding="utf-8")
    project.pydock("build", name)
    assert project.pydock("run", name, "sh", "-c", "echo $GREETING").stdout == "hello\n"
    assert {tag.split(":")[0] for tag in images(name)} == {f"pydock-{name}"}
