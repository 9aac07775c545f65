"""`pydock` alone, `--help`, `envs`, `config`, `delete`: what is shown, and where."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pydock import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

COMMANDS = ["build", "config", "create", "delete", "envs", "install", "run", "shell", "uninstall", "update"]


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["--local"]])
def test_pydock_alone_lists_the_commands(machine: Machine, argv: list[str]) -> None:
    ended = machine.ok(*argv)
    shown = [
        line.split()[0] for line in ended.out.splitlines() if line.startswith("  ") and line[2].islower()
    ]
    assert sorted(shown) == COMMANDS
    assert ended.err == ""


@pytest.mark.parametrize("argv", [["--version"], ["--local", "--version"]])
def test_version(machine: Machine, argv: list[str]) -> None:
    assert machine.ok(*argv).out == f"pydock {__version__}\n"


@pytest.mark.parametrize("command", ["create", "install", "run", "shell", "delete"])
def test_a_command_alone_shows_its_help_and_fails(machine: Machine, command: str) -> None:
    ended = machine.pydock(command)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"usage: pydock {command} ")
    asked = machine.ok(command, "--help")
    assert asked.out == ended.err
    assert machine.ok("--help", command).out == asked.out
    assert machine.calls() == []


def test_help_of_a_command_knows_its_options(machine: Machine) -> None:
    text = machine.ok("create", "--help").out
    for word in ("name", "version", "-r", "--requirement", "--base", "3.12-slim"):
        assert word in text
    assert machine.ok("run", "--help").out.startswith("usage: pydock run ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["creat"], "pydock has no command 'creat'. Did you mean 'create'?"),
        (["lst"], "Did you mean 'list'?"),
        (["xyzzy"], "pydock has no command 'xyzzy'. `pydock --help` lists what it has."),
        (["--globl", "envs"], "pydock has no option '--globl'"),
        (["envs", "--jsn"], "--jsn"),
        (["envs", "extra"], "extra"),
        (["--local", "--global", "envs"], "--local and --global exclude each other"),
        (["--local", "envs", "--global"], "--local and --global exclude each other"),
        (["run", "--local", "--global", "ds", "true"], "--local and --global exclude each other"),
        ([""], "pydock has no command ''"),
    ],
)
def test_a_wrong_call_is_named(machine: Machine, argv: list[str], words: str) -> None:
    ended = machine.pydock(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert machine.calls() == []


def test_envs_shows_every_state(machine: Machine) -> None:
    for name in ("built", "changed", "missing", "py3.8"):
        machine.given(name, f"six==1.1{len(name)}.0")
    (machine.folder("changed") / "requirements.txt").write_text("six==1.15.0\n")
    machine.change_state(lambda state: state["images"].pop(_image_of(machine, "pydock-missing:latest")))
    (machine.folder("no-dockerfile")).mkdir()
    ended = machine.ok("envs")
    lines = [line.split("  ") for line in ended.out.splitlines()]
    rows = {line[0].strip(): [word.strip() for word in line if word.strip()] for line in lines}
    assert list(rows) == ["NAME", "built", "changed", "missing", "py3.8"]
    assert rows["NAME"] == ["NAME", "PYTHON", "IMAGE", "SIZE", "UPDATED", "STATE"]
    assert rows["built"][:4] == ["built", "3.12", "pydock-built:latest", "123MB"]
    assert rows["built"][4].endswith(" days ago")
    assert rows["built"][5] == "ready"
    assert rows["changed"][5] == "changed since the build"
    assert rows["missing"] == ["missing", "3.12", "-", "-", "-", "not built"]
    assert rows["py3.8"][2] == "pydock-py3.8:latest"
    assert len(machine.argvs()) == 1
    assert machine.ok("list").out == ended.out


def test_envs_for_programs(machine: Machine) -> None:
    machine.given("ds")
    [row] = json.loads(machine.ok("envs", "--json").out)
    assert row["name"] == "ds"
    assert row["state"] == "ready"
    assert row["image"] == "pydock-ds:latest"
    assert row["folder"] == str(machine.folder("ds"))


def test_envs_of_nothing(machine: Machine) -> None:
    ended = machine.ok("envs")
    assert ended.out == ""
    assert "There are no environments in" in ended.err
    assert machine.ok("envs", "--json").out == "[]\n"
    assert machine.calls() == []


def test_config_says_where_everything_came_from(machine: Machine) -> None:
    (machine.home / ".pydock.yaml").write_text("shell: zsh\nrun_options: [--cpus, 2]\n")
    (machine.project / ".pydock").mkdir()
    (machine.project / ".pydock" / "pydock.yaml").write_text("repository: mirror.example/python\n")
    ended = machine.ok("config")
    assert "pydock runs in local mode (found" in ended.out
    assert f"Environments are in {machine.project}/.pydock/envs" in ended.out
    described = json.loads(machine.ok("config", "--json").out)
    assert described["mode"] == "local"
    rows = described["settings"]
    assert rows["shell"] == {"value": "zsh", "source": f"{machine.home}/.pydock.yaml"}
    assert rows["run_options"]["value"] == ["--cpus", "2"]
    assert rows["repository"]["source"] == f"{machine.project}/.pydock/pydock.yaml"
    assert rows["user"] == {"value": "me", "source": "environment"}
    assert rows["engine"] == {"value": ["docker"], "source": "default"}
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("argv", "mode"),
    [
        (["config"], "global mode (no .pydock folder here or above)"),
        (["--local", "config"], "local mode (asked for)"),
        (["config", "--local"], "local mode (asked for)"),
        (["--global", "config"], "global mode (asked for)"),
        (["config", "--global"], "global mode (asked for)"),
    ],
)
def test_config_tells_the_mode(machine: Machine, argv: list[str], mode: str) -> None:
    assert f"pydock runs in {mode}." in machine.ok(*argv).out


def test_a_detected_file_is_shown(machine: Machine) -> None:
    (machine.home / ".netrc").write_text("")
    rows = json.loads(machine.ok("config", "--json").out)["settings"]
    assert rows["netrc"] == {"value": f"{machine.home}/.netrc", "source": "detected"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PYDOCK_MODE", "lokal", "setting 'mode' is 'lokal'; it takes one of: (empty), local, global"),
        ("PYDOCK_ENGINE", "", "setting 'engine' is empty"),
        ("PYDOCK_RUN_OPTIONS", "'", "Balance the quotes"),
        (
            "PYDOCK_CA_BUNDLE",
            "/nowhere/ca.pem",
            "Setting 'ca_bundle' names /nowhere/ca.pem, which is no file",
        ),
        ("PYDOCK_PIP_CONFIG", "/nowhere", "Setting 'pip_config' names /nowhere"),
    ],
)
def test_a_bad_setting_is_named(machine: Machine, variable: str, value: str, words: str) -> None:
    ended = machine.run([sys.executable, "-m", "pydock", "config"], {variable: value})
    assert ended.code == 2
    assert words in ended.err


def test_a_misspelt_setting_in_a_file_is_named(machine: Machine) -> None:
    (machine.home / ".pydock.yaml").write_text("shel: zsh\n")
    for argv in (["config"], ["run", "ds", "true"]):
        ended = machine.pydock(*argv)
        assert ended.code == 2
        assert f"{machine.home}/.pydock.yaml has a setting 'shel'" in ended.err
        assert "Did you mean 'shell'?" in ended.err


def test_delete_removes_image_and_folder(machine: Machine) -> None:
    machine.given("ds", "six==1.16.0")
    machine.given("other")
    ended = machine.ok("delete", "ds", "-y")
    assert ended.err == "Environment 'ds' is removed.\n"
    assert [path.name for path in machine.folder("ds").parent.iterdir()] == ["other"]
    assert [tag.partition(":")[0] for tag in machine.tags()] == ["pydock-other"] * 2


def test_delete_while_a_container_uses_the_image_changes_nothing(ds: Machine) -> None:
    [image] = ds.state()["images"]
    before, tags = ds.files(), ds.tags()
    ds.change_state(lambda state: state["containers"].update(busy=[image, tags[0]]))
    ended = ds.pydock("delete", "ds", "--yes")
    assert ended.code == 125
    assert "The image of 'ds' is used by container busy" in ended.err
    assert (ds.files(), ds.tags()) == (before, tags)


def test_delete_while_a_twin_runs(ds: Machine) -> None:
    """Two environments may share an image; a container of the one is no obstacle to deleting the other."""
    [image] = ds.state()["images"]

    def adopt(state: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        state["images"][image]["tags"] += ["pydock-twin:0-0", "pydock-twin:latest"]
        state["containers"]["twin-1"] = [image, "pydock-twin:0-0"]  # type: ignore[assignment]

    ds.change_state(adopt)
    ds.ok("delete", "ds", "--yes")
    assert ds.tags() == ["pydock-twin:0-0", "pydock-twin:latest"]


@pytest.mark.parametrize(
    ("answer", "code"), [(b"y\n", 0), (b"Yes\n", 0), (b"\n", 1), (b"no\n", 1), (b"\x04", 1)]
)
def test_delete_asks_on_a_terminal(ds: Machine, answer: bytes, code: int) -> None:
    ended, shown = on_a_terminal(ds, answer, "delete", "ds")
    assert ended == code
    assert f"Remove the image and the folder {ds.folder('ds')}? [y/N]" in shown.replace("\r\n", "")
    assert bool(ds.files()) == bool(code)
    assert ("Nothing was removed" in shown) == bool(code)


def test_a_build_shows_its_progress_on_a_terminal(machine: Machine) -> None:
    ended, shown = on_a_terminal(machine, b"", "create", "ds", "3.12")
    assert ended == 0
    assert "#1 [internal] load build definition" in shown
    ended, shown = on_a_terminal(machine, b"", "install", "ds", "nosuchpackage")
    assert ended == 1
    assert "No set of packages fits" in shown
    assert "\x1b[31m" in shown


def on_a_terminal(machine: Machine, typed: bytes, *argv: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pydock", *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**machine.environ, "TERM": "xterm"},
        cwd=machine.project,
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert b"Traceback" not in shown
    return process.wait(60), shown.decode()


@pytest.mark.parametrize("argv", [["--help"], ["config"], ["create", "--help"]])
def test_a_reader_that_has_left_is_no_news(machine: Machine, argv: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pydock", *argv],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=machine.environ,
        cwd=machine.project,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in {0, 1}


def test_reading_commands_write_nothing(machine: Machine) -> None:
    machine.given("ds")
    before = _everything(machine.home)
    for argv in (["envs"], ["config"], ["run", "ds", "true"], ["--help"], ["shell", "ds"]):
        machine.ok(*argv)
    machine.pydock("--local", "envs")
    assert _everything(machine.home) == before
    assert list(machine.project.iterdir()) == []


def _everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def _image_of(machine: Machine, tag: str) -> str:
    [found] = [image for image, facts in machine.state()["images"].items() if tag in facts["tags"]]
    return str(found)
