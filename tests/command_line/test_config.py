"""`pydock config`: the mode, the home folder and the settings, with the source of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine


def test_config_shows_the_source_of_every_setting(machine: Machine) -> None:
    (machine.home / ".pydock.yaml").write_text("shell: zsh\nrun_options: [--cpus, 2]\n")
    (machine.project / ".pydock").mkdir()
    (machine.project / ".pydock" / "pydock.yaml").write_text("repository: mirror.example/python\n")
    ended = machine.ok("config")
    assert f"Mode: local ({machine.project}/.pydock exists)\n" in ended.out
    assert f"Environments: {machine.project}/.pydock/envs\n" in ended.out
    assert f"Project that runs have: {machine.project}\n" in ended.out
    described = json.loads(machine.ok("config", "--json").out)
    assert described["mode"] == "local"
    assert described["project"] == str(machine.project)
    rows = described["settings"]
    assert rows["shell"] == {"value": "zsh", "source": f"{machine.home}/.pydock.yaml"}
    assert rows["run_options"]["value"] == ["--cpus", "2"]
    assert rows["repository"]["source"] == f"{machine.project}/.pydock/pydock.yaml"
    assert rows["user"] == {"value": "me", "source": "PYDOCK_* variable"}
    assert rows["engine"] == {"value": ["docker"], "source": "default"}
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("argv", "mode"),
    [
        (["config"], "global (no .pydock folder in this folder or above)"),
        (["--local", "config"], "local (--local or setting `mode`)"),
        (["config", "--local"], "local (--local or setting `mode`)"),
        (["--global", "config"], "global (--global or setting `mode`)"),
        (["config", "--global"], "global (--global or setting `mode`)"),
    ],
)
def test_config_shows_the_mode_and_why(machine: Machine, argv: list[str], mode: str) -> None:
    assert machine.ok(*argv).out.startswith(f"Mode: {mode}\n")


def test_config_shows_detected_files(machine: Machine) -> None:
    (machine.home / ".netrc").write_text("")
    rows = json.loads(machine.ok("config", "--json").out)["settings"]
    assert rows["netrc"] == {"value": f"{machine.home}/.netrc", "source": "detected"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "PYDOCK_MODE",
            "lokal",
            "invalid value 'lokal' for setting 'mode'. Use one of: (empty), local, global",
        ),
        ("PYDOCK_ENGINE", "", "setting 'engine' is empty"),
        ("PYDOCK_RUN_OPTIONS", "'", "Check the quotes"),
        (
            "PYDOCK_CA_BUNDLE",
            "/nowhere/ca.pem",
            "Setting 'ca_bundle' is /nowhere/ca.pem, which is not a file",
        ),
        ("PYDOCK_PIP_CONFIG", "/nowhere", "Setting 'pip_config' is /nowhere, which is not a file"),
    ],
)
def test_invalid_setting_is_named(machine: Machine, variable: str, value: str, words: str) -> None:
    ended = machine.pydock("config", **{variable: value})
    assert ended.code == 2
    assert words in ended.err


@pytest.mark.parametrize("argv", [["config"], ["run", "ds", "true"]])
def test_unknown_setting_in_a_file_is_named(ds: Machine, argv: list[str]) -> None:
    (ds.home / ".pydock.yaml").write_text("shel: zsh\n")
    ended = ds.pydock(*argv)
    assert ended.code == 2
    assert ended.err.startswith(f"{ds.home}/.pydock.yaml: unknown setting 'shel'. Did you mean 'shell'?")
