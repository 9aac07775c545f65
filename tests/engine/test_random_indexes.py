"""Random small indexes and random changes: image, files and a build elsewhere always have the same packages.

A few steps by default. PYDOCK_RANDOM_INDEXES=20 tries 20 indexes for each installer, and PYDOCK_RANDOM_SEED=7 begins with that of
the seed 7.
"""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .open_index import open_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .open_index import OpenIndex
    from .tools import Project

TRIES = int(os.environ.get("PYDOCK_RANDOM_INDEXES", "1"))
SEED = int(os.environ.get("PYDOCK_RANDOM_SEED", "0"))
STEPS = 3 if TRIES == 1 else 8
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")
VERSIONS = ("1.0", "1.1", "2.0")
BOUNDS = ("", ">=1.1", "<2", "==1.0")


class Release(NamedTuple):
    """What a version of a package needs: always, and with its extra `x`."""

    needs: dict[str, str]
    with_extra: dict[str, str]

    def metadata(self) -> list[str]:
        lines = [f"Requires-Dist: {name}{bound}" for name, bound in self.needs.items()]
        lines += [f'Requires-Dist: {name}{bound}; extra == "x"' for name, bound in self.with_extra.items()]
        return [*lines, "Provides-Extra: x"]


@pytest.fixture
def index(gateway: str) -> Iterator[OpenIndex]:
    with open_index(gateway) as made:
        yield made


def publish(index: OpenIndex, choose: random.Random) -> dict[tuple[str, str], Release]:
    """Publish random releases; packages need only those that come later, so there are no cycles."""
    releases = {}
    for place, name in enumerate(NAMES):
        later = NAMES[place + 1 :]
        for version in VERSIONS:
            needs = {other: choose.choice(BOUNDS[:3]) for other in later if choose.random() < 0.4}
            extra = {other: choose.choice(BOUNDS[:3]) for other in later if choose.random() < 0.3}
            releases[name, version] = Release(needs, extra)
            index.publish(name, version, *releases[name, version].metadata())
    return releases


def needed(
    requested: list[str], installed: dict[str, str], releases: dict[tuple[str, str], Release]
) -> set[str]:
    """Return the names of all packages that the lines of requirements.in need, in the installed versions."""
    found: set[tuple[str, bool]] = set()
    waiting = [
        (line.split("[")[0].split(">")[0].split("<")[0].split("=")[0], "[x]" in line) for line in requested
    ]
    while waiting:
        name, with_extra = waiting.pop()
        if (name, with_extra) in found:
            continue
        found.add((name, with_extra))
        release = releases[name, installed[name]]
        waiting += [(other, False) for other in release.needs]
        waiting += [(other, False) for other in release.with_extra if with_extra]
    return {name for name, _ in found}


def step(project: Project, name: str, choose: random.Random) -> tuple[str, ...]:
    """Return the arguments of a random command."""
    file = project.environment(name) / "requirements.in"
    requested = [line.split("[")[0] for line in file.read_text().splitlines()] if file.exists() else []
    kind = choose.choice(["install", "install", "uninstall", "update"] if requested else ["install"])
    if kind == "install":
        count = choose.choice([1, 1, 2])
        extra = choose.choice(["", "", "[x]"])
        return kind, name, *(f"{one}{extra}{choose.choice(BOUNDS)}" for one in choose.sample(NAMES, count))
    if kind == "uninstall":
        names = {one for one in NAMES if any(line.startswith(one) for line in requested)}
        return kind, name, choose.choice(sorted(names))
    return kind, name


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("seed", range(SEED, SEED + TRIES))
def test_files_and_image_agree(
    project: Project, shared_home: Project, index: OpenIndex, seed: int, installer: str
) -> None:
    choose = random.Random(seed)  # noqa: S311 - repeatable
    releases = publish(index, choose)
    project.environ.update(index.variables, PYDOCK_INSTALLER=installer)
    name = project.create()
    folder = project.environment(name)
    done: list[tuple[str, ...]] = [("create",)]
    for number in range(STEPS):
        words = step(project, name, choose) if number else ("install", name, choose.choice(NAMES[:2]))
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        ended = project.pydock(*words, check=False)
        done.append((*words, f"-> {ended.returncode}"))
        if ended.returncode:
            assert "nothing was changed" in ended.stderr, (done, ended.stderr)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, done
            continue
        pins = project.requirements(name)
        assert project.freeze(name) == pins, done
        installed = dict(pin.split("==") for pin in pins)
        required = needed(project.requested(name), installed, releases)
        assert required <= set(installed), done
        if words[0] != "install":  # an installation may leave what an older version needed
            assert set(installed) == required, done
    copy = project.new_name()
    shutil.copytree(folder, project.environment(copy))
    project.pydock("build", copy)
    assert project.freeze(copy) == project.requirements(name), done
