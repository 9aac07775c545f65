"""What every measurement needs: a scratch folder with the competitors, and a way to run both sides in turn."""

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

PYDOCK = str(CHECKOUT / ".venv" / "bin" / "pydock")

Side = Callable[[], object]


def nothing() -> None:
    """Stand in for a step that a case has no need of."""


class Sides(NamedTuple):
    """What is timed for pydock and for the other; `before` and `after` each side's turn is not timed."""

    ours: Side
    theirs: Side
    after: Side = nothing
    before: Side = nothing


@dataclass
class Case:
    """One row of the table: `bound` is the ratio to reach."""

    part: str
    work: str
    against: str
    bound: float
    prepare: Callable[[Workbench], Sides]
    rounds: int = 5


@dataclass
class Row:
    """The times of both sides, in seconds, round by round."""

    case: Case
    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        return [mine / other for mine, other in zip(self.ours, self.theirs)]

    def __str__(self) -> str:
        ratios = self.ratios
        reached = "reached" if statistics.median(ratios) <= self.case.bound else "missed"
        words = [
            self.case.work,
            self.case.against,
            _spread(self.ours),
            _spread(self.theirs),
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{self.case.bound}",
            reached,
        ]
        return f"| {' | '.join(words)} |"


HEAD = (
    "| work | against | pydock: median (min to max) | the other | ratio: median (min to max) | bound | |\n"
    "|---|---|---|---|---|---|---|"
)


class Workbench:
    """A scratch folder: a project for pydock, a home of its own, the competitors in `tools`."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
        self.base = f"python:{version}"
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        self.variables = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        self.variables.update(HOME=str(folder), UV_CACHE_DIR=str(folder / "uv-cache"))
        self._number = 0
        self._nameless_before = self.nameless_images()

    def name(self) -> str:
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
        return str(self.folder / "tools" / "bin" / name)

    def environments(self) -> list[dict[str, Any]]:
        return list(json.loads(self.run(PYDOCK, "--local", "envs", "--json", check=False) or "[]"))

    def forget(self, name: str) -> None:
        self.run(PYDOCK, "--local", "delete", name, "--yes")

    def pinned(self, *packages: str) -> list[str]:
        """Return these packages, all that are locked if none is named, in the versions that are locked."""
        text = (CHECKOUT / "requirements" / "bench-environments.txt").read_text(encoding="utf-8")
        versions = pins_for(text, self.version.split("-")[0])
        return [f"{name}=={versions[name]}" for name in packages or versions]

    def install_competitors(self) -> None:
        """Install virtualenv and uv as locked, and warm virtualenv's own cache."""
        self.run(sys.executable, "-m", "venv", str(self.folder / "tools"))
        requirements = str(CHECKOUT / "requirements" / "bench.txt")
        self.run(self.tool("pip"), "install", "--quiet", "--require-hashes", "--requirement", requirements)
        self.run(self.tool("virtualenv"), "--quiet", str(self.folder / "warm"))

    def forget_all(self) -> None:
        for row in self.environments():
            self.forget(row["name"])

    def clean(self) -> None:
        """Remove what the bench left on the engine: installs by hand leave containers and nameless images."""
        self.forget_all()
        self._remove("rm", self._listed("ps", "--all", "--filter", f"name=^bench{os.getpid()}-"))
        self._remove(
            "rmi", self.nameless_images() - self._nameless_before
        )  # first, as they are children of others
        self._remove(
            "rmi", self._listed("images", "--filter", f"reference=pydock-bench-bench{os.getpid()}-*")
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def nameless_images(self) -> set[str]:
        return self._listed("images", "--filter", "dangling=true")

    def _listed(self, *question: str) -> set[str]:
        return set(self.run("docker", *question, "--quiet", check=False).split())

    def _remove(self, command: str, ids: set[str]) -> None:
        if ids:
            self.run("docker", command, "--force", *sorted(ids), check=False)


def measure(case: Case, bench: Workbench) -> Row:
    """Run both sides in turn, the first one changing, so that what slows the machine slows both."""
    sides = case.prepare(bench)
    row = Row(case, [], [])
    for turn in range(case.rounds):
        order = [(sides.ours, row.ours), (sides.theirs, row.theirs)]
        for side, times in order if turn % 2 == 0 else reversed(order):
            sides.before()
            os.sync()  # what the side before wrote is not this one's to wait for
            times.append(seconds(side))
        sides.after()
    return row


def seconds(side: Side) -> float:
    begin = time.perf_counter()
    side()
    return time.perf_counter() - begin


def _spread(times: list[float]) -> str:
    digits = 3 if statistics.median(times) < 1 else 2
    return f"{statistics.median(times):.{digits}f} s ({min(times):.{digits}f} to {max(times):.{digits}f})"
