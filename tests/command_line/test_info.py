"""`pydock info`: what an environment consists of, and what state it is in."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

KEYS = [
    "name",
    "folder",
    "mode",
    "python",
    "python_version",
    "base",
    "packages",
    "sizes",
    "image",
    "state",
    "drift",
    "warm",
    "up",
    "activated",
    "services",
    "trust",
    "settings",
    "unknown",
]


def described(machine: Machine, *flags: str, **variables: str) -> dict[str, Any]:
    """Return what is known of the environment `ds`; the keys are always the same."""
    ended = machine.ok(*flags, "info", "ds", "--json", **variables)
    found: dict[str, Any] = json.loads(ended.out)
    assert list(found) == KEYS
    return found


@pytest.fixture
def packages(machine: Machine) -> Machine:
    machine.add_environment(
        "ds", "numpy==1.26.0", "pandas==2.1.0", "six==1.16.0", requested="pandas\nmissing\n"
    )
    return machine


def test_all_that_is_known(packages: Machine) -> None:
    found = described(packages, PYDOCK_SHELL="zsh")
    assert found["folder"] == str(packages.folder("ds"))
    assert (found["python"], found["python_version"]) == ("3.12", "3.12.7")
    assert found["base"] == {"image": "python:3.12", "pinned": None, "local": None}
    assert found["packages"] == {
        "requested": ["pandas"],
        "dependencies": ["numpy", "six"],
        "missing": ["missing"],
        "system": [],
    }
    assert list(found["sizes"].items()) == [("pandas", 6_000_000), ("numpy", 5_000_000), ("six", 3_000_000)]
    image = found["image"]
    assert image["tag"] == "pydock-ds:latest"
    assert image["id"] == packages.image_id("pydock-ds:latest")
    assert (image["size"], image["layers"], image["version"]) == (123456789, [1_000_000] * 2, "0")
    assert found["drift"]["folder_changed"] is False
    assert found["drift"]["older_version"] == "0"
    assert (found["warm"], found["up"], found["activated"], found["services"]) == ([], False, None, [])
    assert found["trust"]["environment"] is True
    assert found["settings"]["shell"] == {"value": "zsh", "source": "PYDOCK_* variable"}
    assert found["unknown"] == []
    [run] = packages.argvs("run")
    assert run[run.index("--network") + 1] == "none"
    assert "--mount" not in run


def test_text(packages: Machine) -> None:
    ended = packages.ok("info", "ds", PYDOCK_SHELL="zsh")
    assert ended.err == ""
    head, sizes = ended.out.split("\n\n")
    shown = dict(line.split(":", 1) for line in head.splitlines())
    assert shown["Requested"].strip() == "1: pandas"
    assert shown["Brought along"].strip() == "2: numpy, six"
    assert shown["Not installed"].strip() == "1: missing"
    assert shown["Layers"].strip() == "2, lowest first: 1.0MB, 1.0MB"
    assert shown["Setting shell"].strip() == "zsh (PYDOCK_* variable)"
    assert "built by pydock 0" in shown["State"]
    assert "123MB" in shown["Image"]
    bars = [line.split() for line in sizes.splitlines()]
    assert [line[0] for line in bars] == ["PACKAGE", "pandas", "numpy", "six"]
    assert [len(line[2]) for line in bars[1:]] == [30, 25, 15]
    lines = packages.in_terminal(b"", "info", "ds", columns=60)[1].splitlines()
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"FAKE_DOCKER_FAIL": "*:daemon-down"}, "is not running"),
        ({"FAKE_DOCKER_FAIL": "*:permission-denied"}, "No permission"),
        ({"PYDOCK_ENGINE": "nonsense"}, "not found on PATH"),
        ({"PYDOCK_ENGINE": "podman"}, "Podman is not supported"),
        ({"FAKE_DOCKER_FAIL": "run:disk-full"}, "sizes of the packages could not be measured"),
        ({"FAKE_DOCKER_SIZES": "garbage"}, "sizes of the packages could not be measured"),
        ({"FAKE_DOCKER_SIZES": '{"sizes": 7}'}, "sizes of the packages could not be measured"),
    ],
)
def test_without_an_engine(packages: Machine, variables: dict[str, str], words: str) -> None:
    found = described(packages, **variables)
    assert found["packages"]["requested"] == ["pandas"]
    assert found["sizes"] is None
    [unknown] = found["unknown"]
    assert words in unknown
    ended = packages.ok("info", "ds", **variables)
    assert "Requested:" in ended.out
    assert f"Not everything could be found out: {unknown}" in ended.err


@pytest.mark.parametrize("commands", ["images", "image", "history", "run", "*"])
@pytest.mark.parametrize("garbage", ["garbage", "[7]", '{"ID": 7}'])
def test_client_that_prints_garbage(packages: Machine, commands: str, garbage: str) -> None:
    text = packages.client.read_text()
    line = f"case $1 in {commands}) printf '%s' '{garbage}'; exit 0;; esac\n"
    packages.client.write_text(text.replace("export", f"{line}export", 1))
    found = described(packages)
    assert found["packages"]["requested"] == ["pandas"]
    packages.ok("info", "ds")


def test_states(packages: Machine) -> None:
    assert described(packages)["state"] == "requirements.in edited"
    (packages.folder("ds") / "requirements.in").write_text("pandas\n")
    (packages.folder("ds") / "requirements.txt").write_text("pandas==2.1.0\n")
    found = described(packages)
    assert (found["state"], found["drift"]["folder_changed"]) == ("changed since the build", True)
    assert list(found["sizes"]) == ["pandas", "numpy", "six"]  # of the image that there is
    assert "`pydock build ds` builds it" in packages.ok("info", "ds").out
    packages.remove_images()
    found = described(packages)
    assert (found["state"], found["image"], found["sizes"]) == ("not built", None, None)
    assert found["unknown"] == []


def test_base_image_with_a_digest(ds: Machine) -> None:
    digest = f"sha256:{'1' * 64}"
    (ds.folder("ds") / "dockerfile").write_text(f"FROM python:3.12@{digest}\n")
    assert described(ds)["base"] == {"image": "python:3.12", "pinned": digest, "local": None}
    assert f"python:3.12, pinned to {digest}" in ds.ok("info", "ds").out


def test_environment_from_elsewhere(ds: Machine) -> None:
    folder = ds.folder("ds")
    for path in (ds.home / ".local" / "state" / "pydock").rglob("*"):
        if path.is_file():
            path.unlink()
    (folder / "docker-compose.yml").write_text("services: {}\n")
    found = described(ds)
    assert found["trust"]["environment"] is False
    assert found["trust"]["compose_file"] == str(folder / "docker-compose.yml")
    assert found["services"] == []
    shown = ds.ok("info", "ds").out
    assert "builds get no credentials; `pydock trust ds` changes that" in shown
    assert "what its docker-compose.yml opens of this machine needs that trust too" in shown
    assert "Services:" in shown


def test_settings_of_a_project(machine: Machine) -> None:
    machine.add_environment("ds")
    local = machine.project / ".pydock"
    local.mkdir()
    (machine.home / ".pydock" / "envs").rename(local / "envs")
    (local / "pydock.yaml").write_text("run_options: [--privileged]\nshell: fish\n")
    found = described(machine)
    assert (found["trust"]["settings_file"], found["trust"]["settings"]) == (
        str(local / "pydock.yaml"),
        False,
    )
    assert "run_options" not in found["settings"]
    assert found["settings"]["shell"]["value"] == "fish"
    assert "pydock.yaml is not trusted: `pydock trust`" in machine.ok("info", "ds").out


def test_services(ds: Machine) -> None:
    folder = ds.folder("ds")
    (folder / "docker-compose.yml").write_text("services: {}\n")
    labels = {"project": "p", "project.working_dir": str(folder), "service": "db"}
    row = {
        "ID": "db0123",
        "State": "running",
        "Status": "Up 1 second (healthy)",
        "Ports": "5432/tcp",
        "Labels": ",".join(f"com.docker.compose.{name}={value}" for name, value in labels.items()),
    }
    (ds.engine / "companions.json").write_text(json.dumps([row]))
    assert described(ds)["services"] == [
        {"service": "db", "state": "running", "status": "Up 1 second (healthy)", "ports": "5432/tcp"}
    ]
    assert "db (Up 1 second (healthy))" in ds.ok("info", "ds").out
    found = described(ds, FAKE_DOCKER_FAIL="*:daemon-down")
    assert found["services"] is None
    assert "not known" in ds.ok("info", "ds", FAKE_DOCKER_FAIL="*:daemon-down").out


def test_dry_starts_no_container(packages: Machine) -> None:
    found = described(packages, "--dry")
    assert (found["sizes"], found["unknown"]) == (None, [])
    assert found["image"]["size"] == 123456789
    assert packages.argvs("run") == []


def test_names_with_control_characters_are_escaped(ds: Machine) -> None:
    sizes = json.dumps({"python": "3.12\x1b[2J", "sizes": {"evil\x1b]0;x\x07": 5}})
    shown = ds.ok("info", "ds", FAKE_DOCKER_SIZES=sizes).out
    assert "\x1b" not in shown
    assert "evil\\x1b]0;x\\x07" in shown


def test_environment_that_does_not_exist(ds: Machine) -> None:
    ended = ds.pydock("info", "dss")
    assert (ended.code, ended.out) == (1, "")
    assert "Did you mean 'ds'?" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_cannot_be_read(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.txt").chmod(0)
    ended = ds.pydock("info", "ds")
    assert ended.code == 1
    assert "requirements.txt" in ended.err


def test_activated_environment(ds: Machine) -> None:
    ds.ok("activate", "ds")
    found = described(ds)["activated"]
    assert os.path.isdir(found["folder"])
    assert found["size"] > 0
    assert f"{found['folder']}, " in ds.ok("info", "ds").out
