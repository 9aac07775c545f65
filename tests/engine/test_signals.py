"""Signals to pydock reach the program in the container, and the container is removed."""

from __future__ import annotations

import signal
import subprocess

import pytest

from .tools import TIMEOUT, Project, containers, wait_until

FRESH_AND_WARM = True

HANDLER = """
import os, signal, sys, time
def handler(number, frame):
    os.write(1, f"{signal.Signals(number).name}\\n".encode())  # print() fails if the signal interrupts another print()
    sys.exit(9)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, handler)
print("ready", flush=True)
while True:  # a signal that comes just before a sleep is handled after it
    time.sleep(0.1)
"""


def run_and_signal(runner: Project, words: list[str], number: int) -> tuple[bytes, int]:
    process = runner.start(*words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    printed, _ = process.communicate(timeout=TIMEOUT)
    return printed, process.returncode


@pytest.mark.parametrize("flags", [[], ["--echo"]], ids=["exec", "invoke"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_reaches_program(
    runner: Project, ready: str, number: signal.Signals, flags: list[str]
) -> None:
    words = [*flags, "run", ready, "python", "-c", HANDLER]
    assert run_and_signal(runner, words, number) == (f"{number.name}\n".encode(), 9)
    wait_until(lambda: containers(ready) == [], "the container to be removed")


def test_sigterm_ends_program_without_handler(runner: Project, ready: str) -> None:
    words = ["run", ready, "sh", "-c", "echo ready; exec sleep 600"]
    assert run_and_signal(runner, words, signal.SIGTERM) == (b"", 143)
    wait_until(lambda: containers(ready) == [], "the container to be removed")
