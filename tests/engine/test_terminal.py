"""On a terminal `run` and `shell` are at home: size, keys, Ctrl-C; in a pipe there is no terminal inside."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import Callable

import pytest

from .terminal import CTRL_C, CTRL_P, on_terminal
from .tools import PATIENCE, Project, containers

ARE_TERMINALS = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())"


def test_a_terminal_inside_only_between_terminals(reader: Project, ready: str) -> None:
    with on_terminal(reader, "run", ready, "python", "-c", ARE_TERMINALS) as terminal:
        assert terminal.wait() == 0
        assert terminal.seen == b"True True True\r\n"
    assert reader.pydock("run", ready, "python", "-c", ARE_TERMINALS).stdout == "False False False\n"


def test_output_into_a_pipe_is_not_a_terminals(reader: Project, ready: str) -> None:
    master, slave = pty.openpty()
    process = reader.start("run", ready, "python", "-c", ARE_TERMINALS, stdin=slave, stdout=subprocess.PIPE)
    os.close(slave)
    printed, _ = process.communicate(timeout=PATIENCE)
    os.close(master)
    assert printed == b"False False False\n"


def test_the_windows_size_and_its_changes_reach_the_program(reader: Project, ready: str) -> None:
    script = """until [ "$(stty size)" = "33 101" ]; do :; done; echo first
                while [ "$(stty size)" = "33 101" ]; do :; done; echo now $(stty size)."""
    with on_terminal(reader, "run", ready, "bash", "-c", script, rows=33, columns=101) as terminal:
        terminal.wait_for(b"first")
        # docker's client listens for SIGWINCH only some time after the program has begun, and misses what came before:
        # two to three of 25 `docker run -it` of the same program by hand. A window's corner is dragged through many sizes.
        for columns in range(70, 100):
            terminal.resize(20, columns)
            if terminal.shows(b"now 20 ", seconds=2):
                break
        terminal.wait_for(b".")
        assert terminal.wait() == 0


@pytest.mark.parametrize("road", [[], ["--echo"]])
def test_ctrl_c_is_a_keyboard_interrupt(reader: Project, ready: str, road: list[str]) -> None:
    code = (
        "import sys, time\ntry:\n print('sleeping', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt:\n print('caught'); sys.exit(42)"
    )
    reader_file = reader.folder / "program.py"
    reader_file.write_text(code, encoding="utf-8")
    with on_terminal(reader, *road, "run", ready, "python", "program.py") as terminal:
        terminal.wait_for(b"sleeping")
        terminal.type(CTRL_C)
        assert terminal.wait() == 42
        assert terminal.seen.count(b"sleeping") == 1
        assert terminal.seen.count(b"caught") == 1
        assert b"Interrupted" not in terminal.seen
    assert containers(ready) == []


def test_ctrl_c_ends_a_program_that_does_not_care(reader: Project, ready: str) -> None:
    with on_terminal(reader, "run", ready, "sh", "-c", "echo sleeping; exec sleep 600") as terminal:
        terminal.wait_for(b"sleeping")
        terminal.type(CTRL_C)
        assert terminal.wait() == 130
    assert containers(ready) == []


def test_keys_arrive_and_are_shown_once(reader: Project, ready: str) -> None:
    with on_terminal(reader, "run", ready, "sh", "-c", "echo ready; exec cat -v") as terminal:
        terminal.wait_for(b"ready\r\n")
        terminal.type(CTRL_P + b"typed\n")
        terminal.wait_for(b"^Ptyped\r\n^Ptyped\r\n")  # the echo, then cat's line
        terminal.type(b"\x04")
        assert terminal.wait() == 0
        assert terminal.seen.count(b"typed") == 2


def test_an_interactive_shell(reader: Project, ready: str) -> None:
    (reader.folder / "here.txt").touch()
    with on_terminal(reader, "shell", ready) as terminal:
        terminal.type(b"echo $((6 * 7))-$0-$(ls)\n")
        terminal.wait_for(b"42-bash-here.txt")
        terminal.type(b"exit 5\n")
        assert terminal.wait() == 5


def test_an_interactive_shell_where_there_is_no_bash(
    project: Project, base_image: Callable[[str], str]
) -> None:
    base_image("3.12-alpine")
    name = project.create(version="3.12-alpine")
    with on_terminal(project, "shell", name) as terminal:
        terminal.type(b"echo $((6 * 7))-$0-\n")
        terminal.wait_for(b"42-sh-")
        terminal.type(b"exit 5\n")
        assert terminal.wait() == 5


def test_a_shell_reads_a_script_from_stdin(reader: Project, ready: str) -> None:
    result = reader.pydock("shell", ready, stdin="echo one; cd /; pwd\nexit 3\n", check=False)
    assert (result.stdout, result.returncode) == ("one\n/\n", 3)


def test_delete_asks_on_a_terminal(project: Project) -> None:
    name = project.create()
    for answer, code in ((b"\n", 1), (b"n\n", 1), (CTRL_C, 130), (b"y\n", 0)):
        assert project.environment(name).exists()
        with on_terminal(project, "delete", name) as terminal:
            terminal.wait_for(b"[y/N]")
            terminal.type(answer)
            assert terminal.wait() == code
    assert not project.environment(name).exists()


def test_a_builds_progress_is_shown_on_a_terminal(project: Project) -> None:
    name = project.new_name()
    with on_terminal(project, "create", name, "3.12") as terminal:
        assert terminal.wait() == 0
        assert f"Environment '{name}' is ready".encode() in terminal.seen
    with on_terminal(project, "build", name, "--no-cache") as terminal:
        assert terminal.wait() == 0
        assert b"FINISHED" in terminal.seen
