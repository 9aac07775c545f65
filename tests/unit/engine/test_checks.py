"""The checks of `pydock doctor`, as functions from what is known to what is shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pydock.engine import checks, container_checks
from pydock.engine.build_secrets import Network
from pydock.engine.probe import network_options, read_answer
from pydock.engine.sizes import parse_size, size_text

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {"uid": os.getuid(), "unwritten": "", "free": 1, "indexes": []}


def test_missing_checks_are_skipped_in_order() -> None:
    found = checks.in_order([checks.Check("disk", True, "much")], "Needs the engine.")
    assert [check.name for check in found] == list(checks.NAMES)
    assert found[-2] == checks.Check("disk", True, "much")
    assert {check.ok for check in found if check.name != "disk"} == {None}
    assert {check.detail for check in found if check.name != "disk"} == {"Needs the engine."}


def test_home(tmp_path: Path) -> None:
    assert checks.home_check(str(tmp_path / ".pydock" / "envs")) == checks.Check(
        "home", True, f"{tmp_path} can be written to"
    )
    full = checks.home_check(str(tmp_path), needed=1 << 60)
    assert (full.ok, full.hint) == (False, f"df -h {tmp_path}")
    assert full.detail == f"The file system of {tmp_path} is full, so environments cannot be written."


def test_home_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    found = checks.home_check(str(tmp_path / "envs"))
    assert (found.ok, found.detail) == (False, f"You cannot write to {tmp_path}.")


@pytest.mark.parametrize("text", ["", "garbage", "[]", "7", "null", '{"ID": "x"}', '"ClientInfo"'])
def test_information_that_is_none(text: str) -> None:
    assert checks.read_info(text) == {}
    assert checks.client_check(("docker",), checks.read_info(text)).ok is False


@pytest.mark.parametrize(
    ("version", "ok"),
    [
        ("23.0.0", True),
        ("26.1.5+dfsg1", True),
        ("22.9", False),
        ("19.03.1", False),
        ("dev", False),
        (7, False),
    ],
)
def test_version_of_the_engine(version: Any, ok: bool) -> None:
    assert checks.engine_check(("docker",), {"ServerVersion": version}).ok is ok


@pytest.mark.parametrize(
    ("info", "found"),
    [
        ({"ServerVersion": "23"}, None),
        ({"ClientInfo": None}, {}),
        ({"ClientInfo": {"Plugins": None}}, {}),
        ({"ClientInfo": {"Plugins": [7, {"Name": "buildx", "Version": "1"}]}}, {"buildx": "1"}),
        ({"ClientInfo": {"Plugins": [{"Name": "buildx", "Err": "broken"}]}}, {}),
    ],
)
def test_plugins(info: dict[str, Any], found: dict[str, str] | None) -> None:
    assert checks.plugin_versions(info) == found
    assert checks.buildx_check(found).ok is (None if found is None else "buildx" in found)
    assert checks.compose_check(found).ok is None


@pytest.mark.parametrize(
    ("endpoint", "info", "platform", "words"),
    [
        ("", {}, "linux", "On this machine"),
        ("tcp://localhost:2375", {}, "linux", "On this machine"),
        ("", {}, "darwin", "In a virtual machine"),
        ("unix:///home/me/.docker/desktop/docker.sock", {}, "linux", "In a virtual machine"),
        ("", {"OperatingSystem": "OrbStack"}, "linux", "(OrbStack)"),
        ("", {"SecurityOptions": ["name=rootless"]}, "linux", "rootless"),
        ("", {"SecurityOptions": 7}, "linux", "On this machine"),
    ],
)
def test_location(endpoint: str, info: dict[str, Any], platform: str, words: str) -> None:
    found = checks.location_check(endpoint, info, platform)
    assert found.ok is True
    assert words in found.detail


@pytest.mark.parametrize("endpoint", ["tcp://me:canary@other:2376", "ssh://other", "tcp://192.0.2.1:2375"])
def test_engine_elsewhere(endpoint: str) -> None:
    found = checks.location_check(endpoint, {}, "linux")
    assert found.ok is False
    assert found.hint
    assert "canary" not in found.detail


@pytest.mark.parametrize(
    ("enforces", "options", "words"),
    [
        (False, [], "Not enforced"),
        (True, ["name=selinux"], "label=disable"),
        (True, [], "not by the engine"),
    ],
)
def test_selinux(enforces: bool, options: list[str], words: str) -> None:
    found = checks.selinux_check({"SecurityOptions": options}, enforces=enforces)
    assert found.ok is True
    assert words in found.detail


@pytest.mark.parametrize(
    ("proxies", "info", "host_network", "ok", "words"),
    [
        ({}, {}, False, True, "no CA bundle; no proxy"),
        ({}, {"HttpProxy": "http://me:canary@proxy:3128"}, False, True, "the engine has one (proxy)"),
        ({"HTTPS_PROXY": "http://proxy"}, {}, False, True, "base images, has none"),
        ({"HTTPS_PROXY": "http://proxy"}, {"HttpsProxy": "http://p"}, False, True, "proxies HTTPS_PROXY"),
        ({"NO_PROXY": "localhost"}, {}, False, True, "no proxy"),
        ({"https_proxy": "127.0.0.1:3128"}, {}, False, False, "127.0.0.1"),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, {}, False, False, "::1"),
        ({"HTTPS_PROXY": "http://localhost:3128"}, {}, True, True, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://[bad"}, {}, False, True, "HTTPS_PROXY"),
    ],
)
def test_network(
    proxies: dict[str, str], info: dict[str, Any], host_network: bool, ok: bool, words: str
) -> None:
    found = checks.network_check(Network({}, {}, proxies, []), {}, info, host_network=host_network)
    assert found.ok is ok
    assert words in found.detail
    assert "canary" not in found.detail
    assert bool(found.hint) is not ok


def test_ca_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    environ = {"SSL_CERT_FILE": str(bundle)}
    missing = checks.network_check(Network({}, {}, {}, []), environ, {}, host_network=False)
    assert (missing.ok, missing.hint) == (False, "unset SSL_CERT_FILE")
    bundle.write_text("")
    network = Network({}, {"ca.pem": str(bundle)}, {}, [])
    found = checks.network_check(network, environ, {}, host_network=False)
    assert (found.ok, found.detail) == (True, f"Passed to builds and runs: CA bundle {bundle}; no proxy")


def test_files() -> None:
    here = container_checks.files_check(ANSWER, "/work", os.getuid(), {})
    assert here == checks.Check("files", True, "What a container writes in /work is yours")
    remapped = container_checks.files_check(
        ANSWER, "/work", os.getuid() + 1, {"SecurityOptions": ["name=userns"]}
    )
    assert remapped.ok is False
    assert "userns-remap" in remapped.detail
    other = container_checks.files_check(ANSWER, "/work", os.getuid() + 1, {})
    assert "userns-remap" not in other.detail
    assert container_checks.files_check(ANSWER, "/work", None, {}).ok is False
    refused = container_checks.files_check({**ANSWER, "unwritten": "Permission denied"}, "/a b", None, {})
    assert refused.hint == "ls -ld '/a b'"


def test_no_index() -> None:
    assert container_checks.index_check([]).ok is None


@pytest.mark.parametrize(
    ("free", "ok"),
    [(0, False), (container_checks.LITTLE - 1, False), (container_checks.LITTLE, True), (10**12, True)],
)
def test_disk(free: int, ok: bool) -> None:
    assert container_checks.disk_check(free, "").ok is ok


@pytest.mark.parametrize(
    ("tags", "containers", "words"),
    [(0, 0, "None"), (1, 0, "1 image that"), (2, 1, "2 images and 1 container that"), (0, 3, "3 containers")],
)
def test_leftovers(tags: int, containers: int, words: str) -> None:
    found = container_checks.leftovers_check(tags, containers)
    assert found.ok is True
    assert words in found.detail


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (999.6, "1.0kB"),
        (1234, "1.2kB"),
        (12_345, "12kB"),
        (999_700, "1.0MB"),
        (132e6, "132MB"),
        (2.69e9, "2.7GB"),
        (41.5e12, "41.5TB"),
    ],
)
def test_size_text(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("132MB", 132e6), ("1.5 GB", 1.5e9), ("0B", 0), ("7kB", 7000), ("", 0), ("N/A", 0), ("1.2.3MB", 0)],
)
def test_parse_size(text: str, size: float) -> None:
    assert parse_size(text) == size


def test_what_images_hold() -> None:
    assert container_checks.held_text({}) == "no images of pydock"
    assert container_checks.held_text({"a": "132MB"}) == "one image of pydock, 132MB"
    assert container_checks.held_text({"a": "132MB", "b": "1GB"}) == "2 images of pydock, at most 1.1GB"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "{}",
        '{"uid": "x"}',
        '{"uid": 1, "unwritten": "", "free": 1, "indexes": 7}',
        "7\n\n",
    ],
)
def test_answer_that_is_none(text: str) -> None:
    assert read_answer(text) is None


def test_answer_after_other_lines() -> None:
    text = 'hello\n{"uid": 1, "unwritten": "", "free": 5, "indexes": [{"address": "a", "status": 200, "error": ""}]}\n'
    assert read_answer(text) == {
        "uid": 1,
        "unwritten": "",
        "free": 5,
        "indexes": [{"address": "a", "status": 200, "error": ""}],
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], []),
        (["--network", "host", "--no-cache"], ["--network", "host"]),
        (["--network=host", "--add-host", "a:1"], ["--network=host", "--add-host", "a:1"]),
        (["--build-arg", "A=1"], []),
    ],
)
def test_network_options(given: list[str], found: list[str]) -> None:
    assert network_options(given) == found
