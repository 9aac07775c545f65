"""The ring on a real engine. Without one it is skipped, but where CI or PYDOCK_REQUIRE_ENGINE is set, it fails."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from .tools import PYTHON, REPOSITORY, Project, docker, environ_for, remove_everything

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
REQUIRED = bool(os.environ.get("CI") or os.environ.get("PYDOCK_REQUIRE_ENGINE"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)


@functools.cache
def engine_is_missing() -> str:
    """Return why the ring cannot run here, "" where it can."""
    try:
        answer = subprocess.run(
            ["docker", "version"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no Docker engine: {error}"
    return f"no Docker engine: {answer.stderr.strip()}" if answer.returncode else ""


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if reason := engine_is_missing():
        (pytest.fail if REQUIRED else pytest.skip)(reason)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_means_something() -> None:
    """Undo what a shell does to its background jobs: the programs that we start would ignore Ctrl-C too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def base_image(engine: None) -> Callable[[str], str]:
    """Return a function that makes sure of `python:TAG` and returns it."""

    @functools.cache
    def provide(tag: str) -> str:
        answer = subprocess.run(
            [REPOSITORY / "scripts" / "offline" / "base-image.sh", tag],
            check=False,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            (pytest.fail if REQUIRED else pytest.skip)(f"there is no python:{tag}: {answer.stderr.strip()}")
        return f"python:{tag}"

    return provide


@pytest.fixture(scope="session", autouse=True)
def python_image(base_image: Callable[[str], str]) -> str:
    return base_image(PYTHON)


def make_project(place: Path, home: Path | None = None) -> Project:
    home = home or place / "home"
    home.mkdir(parents=True, exist_ok=True)
    folder = place / "work"
    (folder / ".pydock").mkdir(parents=True)
    return Project(folder, home, environ_for(home))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return an empty project with a `.pydock` folder (so environments are local) and an empty home."""
    made = make_project(tmp_path)
    yield made
    remove_everything(made.names)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Project]:
    """Return a second project, of the same user with another home."""
    made = make_project(tmp_path / "another")
    yield made
    remove_everything(made.names)


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a home with one global environment, `names[0]`, for tests that only run things in it."""
    place = tmp_path_factory.mktemp("shared")
    made = make_project(place)
    name = made.new_name("shared")
    made.pydock("--global", "create", name, PYTHON)
    made.pydock("--global", "install", name, "six")
    yield made
    remove_everything(made.names)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def reader(tmp_path: Path, shared_home: Project) -> Project:
    """Return a caller in an empty folder, whose home has the shared environment; see `ready`."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Project(folder, shared_home.home, shared_home.environ)


@pytest.fixture
def ready(shared_home: Project) -> str:
    """Return the name of the shared environment, which has `six`."""
    return shared_home.names[0]


@pytest.fixture(scope="session")
def gateway(engine: None) -> str:
    """Return the address under which builds and containers reach this machine."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", "bridge", "--format", template).strip()
