"""`pydock run` behaves like the program itself: arguments, streams, exit code, working directory."""

from __future__ import annotations

import os
import secrets
import subprocess

import pytest

from .tools import TIMEOUT, Project, containers, docker, wait_until

FRESH_AND_WARM = True

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


def test_arguments_are_unchanged(runner: Project, ready: str) -> None:
    result = runner.pydock("run", ready, "python", "-c", "import sys; print(sys.argv[1:])", *ARGUMENTS)
    assert result.stdout == f"{ARGUMENTS}\n"
    assert result.stderr == ""


def test_stdin_and_stdout_are_binary(runner: Project, ready: str) -> None:
    content = secrets.token_bytes(1024 * 1024)
    process = runner.start("run", ready, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    printed, _ = process.communicate(content, timeout=TIMEOUT)
    assert process.returncode == 0
    assert printed == content


def test_program_closes_stdin_first(runner: Project, ready: str) -> None:
    assert runner.pydock("run", ready, "head", "-c", "3", stdin="abcdef").stdout == "abc"


def test_closed_stdin(runner: Project, ready: str) -> None:
    argv = ["sh", "-c", 'exec "$@" <&-', "sh", *runner.program, "run", ready, "echo", "ran"]
    result = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=runner.folder, env=runner.environ
    )
    assert (result.stdout, result.returncode) == ("ran\n", 0), result.stderr


def test_stdout_and_stderr_are_separate_and_unchanged(runner: Project, ready: str) -> None:
    code = "import sys; sys.stdout.write('out\\n'); sys.stderr.write('err\\r\\n')"
    process = runner.start("run", ready, "python", "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.communicate(timeout=TIMEOUT) == (b"out\n", b"err\r\n")


@pytest.mark.parametrize("code", [0, 1, 2, 7, 125, 126, 127, 130, 255])
def test_exit_code(runner: Project, ready: str, code: int) -> None:
    result = runner.pydock("run", ready, "sh", "-c", f"exit {code}", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (code, "", "")


def test_program_not_found_or_not_executable(runner: Project, ready: str) -> None:
    (runner.folder / "text").write_text("text\n", encoding="utf-8")
    for options in ([], ["--echo"]):  # the fast way and the task
        missing = runner.pydock(*options, "run", ready, "no-such-program", check=False)
        assert missing.returncode == 127
        assert missing.stderr.splitlines()[-1].startswith(
            f"Command 'no-such-program' not found in environment '{ready}'."
        )
        refused = runner.pydock(*options, "run", ready, "./text", check=False)
        assert refused.returncode == 126
        assert refused.stderr.splitlines()[-1].startswith("'./text' is not an executable file.")
        assert len(missing.stderr.splitlines()) == len(refused.stderr.splitlines()) == 2 * len(options) + 1
    assert runner.pydock("exec", ready, "--", "python", "-V").stdout.startswith("Python 3.")


def test_program_killed_by_signal(runner: Project, ready: str) -> None:
    assert runner.pydock("run", ready, "sh", "-c", "kill -KILL $$", check=False).returncode == 137


def test_closed_stdout_ends_program(runner: Project, ready: str) -> None:
    read, write = os.pipe()
    process = runner.start("run", ready, "yes", stdout=write)
    os.close(write)
    assert os.read(read, 4) == b"y\ny\n"
    os.close(read)
    assert process.wait(TIMEOUT) != 0
    wait_until(lambda: containers(ready) == [], "the container to be removed")


def test_hostname_is_environment_name(runner: Project, ready: str) -> None:
    assert runner.pydock("run", ready, "hostname").stdout == f"{ready}\n"


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a:b", "a,b", "v1.2", 'qu"ote', "$HOME", "é☃", "-dash", "a=b"]
)
def test_working_directory_is_mounted_in_home(runner: Project, ready: str, name: str) -> None:
    folder = runner.folder / name
    folder.mkdir()
    (folder / "here.txt").write_text("here\n", encoding="utf-8")
    result = runner.pydock("run", ready, "sh", "-c", "pwd; cat here.txt; echo made > made.txt", folder=folder)
    user = runner.pydock("run", ready, "whoami").stdout.strip()
    assert result.stdout == f"/home/{user}/{name}\nhere\n"
    assert (folder / "made.txt").read_text(encoding="utf-8") == "made\n"


@pytest.mark.only_fresh
def test_container_is_removed(runner: Project, ready: str) -> None:
    runner.pydock("run", ready, "sh", "-c", "touch ~/outside-the-mount")
    assert runner.pydock("run", ready, "sh", "-c", "ls ~ | wc -l").stdout.strip() == "1"
    assert containers(ready) == []


def test_same_result_with_and_without_invoke(runner: Project, ready: str) -> None:
    words = [
        "run",
        ready,
        "python",
        "-c",
        "import os, sys; print(os.getcwd(), sys.argv[1:])",
        "a  b",
        "$HOME",
    ]
    executed, echoed = runner.pydock(*words), runner.pydock("--echo", *words)
    assert executed.stdout == echoed.stdout
    assert echoed.stderr.splitlines()[-1].startswith("docker run ")


@pytest.mark.only_fresh
@pytest.mark.parametrize(("options", "log"), [("", ""), ("--log-driver local", "hello\n")])
def test_no_container_log_by_default(runner: Project, ready: str, options: str, log: str) -> None:
    process = runner.start(
        *("run", ready, "sh", "-c", "echo hello; cat"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        variables={"PYDOCK_RUN_OPTIONS": options},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"hello\n"
    [container] = containers(ready)
    if log:
        wait_until(lambda: docker("logs", container) == log, "the log")
    else:
        assert docker("inspect", "--format", "{{.LogPath}}", container).strip() == ""
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0


def test_a_package_may_bring_a_program_named_sh(project: Project) -> None:
    """pydock's own steps in the container need the system's shell, whatever is first on PATH."""
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    with dockerfile.open("a", encoding="utf-8") as file:
        file.write(
            "USER root\nRUN printf '#!/bin/false\\n' >/usr/local/bin/sh && chmod +x /usr/local/bin/sh\n"
        )
    project.pydock("build", name)
    for variables in ({}, {"PYDOCK_KEEP": "1m"}):
        assert project.pydock("run", name, "python", "-c", "print(1)", variables=variables).stdout == "1\n"
        assert project.pydock("run", name, "sh", check=False, variables=variables).returncode == 1
    assert project.pydock("shell", name, stdin="echo inside\n").stdout == "inside\n"
    project.pydock("install", name, "six")
    assert "six" in project.pydock("pip", name, "list").stdout
