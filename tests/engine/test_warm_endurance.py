"""Warm containers for a long time: many runs in a row, an engine that is killed, what is left of dead ones.

`make torture` runs 1,000 programs in a row, the usual run fewer.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from .tools import docker, images, remove_warm_containers, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .second_engine import SecondEngine
    from .tools import Project

RUNS = 1000 if os.environ.get("PYDOCK_TORTURE") else 60
KEEP = {"PYDOCK_KEEP": "5m"}
# Prints the keeper's memory in KiB, its descriptors, and the number of processes beside this one.
STATE = """
import os
pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != str(os.getpid())]
programs = {pid: open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0") for pid in pids}
keeper = min((pid for pid in pids if programs[pid][0] == b"python3"), key=int)  # the other waits for a client
[memory] = [line.split()[1] for line in open(f"/proc/{keeper}/status") if line.startswith("VmRSS:")]
print(memory, len(os.listdir(f"/proc/{keeper}/fd")), len(pids))
"""


@pytest.fixture
def environment(project: Project) -> Iterator[str]:
    name = project.create()
    yield name
    remove_warm_containers(name)


def running(name: str, **environ: str) -> list[str]:
    filters = ["--filter", "label=pydock.warm", "--filter", f"name=^{name}-warm-"]
    return docker("ps", *filters, "--format", "{{.Names}}", environ={**os.environ, **environ}).split()


@pytest.mark.timeout(600)
def test_many_runs_in_a_row_leave_nothing_behind(project: Project, environment: str) -> None:
    def run(times: int) -> tuple[int, int, int]:
        for number in range(times):
            # A background process and a part of a pipe are left each time.
            script = f"sleep 60 & echo {number} | cat"
            assert (
                project.pydock("run", environment, "sh", "-c", script, variables=KEEP).stdout == f"{number}\n"
            )
        [container] = running(environment)
        memory, descriptors, processes = docker("exec", container, "python3", "-c", STATE).split()
        return int(memory), int(descriptors), int(processes)

    memory, *counts = run(20)
    memory_after, *counts_after = run(RUNS)
    print(
        f"{RUNS} runs: {memory} -> {memory_after} KiB, {counts} -> {counts_after} descriptors and processes"
    )
    assert counts_after == counts
    assert memory_after - memory <= 256


@pytest.mark.xdist_group("second engine")
def test_engine_that_was_killed_or_has_ended(project: Project, other_engine: SecondEngine) -> None:
    project.environ["DOCKER_HOST"] = other_engine.address
    name = project.create(variables={"PYDOCK_BUILD_OPTIONS": "--network=host"})
    options = {**KEEP, "PYDOCK_RUN_OPTIONS": "--network=none"}

    def run() -> str:
        return project.pydock("run", name, "sh", "-c", "stat -c %Y.%i /proc/1", variables=options).stdout

    places = [run(), run()]
    other_engine.kill()
    other_engine.start()
    places += [run(), run()]
    assert other_engine.process
    other_engine.process.terminate()
    other_engine.process.wait(60)
    other_engine.start()
    places += [run(), run()]
    assert places[0] == places[1]
    assert places[4] == places[5] != places[0]
    assert len(running(name, DOCKER_HOST=other_engine.address)) == 1
    assert not list((project.home / ".local" / "state" / "pydock" / "warm").glob("*/unusable"))
    project.pydock("down", name)
    wait_until(lambda: not running(name, DOCKER_HOST=other_engine.address), "the container to end")


def test_clean_removes_what_dead_containers_and_deleted_environments_left(project: Project) -> None:
    kept, deleted = project.create(), project.create()
    for name in (kept, deleted):
        project.pydock("up", name)
    [killed] = running(kept)
    docker("kill", killed)
    wait_until(
        lambda: not docker("ps", "--all", "--quiet", "--filter", f"name=^{killed}$"), "the container to end"
    )
    folders = project.home / ".local" / "state" / "pydock" / "warm"
    for folder in folders.glob("*-????????????"):
        os.utime(folder, (0, 0))
    shutil.rmtree(project.environment(deleted))
    assert len(running(deleted)) == 1

    printed = project.pydock("clean", "--yes").stderr

    assert f"container {deleted}-warm-" in printed
    assert running(deleted) == []
    # Both environments have the same image, of which the alias stays.
    assert set(images(deleted)) <= {f"pydock-{deleted}:latest"}
    [mark] = folders.iterdir()  # that `up` was asked for
    assert mark.name.endswith("-up")
    project.pydock("run", kept, "true")
    assert len(running(kept)) == 1
    remove_warm_containers(kept)
