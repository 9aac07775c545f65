"""`pydock run` and `pydock shell`: words, streams, signals and exit codes pass through untouched."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

ODD_WORDS = [
    "python",
    "-c",
    'print("a  b $HOME")\n',
    "",
    "it's",
    'say "hi"',
    "back\\slash",
    "*",
    "--local",
    "--help",
    "-h",
    "--",
    "ünïcode ☃",
    "tab\there",
    "$(touch x) `y`; z & | > w",
    "\udcff\udcfe",
]
ROADS = {"direct": [], "task": ["--echo"]}


@pytest.mark.parametrize("road", ROADS)
def test_words_arrive_byte_for_byte(ds: Machine, road: str) -> None:
    ended = ds.pydock(*ROADS[road], "run", "ds", *ODD_WORDS)
    assert ended.code == 0
    [argv] = ds.argvs("run")
    assert argv[-len(ODD_WORDS) :] == ODD_WORDS
    assert argv[-len(ODD_WORDS) - 1] in ds.tags()


def test_both_roads_run_the_same_command(ds: Machine) -> None:
    ds.ok("run", "ds", *ODD_WORDS)
    ended = ds.ok("run", "--echo", "ds", *ODD_WORDS)
    direct, task = ds.argvs("run")
    assert _without_name(direct) == _without_name(task)
    assert ended.out == ""
    shown = ended.err[ended.err.index("docker run") :].encode("utf-8", "surrogateescape")
    assert shlex.split(shown.decode("utf-8", "surrogateescape"))[:5] == ["docker", *direct[:4]]


def test_the_whole_docker_run(ds: Machine) -> None:
    ds.ok("run", "ds", "python", "--version")
    content, _ = ds.tags()
    target = f"/home/me/{ds.project.name}"
    [argv] = ds.argvs("run")
    assert argv[5:7] == ["--name", f"ds-{argv[6][3:]}"]
    assert [_without_name(argv)] == [
        [
            *("run", "--rm", "--init", "--pull", "never", "--interactive", "--hostname", "ds"),
            *("--mount", f"type=bind,source={ds.project},target={target}", "--workdir", target),
            *("--log-driver", "none"),
            *(content, "python", "--version"),
        ]
    ]


def test_the_direct_road_asks_the_engine_once(ds: Machine) -> None:
    ds.ok("run", "ds", "true")
    content, _ = ds.tags()
    assert [argv for argv in ds.argvs() if argv[0] not in {"run", "rm"}] == [
        ["image", "inspect", "--format", "{{.Id}}", content]
    ]


@pytest.mark.parametrize("road", ROADS)
def test_stdin_stdout_and_the_exit_code_are_the_programs(ds: Machine, road: str) -> None:
    content = bytes(range(256)) * 300
    done = subprocess.run(
        [sys.executable, "-m", "pydock", *ROADS[road], "run", "ds", "cat"],
        input=content,
        capture_output=True,
        env={**ds.environ, "FAKE_DOCKER_EXIT": "37"},
        cwd=ds.project,
        check=False,
    )
    assert done.stdout == content
    assert done.returncode == 37
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("road", ROADS)
def test_a_closed_stdin_stays_closed(ds: Machine, road: str) -> None:
    argv = [sys.executable, "-m", "pydock", *ROADS[road], "run", "ds", "true"]
    assert ds.run(["sh", "-c", 'exec "$@" <&-', "sh", *argv]).code == 0
    assert "--interactive" not in ds.argvs("run")[0]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_a_run_with_closed_streams_is_watched_as_any_other(ds: Machine, road: str, closed: str) -> None:
    """A pipe's end in the place of stdin or stdout would have the container removed at once, or never."""
    argv = [sys.executable, "-m", "pydock", *ROADS[road], "run", "ds", "sleep", "99"]
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *argv]
    variables = {**ds.environ, "FAKE_DOCKER_PAUSE": "in-run"}
    process = subprocess.Popen(command, env=variables, cwd=ds.project)
    ds.wait_for_pause()
    [name] = ds.state()["containers"]
    assert ["rm", "--force", name] not in ds.argvs("rm")
    ds.kill_paused(process)
    ds.wait_until(lambda: ds.state()["containers"] == {})


def test_a_full_output_is_a_sentence(ds: Machine) -> None:
    argv = [sys.executable, "-m", "pydock", "config"]
    ended = ds.run(["sh", "-c", 'exec "$@" > /dev/full', "sh", *argv])
    assert (ended.code, ended.err) == (1, "pydock: The output cannot be written: No space left on device.\n")


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program_which_decides(ds: Machine, road: str, number: int) -> None:
    process = ds.start(*ROADS[road], "run", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run")
    ds.wait_for_pause()
    assert ds.end(process, number).code == 128 + number


@pytest.mark.parametrize("road", ROADS)
def test_a_killed_run_leaves_no_container(ds: Machine, road: str) -> None:
    """The engine's client abandons its container when it is killed; somebody has to remove it."""
    process = ds.start(*ROADS[road], "run", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="in-run")
    ds.wait_for_pause()
    [name] = ds.state()["containers"]
    ds.kill_paused(process)
    ds.wait_until(lambda: ds.state()["containers"] == {})
    assert ["rm", "--force", name] in ds.argvs("rm")


def test_a_detached_container_is_left_alone(ds: Machine) -> None:
    ds.ok("run", "ds", "sleep", "99", PYDOCK_RUN_OPTIONS="--detach")
    assert ds.argvs("rm") == []


def test_between_terminals_the_program_gets_one(ds: Machine) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pydock", "run", "ds", "top"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=ds.environ,
        cwd=ds.project,
    )
    assert process.wait(60) == 0
    os.close(theirs)
    os.close(ours)
    [argv] = ds.argvs("run")
    assert argv[7:12] == ["--interactive", "--tty", "--env", "TERM", "--detach-keys"]


