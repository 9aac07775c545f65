"""Fixtures of the engine tests. Without an engine they are skipped; with CI or PYDOCK_REQUIRE_ENGINE set, they fail."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from .second_engine import SecondEngine, second_engine
from .tools import PYTHON, REPOSITORY, Project, docker, remove_warm_containers, temporary_project

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .open_index import OpenIndex

HERE = Path(__file__).parent
REQUIRED = bool(os.environ.get("CI") or os.environ.get("PYDOCK_REQUIRE_ENGINE"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with FRESH_AND_WARM in both kinds of container, which must behave the same."""
    if getattr(metafunc.module, "FRESH_AND_WARM", False) and "runner" in metafunc.fixturenames:
        only_fresh = metafunc.definition.get_closest_marker("only_fresh")
        metafunc.parametrize("runner", ["fresh"] if only_fresh else ["fresh", "warm"], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what the engine did meanwhile: which containers ended, and how."""
    report = yield
    if report.failed and call.when == "call" and not why_no_engine():
        times = ["--since", f"{call.start:.3f}", "--until", f"{call.stop:.3f}"]
        chosen = [f"event={event}" for event in ("start", "kill", "oom", "die", "destroy")]
        filters = [word for event in chosen for word in ("--filter", event)]
        template = "{{.Time}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}"
        argv = ["docker", "events", *times, *filters, "--filter", "type=container", "--format", template]
        events = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60).stdout
        memory = Path("/proc/meminfo").read_text(encoding="ascii").partition("Buffers")[0]
        report.sections.append(("containers meanwhile", "".join(events.splitlines(keepends=True)[-40:])))
        report.sections.append(("memory afterwards", memory))
    return report


@functools.cache
def why_no_engine() -> str:
    """Return why there is no engine, "" if there is one."""
    try:
        answer = subprocess.run(
            ["docker", "version"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no Docker engine: {error}"
    return f"no Docker engine: {answer.stderr.strip()}" if answer.returncode else ""


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if reason := why_no_engine():
        (pytest.fail if REQUIRED else pytest.skip)(reason)


@pytest.fixture(scope="session")
def base_image(engine: None) -> Callable[[str], str]:
    """Return a function that makes `python:TAG` available and returns its name."""

    @functools.cache
    def provide(tag: str) -> str:
        answer = subprocess.run(
            [REPOSITORY / "scripts" / "offline" / "base-image.sh", tag],
            check=False,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            (pytest.fail if REQUIRED else pytest.skip)(f"no image python:{tag}: {answer.stderr.strip()}")
        return f"python:{tag}"

    return provide


@pytest.fixture(scope="session", autouse=True)
def python_image(base_image: Callable[[str], str]) -> str:
    return base_image(PYTHON)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with temporary_project(tmp_path) as made:
        yield made


@pytest.fixture
def other_project(tmp_path: Path) -> Iterator[Project]:
    """Return a second project, with another home."""
    with temporary_project(tmp_path / "other") as made:
        yield made


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a project whose home has one global environment, `names[0]`, that the tests do not change."""
    place = tmp_path_factory.mktemp("shared")
    with temporary_project(place) as made:
        name = made.new_name("shared")
        made.pydock("--global", "create", name, PYTHON)
        made.pydock("--global", "install", name, "six")
        yield made
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def runner(tmp_path: Path, shared_home: Project, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Return an empty project in which the shared environment can be run; `ready` is its name.

    With the parameter `warm`, its runs are in a container that waits for programs.
    """
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    environ = dict(shared_home.environ)
    if getattr(request, "param", "fresh") == "warm":
        environ["PYDOCK_KEEP"] = "5m"
    yield Project(folder, shared_home.home, environ)
    if getattr(request, "param", "fresh") == "warm":
        remove_warm_containers(shared_home.names[0])


@pytest.fixture
def ready(shared_home: Project) -> str:
    """Return the name of the shared environment, in which six is installed."""
    return shared_home.names[0]


@pytest.fixture(scope="session")
def other_engine(tmp_path_factory: pytest.TempPathFactory, python_image: str) -> Iterator[SecondEngine]:
    """Start a second engine that has the image of Python; its tests are in the xdist group "second engine"."""
    with second_engine(tmp_path_factory.mktemp("engine"), python_image) as engine:
        yield engine


@pytest.fixture(scope="session")
def gateway(engine: None) -> str:
    """Return the address of this machine that builds and containers can reach."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", "bridge", "--format", template).strip()


@pytest.fixture
def indexed(project: Project, shared_home: Project, index: OpenIndex) -> Project:
    """Return a project with the module's fixture `index`; because of `shared_home`, the engine has uv."""
    project.environ.update(index.variables)
    return project
