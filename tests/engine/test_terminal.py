"""`run` and `shell` on a terminal (size, keys, Ctrl-C) and in pipes; prompts and progress."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import Callable

import pytest

from pydock.engine.progress import CLEAR

from .terminal import CTRL_C, CTRL_P, on_terminal
from .tools import TIMEOUT, Project, containers

FRESH_AND_WARM = True

ARE_TERMINALS = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())"


def test_terminal_in_container_only_between_terminals(runner: Project, ready: str) -> None:
    with on_terminal(runner, "run", ready, "python", "-c", ARE_TERMINALS) as terminal:
        assert terminal.wait() == 0
        assert terminal.seen == b"True True True\r\n"
    assert runner.pydock("run", ready, "python", "-c", ARE_TERMINALS).stdout == "False False False\n"


def test_no_terminal_if_stdout_is_a_pipe(runner: Project, ready: str) -> None:
    master, slave = pty.openpty()
    process = runner.start("run", ready, "python", "-c", ARE_TERMINALS, stdin=slave, stdout=subprocess.PIPE)
    os.close(slave)
    printed, _ = process.communicate(timeout=TIMEOUT)
    os.close(master)
    assert printed == b"False False False\n"


def test_window_size_and_its_changes_reach_program(runner: Project, ready: str) -> None:
    script = """until [ "$(stty size)" = "33 101" ]; do :; done; echo first
                while [ "$(stty size)" = "33 101" ]; do :; done; echo now $(stty size)."""
    with on_terminal(runner, "run", ready, "bash", "-c", script, rows=33, columns=101) as terminal:
        terminal.wait_for(b"first")
        # docker's client handles SIGWINCH only some time after the program has started, so the first changes may be
        # lost, also without pydock.
        for columns in range(70, 100):
            terminal.resize(20, columns)
            if terminal.shows(b"now 20 ", seconds=2):
                break
        terminal.wait_for(b".")
        assert terminal.wait() == 0


@pytest.mark.parametrize("flags", [[], ["--echo"]], ids=["exec", "invoke"])
def test_ctrl_c_interrupts_program(runner: Project, ready: str, flags: list[str]) -> None:
    code = (
        "import sys, time\ntry:\n print('sleeping', flush=True)\n while True: time.sleep(0.1)\n"
        "except KeyboardInterrupt:\n print('caught'); sys.exit(42)"
    )
    (runner.folder / "program.py").write_text(code, encoding="utf-8")
    with on_terminal(runner, *flags, "run", ready, "python", "program.py") as terminal:
        terminal.wait_for(b"sleeping")
        terminal.type(CTRL_C)
        assert terminal.wait() == 42
        assert terminal.seen.count(b"sleeping") == 1
        assert terminal.seen.count(b"caught") == 1
        assert b"Interrupted" not in terminal.seen
    assert containers(ready) == []


def test_ctrl_c_ends_program_without_handler(runner: Project, ready: str) -> None:
    with on_terminal(runner, "run", ready, "sh", "-c", "echo sleeping; exec sleep 600") as terminal:
        terminal.wait_for(b"sleeping")
        terminal.type(CTRL_C)
        assert terminal.wait() == 130
    assert containers(ready) == []


def test_keys_are_echoed_once(runner: Project, ready: str) -> None:
    with on_terminal(runner, "run", ready, "sh", "-c", "echo ready; exec cat -v") as terminal:
        terminal.wait_for(b"ready\r\n")
        terminal.type(CTRL_P + b"typed\n")
        terminal.wait_for(b"^Ptyped\r\n^Ptyped\r\n")  # the echo, then cat's line
        terminal.type(b"\x04")
        assert terminal.wait() == 0
        assert terminal.seen.count(b"typed") == 2


def test_interactive_shell(runner: Project, ready: str) -> None:
    (runner.folder / "here.txt").touch()
    with on_terminal(runner, "shell", ready) as terminal:
        terminal.type(b"echo $((6 * 7))-$0-$(ls)\n")
        terminal.wait_for(b"42-bash-here.txt")
        terminal.type(b"exit 5\n")
        assert terminal.wait() == 5


def test_interactive_shell_without_bash(project: Project, base_image: Callable[[str], str]) -> None:
    base_image("3.12-alpine")
    name = project.create(version="3.12-alpine")
    with on_terminal(project, "shell", name) as terminal:
        terminal.type(b"echo $((6 * 7))-$0-\n")
        terminal.wait_for(b"42-/bin/sh-")
        terminal.type(b"exit 5\n")
        assert terminal.wait() == 5


def test_shell_reads_script_from_stdin(runner: Project, ready: str) -> None:
    result = runner.pydock("shell", ready, stdin="echo one; cd /; pwd\nexit 3\n", check=False)
    assert (result.stdout, result.returncode) == ("one\n/\n", 3)


def test_delete_asks_on_terminal(project: Project) -> None:
    name = project.create()
    for answer, code in ((b"\n", 1), (b"n\n", 1), (CTRL_C, 130), (b"y\n", 0)):
        assert project.environment(name).exists()
        with on_terminal(project, "delete", name) as terminal:
            terminal.wait_for(b"[y/N]")
            terminal.type(answer)
            assert terminal.wait() == code
    assert not project.environment(name).exists()


def test_build_progress_is_shown_on_terminal(project: Project) -> None:
    name = project.new_name()
    with on_terminal(project, "create", name, "3.12") as terminal:
        assert terminal.wait() == 0
        assert f"Created environment '{name}'".encode() in terminal.seen
    with (project.environment(name) / "dockerfile").open("a", encoding="utf-8") as dockerfile:
        dockerfile.write("RUN sleep 1\n")  # a shorter phase may not be drawn
    with on_terminal(project, "build", name, "--no-cache", columns=60) as terminal:
        assert terminal.wait() == 0
    *live, last = terminal.seen.split(CLEAR.encode())
    assert any(re.match(rb"Running step \d/\d: RUN sleep 1 ", row) for row in live)
    assert not any(b"\n" in row for row in live)
    assert max(len(row.decode()) for row in live) < 60
    assert last == f"Built environment '{name}'.\r\n".encode() or last.startswith(b"Built environment")


def test_install_ends_with_a_summary_on_terminal(project: Project) -> None:
    name = project.create()
    with on_terminal(project, "install", name, "six") as terminal:
        assert terminal.wait() == 0
    *live, last = terminal.seen.decode().split(CLEAR)
    assert any(row.startswith("Resolving packages …") for row in live)
    assert re.fullmatch(
        r"\+ six [\d.]+, 1 package, \d+\.\d s; requirements\.txt and requirements\.in updated\r\n", last
    )


def test_unknown_package_takes_few_rows_on_terminal(project: Project) -> None:
    name = project.create()
    with on_terminal(project, "install", name, "pydock-no-such-package", columns=80) as terminal:
        assert terminal.wait() == 1
    lines = terminal.seen.decode().split(CLEAR)[-1].splitlines()
    assert "Package 'pydock-no-such-package' was not found in the package index" in lines[0]
    assert sum(len(line) // 80 + 1 for line in lines) <= 12


def test_ctrl_c_in_a_build_removes_the_line(project: Project) -> None:
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    # Of its own name: an earlier run of this test that was killed may have left the step to end, and be cached.
    with dockerfile.open("a", encoding="utf-8") as file:
        file.write(f"RUN echo started {name}; sleep 600\n")
    with on_terminal(project, "build", name) as terminal:
        terminal.wait_for(b"RUN echo started")
        terminal.type(CTRL_C)
        assert terminal.wait() == 130
    last = terminal.seen.decode().split(CLEAR)[-1]
    assert "Interrupted; nothing was changed." in last
    assert "RUN" not in last
