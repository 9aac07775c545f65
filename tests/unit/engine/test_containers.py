"""The terminal that a container gets, its name, and the watcher that removes it."""

from __future__ import annotations

import io
import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pydock.engine import containers
from pydock.engine.argv import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import MakeEnvironment, MakeProgram, MakeSettings


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ({"fstat": True, 0: True, 1: True}, Terminal(stdin_open=True, interactive=True)),
        ({"fstat": True, 0: True, 1: False}, Terminal(stdin_open=True, interactive=False)),
        ({"fstat": True, 0: False, 1: True}, Terminal(stdin_open=True, interactive=False)),
        ({"fstat": False, 0: False, 1: True}, Terminal(stdin_open=False, interactive=False)),
    ],
)
def test_this_terminal(
    monkeypatch: pytest.MonkeyPatch, streams: dict[str | int, bool], expected: Terminal
) -> None:
    def fstat(number: int) -> None:
        assert number == 0
        if not streams["fstat"]:
            raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(containers, "selinux_enforces", lambda: False)
    monkeypatch.setattr(containers, "os", SimpleNamespace(fstat=fstat, isatty=streams.__getitem__))
    assert containers.this_terminal() == expected


@pytest.mark.parametrize(("content", "enforces"), [("1", True), ("0", False), (None, False)])
def test_selinux_enforces(monkeypatch: pytest.MonkeyPatch, content: str | None, enforces: bool) -> None:
    def opened(path: str, encoding: str) -> io.StringIO:
        assert path == "/sys/fs/selinux/enforce"
        if content is None:
            raise FileNotFoundError
        return io.StringIO(content)

    monkeypatch.setattr(containers, "open", opened, raising=False)
    assert containers.selinux_enforces() is enforces


def test_container_names_are_unique(make_environment: MakeEnvironment) -> None:
    environment = make_environment("py3.8")
    names = {containers.container_name(environment) for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("py3.8-") for name in names)


def test_watcher_removes_the_container(
    tmp_path: Path, make_settings: MakeSettings, make_program: MakeProgram
) -> None:
    client = make_program(
        tmp_path / "client", f'echo "$@" > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/calls'
    )
    watcher = containers.start_container_watcher(make_settings(engine=str(client)), "ds-1")
    assert not os.get_inheritable(watcher)
    assert not (tmp_path / "calls").exists()
    os.close(watcher)
    for _ in range(1000):  # the watcher is not our child, so we cannot wait for it
        if (tmp_path / "calls").exists():
            break
        time.sleep(0.01)
    assert (tmp_path / "calls").read_text() == "rm --force ds-1\n"


@pytest.mark.parametrize("option", ["--detach", "-dit"])
def test_detached_container_has_no_watcher(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(os, "fork", None)
    os.close(containers.start_container_watcher(make_settings(run_options=[option]), "ds-1"))


@pytest.mark.parametrize("listed", ["", "0123"])
def test_watcher_finds_a_container_with_the_users_name_by_its_label(
    tmp_path: Path, make_settings: MakeSettings, make_program: MakeProgram, listed: str
) -> None:
    """By its name, it could remove a container that somebody else has made meanwhile."""
    client = make_program(
        tmp_path / "client",
        f'echo "$@" >> {tmp_path}/calls\ncase $1 in ps) echo {listed}; test {listed} || touch {tmp_path}/end;; rm) touch {tmp_path}/end;; esac',
    )
    settings = make_settings(engine=str(client), run_options=["--label", "pydock.run=ab"])
    os.close(containers.start_container_watcher(settings, "web"))
    for _ in range(1000):
        if (tmp_path / "end").exists():
            break
        time.sleep(0.01)
    time.sleep(0.1)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "ps --all --quiet --no-trunc --filter label=pydock.run=ab"
    assert calls[1:] == ([f"rm --force {listed}"] if listed else [])
