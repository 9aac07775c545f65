"""Runs in a warm environment, compared with new containers, with `docker exec` and with a virtual environment."""

from __future__ import annotations

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


WARM_CASES = [
    Case("warm", "`run ENV python -c pass`, warm", "`docker run`", 0.15, run_warm("run"), 15),
    Case("warm", "`run ENV python -c pass`, warm", "`docker exec`", 0.5, run_warm("exec"), 15),
    Case(
        "warm", "`run ENV python -c pass`, warm", "`python -c pass` of a virtualenv", 3, run_warm("venv"), 15
    ),
]
