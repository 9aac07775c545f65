"""Shared by all measurements: a temporary directory with the other tools, and the timing code."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.append(str(CHECKOUT / "scripts"))

from lock import pins_for  # noqa: E402 - found by the line before

PYDOCK = str(CHECKOUT / "dist" / "pydock")  # the single file, which the install script installs

Action = Callable[[], object]


def do_nothing() -> None:
    """Serve as the default for optional steps."""


class Comparison(NamedTuple):
    """The two timed actions. `before` runs before each action and `after` after each round, both untimed."""

    pydock: Action
    other: Action
    after: Action = do_nothing
    before: Action = do_nothing


@dataclass
class Case:
    """One measurement. The median ratio should not exceed `target`."""

    part: str
    task: str
    compared_with: str
    target: float
    prepare: Callable[[Harness], Comparison]
    rounds: int = 5


@dataclass
class Row:
    """One row of a results table, with the times of each round in seconds."""

    case: Case
    pydock: list[float]
    other: list[float]

    @property
    def ratios(self) -> list[float]:
        return [pydock / other for pydock, other in zip(self.pydock, self.other)]

    def __str__(self) -> str:
        ratios = self.ratios
        result = "met" if statistics.median(ratios) <= self.case.target else "missed"
        cells = [
            self.case.task,
            self.case.compared_with,
            _spread(self.pydock),
            _spread(self.other),
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{self.case.target}",
            result,
        ]
        return f"| {' | '.join(cells)} |"


HEADER = (
    "| Task | Compared with | pydock, median (min to max) | Other, median (min to max) "
    "| Ratio, median (min to max) | Target | Result |\n"
    "|---|---|---|---|---|---|---|"
)


class Harness:
    """A temporary directory with a project for pydock, a home directory and the other tools in `tools`."""

    def __init__(self, directory: Path, version: str) -> None:
        self.directory = directory
        self.version = version
        self.base = f"python:{version}"
        self.project = directory / "project"
        self.project.mkdir(parents=True)
        self.variables = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        # The single file runs the first `python3` on PATH: the interpreter itself, not a version manager's script.
        path = f"{sys.base_prefix}/bin:{os.environ['PATH']}"
        self.variables.update(HOME=str(directory), UV_CACHE_DIR=str(directory / "uv-cache"), PATH=path)
        self._number = 0
        self._dangling_before = self.dangling_images()

    def new_name(self) -> str:
        self._number += 1
        return f"bench{os.getpid()}-{self._number}"

    def run(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(
            argv, cwd=self.project, env=self.variables, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            sys.exit(f"{' '.join(argv)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def pydock(self, *argv: str) -> str:
        return self.run(PYDOCK, "--local", *argv)

    def tool(self, name: str) -> str:
        return str(self.directory / "tools" / "bin" / name)

    def environments(self) -> list[dict[str, Any]]:
        return list(json.loads(self.run(PYDOCK, "--local", "envs", "--json", check=False) or "[]"))

    def delete_environment(self, name: str) -> None:
        self.run(PYDOCK, "--local", "delete", name, "--yes")

    def pinned(self, *packages: str) -> list[str]:
        """Return these packages in their locked versions; without names, all that are locked."""
        text = (CHECKOUT / "requirements" / "bench-environments.txt").read_text(encoding="utf-8")
        versions = pins_for(text, self.version.split("-")[0])
        return [f"{name}=={versions[name]}" for name in packages or versions]

    def install_other_tools(self) -> None:
        """Install virtualenv and uv in their locked versions, and fill virtualenv's cache."""
        self.run(sys.executable, "-m", "venv", str(self.directory / "tools"))
        requirements = str(CHECKOUT / "requirements" / "bench.txt")
        self.run(self.tool("pip"), "install", "--quiet", "--require-hashes", "--requirement", requirements)
        self.run(self.tool("virtualenv"), "--quiet", str(self.directory / "warm"))

    def delete_environments(self) -> None:
        for row in self.environments():
            self.delete_environment(row["name"])

    def clean(self) -> None:
        """Remove the containers and images created by the benchmark, and the temporary directory."""
        self.delete_environments()
        self._remove("rm", self._list_ids("ps", "--all", "--filter", f"name=^bench{os.getpid()}-"))
        # first, because they depend on tagged images
        self._remove("rmi", self.dangling_images() - self._dangling_before)
        self._remove(
            "rmi", self._list_ids("images", "--filter", f"reference=pydock-bench-bench{os.getpid()}-*")
        )
        shutil.rmtree(self.directory, ignore_errors=True)

    def dangling_images(self) -> set[str]:
        return self._list_ids("images", "--filter", "dangling=true")

    def _list_ids(self, *command: str) -> set[str]:
        return set(self.run("docker", *command, "--quiet", check=False).split())

    def _remove(self, command: str, ids: set[str]) -> None:
        if ids:
            self.run("docker", command, "--force", *sorted(ids), check=False)


def measure(case: Case, harness: Harness) -> Row:
    """Time both actions in each round. The order alternates, so that other load affects both equally."""
    comparison = case.prepare(harness)
    row = Row(case, [], [])
    for number in range(case.rounds):
        order = [(comparison.pydock, row.pydock), (comparison.other, row.other)]
        for action, times in order if number % 2 == 0 else reversed(order):
            comparison.before()
            os.sync()  # an action must not wait for data written by the previous one
            times.append(seconds(action))
        comparison.after()
    return row


def seconds(action: Action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _spread(times: list[float]) -> str:
    digits = 3 if statistics.median(times) < 1 else 2
    return f"{statistics.median(times):.{digits}f} s ({min(times):.{digits}f} to {max(times):.{digits}f})"
