"""What is shown of a build: one line on a terminal, a line per phase elsewhere, never a secret or a control character."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock import credentials
from pydock.engine import progress
from pydock.engine.progress import CLEAR, Progress, cut, fitting

from ...fake_docker.messages import build_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

CANARY = "canary-0123456789abcdef"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of 40 columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(progress, "terminal_columns", lambda: 40)
    return Terminal()


@pytest.fixture
def _secret() -> Iterator[None]:
    credentials.forget_secrets()
    credentials.register_secret(CANARY)
    yield
    credentials.forget_secrets()


def show(text: str, stream: TextIO | None = None, *, everything: bool = False) -> None:
    """Show a build; on this stream instead of stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", stream or sys.stderr)
        shown = Progress(everything=everything)
        for line in text.splitlines(keepends=True):
            shown.feed(line.encode())
        shown.end()
        shown.close()


def step(name: str, *lines: str) -> str:
    """Return the events of a step that prints these lines."""
    data = base64.b64encode("".join(f"{line}\n" for line in lines).encode()).decode()
    vertex = {"digest": "a", "name": name, "started": "2024"}
    return f"{json.dumps({'vertexes': [vertex]})}\n{json.dumps({'logs': [{'vertex': 'a', 'stream': 1, 'data': data}]})}\n"


def test_pipe_gets_one_line_per_phase(capsys: pytest.CaptureFixture[str]) -> None:
    show(build_output("install.json"))
    assert capsys.readouterr() == (
        "",
        "Resolving packages\nDownloading 2 packages\nInstalling 1 package\nCompiling bytecode\nExporting the image\n",
    )


def test_terminal_gets_one_line_that_is_removed_at_the_end(terminal: Terminal) -> None:
    show(build_output("install.json"), terminal)
    shown = terminal.getvalue()
    assert "\n" not in shown
    assert shown.endswith(CLEAR)
    rows = shown.split(CLEAR)
    assert [row.partition(" …")[0] for row in rows if row][-1] == "Exporting the image"
    assert max(map(len, rows)) < 40


def test_terminal_without_cursor_gets_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    show(build_output("install.json"), terminal)
    assert terminal.getvalue().splitlines()[0] == "Resolving packages"
    assert "\x1b" not in terminal.getvalue()


@pytest.mark.parametrize("columns", [1, 2, 5, 20, 80])
def test_line_never_wraps(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(progress, "terminal_columns", lambda: columns)
    show(step(f"[2/9] RUN {'x' * 200}"), terminal)
    assert max(len(row) for row in terminal.getvalue().split(CLEAR)) < max(columns, 1)


def test_echo_shows_all_of_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    show(step("[1/1] RUN x", "first", "second"), everything=True)
    assert capsys.readouterr().err == "#1 [1/1] RUN x\n#1 first\n#1 second\n"


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("on_terminal", [False, True])
@pytest.mark.usefixtures("_secret")
def test_secrets_and_control_characters_are_not_shown(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, everything: bool, on_terminal: bool
) -> None:
    monkeypatch.setattr(terminal, "isatty", lambda: on_terminal)
    attack = f"\x1b]0;title\x07\x9b2J{CANARY}"
    show(step(f"[1/1] RUN {attack}", attack), terminal, everything=everything)
    shown = terminal.getvalue().replace(CLEAR, "")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert CANARY not in shown
    assert "[1/1]" in shown or "Running step" in shown


@given(st.lists(st.integers(0, 2000), max_size=6), st.booleans())
@pytest.mark.usefixtures("_secret")
def test_a_secret_that_is_cut_anywhere_is_masked(places: list[int], everything: bool) -> None:
    lines = (f"Collecting x@ https://me:{CANARY}@index.example/x.whl", f"token {CANARY} end")
    data = step("[1/1] RUN pip install", *lines).encode()
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    with pytest.MonkeyPatch.context() as patch:
        stream = io.StringIO()
        patch.setattr("sys.stderr", stream)
        shown = Progress(everything=everything)
        for begin, end in zip(edges, edges[1:]):
            shown.feed(data[begin:end])
        shown.end()
    assert CANARY not in stream.getvalue()
    if everything:
        assert "token **** end" in stream.getvalue()


def test_closed_terminal_does_not_end_the_build() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8", buffering=1) as closed:
        show(build_output("install.json"), closed)
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a\nb\tc", 9, "a b c"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("abc", 0, ""),
        ("日", 0, ""),
    ],
)
def test_cut(text: str, columns: int, expected: str) -> None:
    assert cut(text, columns) == expected


def test_the_name_is_shortened_before_the_detail() -> None:
    assert (
        fitting("Downloading 12 packages …", "1/2, 43 MB  3 s", 80)
        == "Downloading 12 packages … 1/2, 43 MB  3 s"
    )
    assert fitting("Downloading 12 packages …", "1/2, 43 MB  3 s", 30) == "Downloading … 1/2, 43 MB  3 s"
