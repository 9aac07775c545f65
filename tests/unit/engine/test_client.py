"""How docker commands are run: queries, changes, signals, dry runs, and rootless engines."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from invoke import Config, Context

from pydock import errors
from pydock.engine import process
from pydock.engine.client import Engine
from pydock.engine.images import Images

if TYPE_CHECKING:
    from ..conftest import MakeEnvironment, MakeProgram, MakeSettings

ROOTLESS_CLIENT = """\
echo "$*" >> "$0.calls"
if [ "$1" = info ]; then echo '["name=seccomp,profile=builtin","name=rootless"]'; fi
"""


def make_engine(make_settings: MakeSettings, client: str, **run: Any) -> Engine:
    return Engine(Context(Config(overrides={"run": run})), make_settings(engine=client))


@pytest.fixture
def client(tmp_path: Path, make_program: MakeProgram) -> Path:
    """Return the client of a rootless engine, which records its calls."""
    return make_program(tmp_path / "docker", ROOTLESS_CLIENT)


@pytest.fixture
def engine(client: Path, make_settings: MakeSettings) -> Engine:
    return make_engine(make_settings, str(client))


def calls(client: Path) -> list[str]:
    path = Path(f"{client}.calls")
    return path.read_text().splitlines() if path.exists() else []


def test_rootless_is_queried_once(engine: Engine, client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert (engine.rootless, engine.rootless) == (True, True)
    assert calls(client) == ["info --format {{json .SecurityOptions}}"]


def test_rootless_is_not_queried_by_root(
    engine: Engine, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert not engine.rootless
    assert calls(client) == []


@pytest.mark.parametrize(("uid", "ids"), [(1000, ("0", "0")), (0, ("0", "7"))])
def test_rootless_engine_builds_for_root(
    engine: Engine,
    client: Path,
    make_environment: MakeEnvironment,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    ids: tuple[str, str],
) -> None:
    monkeypatch.setattr("os.getuid", lambda: uid)
    monkeypatch.setattr("os.getgid", lambda: 7)
    monkeypatch.setattr("pydock.engine.build_secrets.pip_config_files", lambda _: [])
    environment = make_environment()
    Images(engine, make_settings()).build(environment, environment.content_tag())
    *_, words = [call.split() for call in calls(client) if call.startswith("build ")]
    assert f"UID={ids[0]}" in words
    assert f"GID={ids[1]}" in words


@pytest.mark.parametrize(
    ("command", "passes_environment"),
    [("docker", True), ("/opt/docker", True), ("sudo docker", False), ("env docker", False)],
)
def test_build_options_replace_variables_that_the_client_does_not_get(
    make_settings: MakeSettings, command: str, passes_environment: bool
) -> None:
    engine = make_engine(make_settings, command)
    options = ("--builder", "default", "--provenance=false", "--sbom=false")
    assert engine.passes_environment is passes_environment
    assert engine.build_options == (() if passes_environment else options)


def test_podman_is_refused(make_settings: MakeSettings) -> None:
    with pytest.raises(errors.EngineNotSupported):
        make_engine(make_settings, "podman")


def test_dry_run_queries_and_prints_changes(
    client: Path, make_settings: MakeSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make_engine(make_settings, str(client), dry=True)
    assert "rootless" in engine.query([str(client), "info"])
    assert engine.modify(["docker", "tag", "a b", "c"]) == ""
    assert engine.try_to_modify_all([["docker", "rmi", "x"]])
    engine.build(["docker", "build", "/d"], {"SECRET": "hunter2"}, "mkdir -p /d")
    assert engine.run_container(["docker", "run", "x"], "x-1") == 0
    assert calls(client) == ["info"]
    assert capsys.readouterr() == (
        "docker tag 'a b' c\ndocker rmi x\nmkdir -p /d\ndocker build /d\ndocker run x\n",
        "",
    )


def test_echo_prints_every_command_on_stderr(
    client: Path, make_settings: MakeSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make_engine(make_settings, str(client), echo=True)
    engine.query([str(client), "info"])
    engine.build([str(client), "build", "/d"], {"SECRET": "hunter2"}, "mkdir -p /d")
    assert capsys.readouterr() == ("", f"{client} info\nmkdir -p /d\n{client} build /d\n")


def test_invoke_runner_is_restored(engine: Engine) -> None:
    before = engine._context.config.runners.local
    engine.query([*engine.client, "info"])
    assert engine._context.config.runners.local is before


def test_arguments_are_not_changed_by_a_shell(engine: Engine, client: Path) -> None:
    engine.modify([*engine.client, "tag", "a  b", "$HOME;x", "it's"])
    assert calls(client) == ["tag a  b $HOME;x it's"]


def test_query_outside_the_main_thread(engine: Engine) -> None:
    """Python delivers signals only to the main thread, and cannot set handlers in others."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(engine.query([*engine.client, "info"])))
    thread.start()
    thread.join(60)
    assert "rootless" in answers[0]


def test_failed_query(make_settings: MakeSettings, make_program: MakeProgram, tmp_path: Path) -> None:
    client = str(make_program(tmp_path / "docker", "echo found; echo No such image: x >&2; exit 1"))
    engine = make_engine(make_settings, client)
    assert engine.query_found([client, "inspect"]) == "found\n"
    assert engine.query_all_found([[client, "inspect"], [client, "images"]]) == ["found\n", "found\n"]
    assert not engine.try_to_modify([client, "rmi"])
    assert not engine.try_to_modify_all([[client, "rmi"], [client, "tag"]])
    for method in (engine.query, engine.modify):
        with pytest.raises(errors.EngineError, match="No such image: x"):
            method([client, "rmi"])


def test_client_that_is_a_folder(make_settings: MakeSettings, tmp_path: Path) -> None:
    engine = make_engine(make_settings, str(tmp_path))
    with pytest.raises(errors.EngineNotFound, match=r"^Cannot start .*: Permission denied\.$"):
        engine.query([str(tmp_path), "info"])


def test_client_that_ignores_sigterm_is_killed(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "STOP_TIMEOUT", 0.05)
    before = signal.getsignal(signal.SIGTERM)
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; kill -TERM $PPID; exec sleep 60"
    with pytest.raises(errors.Interrupted):
        make_engine(make_settings, "docker").query(["sh", "-c", script])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert signal.getsignal(signal.SIGTERM) is before
