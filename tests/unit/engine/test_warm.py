"""Which container a run waits in: what names it, when there is one, and when it ends. The keeper runs without a container."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from pydock.engine import warm
from pydock.engine.argv import NO_STOPPING, RUN_LABEL, SHELL
from pydock.engine.build_context import PROGRAMS
from pydock.engine.compose_cache import ComposeOptions
from pydock.engine.containers import run_argv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

    from ..conftest import MakeEnvironment, MakeSettings

IMAGE = "pydock-ds:1"


def keeper_argv(
    settings: Settings, environment: Environment, container: warm.WarmContainer, seconds: int
) -> list[str]:
    """Start the keeper here, in the background as `docker run --detach` does; its folder's name is short for itself."""
    program = Path(PROGRAMS, "keeper.py").read_text(encoding="utf-8")
    words = shlex.join([sys.executable, "-I", "-c", program, ".", str(seconds)])
    return ["sh", "-c", f"cd {shlex.quote(container.folder)} && {words} &"]


@pytest.fixture
def environment(
    make_environment: MakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Environment]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(warm, "find_image", lambda *_: "sha256:1")
    monkeypatch.setattr(warm, "start_argv", keeper_argv)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = make_environment("ds")
    yield made
    warm.retire_all(made)


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(workdir="same", ca_bundle="none", pip_config="none")


def run(settings: Settings, environment: Environment, script: str) -> int | None:
    argv = run_argv(settings, environment, IMAGE, "x", ["sh", "-c", script])
    argv = [
        *argv[: argv.index(IMAGE) + 1],
        "sh",
        "-c",
        script,
    ]  # no check for the program, which is for an image
    return warm.run_warm(settings, environment, argv, IMAGE)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_no_container_without_up_and_keep(settings: Settings, environment: Environment) -> None:
    assert run(settings, environment, "exit 3") is None
    assert list(warm.warm_containers("ds", environment.identity)) == []


def test_keep_starts_one_that_the_next_run_finds(settings: Settings, environment: Environment) -> None:
    assert run(settings._replace(keep="1m"), environment, "exit 3") == 3
    assert run(settings, environment, "exit 4") == 4
    assert len(list(warm.warm_containers("ds", environment.identity))) == 1


def test_up_starts_one_again_after_the_image_was_replaced(
    settings: Settings, environment: Environment
) -> None:
    assert warm.take_up(settings, environment, IMAGE, ComposeOptions())
    assert run(settings, environment, "exit 3") == 3
    warm.retire_all(environment)
    wait_until(lambda: not list(warm.warm_containers("ds", environment.identity)))
    assert run(settings, environment, "exit 4") == 4
    assert warm.is_up(environment)


class Answers:
    """An engine whose warm containers have ended at the second question."""

    client = ("docker",)

    def __init__(self, *, dry: bool = False) -> None:
        self.dry = dry
        self.answers = ["ds-warm-1", ""]

    def query(self, argv: list[str]) -> str:
        assert argv[:2] == ["docker", "ps"]
        return self.answers.pop(0)


def test_down_ends_what_is_idle(settings: Settings, environment: Environment) -> None:
    warm.take_up(settings, environment, IMAGE, ComposeOptions())
    assert not warm.end_idle(Answers(dry=True), environment)  # type: ignore[arg-type]
    assert warm.end_idle(Answers(), environment)  # type: ignore[arg-type]
    assert not warm.is_up(environment)
    assert not warm.end_idle(Answers(), environment)  # type: ignore[arg-type]
    assert run(settings, environment, "exit 3") is None


