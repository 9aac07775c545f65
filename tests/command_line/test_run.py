"""`pydock run` and `pydock shell`: arguments, streams, signals and exit codes are passed on unchanged."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from pydock.engine.argv import check_command

from .conftest import PYDOCK

if TYPE_CHECKING:
    from .conftest import Machine

ARGUMENTS = [
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
# What is between the image and the command.
BEFORE_COMMAND = ["/bin/sh", "-c", f'PATH="$HOME/.local/bin:$PATH"; {check_command("ds")}exec "$@"', "sh"]
# Without options, cli/fast_run.py runs docker; with --echo, the task does.
both_ways = pytest.mark.parametrize("options", [[], ["--echo"]], ids=["fast", "task"])


@both_ways
def test_arguments_are_passed_on_unchanged(ds: Machine, options: list[str]) -> None:
    ended = ds.pydock(*options, "run", "ds", *ARGUMENTS)
    assert ended.code == 0
    [argv] = ds.argvs("run")
    assert argv[-len(ARGUMENTS) :] == ARGUMENTS
    assert argv[: -len(ARGUMENTS)][-4:] == BEFORE_COMMAND
    assert argv[: -len(ARGUMENTS)][-5] in ds.tags()


def test_both_ways_run_the_same_command(ds: Machine) -> None:
    ds.ok("run", "ds", *ARGUMENTS)
    ended = ds.ok("run", "--echo", "ds", *ARGUMENTS)
    fast, task = ds.argvs("run")
    assert _without_name(fast) == _without_name(task)
    assert ended.out == ""
    assert shlex.split(ended.err[ended.err.index("docker run") :]) == ["docker", *task]


def test_docker_run_command_line(ds: Machine) -> None:
    ds.ok("run", "ds", "python", "--version", TERM="", CI="", COLORTERM="", NO_COLOR="", LANG="", LC_ALL="")
    content, _ = ds.tags()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 // 1024**2
    target = f"/home/me/{ds.project.name}"
    [argv] = ds.argvs("run")
    assert argv[5:7] == ["--name", f"ds-{argv[6][3:]}"]
    assert [_without_name(argv)] == [
        [
            *("run", "--rm", "--init", "--pull", "never", "--sig-proxy=false", "--entrypoint", ""),
            *("--interactive", "--hostname", "ds"),
            *("--mount", f"type=bind,source={ds.project},target={target}"),
            *("--mount", f"type=bind,source={ds.project},target={ds.project}", "--workdir", target),
            *("--log-driver", "none", f"--shm-size={memory}m"),
            *("--env", "HOME=/home/me", "--env", "USER=me", "--env", "LOGNAME=me"),
            *(content, *BEFORE_COMMAND, "python", "--version"),
        ]
    ]


def test_fast_run_asks_the_engine_once(ds: Machine) -> None:
    ds.ok("run", "ds", "true")
    content, _ = ds.tags()
    assert [argv for argv in ds.argvs() if argv[0] not in {"run", "rm"}] == [
        ["image", "inspect", "--format", "{{.Id}}", content]
    ]


@both_ways
def test_stdin_stdout_and_exit_code_are_passed_on(ds: Machine, options: list[str]) -> None:
    content = bytes(range(256)) * 300
    done = subprocess.run(
        [*PYDOCK, *options, "run", "ds", "cat"],
        input=content,
        capture_output=True,
        env={**ds.environ, "FAKE_DOCKER_EXIT": "37"},
        cwd=ds.project,
        check=False,
    )
    assert done.stdout == content
    assert done.returncode == 37
    assert b"Traceback" not in done.stderr


@both_ways
def test_closed_stdin_stays_closed(ds: Machine, options: list[str]) -> None:
    argv = [*PYDOCK, *options, "run", "ds", "true"]
    assert ds.run(["sh", "-c", 'exec "$@" <&-', "sh", *argv]).code == 0
    assert "--interactive" not in ds.argvs("run")[0]


@both_ways
@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_container_watcher_works_with_closed_streams(ds: Machine, options: list[str], closed: str) -> None:
    """The watcher's pipe must not become stdin or stdout."""
    argv = [*PYDOCK, *options, "run", "ds", "sleep", "99"]
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *argv]
    variables = {**ds.environ, "FAKE_DOCKER_PAUSE": "run:started"}
    process = subprocess.Popen(command, env=variables, cwd=ds.project)
    ds.wait_for_pause()
    [name] = ds.state()["containers"]
    assert ["rm", "--force", name] not in ds.argvs("rm")
    ds.kill_at_pause(process)
    ds.wait_until(lambda: ds.state()["containers"] == {})


