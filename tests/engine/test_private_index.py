"""A private index with a password and its own CA: builds can use it, and the image has no trace of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from pydock.engine.tools import FETCH, PROGRAMS

from .index import USER, Index, private_index
from .tools import Project, check_no_trace, recording_docker

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux", reason="builds cannot reach servers on this machine"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Index]:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as served:
        yield served


@pytest.fixture
def project_with_ca(project: Project, index: Index) -> Project:
    """Return a project that knows the index's CA, but neither its address nor its password."""
    project.environ["PYDOCK_CA_BUNDLE"] = str(index.bundle)
    index.requests.clear()
    return project


def use_netrc(project: Project, index: Index) -> None:
    netrc = project.home / ".netrc"
    machine = index.address.partition(":")[0]
    netrc.write_text(f"machine {machine} login {USER} password {index.password}\n", encoding="utf-8")
    netrc.chmod(0o600)
    write_pip_conf(project, f"extra-index-url = {index.url}")


def use_pip_conf(project: Project, index: Index) -> None:
    write_pip_conf(project, f"extra-index-url = {index.url_with_password}")


def write_pip_conf(project: Project, line: str) -> None:
    folder = project.home / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text(f"[global]\n{line}\n", encoding="utf-8")


def imported_version(project: Project, name: str, package: str) -> str:
    """Import the package in the environment; return its version."""
    module = package.replace("-", "_")
    return project.pydock("run", name, "python", "-c", f"import {module}; print({module}.VERSION)").stdout


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("use_credentials", [use_netrc, use_pip_conf])
def test_index_is_used_and_leaves_no_trace(
    project_with_ca: Project,
    index: Index,
    tmp_path: Path,
    installer: str,
    use_credentials: Callable[[Project, Index], None],
) -> None:
    project = project_with_ca
    use_credentials(project, index)
    package = index.publish_new()
    recorder = recording_docker(tmp_path)
    project.environ.update(recorder.variables, PYDOCK_INSTALLER=installer)
    name = project.create()
    installed = project.pydock("--echo", "install", name, package)
    assert index.requests, "the index was used, with the right password"
    assert imported_version(project, name, package) == "1.0\n"
    assert project.requirements(name) == [f"{package}==1.0"]
    check_no_trace(project.current_image(name), index.secrets(), tmp_path)
    project.pydock("update", name)

    project.pydock("build", name, "--no-cache")
    assert project.freeze(name) == [f"{package}==1.0"]
    check_no_trace(project.current_image(name), index.secrets(), tmp_path)

    assert "build" in recorder.calls()
    assert index.password not in recorder.calls(), "a command line is not private"
    assert index.password not in installed.stdout + installed.stderr
    for path in project.environment(name).iterdir():
        assert index.password not in path.read_text(encoding="utf-8")

    # The engine keeps build contexts in its cache. A step's context may have the CA certificates, but no password.
    assert recorder.all_contexts()
    for context in recorder.named_contexts():
        assert set(context) <= {*PROGRAMS, FETCH, "installer"}
        assert not [secret for secret in index.secrets() for file in context.values() if secret in file]
    for context in recorder.all_contexts():
        assert not [name for name, content in context.items() if index.password.encode() in content]


@pytest.fixture
def sudo(tmp_path: Path) -> Path:
    """Return a folder with a `sudo` that, like the real one, clears the environment and changes HOME."""
    script = tmp_path / "sudo-bin" / "sudo"
    script.parent.mkdir()
    settings = f"PATH='{os.environ['PATH']}' HOME='{Path.home()}'"
    script.write_text(f'#!/bin/sh\nexec env -i {settings} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script.parent


def test_index_is_used_with_sudo_docker(
    project_with_ca: Project, index: Index, tmp_path: Path, sudo: Path
) -> None:
    project = project_with_ca
    use_pip_conf(project, index)
    package = index.publish_new()
    project.environ.update(PATH=f"{sudo}:{os.environ['PATH']}", PYDOCK_ENGINE="sudo docker")
    name = project.create()
    project.pydock("install", name, package)
    assert index.requests, "the index was used, with the right password"
    assert imported_version(project, name, package) == "1.0\n"
    index.publish(package, "1.1")
    project.pydock("update", name)
    project.pydock("build", name, "--no-cache")
    assert imported_version(project, name, package) == "1.1\n"
    check_no_trace(project.current_image(name), index.secrets(), tmp_path)


def test_update_finds_new_version(project_with_ca: Project, index: Index) -> None:
    project = project_with_ca
    use_netrc(project, index)
    package = index.publish_new()
    name = project.create()
    project.pydock("install", name, package)
    assert "Nothing to change" in project.pydock("update", name).stderr
    index.publish(package, "1.1")
    project.pydock("update", name)
    assert project.requirements(name) == project.freeze(name) == [f"{package}==1.1"]


def test_install_finds_new_version(project_with_ca: Project, index: Index) -> None:
    """The same install in another environment must not use the engine's cache."""
    project = project_with_ca
    use_netrc(project, index)
    package = index.publish_new()
    first, second = project.create(), project.create()
    project.pydock("install", first, package)
    index.publish(package, "1.1")
    project.pydock("install", second, package)
    assert project.requirements(first) == [f"{package}==1.0"]
    assert project.requirements(second) == [f"{package}==1.1"]


def test_wrong_password_is_not_in_error_message(project_with_ca: Project, index: Index) -> None:
    project = project_with_ca
    write_pip_conf(project, f"index-url = https://{USER}:canary-wrong@{index.address}/simple/")
    name = project.create()
    result = project.pydock("install", name, index.publish_new(), check=False)
    assert result.returncode == 1
    assert "canary-wrong" not in result.stdout + result.stderr
    assert project.requirements(name) == []


def test_error_for_unknown_ca_names_the_setting(project: Project, index: Index) -> None:
    write_pip_conf(project, f"index-url = {index.url_with_password}")
    project.environ["PYDOCK_CA_BUNDLE"] = "none"
    name = project.create()
    result = project.pydock("install", name, index.publish_new(), check=False)
    assert result.returncode == 1
    assert "PYDOCK_CA_BUNDLE" in result.stderr
    assert index.password not in result.stderr
