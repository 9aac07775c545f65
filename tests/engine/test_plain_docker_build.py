"""The folder is the environment: every way to build it gives the same packages, `docker build .` too."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .index import ca_bundle
from .tools import Project, check_no_trace, docker, frozen, images, temporary_project

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_0_1 = Path(__file__).parent / "dockerfiles-0.1"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with temporary_project(tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="module")
def changed(project: Project) -> str:
    """Return an environment in which every command that changes packages has been used."""
    name = project.create()
    project.pydock("install", name, "six==1.16.0", "click", "idna==3.6")
    project.pydock("install", name, "Jinja2")
    project.pydock("uninstall", name, "click")
    (project.environment(name) / "requirements.in").write_text("six\nidna==3.6\nJinja2\n", encoding="utf-8")
    project.pydock("update", name, "six")
    return name


@pytest.fixture
def plain_image() -> Iterator[str]:
    image = f"pydock-test-plain-{os.getpid()}"
    yield image
    docker("rmi", "--force", image, check=False)


def plain_build(folder: Path, image: str, config: Path) -> None:
    """Run `docker build .` without pydock and without build arguments.

    Where TLS is intercepted, pip in the build needs the two secrets that README.md shows. `config` is a file to write.
    """
    secrets = []
    if bundle := ca_bundle():
        config.write_text("[global]\ncert = /run/secrets/ca.pem\n", encoding="utf-8")
        secrets = ["--secret", f"id=pip.conf,src={config}", "--secret", f"id=ca.pem,src={bundle}"]
    docker("build", *secrets, "--tag", image, str(folder))


def freeze(image: str) -> list[str]:
    return frozen(docker("run", "--rm", image, "python", "-m", "pip", "freeze"))


def test_every_build_gives_the_same_packages(
    project: Project, changed: str, plain_image: str, tmp_path: Path
) -> None:
    recorded = project.requirements(changed)
    assert "idna==3.6" in recorded
    assert "six==1.16.0" not in recorded
    project.check_installed(changed, ["idna", "jinja2", "markupsafe", "six"])

    project.pydock("build", changed, "--no-cache")
    assert project.requirements(changed) == recorded
    assert project.freeze(changed) == recorded

    copy = tmp_path / "elsewhere" / "anything"
    shutil.copytree(project.environment(changed), copy)
    assert sorted(path.name for path in copy.iterdir()) == [
        "dockerfile",
        "requirements.in",
        "requirements.txt",
    ]
    plain_build(copy, plain_image, tmp_path / "pip.conf")
    assert freeze(plain_image) == recorded
    assert docker("run", "--rm", plain_image, "python", "-c", "import jinja2, six; print('ok')") == "ok\n"
    check_no_trace(plain_image, [], tmp_path)
    assert docker("run", "--rm", plain_image, "sh", "-c", "ls -A ~") == "", "no cache in the user's home"


def test_checkout_of_another_folder_is_built(project: Project, changed: str, other_project: Project) -> None:
    shutil.copytree(project.environment(changed), other_project.environment(changed))
    assert other_project.pydock("run", changed, "true", check=False).returncode == 125
    other_project.pydock("build", changed)
    assert other_project.freeze(changed) == project.requirements(changed)
    other_project.pydock("install", changed, "packaging")
    assert "packaging" in other_project.packages(changed)
    assert project.freeze(changed) == project.requirements(changed), "the first environment is unchanged"


def test_dockerfile_written_by_hand(project: Project) -> None:
    name = project.write_environment("FROM python:3.12\nENV GREETING=hello\n")
    project.pydock("build", name)
    assert project.pydock("run", name, "sh", "-c", "echo $GREETING").stdout == "hello\n"
    assert {tag.split(":")[0] for tag in images(name)} == {f"pydock-{name}"}


def compiled_at_start(project: Project, name: str, *modules: str) -> list[str]:
    """Import the modules; return the files of packages that Python had to compile, because there was no bytecode."""
    code = f"import {', '.join(modules)}"
    log = project.pydock("run", name, "python", "-v", "-c", code).stderr
    loaded = re.findall(r"# code object from '?(\S*site-packages\S+?)'?$", log, re.MULTILINE)
    assert loaded, "python -v prints what it loads"
    return [path for path in loaded if not path.endswith(".pyc")]


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_packages_have_bytecode(project: Project, installer: str) -> None:
    variables = {"PYDOCK_INSTALLER": installer}
    name = project.create(variables=variables)
    project.pydock("install", name, "Jinja2", variables=variables)
    assert compiled_at_start(project, name, "jinja2", "markupsafe") == []
    project.pydock("install", name, "idna", variables=variables)
    assert compiled_at_start(project, name, "jinja2", "idna") == []
    project.pydock("build", name, "--no-cache", variables=variables)
    assert compiled_at_start(project, name, "jinja2", "markupsafe", "idna") == []


# Run pytest, and print which modules it has rewritten, and whether hypothesis was there.
REWRITTEN = """
import sys, pytest
from _pytest.assertion import rewrite
names, original = [], rewrite._rewrite_test
rewrite._rewrite_test = lambda path, config: (names.append(path.name), original(path, config))[1]
code = pytest.main(["-q", "-p", "no:cacheprovider", "test_it.py"])
print("REWRITTEN", *sorted(names), "hypothesis" in sys.modules, int(code))
"""


def rewritten(project: Project, name: str) -> str:
    (project.folder / "test_it.py").write_text("def test_it(): assert True\n", encoding="utf-8")
    printed = project.pydock("run", name, "python", "-B", "-c", REWRITTEN).stdout
    return printed.rpartition("REWRITTEN ")[2].strip()


def test_plugins_of_pytest_are_rewritten_when_they_are_installed(project: Project) -> None:
    """Also with another pytest; and they are gone with their plugin."""
    name = project.create()
    project.pydock("install", name, "pytest<9", "hypothesis")
    assert rewritten(project, name) == "test_it.py True 0"
    project.pydock("install", name, "pytest<8")
    assert rewritten(project, name) == "test_it.py True 0"
    project.pydock("uninstall", name, "hypothesis")
    gone = project.pydock("run", name, "python", "-c", "import hypothesis", check=False)
    assert "ModuleNotFoundError: No module named 'hypothesis'" in gone.stderr


def test_plugins_of_pytest_are_rewritten_if_pip_installs_them(project: Project) -> None:
    variables = {"PYDOCK_INSTALLER": "pip"}
    name = project.create(variables=variables)
    project.pydock("install", name, "pytest", "pytest-timeout", variables=variables)
    assert rewritten(project, name) == "test_it.py False 0"


@pytest.mark.parametrize("kind", ["uv", "pip", "base"])
def test_dockerfile_of_version_0_1(project: Project, plain_image: str, kind: str, tmp_path: Path) -> None:
    """All commands work on a dockerfile that version 0.1 wrote; `tests/engine/dockerfiles-0.1` has such files."""
    text = (VERSION_0_1 / f"{kind}.dockerfile").read_text(encoding="utf-8")
    name = project.write_environment(text.replace("BASE=debian:12", "BASE=python:3.12"))
    folder = project.environment(name)
    project.pydock("build", name)
    project.pydock("install", name, "Jinja2", "idna==3.6")
    project.check_installed(name, ["idna", "jinja2", "markupsafe"])
    (folder / "requirements.in").write_text("Jinja2\nidna\n", encoding="utf-8")
    project.pydock("update", name)
    assert "idna==3.6" not in project.requirements(name)
    project.pydock("uninstall", name, "Jinja2")
    project.check_installed(name, ["idna"])
    project.pydock("build", name, "--no-cache")
    project.check_installed(name, ["idna"])
    assert compiled_at_start(project, name, "idna") == []
    assert project.pydock("run", name, "id", "-u").stdout == f"{os.getuid()}\n"

    plain_build(folder, plain_image, tmp_path / "pip.conf")
    assert freeze(plain_image) == project.requirements(name)
