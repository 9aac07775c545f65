"""What pydock says and asks: tables, ages, colours, the question before something is removed."""

from __future__ import annotations

import io
import sys
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest.mock import Mock

import pytest

from pydock import errors, messages
from pydock.commands import listing


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ROW: dict[str, Any] = {
    "name": "ds",
    "python": "3.12",
    "image": "pydock-ds:latest",
    "size": "132MB",
    "updated": "never",
    "state": "ready",
    "folder": "/x",
}


def test_the_table_of_environments() -> None:
    bare = {**ROW, "name": "long-name", "image": None, "size": None, "updated": None, "state": "not built"}
    assert listing.table([ROW, bare]) == (
        "NAME       PYTHON  IMAGE             SIZE   UPDATED  STATE\n"
        "ds         3.12    pydock-ds:latest  132MB  never    ready\n"
        "long-name  3.12    -                 -      -        not built"
    )


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1, seconds=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=1, minutes=1), "1 hour ago"),
        (timedelta(hours=23, minutes=58), "23 hours ago"),
        (timedelta(days=1, hours=1), "1 day ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(seconds=-100), "just now"),
    ],
)
@pytest.mark.parametrize("zone", [0, 2])
def test_ages(ago: timedelta, words: str, zone: int) -> None:
    then = (datetime.now(timezone.utc) - ago).astimezone(timezone(timedelta(hours=zone)))
    assert listing._age(then.strftime("%Y-%m-%d %H:%M:%S %z UTC")) == words


@pytest.mark.parametrize(
    ("created", "words"), [(None, "-"), ("", "-"), ("yesterday or so", "yesterday or so")]
)
def test_ages_that_are_none(created: str | None, words: str) -> None:
    assert listing._age(created) == words


def test_the_table_of_settings() -> None:
    described = {
        "mode": "global",
        "home": "/h/.pydock",
        "reason": "asked for",
        "settings": {
            "engine": {"value": ["sudo", "docker"], "source": "environment"},
            "netrc": {"value": "", "source": "default"},
        },
    }
    assert listing.settings_table(described) == (
        "pydock runs in global mode (asked for).\n"
        "Environments are in /h/.pydock/envs\n"
        "\n"
        "SETTING  VALUE        FROM\n"
        "engine   sudo docker  environment\n"
        "netrc    -            default"
    )


def test_we_speak_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say("a")
    messages.warn("b")
    messages.complain("c")
    assert capsys.readouterr() == ("", "a\nb\nc\n")


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({}, "\x1b[31mfirst\x1b[0m\nrest\n"),
        ({"NO_COLOR": "1"}, "first\nrest\n"),
        ({"NO_COLOR": ""}, "\x1b[31mfirst\x1b[0m\nrest\n"),
        ({"TERM": "dumb"}, "first\nrest\n"),
    ],
)
def test_colour_is_for_people(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], shown: str) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    messages.complain("first\nrest")
    assert terminal.getvalue() == shown


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        ("y\n", True),
        ("YES\n", True),
        (" y \n", True),
        ("\n", False),
        ("", False),
        ("n\n", False),
        ("yep\n", False),
    ],
)
def test_the_question(monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool) -> None:
    asked = FakeTerminal()
    monkeypatch.setattr(sys, "stdin", FakeTerminal(answer))
    monkeypatch.setattr(sys, "stderr", asked)
    if goes_on:
        messages.confirm("Remove it?", yes=False)
    else:
        with pytest.raises(errors.NotConfirmed, match=r"Nothing was removed\."):
            messages.confirm("Remove it?", yes=False)
    assert asked.getvalue() == "Remove it? [y/N] "


def test_ctrl_c_at_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(terminal, "readline", Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    with pytest.raises(errors.Interrupted, match="nothing was removed"):
        messages.confirm("Remove it?", yes=False)


@pytest.mark.parametrize("missing", ["stdin", "stderr"])
def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO() if name == missing else FakeTerminal())
    with pytest.raises(errors.NotConfirmed, match=r"Remove it\? There is no terminal to ask on; say --yes\."):
        messages.confirm("Remove it?", yes=False)
    messages.confirm("Remove it?", yes=True)
