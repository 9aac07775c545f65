"""A command that is interrupted or killed at any point leaves a consistent environment: the old one or the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .tools import (
    TIMEOUT,
    Project,
    containers,
    files_below,
    frozen,
    images,
    recording_docker,
    untagged,
    wait_until,
    without_reminder,
)

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "install": ["install", "NAME", "Jinja2"],
    "uninstall": ["uninstall", "NAME", "idna"],
    "update": ["update", "NAME"],
    "build": ["build", "NAME", "--no-cache"],
}
# Seconds after the start of a command. The result must not depend on the step that is running then.
SEEDED = random.Random(20)  # noqa: S311 - no secret
MOMENTS = [round(SEEDED.uniform(0.4, 2), 2)]


@pytest.fixture
def name(project: Project) -> str:
    """Return an environment in which each of the commands changes something."""
    made = project.create()
    project.pydock("install", made, "six", "idna==3.6")
    (project.environment(made) / "requirements.in").write_text("six\nidna\n", encoding="utf-8")
    return made


def check_consistent(project: Project, name: str) -> None:
    """Check that files and image match, and that the next command works and removes leftovers."""
    ran = project.pydock("run", name, "python", "-m", "pip", "freeze")
    if "has changed since" in ran.stderr:
        project.pydock("build", name)
    assert project.freeze(name) == project.requirements(name)
    project.pydock("install", name, "packaging")
    recorded = project.requirements(name)
    assert {"packaging", "six"} <= {line.split("==")[0] for line in recorded}
    assert project.freeze(name) == recorded
    requested = {line.split("==")[0].lower() for line in project.requested(name)}
    assert requested - {"jinja2"} <= {line.split("==")[0] for line in recorded}
    assert ("jinja2" in requested) == any(line.startswith("jinja2==") for line in recorded)
    assert set(files_below(project.environment(name))) == {
        "dockerfile",
        "requirements.txt",
        "requirements.in",
    }
    wait_until(lambda: containers(name) == [], "containers to be removed")
    assert len(images(name)) == 2


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_after_some_time(project: Project, name: str, command: str, moment: float) -> None:
    words = [name if word == "NAME" else word for word in COMMANDS[command]]
    process = project.start(*words)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    check_consistent(project, name)


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_killed_at_every_docker_call(project: Project, name: str, tmp_path: Path, command: str) -> None:
    recorder = recording_docker(tmp_path)
    words = [name if word == "NAME" else word for word in COMMANDS[command]]
    for calls in range(1, 30):
        recorder.log.write_text("", encoding="utf-8")
        process = project.start(*words, variables=recorder.variables)
        wait_until(
            lambda calls=calls, process=process: (  # type: ignore[misc]
                process.poll() is not None or recorder.calls().count("\n") >= calls
            ),
            f"docker call {calls}",
        )
        process.kill()
        if process.wait() != -signal.SIGKILL:
            break
        ran = project.pydock("run", name, "python", "-m", "pip", "freeze")
        assert without_reminder(ran.stderr) == "", "the image of the folder as it is exists at all times"
        assert frozen(ran.stdout) == project.requirements(name)
    else:
        pytest.fail(f"{words} did not end")
    check_consistent(project, name)


@pytest.mark.parametrize("moment", MOMENTS)
def test_create_killed_after_some_time(project: Project, moment: float) -> None:
    name = project.new_name()
    (project.folder / "wanted.txt").write_text("six\n", encoding="utf-8")
    words = ["create", name, "3.12", "-r", "wanted.txt"]
    process = project.start(*words)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    if not project.environment(name).exists():
        assert name not in project.pydock("envs").stdout
        project.pydock(*words)
    check_consistent(project, name)


@pytest.mark.parametrize("command", [*COMMANDS, "create"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_interrupted_command_changes_nothing(
    project: Project, name: str, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    recorder = recording_docker(tmp_path)
    if command == "create":
        (project.folder / "wanted.txt").write_text("six\n", encoding="utf-8")
        words = ["create", project.new_name(), "3.12", "-r", "wanted.txt"]
    else:
        words = [name if word == "NAME" else word for word in COMMANDS[command]]
    before = files_below(project.folder / ".pydock"), images(name)
    process = project.start(*words, variables=recorder.variables, stderr=subprocess.PIPE)
    wait_until(lambda: "build " in recorder.calls(), "a build to start")
    if number == signal.SIGINT:  # a terminal signals the whole foreground process group
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, stderr.decode()
    assert b"Interrupted" in stderr
    assert (files_below(project.folder / ".pydock"), images(name)) == before
    assert images(words[1]) == ({} if command == "create" else before[1])
    assert containers(name) == []
    assert untagged(name) == set()


def test_sigterm_when_sigint_is_ignored(project: Project, name: str, tmp_path: Path) -> None:
    """A shell's background jobs ignore SIGINT, and so does every program that they start."""
    recorder = recording_docker(tmp_path)
    with (project.environment(name) / "dockerfile").open("a", encoding="utf-8") as file:
        file.write("RUN sleep 30\n")  # the build must not end before the signal arrives
    before = images(name)
    background = replace(project, program=("sh", "-c", 'trap "" INT; exec "$@"', "sh", *project.program))
    process = background.start("build", name, variables=recorder.variables)
    wait_until(lambda: "build " in recorder.calls(), "a build to start")
    time.sleep(2)  # docker's client ignores a signal that arrives before it has started its plugin
    process.terminate()
    assert process.wait(TIMEOUT) == 130
    assert images(name) == before


def test_second_command_waits_for_first(project: Project, name: str) -> None:
    first = project.start("install", name, "packaging", stderr=subprocess.PIPE)
    second = project.start("install", name, "attrs", stderr=subprocess.PIPE)
    for process in (first, second):
        _, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, stderr.decode()
    assert {"six", "idna", "packaging", "attrs"} == {line.split("==")[0] for line in project.requested(name)}
    assert {"six", "idna", "packaging", "attrs"} <= {
        line.split("==")[0] for line in project.requirements(name)
    }
    assert project.freeze(name) == project.requirements(name)
    assert len(images(name)) == 2


def test_concurrent_create_of_same_name(project: Project) -> None:
    name = project.new_name()
    processes = [project.start("create", name, "3.12", stderr=subprocess.PIPE) for _ in range(2)]
    messages = [process.communicate(timeout=TIMEOUT)[1].decode() for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], messages
    assert any("already exists" in message for message in messages)
    project.pydock("run", name, "true")


def test_concurrent_runs_during_install(project: Project, name: str) -> None:
    change = project.start("install", name, "Jinja2")
    end = time.monotonic() + TIMEOUT
    while change.poll() is None and time.monotonic() < end:
        runs = [
            project.start("run", name, "python", "-c", "import six", stderr=subprocess.PIPE) for _ in range(2)
        ]
        for run in runs:
            _, stderr = run.communicate(timeout=TIMEOUT)
            assert (run.returncode, without_reminder(stderr.decode())) == (0, "")
    assert change.returncode == 0
