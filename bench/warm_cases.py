"""Runs in warm and in activated environments, compared with new containers, with `docker exec` and with a virtual environment."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Callable

from harness import Case, Comparison, Harness

PROGRAM = ("python", "-c", "pass")


def run_warm(other: str) -> Callable[[Harness], Comparison]:
    """Run a program that does nothing; `other` is `run`, `exec` or `venv`."""

    def prepare(harness: Harness) -> Comparison:
        name = harness.new_name()
        harness.pydock("create", name, harness.version)
        harness.pydock("up", name)
        [container] = harness.run(
            "docker", "ps", "--filter", f"name=^{name}-warm-", "--format", "{{.Names}}"
        ).split()
        others = {
            "run": ["docker", "run", "--rm", "--init", "--pull", "never", f"pydock-{name}:latest"],
            "exec": ["docker", "exec", container],
            "venv": [],
        }
        program = list(PROGRAM) if other != "venv" else [harness.tool("python"), *PROGRAM[1:]]
        return Comparison(
            pydock=lambda: harness.pydock("run", name, *PROGRAM),
            other=lambda: harness.run(*others[other], *program),
        )

    return prepare


def activated(times: int) -> Callable[[Harness], Comparison]:
    """Run the `python` of an activated environment so many times, one after the other."""

    def prepare(harness: Harness) -> Comparison:
        name = harness.new_name()
        harness.pydock("create", name, harness.version)
        activate = shlex.split(harness.pydock("activate", name, "--shell", "sh"))[1]
        python = str(Path(activate).with_name("python"))
        repeat = ["sh", "-c", f'for n in $(seq {times}); do "$@"; done', "sh"] if times > 1 else []
        return Comparison(
            pydock=lambda: harness.run(*repeat, python, *PROGRAM[1:]),
            other=lambda: harness.run(*repeat, harness.tool("python"), *PROGRAM[1:]),
        )

    return prepare


WARM_CASES = [
    Case("warm", "`run ENV python -c pass`, warm", "`docker run`", 0.15, run_warm("run"), 15),
    Case("warm", "`run ENV python -c pass`, warm", "`docker exec`", 0.5, run_warm("exec"), 15),
    Case(
        "warm", "`run ENV python -c pass`, warm", "`python -c pass` of a virtualenv", 3, run_warm("venv"), 15
    ),
    Case(
        "activate",
        "`python -c pass`, activated",
        "`python -c pass` of a virtualenv",
        3,
        activated(1),
        15,
    ),
    Case(
        "activate",
        "50 times `python -c pass`, activated",
        "50 times `python -c pass` of a virtualenv",
        4,
        activated(50),
    ),
]
