"""Terminals of any encoding, closed streams, text that is not to be trusted, and other people's invoke settings."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Ended, Machine

PYDOCK = (sys.executable, "-m", "pydock")
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m"
TASKS = """\
import os

from invoke import Collection, task

import pydock
from pydock.commands.run import run


@task
def inside(c):
    with c.cd("sub"):
        run(c, "ds", "true")


@task
def prefixed(c):
    with c.prefix("export FAKE_DOCKER_EXIT=5"):
        run(c, "ds", "true")


@task
def many(c):
    for _ in range(3):
        run(c, "ds", "true")
    zombies = [line for line in os.popen(f"ps --ppid {os.getpid()} -o stat=").read().split() if line[0] == "Z"]
    print(f"zombies: {len(zombies)}")


namespace = Collection(inside, prefixed, many)
namespace.add_collection(Collection.from_module(pydock, name="env"))
namespace.configure({"pydock": {"home": "here"}})
"""


def closed(machine: Machine, streams: str, *words: str, **variables: str) -> Ended:
    return machine.run(["sh", "-c", f'exec "$@" {streams}', "sh", *PYDOCK, *words], variables)


@pytest.fixture
def project(machine: Machine) -> Machine:
    """Return a machine whose project has tasks, and an environment `ds` in the folder `here`."""
    (machine.project / "tasks.py").write_text(TASKS)
    (machine.project / "sub").mkdir()
    ended = machine.inv("env.create", "ds", "3.12")
    assert ended.code == 0, ended
    machine.forget_calls()
    return machine


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "words",
    [["delete", "ds"], ["envs"], ["run", "ds", "true"], ["--echo", "run", "ds", "true"], ["config"]],
    ids=" ".join,
)
def test_closed_streams(ds: Machine, streams: str, words: list[str]) -> None:
    ended = closed(ds, streams, *words)
    assert ended.code == (1 if words[0] == "delete" else 0), ended
    if words[0] == "delete" and streams == "<&-":
        assert "use --yes to confirm" in ended.err
    assert ds.folder("ds").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_path_is_printed_as_it_is_whatever_the_terminals_encoding(machine: Machine, encoding: str) -> None:
    folder = machine.project / "é☃"
    (folder / ".pydock").mkdir(parents=True)
    done = subprocess.run(
        [*PYDOCK, "config"],
        capture_output=True,
        check=True,
        cwd=folder,
        env={**machine.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"},
    )
    name = "é".encode(encoding if encoding != "ascii" else "utf-8") + "☃".encode()
    assert b"project/" + name + b"/.pydock" in done.stdout


def test_a_message_in_ascii(machine: Machine) -> None:
    ended = machine.pydock("run", "é☃", "true", PYTHONIOENCODING="ascii")
    assert ended.code == 2
    assert "é☃" in ended.err


def test_escapes_of_files_do_not_reach_the_terminal(ds: Machine) -> None:
    (ds.folder("ds") / "dockerfile").write_text(f"ARG VERSION=3.12{ESCAPES}\nFROM python:${{VERSION}}\n")
    (ds.project / ".pydock").mkdir()
    (ds.project / f"o{ESCAPES}dd").mkdir()
    for words in (
        ["--global", "envs"],
        ["--global", "build", "ds"],
        ["--global", "install", "ds", f"six{ESCAPES}"],
        ["run", f"a{ESCAPES}", "true"],
        [f"a{ESCAPES}"],
        ["--dry", "--global", "run", "ds", ESCAPES],
        ["--echo", "--global", "run", "ds", ESCAPES],
    ):
        ended = ds.pydock(*words)
        for sign in ("\x1b", "\x07", "\x9b"):
            assert sign not in ended.out + ended.err, (words, ended)


def test_escapes_in_names_of_folders(machine: Machine) -> None:
    folder = machine.project / f"o{ESCAPES}dd"
    (folder / ".pydock").mkdir(parents=True)
    for words in (["config"], ["envs"], ["run", "nosuch", "true"]):
        ended = machine.run([*PYDOCK, *words], folder=folder)
        assert "\x1b" not in ended.out + ended.err
        assert "\\x1b" in ended.out + ended.err


def test_what_dry_prints_can_be_pasted(ds: Machine) -> None:
    words = ["\x1b[1m", "it's\\n", "a\x7fb'c\\"]
    line = ds.ok("--dry", "run", "ds", "printf", "%s\n", *words).out
    script = 'docker() { shift $(($# - 3)); printf "%s." "$@"; }\n' + line
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "".join(f"{word}." for word in words)


@pytest.mark.parametrize("flags", [[], ["--echo"]], ids=["fast", "task"])
def test_a_client_that_is_missing(ds: Machine, flags: list[str]) -> None:
    ds.client.unlink()
    path = os.pathsep.join(["/nowhere", os.path.dirname(sys.executable)])
    ended = ds.pydock(*flags, "run", "ds", "true", PATH=path)
    assert ended.code == 125
    assert "Command 'docker' not found on PATH" in ended.err


def test_a_client_that_is_missing_while_the_socket_answers(ds: Machine, tmp_path: Path) -> None:
    code = (
        "import socket, sys\nserver = socket.socket(socket.AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\n"
        "while True:\n connection = server.accept()[0]; connection.recv(9999)\n"
        " connection.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n'); connection.close()\n"
    )
    socket = str(tmp_path / "s")
    server = subprocess.Popen([sys.executable, "-c", code, socket])
    try:
        ds.wait_until(lambda: os.path.exists(socket))
        time.sleep(0.1)
        ended = ds.pydock("run", "ds", "true", PATH="/nowhere", DOCKER_HOST=f"unix://{socket}")
    finally:
        server.kill()
        server.wait()
    assert ended.code == 125
    assert "Command 'docker' not found on PATH" in ended.err


def test_cd_and_prefix_of_a_task(project: Machine) -> None:
    assert project.inv("inside").code == 0
    [argv] = project.argvs("run")
    assert f"source={project.project}/sub" in argv[argv.index("--mount") + 1]
    assert project.inv("prefixed").code == 5


def test_no_zombies_of_several_runs(project: Machine) -> None:
    ended = project.inv("many")
    assert "zombies: 0" in ended.out, ended


def test_settings_of_invoke_that_are_for_other_commands(project: Machine) -> None:
    (project.home / ".invoke.yaml").write_text(
        "timeouts: {command: 1}\nrun: {replace_env: true, hide: true, pty: true, warn: false, encoding: ascii}\n"
    )
    client = project.client.read_text()
    project.client.write_text(client.replace("exec", "case $1 in run|images) sleep 1.2;; esac\nexec"))
    for words in (["env.run", "ds", "true"], ["env.envs"], ["env.build", "ds"]):
        ended = project.inv(*words)
        assert ended.code == 0, ended


def test_advice_names_the_commands_of_inv(project: Machine) -> None:
    (project.project / "here" / "envs" / "ds" / "requirements.txt").write_text("six==1.16.0\n")
    assert "`inv env.build ds`" in project.inv("env.run", "ds", "true").err
    assert "`inv env.create nosuch VERSION`" in project.inv("env.run", "nosuch", "true").err
    assert "`inv env.shell new`" in project.inv("env.create", "new", "3.12").err


@pytest.mark.parametrize("option", ["-V", "-e", "--version", "-d"])
def test_an_option_that_inv_would_take(project: Machine, option: str) -> None:
    ended = project.inv("env.run", "ds", "python", option)
    assert ended.code == 2, ended
    assert f"`inv env.run ds 'python {option}'`" in ended.err
    assert project.argvs("run") == []


def test_options_of_inv_after_a_quoted_command(project: Machine) -> None:
    assert project.inv("env.run", "ds", "python -V", "-e").code == 0
    assert project.argvs("run")[-1][-2:] == ["python", "-V"]


def test_packages_of_update_are_positional(project: Machine) -> None:
    assert project.inv("env.install", "ds", "six pandas").code == 0
    assert project.inv("env.update", "ds", "six").code == 0
    assert project.inv("env.update", "ds").code == 0
    assert project.inv("env.update", "ds", "--packages", "six").code == 0
    ended = project.inv("env.update", "ds", "env.envs")  # the next task, not a package
    assert ended.code == 0
    assert "STATE" in ended.out
    (project.project / "more.txt").write_text("requests\n")
    assert project.inv("env.install", "ds", "--requirement", "more.txt").code == 0
    assert project.inv("env.install", "ds").code == 2
