"""Random kills over all commands. `make torture` kills 200 times, the usual run a few times.

PYDOCK_TORTURE_SEED repeats the choices of a run, PYDOCK_TORTURE_KILLS sets their number, PYDOCK_TORTURE_MINUTES ends it
earlier, and PYDOCK_TORTURE_COMMANDS chooses commands ("install,create -r").
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from .index import private_index
from .torture import COMMANDS, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .index import Index
    from .second_engine import SecondEngine
    from .tools import Project

pytestmark = pytest.mark.xdist_group("second engine")
LONG = bool(os.environ.get("PYDOCK_TORTURE"))
KILLS = int(os.environ.get("PYDOCK_TORTURE_KILLS") or (200 if LONG else 6))
SEED = int(os.environ.get("PYDOCK_TORTURE_SEED") or (secrets.randbelow(10**6) if LONG else 129))
MINUTES = float(os.environ.get("PYDOCK_TORTURE_MINUTES") or 120)
ONLY = os.environ.get("PYDOCK_TORTURE_COMMANDS", "")
VICTIMS = ("pydock", "client", "group", "pydock", "client", "group", "engine")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, other_engine: SecondEngine) -> Iterator[Index]:
    """Return a package index that the second engine can reach."""
    with private_index(tmp_path_factory.mktemp("index"), other_engine.here) as served:
        yield served


@pytest.mark.timeout(60 * MINUTES + 600)
def test_random_kills(project: Project, other_engine: SecondEngine, index: Index) -> None:
    print(f"PYDOCK_TORTURE_SEED={SEED}", file=sys.stderr)
    chosen = random.Random(SEED)  # noqa: S311 - no secret
    world = World(project, other_engine, index, chosen)
    commands, victims = ONLY.split(",") if ONLY else [*COMMANDS], [*VICTIMS]
    chosen.shuffle(commands)
    chosen.shuffle(victims)
    end, done, violations = time.monotonic() + 60 * MINUTES, 0, []
    for command, victim in islice(zip(cycle(commands), cycle(victims)), KILLS):
        if time.monotonic() > end:
            break
        kill = world.choose(command, victim)
        wrong = world.try_one(kill)
        done += 1
        print(f"{done}: {wrong or kill}", file=sys.stderr, flush=True)
        if wrong:
            violations.append(wrong)
            world.renew()
    print(f"{done} kills, {len(violations)} violations", file=sys.stderr)
    assert not violations, f"PYDOCK_TORTURE_SEED={SEED}\n" + "\n".join(violations)
