"""Messages on stderr, colours, tables, and the question before something is deleted."""

from __future__ import annotations

import io
import sys
from unittest.mock import Mock

import pytest

from pydock import errors, messages


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say("a")
    messages.warn("b")
    messages.print_error("c")
    assert capsys.readouterr() == ("", "a\nb\nc\n")


def test_aligned() -> None:
    assert messages.aligned([["A", "LONG", "C"], ["aa", "b", ""]]) == "A   LONG  C\naa  b"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (0, "NAME   STATE\nabcde  fghij"),
        (12, "NAME   STATE\nabcde  fghij"),
        (11, "NAME  STATE\nabc…  fghij"),
        (9, "NAME  ST…\nabc…  fg…"),
        (7, "N…  ST…\na…  fg…"),
        (3, "N…  ST…\na…  fg…"),
    ],
)
def test_aligned_on_a_narrow_terminal(width: int, expected: str) -> None:
    lines = [["NAME", "STATE"], ["abcde", "fghij"]]
    assert messages.aligned(lines, width, [(0, 4), (1, 3), (0, 2)]) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "\x1b[31mfirst\x1b[0m\nrest\n"),
        ({"NO_COLOR": "1"}, "first\nrest\n"),
        ({"NO_COLOR": ""}, "\x1b[31mfirst\x1b[0m\nrest\n"),
        ({"TERM": "dumb"}, "first\nrest\n"),
    ],
)
def test_colour_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    messages.print_error("first\nrest")
    assert terminal.getvalue() == expected


@pytest.mark.parametrize(
    ("answer", "confirmed"),
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
def test_confirm(monkeypatch: pytest.MonkeyPatch, answer: str, confirmed: bool) -> None:
    stderr = FakeTerminal()
    monkeypatch.setattr(sys, "stdin", FakeTerminal(answer))
    monkeypatch.setattr(sys, "stderr", stderr)
    if confirmed:
        messages.confirm("Delete it?", yes=False)
    else:
        with pytest.raises(errors.NotConfirmed, match=r"Nothing was deleted\."):
            messages.confirm("Delete it?", yes=False)
    assert stderr.getvalue() == "Delete it? [y/N] "


def test_ctrl_c_at_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(terminal, "readline", Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    with pytest.raises(errors.Interrupted, match="nothing was changed"):
        messages.confirm("Delete it?", yes=False)


@pytest.mark.parametrize("missing", ["stdin", "stderr"])
def test_confirm_without_terminal(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO() if name == missing else FakeTerminal())
    with pytest.raises(errors.NotConfirmed, match=r"Delete it\? There is no terminal to ask on; use --yes"):
        messages.confirm("Delete it?", yes=False)
    messages.confirm("Delete it?", yes=True)
