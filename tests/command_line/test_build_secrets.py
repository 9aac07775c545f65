"""What builds get of this machine's network configuration: indexes, credentials, certificates, proxies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n"
INDEX = "https://me:hunter2@index.example/simple"
PROXY = "http://proxy.example:3128"
PROXY_WITH_PASSWORD = "http://me:hunter2@proxy.example:3128"  # noqa: S105
BUILDING = {
    "create": ["create", "new", "3.12"],
    "build": ["build", "ds"],
    "install": ["install", "ds", "six"],
    "update": ["update", "ds"],
}
building_commands = pytest.mark.parametrize("command", BUILDING)


@pytest.fixture
def corporate(ds: Machine) -> Machine:
    """Return a machine whose pip is configured with a private index, and that has a CA and a netrc file."""
    pip_conf = ds.home / "pip.conf"
    pip_conf.write_text(f"[global]\nindex-url = {INDEX}\n")
    (ds.project / "ca.pem").write_text(CERTIFICATE)
    (ds.home / ".netrc").write_text("machine index.example login me password hunter2\n")
    del ds.environ["PYDOCK_PIP_CONFIG"]
    ds.environ.update(PIP_CONFIG_FILE=str(pip_conf), PYDOCK_CA_BUNDLE="ca.pem")
    return ds


@pytest.fixture
def by_sudo(corporate: Machine) -> Machine:
    """Return the same machine with `engine: sudo docker`; this sudo clears the environment."""
    corporate.add_sudo()
    (corporate.home / ".pydock.yaml").write_text("engine: sudo docker\n")
    return corporate


@building_commands
def test_credentials_are_build_secrets(corporate: Machine, command: str) -> None:
    corporate.ok(*BUILDING[command], HTTPS_PROXY=PROXY_WITH_PASSWORD)
    [build] = corporate.calls("build")
    assert "hunter2" not in " ".join(build["argv"]) + build["dockerfile"] + str(build["context"])
    assert f"index-url = {INDEX}\n" in build["secrets"]["pip.conf"]["text"]
    assert "password hunter2" in build["secrets"]["netrc"]["text"]
    assert "HTTPS_PROXY" in _values(build["argv"], "--build-arg")
    assert build["variables"]["HTTPS_PROXY"] == PROXY_WITH_PASSWORD


def test_step_mounts_the_secrets_that_exist(corporate: Machine) -> None:
    corporate.ok("install", "ds", "six")
    [build] = corporate.calls("build")
    assert re.findall(r"--mount=type=secret,id=([^,\s]+)", build["dockerfile"]) == ["pip.conf", "netrc"]


def test_certificates_of_a_step_are_in_its_context(corporate: Machine) -> None:
    """A secret would make BuildKit read the whole image: moby/buildkit#5251."""
    corporate.ok("install", "ds", "six")
    [build] = corporate.calls("build")
    assert build["context"]["ca.pem"]["text"] == CERTIFICATE
    assert "ca.pem" not in build["secrets"]


def test_step_without_secrets_mounts_none(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    [build] = ds.calls("build")
    assert build["secrets"] == {}
    assert "type=secret" not in build["dockerfile"]


def test_certificates_that_cannot_be_read(ds: Machine) -> None:
    # This file can be opened, but not read.
    ended = ds.pydock("install", "ds", "six", PYDOCK_CA_BUNDLE="/proc/self/mem")
    assert ended.code == 2
    assert "Cannot read /proc/self/mem: " in ended.err
    assert ds.argvs("build") == []


@building_commands
def test_sudo_docker_gets_secrets_as_private_files(by_sudo: Machine, command: str) -> None:
    by_sudo.ok(*BUILDING[command], HTTPS_PROXY=PROXY)
    [build] = by_sudo.calls("build")
    assert not [name for name in build["variables"] if name.startswith("PYDOCK_")]  # sudo removed them
    assert "hunter2" not in " ".join(build["argv"]) + build["dockerfile"] + str(build["context"])
    secret = build["secrets"]["pip.conf"]
    assert f"index-url = {INDEX}\n" in secret["text"]
    assert secret["mode"] == "600"
    assert "password hunter2" in build["secrets"]["netrc"]["text"]
    assert f"HTTPS_PROXY={PROXY}" in _values(build["argv"], "--build-arg")
    assert list(by_sudo.temporary.iterdir()) == []


def test_sudo_docker_gets_options_instead_of_variables(by_sudo: Machine) -> None:
    by_sudo.ok("build", "ds")
    [argv] = by_sudo.argvs("build")
    assert _values(argv, "--builder") == ["default"]
    assert {"--provenance=false", "--sbom=false"} <= set(argv)


@pytest.mark.parametrize("client", ["docker", "sudo docker"])
@pytest.mark.parametrize("option", ["--dry", "--echo"])
@building_commands
def test_credentials_are_not_printed(corporate: Machine, command: str, option: str, client: str) -> None:
    corporate.add_sudo()
    ended = corporate.ok(option, *BUILDING[command], PYDOCK_ENGINE=client, HTTPS_PROXY=PROXY)
    shown = ended.out + ended.err
    assert f"{client} build " in shown
    assert "hunter2" not in shown


@building_commands
def test_sudo_docker_refuses_a_proxy_with_a_password(by_sudo: Machine, command: str) -> None:
    before, images = by_sudo.files(), by_sudo.state()["images"]
    ended = by_sudo.pydock(*BUILDING[command], HTTPS_PROXY=PROXY_WITH_PASSWORD)
    assert ended.code == 2
    assert ended.err.startswith("HTTPS_PROXY has a password")
    assert "hunter2" not in ended.out + ended.err
    assert by_sudo.argvs("build") == []
    assert by_sudo.files("new") == {}
    assert (by_sudo.files(), by_sudo.state()["images"]) == (before, images)


def _values(argv: list[str], option: str) -> list[str]:
    return [value for word, value in zip(argv, argv[1:]) if word == option]
