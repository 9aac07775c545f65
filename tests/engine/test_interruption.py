"""Interrupted or killed at any point, a command leaves an environment that is whole: the old one or the new."""

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
    PATIENCE,
    Project,
    canonical,
    containers,
    files_below,
    images,
    recording_docker,
    untagged,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "install": ["install", "NAME", "Jinja2"],
    "uninstall": ["uninstall", "NAME", "idna"],
    "update": ["update", "NAME"],
    "build": ["build", "NAME", "--no-cache"],
}
# Seconds after the start of such a command; which point they hit decides nothing.
SEEDED = random.Random(20)  # noqa: S311 - no secret
MOMENTS = [round(SEEDED.uniform(0.4, 2), 2)]


@pytest.fixture
def name(project: Project) -> str:
    """Return an environment in which every command has something to do."""
    made = project.create()
    project.pydock("install", made, "six", "idna==3.6")
    (project.environment(made) / "requirements.in").write_text("six\nidna\n", encoding="utf-8")
    return made


def check_whole(project: Project, name: str) -> None:
    """Check that files and image belong together and that the next command works and tidies up."""
    ran = project.pydock("run", name, "python", "-m", "pip", "freeze")
    if "has changed since" in ran.stderr:  # said, and mended by the next command
        project.pydock("build", name)
    assert project.freeze(name) == project.requirements(name)
    project.pydock("install", name, "packaging")
    recorded = project.requirements(name)
    assert {"packaging", "six"} <= {line.split("==")[0] for line in recorded}
    assert project.freeze(name) == recorded
    asked = {line.split("==")[0].lower() for line in project.asked(name)}
    assert asked - {"jinja2"} <= {line.split("==")[0] for line in recorded}
    assert ("jinja2" in asked) == any(line.startswith("jinja2==") for line in recorded)
    assert set(files_below(project.environment(name))) == {
        "dockerfile",
        "requirements.txt",
        "requirements.in",
    }
    wait_until(lambda: containers(name) == [], "containers to go")
    assert len(images(name)) == 2


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_any_moment(project: Project, name: str, command: str, moment: float) -> None:
    words = [name if word == "NAME" else word for word in COMMANDS[command]]
    process = project.start(*words)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    check_whole(project, name)


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_killed_at_every_call_of_docker(project: Project, name: str, tmp_path: Path, command: str) -> None:
    variables, log = recording_docker(tmp_path)
    words = [name if word == "NAME" else word for word in COMMANDS[command]]
    for calls in range(1, 30):
        log.write_text("", encoding="utf-8")
        process = project.start(*words, variables=variables)
        wait_until(
            lambda calls=calls, process=process: (  # type: ignore[misc]
                process.poll() is not None or log.read_text(encoding="utf-8").count("\n") >= calls
            ),
            f"docker call {calls}",
        )
        process.kill()
        if process.wait() != -signal.SIGKILL:
            break
        ran = project.pydock("run", name, "python", "-m", "pip", "freeze")
        assert ran.stderr == "", "the image of the folder as it is now is there at every moment"
        assert sorted(map(canonical, ran.stdout.splitlines())) == project.requirements(name)
    else:
        pytest.fail(f"{words} never came to an end")
    check_whole(project, name)


@pytest.mark.parametrize("moment", MOMENTS)
def test_create_killed_at_any_moment(project: Project, moment: float) -> None:
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
    check_whole(project, name)


@pytest.mark.parametrize("command", [*COMMANDS, "create"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_interrupted_it_leaves_everything_as_it_was(
    project: Project, name: str, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    variables, log = recording_docker(tmp_path)
    if command == "create":
        (project.folder / "wanted.txt").write_text("six\n", encoding="utf-8")
        words = ["create", project.new_name(), "3.12", "-r", "wanted.txt"]
    else:
        words = [name if word == "NAME" else word for word in COMMANDS[command]]
    before = files_below(project.folder / ".pydock"), images(name)
    process = project.start(*words, variables=variables, stderr=subprocess.PIPE)
    wait_until(lambda: "build " in log.read_text(encoding="utf-8"), "a build to begin")
    if number == signal.SIGINT:  # the terminal tells everybody in front of it
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said.decode()
    assert b"Interrupted" in said
    assert (files_below(project.folder / ".pydock"), images(name)) == before
    assert images(words[1]) == ({} if command == "create" else before[1])
    assert containers(name) == []
    assert untagged(name) == set()


def test_terminated_where_ctrl_c_is_ignored(project: Project, name: str, tmp_path: Path) -> None:
    """A shell's background job ignores Ctrl-C, and so does every program that it starts."""
    variables, log = recording_docker(tmp_path)
    with (project.environment(name) / "dockerfile").open("a", encoding="utf-8") as file:
        file.write("RUN sleep 30\n")  # so that the build is not over before the signal comes
    before = images(name)
    deaf = replace(project, program=("sh", "-c", 'trap "" INT; exec "$@"', "sh", *project.program))
    process = deaf.start("build", name, variables=variables)
    wait_until(lambda: "build " in log.read_text(encoding="utf-8"), "a build to begin")
    time.sleep(2)  # docker's client loses a signal that comes before it has joined its plug-in
    process.terminate()
    assert process.wait(PATIENCE) == 130
    assert images(name) == before


def test_a_second_command_waits_for_the_first(project: Project, name: str) -> None:
    first = project.start("install", name, "packaging", stderr=subprocess.PIPE)
    second = project.start("install", name, "attrs", stderr=subprocess.PIPE)
    for process in (first, second):
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said.decode()
    assert {"six", "idna", "packaging", "attrs"} == {line.split("==")[0] for line in project.asked(name)}
    assert {"six", "idna", "packaging", "attrs"} <= {
        line.split("==")[0] for line in project.requirements(name)
    }
    assert project.freeze(name) == project.requirements(name)
    assert len(images(name)) == 2


def test_two_creates_of_one_name(project: Project) -> None:
    name = project.new_name()
    processes = [project.start("create", name, "3.12", stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[1].decode() for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], said
    assert any("exists already" in text for text in said)
    project.pydock("run", name, "true")


def test_runs_at_once_and_during_a_change(project: Project, name: str) -> None:
    change = project.start("install", name, "Jinja2")
    end = time.monotonic() + PATIENCE
    while change.poll() is None and time.monotonic() < end:
        runs = [
            project.start("run", name, "python", "-c", "import six", stderr=subprocess.PIPE) for _ in range(2)
        ]
        for run in runs:
            _, said = run.communicate(timeout=PATIENCE)
            assert (run.returncode, said) == (0, b"")
    assert change.returncode == 0
