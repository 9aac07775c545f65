"""Signals, however many, and job control: what a shell's user does to a program works for `pydock run`."""

from __future__ import annotations

import functools
import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from .terminal import CTRL_C, on_terminal
from .tools import TIMEOUT, Project, containers, docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRESH_AND_WARM = True

CTRL_Z, CTRL_BACKSLASH = b"\x1a", b"\x1c"
WAYS = pytest.mark.parametrize("way", [[], ["--echo"]], ids=["fast", "task"])

COUNTS = """
import os, signal, sys, time
got = []
def handler(number, frame):
    got.append(number)
    os.write(1, f"{signal.Signals(number).name}\\n".encode())  # print() fails if the signal interrupts another print()
    if len(got) == 5:
        sys.exit(42)
for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM"):
    signal.signal(getattr(signal, name), handler)
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


@WAYS
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_the_program_decides_however_many_signals_come(
    runner: Project, ready: str, name: str, way: list[str]
) -> None:
    process = runner.start(*way, "run", ready, "python", "-c", COUNTS, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    for _ in range(5):
        process.send_signal(getattr(signal, name))
        assert process.stdout.readline() == f"{name}\n".encode()
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 42
    wait_until(lambda: containers(ready) == [], "the container to go")


@pytest.mark.only_fresh
@WAYS
def test_a_signal_during_the_start_is_not_lost(runner: Project, ready: str, way: list[str]) -> None:
    began = time.monotonic()
    process = runner.start(*way, "run", ready, "sh", "-c", "exec sleep 600")
    wait_until(lambda: containers(ready), "the container to be created; it does not run yet, more or less")
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT) == 143
    assert time.monotonic() - began < 60
    wait_until(lambda: containers(ready) == [], "the container to go")


def has_lines(path: Path, count: int) -> bool:
    return path.read_bytes().count(b"\n") == count


def test_five_times_ctrl_c_where_the_output_goes_into_a_file(runner: Project, ready: str) -> None:
    """There is a terminal, but none inside: Ctrl-C is a signal, to pydock and to whatever shares its job."""
    with open(runner.folder / "out", "wb") as file:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])",
                *runner.program,
                *("run", ready, "python", "-c", COUNTS),
            ],
            stdin=slave,
            stdout=file,
            stderr=file,
            cwd=runner.folder,
            env=runner.environ,
            start_new_session=True,
        )
        os.close(slave)
        out = runner.folder / "out"
        for count in range(5):
            wait_until(functools.partial(has_lines, out, count + 1), "the answer")
            os.write(master, CTRL_C)
        assert process.wait(TIMEOUT) == 42
        os.close(master)
    assert out.read_text() == "ready\n" + "SIGINT\n" * 5


@WAYS
def test_ctrl_z_between_terminals_has_no_effect(runner: Project, ready: str, way: list[str]) -> None:
    with on_terminal(runner, *way, "run", ready, "sh", "-c", "echo ready; read a; echo got $a") as terminal:
        # With the end of the line: `--echo` shows the same words as a part of the command, before it runs.
        terminal.wait_for(b"ready\r\n")
        terminal.type(CTRL_Z)
        time.sleep(0.5)
        terminal.type(CTRL_Z + b"\x15typed\n")
        terminal.wait_for(b"got typed\r\n")
        assert terminal.wait() == 0


def test_a_program_that_stops_itself_goes_on(runner: Project, ready: str) -> None:
    code = "import os, signal; os.kill(0, signal.SIGTSTP); print('went on')"
    with on_terminal(runner, "run", ready, "python", "-c", code) as terminal:
        assert terminal.wait() == 0
        assert b"went on" in terminal.seen


@pytest.mark.parametrize("words", [["shell"], ["run", "bash"], ["run", "bash", "-l"]], ids=" ".join)
def test_a_shell_inside_controls_its_own_jobs(runner: Project, ready: str, words: list[str]) -> None:
    with on_terminal(runner, words[0], ready, *words[1:]) as terminal:
        terminal.type(b"sleep 0; echo be''gun; sh -c 'echo sl''eeping; sleep 1; echo wo''ke'\n")
        terminal.wait_for(b"sleeping")
        time.sleep(0.3)  # a shell that starts a program with vfork(2) cannot stop meanwhile
        terminal.type(CTRL_Z)
        terminal.wait_for(b"Stopped")
        terminal.type(b"fg\n")
        terminal.wait_for(b"woke")
        terminal.type(b"exit 5\n")
        assert terminal.wait() == 5


class Shell:
    """An interactive bash with job control on a terminal, in the project's folder."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.master, slave = pty.openpty()
        self.seen = b""
        program = folder / "pydock"
        program.write_text(f'#!/bin/sh\nexec {" ".join(project.program)} "$@"\n')
        program.chmod(0o755)
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=project.folder,
            env={
                **project.environ,
                "PS1": "PROMPT> ",
                "PATH": f"{folder}:{project.environ['PATH']}",
                "TERM": "dumb",
            },
            start_new_session=True,
            preexec_fn=self._take_terminal,  # noqa: PLW1509 - there are no threads
        )
        os.close(slave)

    @staticmethod
    def _take_terminal() -> None:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait_for(self, text: bytes, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"waited for {text!r}, saw {self.seen!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536)
        self.seen = self.seen.partition(text)[2]


@pytest.fixture
def shell(runner: Project, tmp_path: Path) -> Iterator[Shell]:
    folder = tmp_path / "bin"
    folder.mkdir()
    made = Shell(runner, folder)
    made.wait_for(b"PROMPT> ")
    yield made
    made.process.kill()
    made.process.wait()
    os.close(made.master)


TICKS = "for i in $(seq 100); do echo tick $i; sleep 0.1; done"


@pytest.mark.parametrize("way", ["", "--echo "], ids=["fast", "task"])
def test_ctrl_z_stops_the_job_and_fg_brings_it_back(
    runner: Project, ready: str, shell: Shell, way: str
) -> None:
    """Without a terminal inside: the output goes into a pipe."""
    out = runner.folder / "out"
    shell.type(f"pydock {way}run {ready} sh -c '{TICKS}' > out; echo ended $?\n".encode())
    wait_until(lambda: out.exists() and b"tick 3\n" in out.read_bytes(), "the third tick")
    shell.type(CTRL_Z)
    shell.wait_for(b"Stopped")
    time.sleep(1)
    stopped = out.read_bytes()
    time.sleep(1)
    assert out.read_bytes() == stopped
    shell.type(b"fg\n")
    wait_until(lambda: len(out.read_bytes()) > len(stopped), "it to go on")
    shell.type(CTRL_C)
    shell.wait_for(b"PROMPT> ")
    wait_until(lambda: containers(ready) == [], "the container to go")


def test_bg_lets_it_go_on_in_the_background(runner: Project, ready: str, shell: Shell) -> None:
    out = runner.folder / "out"
    shell.type(f"pydock run {ready} sh -c '{TICKS}' > out\n".encode())
    wait_until(lambda: out.exists() and b"tick 3\n" in out.read_bytes(), "the third tick")
    shell.type(CTRL_Z)
    shell.wait_for(b"Stopped")
    shell.type(b"bg\n")
    wait_until(lambda: b"tick 100\n" in out.read_bytes(), "the last tick")
    shell.type(b"\necho 'al''ive'\n")  # the job has not taken what is typed
    shell.wait_for(b"alive")


@pytest.mark.only_fresh
def test_a_background_job_leaves_the_keyboard_alone(runner: Project, ready: str, shell: Shell) -> None:
    shell.type(f"pydock run {ready} cat > out &\n".encode())
    wait_until(lambda: containers(ready), "the container to run")
    for word in (b"one", b"two", b"three"):
        shell.type(b"echo a''" + word + b"\n")
        shell.wait_for(b"a" + word)
    shell.type(b"fg\n")
    shell.wait_for(b"cat")
    time.sleep(0.3)
    shell.type(b"typed\n\x04")
    shell.wait_for(b"PROMPT> ")
    assert (runner.folder / "out").read_bytes() == b"typed\n"


def test_a_job_between_terminals_waits_for_the_foreground(runner: Project, ready: str, shell: Shell) -> None:
    shell.type(f"pydock run {ready} sh -c 'echo in''side; read a; echo got $a' &\n".encode())
    time.sleep(2)
    shell.type(b"echo st''ill\njobs\n")
    shell.wait_for(b"still")
    shell.wait_for(b"Stopped")
    shell.type(b"fg\n")
    shell.wait_for(b"inside")
    shell.type(b"words\n")
    shell.wait_for(b"got words")
    shell.wait_for(b"PROMPT> ")


def test_a_stop_from_elsewhere_gives_the_terminal_back(runner: Project, ready: str, shell: Shell) -> None:
    shell.type(f"pydock run {ready} sh -c 'echo in''side; read a; echo got $a'\n".encode())
    shell.wait_for(b"inside")
    [job] = subprocess.run(
        ["pgrep", "-f", f"pydock run {ready} sh", "-P", str(shell.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    os.kill(int(job), signal.SIGTSTP)
    shell.wait_for(b"Stopped")
    shell.type(b"echo a''live\n")
    shell.wait_for(b"alive")
    shell.type(b"fg\n")
    time.sleep(0.5)
    shell.type(b"words\n")
    shell.wait_for(b"got words")
    shell.wait_for(b"PROMPT> ")


def test_kill_9_leaves_no_container(runner: Project, ready: str) -> None:
    process = runner.start("run", ready, "sh", "-c", "echo ready; sleep 600", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    assert process.communicate(timeout=TIMEOUT)[0] == b""
    wait_until(lambda: containers(ready) == [], "the container to go")


@WAYS
def test_a_reader_that_leaves_early_ends_it_in_silence(runner: Project, ready: str, way: list[str]) -> None:
    process = runner.start(*way, "run", ready, "yes", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(4) == b"y\ny\n"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert b"broken pipe" not in said
    assert process.wait(TIMEOUT) == 141
    wait_until(lambda: containers(ready) == [], "the container to go")


def test_nohup_is_respected(runner: Project, ready: str) -> None:
    process = subprocess.Popen(
        ["nohup", *runner.program, "run", ready, "sh", "-c", "echo ready; sleep 2; echo done"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=runner.folder,
        env=runner.environ,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=TIMEOUT)[0] == b"done\n"
    assert process.returncode == 0


def test_run_goes_on_when_an_install_replaces_the_image(project: Project) -> None:
    """The image that was found is gone when the client asks for it."""
    name = project.create()
    first = project.current_image(name)
    folder = project.folder / "bin"
    folder.mkdir()
    script = folder / "docker"  # between our question and the client's, the environment changes
    script.write_text(
        '#!/bin/sh\nPATH=${PATH#*:}; export PATH\nif [ "$1" = run ] && [ ! -e changed ]; then\n  : > changed\n'
        f'  printf "# a comment\\n" >> "{project.environment(name)}/requirements.txt"\n'
        f"  {' '.join(project.program)} build {name} 2>/dev/null; docker rmi {first} 2>/dev/null\nfi\n"
        'exec docker "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    result = project.pydock(
        "run", name, "echo", "ran", variables={"PATH": f"{folder}:{os.environ['PATH']}"}, check=False
    )
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "ran"), result.stderr
    assert docker("images", "--quiet", first) == ""
