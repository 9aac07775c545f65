"""An engine that is absent, down, forbidden, full or puzzled: one sentence with a next step, and exit code 125."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

TROUBLE = {
    "daemon-down": (125, "The Docker engine does not answer. Start it"),
    "forbidden": (125, "usermod -aG docker"),
    "no-buildx": (125, "docker-buildx-plugin"),
    "disk-full": (125, "docker system prune"),
    "registry-unreachable": (125, "its registry cannot be reached"),
    "index-down": (1, "The package index cannot be reached. Check the network"),
    "bad-certificate": (1, "PYDOCK_CA_BUNDLE=/path/to/ca.pem"),
    "conflict": (1, "No set of packages fits"),
    "broken-step": (
        1,
        "A step of the dockerfile failed; nothing was changed.\n/bin/sh: 1: frobnicate: not found",
    ),
    "mystery": (1, "The engine refused the build:\nError response from daemon: the flux capacitor is empty"),
}


@pytest.mark.parametrize("failure", TROUBLE)
def test_a_failed_build_says_what_to_do(ds: Machine, failure: str) -> None:
    code, words = TROUBLE[failure]
    ended = ds.pydock("build", "ds", FAKE_DOCKER_FAIL=f"build:{failure}")
    assert ended.code == code
    assert words in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    "argv", [["envs"], ["run", "ds", "true"], ["delete", "ds", "--yes"], ["install", "ds", "six"]]
)
def test_every_command_says_that_the_engine_does_not_work(ds: Machine, argv: list[str]) -> None:
    before = ds.files()
    ended = ds.pydock(*argv, FAKE_DOCKER_FAIL="*:daemon-down")
    assert ended.code == 125
    assert TROUBLE["daemon-down"][1] in ended.err
    assert ended.err.count("\n") == 1
    assert ds.files() == before


@pytest.mark.parametrize("argv", [["create", "x", "3.12"], ["run", "ds", "true"], ["shell", "ds"], ["envs"]])
def test_a_missing_client_is_named(ds: Machine, argv: list[str]) -> None:
    ended = ds.pydock(*argv, PATH=str(ds.project))
    assert ended.code == 125
    assert "There is no command 'docker' on PATH. Install Docker" in ended.err
    assert ds.files("x") == {}


def test_a_client_that_cannot_be_started_is_named(ds: Machine) -> None:
    ds.client.chmod(0o644)
    ended = ds.pydock("run", "ds", "true", PATH=str(ds.bin))
    assert ended.code == 125
    assert "docker cannot be started: Permission denied" in ended.err


def test_another_client_that_is_missing_is_named(ds: Machine) -> None:
    ended = ds.pydock("envs", PYDOCK_ENGINE="frobnicate --tls")
    assert ended.code == 125
    assert "There is no command 'frobnicate' on PATH" in ended.err


def test_a_home_that_cannot_be_written_is_named(machine: Machine) -> None:
    (machine.home / ".pydock").write_text("in the way")
    ended = machine.pydock("create", "ds", "3.12")
    assert ended.code == 1
    assert "cannot be written: Not a directory" in ended.err
    assert machine.calls() == []


def test_pydock_is_a_console_script_too(machine: Machine) -> None:
    code = "import sys; sys.argv = ['pydock', 'envs']; from pydock.__main__ import main; main()"
    ended = machine.run([sys.executable, "-c", code])
    assert ended.code == 0
