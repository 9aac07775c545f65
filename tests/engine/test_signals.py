"""Signals to pydock reach the program inside, and no container is left."""

from __future__ import annotations

import signal
import subprocess

import pytest

from .tools import PATIENCE, Project, containers, wait_until

HANDLER = """
import signal, sys, time
def handler(number, frame):
    print(signal.Signals(number).name, flush=True)
    sys.exit(9)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, handler)
print("ready", flush=True)
time.sleep(600)
"""


def run_and_signal(reader: Project, words: list[str], number: int) -> tuple[bytes, int]:
    process = reader.start(*words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    printed, _ = process.communicate(timeout=PATIENCE)
    return printed, process.returncode


@pytest.mark.parametrize("road", [[], ["--echo"]], ids=["direct", "invoke"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_program(
    reader: Project, ready: str, number: signal.Signals, road: list[str]
) -> None:
    words = [*road, "run", ready, "python", "-c", HANDLER]
    assert run_and_signal(reader, words, number) == (f"{number.name}\n".encode(), 9)
    wait_until(lambda: containers(ready) == [], "the container to go")


def test_sigterm_ends_a_program_without_handlers(reader: Project, ready: str) -> None:
    words = ["run", ready, "sh", "-c", "echo ready; exec sleep 600"]
    assert run_and_signal(reader, words, signal.SIGTERM) == (b"", 143)
    wait_until(lambda: containers(ready) == [], "the container to go")