@both_ways
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(ds: Machine, options: list[str], number: int) -> None:
    process = ds.start(*options, "run", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run:started")
    ds.wait_for_pause()
    [name] = ds.state()["containers"]
    process.send_signal(number)
    assert ds.wait(process).code == 128 + number
    names = ["SIGCONT", signal.Signals(number).name]  # the first asks whether the container runs
    assert ds.argvs("kill") == [["kill", "--signal", each, name] for each in names]


@both_ways
def test_third_signal_ends_client_whose_container_never_runs(ds: Machine, options: list[str]) -> None:
    process = ds.start(*options, "run", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run")
    ds.wait_for_pause()
    for number in (signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        ds.wait_until(lambda: bool(ds.argvs("kill")))
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert ds.wait(process).code == 128 + signal.SIGKILL


@both_ways
def test_killed_run_leaves_no_container(ds: Machine, options: list[str]) -> None:
    """A docker client that is killed leaves its container running."""
    process = ds.start(*options, "run", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run:started")
    ds.wait_for_pause()
    [name] = ds.state()["containers"]
    ds.kill_at_pause(process)
    ds.wait_until(lambda: ds.state()["containers"] == {})
    assert ["rm", "--force", name] in ds.argvs("rm")


def test_detached_container_is_not_removed(ds: Machine) -> None:
    ds.ok("run", "ds", "sleep", "99", PYDOCK_RUN_OPTIONS="--detach")
    assert ds.argvs("rm") == []


def test_run_in_a_terminal(ds: Machine) -> None:
    assert ds.in_terminal(b"", "run", "ds", "top")[0] == 0
    [argv] = ds.argvs("run")
    assert argv[10:13] == ["--interactive", "--tty", "--detach-keys"]
    assert argv[argv.index("TERM") - 1] == "--env"


@both_ways
def test_shell_starts_bash_or_sh(ds: Machine, options: list[str]) -> None:
    ds.ok(*options, "shell", "ds")
    [argv] = ds.argvs("run")
    assert argv[-3:-1] == ["/bin/sh", "-c"]
    assert "exec bash" in argv[-1]
    assert "exec /bin/sh" in argv[-1]


def test_shell_of_the_settings(ds: Machine) -> None:
    ds.ok("shell", "ds", PYDOCK_SHELL="/bin/zsh")
    assert ds.argvs("run")[0][-6:] == [ds.tags()[0], *BEFORE_COMMAND, "/bin/zsh"]


def test_run_options_are_before_the_image(ds: Machine) -> None:
    ds.ok("run", "ds", "true", PYDOCK_RUN_OPTIONS="--publish 127.0.0.1:8000-8001:8888-8889 --env 'A=b c'")
    own = ["--publish", "127.0.0.1:8000-8001:8888-8889", "--env", "A=b c"]
    assert ds.argvs("run")[0][-10:] == [*own, ds.tags()[0], *BEFORE_COMMAND, "true"]


def test_run_without_a_command_shows_the_usage(ds: Machine) -> None:
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


def test_run_without_an_image_names_the_build_command(ds: Machine) -> None:
    ds.remove_images()
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 125
    assert ended.err == "The image of environment 'ds' was not found. `pydock build ds` builds it.\n"


def test_run_with_an_engine_on_another_machine_is_refused(ds: Machine) -> None:
    ended = ds.pydock("run", "ds", "true", DOCKER_HOST="ssh://me@server.example")
    assert ended.code == 125
    assert "ssh://me@server.example" in ended.err
    assert ds.argvs("run") == []


def test_folder_name_with_special_characters(ds: Machine) -> None:
    folder = ds.project / 'a:b,c "d" ü'
    folder.mkdir()
    ds.run([*PYDOCK, "run", "ds", "pwd"], folder=folder)
    [argv] = ds.argvs("run")
    quoted = str(folder).replace('"', '""')
    name = folder.name.replace('"', '""')
    assert argv[argv.index("--mount") + 1] == f'type=bind,"source={quoted}","target=/home/me/{name}"'
    assert argv[argv.index("--workdir") + 1] == f"/home/me/{folder.name}"


def test_folder_name_with_dots(ds: Machine) -> None:
    folder = ds.project / "site.v2.0"
    folder.mkdir()
    ds.run([*PYDOCK, "run", "ds", "true"], folder=folder)
    [argv] = ds.argvs("run")
    assert argv[argv.index("--workdir") + 1] == "/home/me/site.v2.0"


def test_local_environment_is_found_from_a_subfolder(machine: Machine) -> None:
    machine.ok("--local", "create", "dev", "3.12")
    below = machine.project / "src" / "deep"
    below.mkdir(parents=True)
    machine.run([*PYDOCK, "run", "dev", "true"], folder=below)
    [argv] = machine.argvs("run")
    assert argv[argv.index("--mount") + 1] == f"type=bind,source={machine.project},target=/home/me/project"
    assert argv[argv.index("--workdir") + 1] == "/home/me/project/src/deep"


def test_run_in_a_removed_folder(ds: Machine) -> None:
    argv = shlex.join([*PYDOCK, "run", "ds", "true"])
    ended = ds.run(["sh", "-c", f"mkdir gone && cd gone && rmdir ../gone && {argv}"])
    assert ended.code == 2
    assert "The working directory no longer exists" in ended.err


@both_ways
def test_error_of_docker_run_is_passed_on(ds: Machine, options: list[str]) -> None:
    ended = ds.pydock(*options, "run", "ds", "true", FAKE_DOCKER_FAIL="run:layer-missing")
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == "Error response from daemon: layer does not exist"


def test_dry_run_prints_shell(ds: Machine) -> None:
    ended = ds.ok("--dry", "run", "ds", *ARGUMENTS[:-1])
    assert ds.argvs("run") == []
    assert ds.argvs("rm") == []
    ds.shell(ended.out)
    assert ds.argvs("run")[0][-len(ARGUMENTS) + 1 :] == ARGUMENTS[:-1]


def test_dry_run_of_arguments_that_are_not_utf8(ds: Machine) -> None:
    ended = ds.pydock("--dry", "run", "ds", "printf", "\udcff", PYTHONIOENCODING="utf-8:strict")
    assert ended.code == 0
    assert ended.out.endswith("printf '\udcff'\n")


@both_ways
def test_run_with_sudo_docker(ds: Machine, options: list[str]) -> None:
    ds.add_sudo()
    ended = ds.run([*PYDOCK, *options, "run", "ds", "cat"], {"PYDOCK_ENGINE": "sudo docker"}, stdin=b"text")
    assert (ended.code, ended.out) == (0, "text")
    assert ds.argvs("run")[0][-1] == "cat"


def _without_name(argv: list[str]) -> list[str]:
    """Return a `docker run` without the container's name, which is another one every time."""
    place = argv.index("--name")
    return argv[:place] + argv[place + 2 :]
