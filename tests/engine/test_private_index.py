"""A private index with a password, HTTPS by an authority of its own: used, and nothing of it stays in the image."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import pytest

from .index import USER, Index, private_index
from .tools import Project, docker, inspect, layers_holding, recording_docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the engine shares no network with us")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Index]:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as served:
        yield served


@pytest.fixture
def member(project: Project, index: Index) -> Project:
    """Return a caller whose machine knows the index's authority, and nothing else of it yet."""
    project.environ["PYDOCK_CA_BUNDLE"] = str(index.bundle)
    index.asked.clear()
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


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("credentials", [use_netrc, use_pip_conf])
def test_it_is_used_and_leaves_no_trace(
    member: Project, index: Index, tmp_path: Path, installer: str, credentials: object
) -> None:
    assert callable(credentials)
    credentials(member, index)
    package = index.publish_new()
    variables, log = recording_docker(tmp_path)
    variables["PYDOCK_INSTALLER"] = installer
    name = member.create(variables=variables)
    said = member.pydock("--echo", "install", name, package, variables=variables)
    assert index.asked, "the index was asked with the right password"
    module = package.replace("-", "_")
    code = f"import {module}; print({module}.VERSION)"
    assert member.pydock("run", name, "python", "-c", code).stdout == "1.0\n"
    assert member.requirements(name) == [f"{package}==1.0"]

    member.pydock("build", name, "--no-cache", variables=variables)
    assert member.freeze(name) == [f"{package}==1.0"]

    assert "build" in log.read_text(encoding="utf-8")
    assert index.password not in log.read_text(encoding="utf-8"), "no password in a command line"
    assert index.password not in said.stdout + said.stderr
    image = member.current_image(name)
    assert index.password not in json.dumps(inspect(image))
    assert index.password not in docker("history", "--no-trunc", image)
    assert layers_holding(image, index.secret_lines(), tmp_path) == []
    for path in member.environment(name).iterdir():
        assert index.password not in path.read_text(encoding="utf-8")


def test_an_update_finds_what_was_published_since(member: Project, index: Index) -> None:
    use_netrc(member, index)
    package = index.publish_new()
    name = member.create()
    member.pydock("install", name, package)
    assert "Nothing to change" in member.pydock("update", name).stderr
    index.publish(package, "1.1")
    member.pydock("update", name)
    assert member.requirements(name) == member.freeze(name) == [f"{package}==1.1"]


def test_a_second_environment_gets_what_was_published_since(member: Project, index: Index) -> None:
    use_netrc(member, index)
    package = index.publish_new()
    first, second = member.create(), member.create()
    member.pydock("install", first, package)
    index.publish(package, "1.1")
    member.pydock("install", second, package)
    assert member.requirements(first) == [f"{package}==1.0"]
    assert member.requirements(second) == [f"{package}==1.1"]


def test_a_wrong_password_is_an_error_in_words_without_it(member: Project, index: Index) -> None:
    write_pip_conf(member, f"index-url = https://{USER}:canary-wrong@{index.address}/simple/")
    name = member.create()
    result = member.pydock("install", name, index.publish_new(), check=False)
    assert result.returncode == 1
    assert "canary-wrong" not in result.stdout + result.stderr
    assert member.requirements(name) == []


def test_an_unknown_authority_is_named_as_the_trouble(project: Project, index: Index) -> None:
    write_pip_conf(project, f"index-url = {index.url_with_password}")
    project.environ["PYDOCK_CA_BUNDLE"] = "none"
    name = project.create()
    result = project.pydock("install", name, index.publish_new(), check=False)
    assert result.returncode == 1
    assert "PYDOCK_CA_BUNDLE" in result.stderr
    assert index.password not in result.stderr


def test_a_password_in_a_requirement_is_refused_before_anything(project: Project, index: Index) -> None:
    name = project.create()
    lines = f"--extra-index-url {index.url_with_password}\nsix\n"
    (project.folder / "wanted.txt").write_text(lines, encoding="utf-8")
    result = project.pydock("install", name, "-r", "wanted.txt", check=False)
    assert result.returncode == 2
    assert "netrc" in result.stderr
    assert index.password not in result.stderr
