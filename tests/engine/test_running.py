"""`pydock run` behaves as if the program ran here: arguments, streams, exit code, folder."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys

import pytest

from .tools import PATIENCE, Project, containers, docker, wait_until

ARGUMENTS = [
    "",
    "a  b",
    "$HOME",
    "'",
    '"',
    "`id`",
    "a\nb",
    "*",
    "\\",
    "-x",
    "--",
    "--help",
    "é\u00a0☃",
    ";|&",
    "\t",
]


def test_arguments_arrive_byte_for_byte(reader: Project, ready: str) -> None:
    result = reader.pydock("run", ready, "python", "-c", "import sys; print(sys.argv[1:])", *ARGUMENTS)
    assert result.stdout == f"{ARGUMENTS}\n"
    assert result.stderr == ""


def test_stdin_and_stdout_are_binary(reader: Project, ready: str) -> None:
    content = secrets.token_bytes(1024 * 1024)
    process = reader.start("run", ready, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    printed, _ = process.communicate(content, timeout=PATIENCE)
    assert process.returncode == 0
    assert printed == content


def test_stdin_closed_by_the_program_first(reader: Project, ready: str) -> None:
    assert reader.pydock("run", ready, "head", "-c", "3", stdin="abcdef").stdout == "abc"


def test_stdin_may_be_closed(reader: Project, ready: str) -> None:
    argv = ["sh", "-c", 'exec "$@" <&-', "sh", *reader.program, "run", ready, "echo", "ran"]
    result = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=reader.folder, env=reader.environ
    )
    assert (result.stdout, result.returncode) == ("ran\n", 0), result.stderr


def test_stdout_and_stderr_stay_apart_and_as_they_are(reader: Project, ready: str) -> None:
    code = "import sys; sys.stdout.write('out\\n'); sys.stderr.write('err\\r\\n')"
    process = reader.start("run", ready, "python", "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.communicate(timeout=PATIENCE) == (b"out\n", b"err\r\n")


@pytest.mark.parametrize("code", [0, 1, 2, 7, 125, 126, 127, 130, 255])
def test_the_programs_exit_code_is_ours(reader: Project, ready: str, code: int) -> None:
    result = reader.pydock("run", ready, "sh", "-c", f"exit {code}", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (code, "", "")


def test_a_program_that_is_not_there_or_not_executable(reader: Project, ready: str) -> None:
    (reader.folder / "text").write_text("no program\n", encoding="utf-8")
    assert reader.pydock("run", ready, "no-such-program", check=False).returncode == 127
    assert reader.pydock("run", ready, "./text", check=False).returncode == 126


def test_a_program_killed_by_a_signal(reader: Project, ready: str) -> None:
    assert reader.pydock("run", ready, "sh", "-c", "kill -KILL $$", check=False).returncode == 137


def test_a_reader_that_leaves_early_ends_it(reader: Project, ready: str) -> None:
    read, write = os.pipe()
    process = reader.start("run", ready, "yes", stdout=write)
    os.close(write)
    assert os.read(read, 4) == b"y\ny\n"
    os.close(read)
    assert process.wait(PATIENCE) != 0
    wait_until(lambda: containers(ready) == [], "the container to go, which docker's client abandons")


def test_hostname_is_the_environments_name(reader: Project, ready: str) -> None:
    assert reader.pydock("run", ready, "hostname").stdout == f"{ready}\n"


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a:b", "a,b", "v1.2", 'qu"ote', "$HOME", "é☃", "-dash", "a=b"]
)
def test_the_working_directory_is_mounted_in_the_home(reader: Project, ready: str, name: str) -> None:
    folder = reader.folder / name
    folder.mkdir()
    (folder / "here.txt").write_text("here\n", encoding="utf-8")
    result = reader.pydock("run", ready, "sh", "-c", "pwd; cat here.txt; echo made > made.txt", folder=folder)
    user = reader.pydock("run", ready, "whoami").stdout.strip()
    assert result.stdout == f"/home/{user}/{name}\nhere\n"
    assert (folder / "made.txt").read_text(encoding="utf-8") == "made\n"


def test_nothing_stays_behind(reader: Project, ready: str) -> None:
    reader.pydock("run", ready, "sh", "-c", "touch ~/outside-the-mount")
    assert reader.pydock("run", ready, "sh", "-c", "ls ~ | wc -l").stdout.strip() == "1"
    assert containers(ready) == []


def test_the_roads_with_and_without_invoke_are_one(reader: Project, ready: str) -> None:
    words = [
        "run",
        ready,
        "python",
        "-c",
        "import os, sys; print(os.getcwd(), sys.argv[1:])",
        "a  b",
        "$HOME",
    ]
    direct, echoed = reader.pydock(*words), reader.pydock("--echo", *words)
    assert direct.stdout == echoed.stdout
    assert echoed.stderr.splitlines()[-1].startswith("docker run ")


@pytest.mark.skipif(platform.system() != "Linux", reason="/proc")
def test_pydock_itself_is_gone_while_the_program_runs(reader: Project, ready: str) -> None:
    """The client takes the process's place, so that whoever signals us signals it."""
    process = reader.start("run", ready, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    assert process.stdout.read(1) == b"x"
    with open(f"/proc/{process.pid}/cmdline", "rb") as file:
        assert sys.executable.encode() not in file.read()
    process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(("options", "read"), [("", ""), ("--log-driver local", "hello\n")])
def test_the_engine_writes_no_log_unless_asked(reader: Project, ready: str, options: str, read: str) -> None:
    process = reader.start(
        *("run", ready, "sh", "-c", "echo hello; cat"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        variables={"PYDOCK_RUN_OPTIONS": options},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"hello\n"
    [container] = containers(ready)
    if read:
        wait_until(lambda: docker("logs", container) == read, "the log")
    else:
        assert docker("inspect", "--format", "{{.LogPath}}", container).strip() == ""
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
