"""The one door to the engine: questions, changes, signals, and whose engine it is."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from invoke import Config, Context

from pydock import errors
from pydock.cli import program
from pydock.cli.call import Call
from pydock.engine import process
from pydock.engine.client import Engine
from pydock.engine.images import Images

if TYPE_CHECKING:
    from .conftest import MakeEnvironment, MakeSettings

CLIENT = """\
#!/bin/sh
echo "$*" >> "$0.calls"
if [ "$1" = info ]; then echo '["name=seccomp,profile=builtin","name=rootless"]'; fi
"""


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """Return a client that writes its calls down, of an engine that is rootless."""
    path = tmp_path / "client"
    path.write_text(CLIENT)
    path.chmod(0o755)
    return path


@pytest.fixture
def engine(client: Path, make_settings: MakeSettings) -> Engine:
    return Engine(Context(Config()), make_settings(engine=str(client)))


def calls(client: Path) -> list[str]:
    path = Path(f"{client}.calls")
    return path.read_text().splitlines() if path.exists() else []


def test_a_rootless_engine_is_asked_once(
    engine: Engine, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert (engine.rootless, engine.rootless) == (True, True)
    assert calls(client) == ["info --format {{json .SecurityOptions}}"]


def test_root_need_not_ask(engine: Engine, client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert not engine.rootless
    assert calls(client) == []


@pytest.mark.parametrize(("uid", "ids"), [(1000, ("0", "0")), (0, ("0", "7"))])
def test_root_of_a_rootless_engine_is_the_caller(
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
    monkeypatch.setattr("pydock.engine.build_secrets._pip_config_files", lambda _: [])
    Images(engine, make_settings()).build(make_environment(), ["t:1"])
    words = calls(client)[-1].split()
    assert f"UID={ids[0]}" in words
    assert f"GID={ids[1]}" in words


def test_the_runner_is_ours_for_one_call_only(engine: Engine) -> None:
    before = engine._context.config.runners.local
    engine.ask([*engine.client, "info"])
    assert engine._context.config.runners.local is before


def test_words_reach_the_client_whatever_they_are(engine: Engine, client: Path) -> None:
    engine.change([*engine.client, "tag", "a  b", "$HOME;x", "it's"])
    assert calls(client) == ["tag a  b $HOME;x it's"]


def test_questions_work_beside_the_main_thread(engine: Engine) -> None:
    """Python delivers signals to the main thread alone, and refuses to set handlers elsewhere."""
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(engine.ask([*engine.client, "info"])))
    thread.start()
    thread.join(60)
    assert "rootless" in said[0]


def test_a_client_that_is_a_folder(make_settings: MakeSettings, tmp_path: Path) -> None:
    engine = Engine(Context(Config()), make_settings(engine=str(tmp_path)))
    with pytest.raises(errors.EngineNotFound, match="cannot be started"):
        engine.ask([str(tmp_path), "info"])


def test_a_client_that_does_not_listen_is_killed(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.05)
    before = signal.getsignal(signal.SIGTERM)
    deaf = f"trap '' TERM; echo $$ > {tmp_path}/pid; kill -TERM $PPID; exec sleep 60"
    with pytest.raises(errors.Interrupted):
        Engine(Context(Config()), make_settings()).ask(["sh", "-c", deaf])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_our_own_errors_ask_for_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Call) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(program, "_run", broken)
    assert program.run_program(Call(frozenset(), "envs", [])) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("pydock met an error of its own. Please report it")
    assert "ZeroDivisionError" in said.err


def test_ctrl_c_anywhere_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Call) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(program, "_run", interrupted)
    assert program.run_program(Call(frozenset(), "envs", [])) == 130
    assert capsys.readouterr().err == "Interrupted; nothing was changed.\n"