@pytest.mark.parametrize("road", ROADS)
def test_shell_starts_bash_else_sh(ds: Machine, road: str) -> None:
    ds.ok(*ROADS[road], "shell", "ds")
    [argv] = ds.argvs("run")
    assert argv[-3:-1] == ["sh", "-c"]
    assert "exec bash" in argv[-1]
    assert "exec sh" in argv[-1]


def test_shell_takes_the_shell_that_is_set(ds: Machine) -> None:
    ds.ok("shell", "ds", PYDOCK_SHELL="/bin/zsh")
    assert ds.argvs("run")[0][-2:] == [ds.tags()[0], "/bin/zsh"]


def test_run_options_stand_before_the_image(ds: Machine) -> None:
    ds.ok("run", "ds", "true", PYDOCK_RUN_OPTIONS="--publish 8888:8888 --env 'A=b c'")
    assert ds.argvs("run")[0][-6:] == [
        "--publish",
        "8888:8888",
        "--env",
        "A=b c",
        ds.tags()[0],
        "true",
    ]


def test_run_without_a_command_shows_how(ds: Machine) -> None:
    for argv in (
        ["run", "ds"],
        ["run", "--echo", "ds"],
        ["run", "--local"],
        ["run", "--frobnicate", "ds", "x"],
    ):
        ended = ds.pydock(*argv)
        assert ended.code == 2
        assert "usage: pydock run" in ended.err
    assert ds.argvs("run") == []


def test_run_in_an_environment_without_an_image_says_what_to_do(ds: Machine) -> None:
    ds.change_state(lambda state: state["images"].clear())
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 125
    assert ended.err == ("Environment 'ds' has no image on this engine. `pydock build ds` makes it.\n")


def test_run_of_an_engine_on_another_machine_is_refused(ds: Machine) -> None:
    ended = ds.pydock("run", "ds", "true", DOCKER_HOST="ssh://me@server.example")
    assert ended.code == 125
    assert "ssh://me@server.example" in ended.err
    assert ds.argvs("run") == []


def test_run_in_a_folder_with_odd_signs(ds: Machine) -> None:
    folder = ds.project / 'a:b,c "d" ü'
    folder.mkdir()
    ended = ds.run([sys.executable, "-m", "pydock", "run", "ds", "pwd"], folder=folder)
    assert ended.code == 0
    [argv] = ds.argvs("run")
    quoted = str(folder).replace('"', '""')
    name = folder.name.replace('"', '""')
    assert argv[argv.index("--mount") + 1] == f'type=bind,"source={quoted}","target=/home/me/{name}"'
    assert argv[argv.index("--workdir") + 1] == f"/home/me/{folder.name}"


def test_run_in_a_folder_that_is_gone_says_so(ds: Machine) -> None:
    argv = shlex.join([sys.executable, "-m", "pydock", "run", "ds", "true"])
    ended = ds.run(["sh", "-c", f"mkdir gone && cd gone && rmdir ../gone && {argv}"])
    assert ended.code == 2
    assert "The working directory does not exist any more" in ended.err


def test_the_engine_sees_an_image_that_was_removed_meanwhile(ds: Machine) -> None:
    """Between the question and the run: the engine's own words and code reach the user."""
    ended = ds.pydock("run", "ds", "true", FAKE_DOCKER_FAIL="run:mystery")
    assert (ended.code, ended.err) == (1, "Error response from daemon: the flux capacitor is empty\n")


def test_dry_run_prints_a_line_that_can_be_run(ds: Machine) -> None:
    ended = ds.ok("--dry", "run", "ds", *ODD_WORDS[:-1])
    assert ds.argvs("run") == []
    assert ds.argvs("rm") == []
    done = ds.run(["sh", "-c", ended.out])
    assert done.code == 0
    assert ds.argvs("run")[0][-len(ODD_WORDS) + 1 :] == ODD_WORDS[:-1]


def test_dry_run_of_words_that_are_no_text(ds: Machine) -> None:
    ended = ds.pydock("--dry", "run", "ds", "printf", "\udcff", PYTHONIOENCODING="utf-8:strict")
    assert ended.code == 0
    assert ended.out.endswith("printf '\udcff'\n")


def test_echo_prints_every_command_to_stderr(ds: Machine) -> None:
    ended = ds.ok("--echo", "install", "ds", "six")
    commands = [shlex.split(line)[1:3] for line in re.findall(r"^docker .*", ended.err, re.MULTILINE)]
    assert sorted(commands) == sorted(argv[:2] for argv in ds.argvs())  # some run side by side
    assert ["build", "--file"] in commands
    assert ended.out == "+ six==1.16.0\n"


def test_podman_and_sudo_are_clients_too(ds: Machine) -> None:
    (ds.bin / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (ds.bin / "sudo").chmod(0o755)
    ds.ok("run", "ds", "true", PYDOCK_ENGINE="sudo docker")
    ds.client.rename(ds.bin / "podman")
    ds.ok("install", "ds", "six", PYDOCK_ENGINE="podman")
    assert ds.files()["requirements.txt"] == b"six==1.16.0\n"


def _without_name(argv: list[str]) -> list[str]:
    """Return a `docker run` without the container's name, which is another one every time."""
    place = argv.index("--name")
    return argv[:place] + argv[place + 2 :]