def test_folder_that_was_made_again_gets_another_container(
    settings: Settings, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = settings._replace(keep="1m")
    assert run(kept, environment, "exit 3") == 3
    monkeypatch.setattr(
        os, "stat", lambda path, stat=os.stat, **options: stat(tmp_path if path == "." else path, **options)
    )
    assert run(kept, environment, "exit 3") is None
    assert list(warm.warm_containers("ds", environment.identity)) == []


def test_where_no_keeper_starts_only_the_first_run_waits(
    settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "SECONDS_FOR_ANOTHER", 0.1)
    started: list[str] = []

    def failing(*_: object) -> list[str]:
        started.append("once")
        return ["false"]

    monkeypatch.setattr(warm, "start_argv", failing)
    for _ in range(3):
        assert run(settings._replace(keep="1m"), environment, "exit 3") is None
    assert started == ["once"]
    monkeypatch.setattr(warm, "start_argv", lambda *_: ["/no/such/client"])
    assert not warm.take_up(settings, environment, IMAGE, ComposeOptions())


def test_full_disk_is_no_reason_not_to_run(
    settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run gets a container of its own; `up`, which wants a warm one, says why there is none."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.makedirs", fail)
    assert run(settings._replace(keep="1m"), environment, "true") is None
    with pytest.raises(OSError, match="No space left"):
        warm.take_up(settings, environment, IMAGE, ComposeOptions())


def test_containers_of_two_engines_and_two_environments_have_two_names(
    settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same image, with the same id, may be on both engines, or be that of two environments of one name."""
    first = describe(settings, environment)
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/other.sock")
    second = describe(settings, environment)
    third = describe(settings, environment._replace(identity="00000000"))
    assert first
    assert second
    assert third
    assert len({first.name, second.name, third.name}) == 3


def describe(settings: Settings, environment: Environment, *options: str) -> warm.WarmContainer | None:
    argv = run_argv(settings._replace(run_options=options), environment, IMAGE, "x", ["true"])
    found = warm.describe_run(settings, environment, argv, IMAGE)
    return found[0] if found else None


@pytest.mark.parametrize(
    "options",
    [
        ["-p", "80"],
        ["--publish=80"],
        ["-p80:80"],
        ["-d"],
        ["--detach"],
        ["--entrypoint", "sh"],
        ["--label", f"{RUN_LABEL}=1"],
        ["--cidfile", "x"],
    ],
    ids=" ".join,
)
def test_options_of_a_container_of_its_own(
    settings: Settings, environment: Environment, options: list[str]
) -> None:
    assert describe(settings, environment, *options) is None


def test_options_of_the_container_name_it_and_variables_do_not(
    settings: Settings, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("\ufeff# a comment\nA=1\r\n\nHOME\n", encoding="utf-8")
    plain = describe(settings, environment)
    assert plain
    assert describe(settings, environment, "-e", "A=1", "--env-file", str(tmp_path / "env")) == plain
    other = describe(settings, environment, "--memory", "200m")
    assert other
    assert other.name != plain.name
    assert other.name.startswith("ds-warm-")


def test_what_a_program_gets(settings: Settings, environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=of the file\nB=of the file\n", encoding="utf-8")
    options = ("-e", "B=typed", "--env-file", str(tmp_path / "env"), "-e", "C", "-e", "D")
    argv = run_argv(settings._replace(run_options=options), environment, IMAGE, "x", ["true"])
    argv = [*argv[: argv.index(IMAGE) + 1], SHELL, "-c", f"{NO_STOPPING}exec true"]
    found = warm.describe_run(settings, environment, argv, IMAGE, {"C": "of the client"})
    assert found
    program = found[1]
    assert {name: program.variables[name] for name in "ABCD"} == {
        "A": "of the file",
        "B": "typed",
        "C": "of the client",
        "D": None,
    }
    assert program.argv == [SHELL, "-c", "exec true"]
    assert program.folder == os.getcwd()


@pytest.mark.parametrize(
    ("engine", "host", "possible"),
    [
        ("docker", "", True),
        ("docker", "unix:///run/user/1000/docker.sock", True),
        ("docker", "unix:///home/me/.docker/desktop/docker.sock", False),
        ("docker", "unix:///home/me/.colima/default/docker.sock", False),
        ("docker", "ssh://elsewhere", False),
        ("sudo docker", "", False),
    ],
)
def test_engines(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, engine: str, host: str, possible: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert warm.is_possible(make_settings(engine=engine)) is possible


@pytest.mark.parametrize("found", ["", None])
def test_without_the_id_of_the_image_there_is_no_container(
    settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    monkeypatch.setattr(warm, "find_image", lambda *_: found)
    assert not warm.take_up(settings, environment, IMAGE, ComposeOptions())
    assert run(settings._replace(keep="1m"), environment, "true") is None
    argv = run_argv(settings, environment, IMAGE, "x", ["true"])
    assert warm.describe_run(settings, environment, argv, IMAGE, identifier="") is None


def test_engine_is_not_asked_for_an_id_that_is_known(
    settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = describe(settings, environment)
    monkeypatch.delattr(warm, "find_image")
    argv = run_argv(settings, environment, IMAGE, "x", ["true"])
    found = warm.describe_run(settings, environment, argv, IMAGE, identifier="sha256:1")
    assert found
    assert found[0] == expected


def test_command_that_starts_the_container(
    make_settings: MakeSettings, make_environment: MakeEnvironment
) -> None:
    environment = make_environment("ds")
    container = warm.WarmContainer("ds-warm-1", ["--rm", "--init"], IMAGE, "/state/a,b")
    argv = warm.start_argv(make_settings(), environment, container, 60)
    assert argv[:5] == ["docker", "run", "--detach", "--name", "ds-warm-1"]
    assert argv[argv.index("--mount") + 1] == 'type=bind,"source=/state/a,b",target=/run/pydock/keeper'
    assert argv[-7:-4] == [IMAGE, "python3", "-I"]
    assert argv[-2:] == ["/run/pydock/keeper", "60"]
