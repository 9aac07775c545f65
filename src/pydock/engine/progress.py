"""What is shown while a build runs: on a terminal one line that changes, elsewhere one line per phase.

With `--echo`, all of BuildKit's output instead.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from pydock.engine.build_output import BuildOutput, as_text
from pydock.engine.phases import Phases
from pydock.messages import is_terminal, printable, terminal_columns

if TYPE_CHECKING:
    from pydock.engine.build_output import Event

INTERVAL = 0.1  # seconds between two drawings at least
CLEAR = "\r\x1b[K"  # to the first column, and erase the line: ECMA-48


class Progress:
    """Reads a build's output and shows how far it is, on stderr."""

    def __init__(self, *, everything: bool = False) -> None:
        self.output = BuildOutput()
        self._phases = Phases()
        self._everything = everything
        self._live = not everything and has_cursor()
        self._began = time.monotonic()
        self._drawn_at = 0.0
        self._shown = ""

    def close(self) -> None:
        """Remove the line."""
        if self._shown:
            self._shown = ""
            _write(CLEAR)

    def feed(self, chunk: bytes) -> None:
        """Take what the client printed on stderr."""
        self._take(self.output.feed(chunk))

    def end(self) -> None:
        """Take the rest, when the client has ended."""
        self._take(self.output.end())

    def tick(self) -> None:
        """Draw the line again; called often, so that the seconds run."""
        if self._live and self._phases.name:
            now = time.monotonic()
            if now - self._drawn_at >= INTERVAL:
                self._drawn_at = now
                self._draw(
                    f"{self._phases.name} …", f"{self._phases.detail}  {now - self._began:.0f} s".strip()
                )

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if self._everything:
                text = as_text(event)
                if text:
                    _write(f"{printable(text)}\n")
            elif self._phases.take(event) and not self._live:
                _write(f"{printable(self._phases.name)}\n")
        self.tick()

    def _draw(self, name: str, detail: str) -> None:
        text = fitting(printable(name), detail, terminal_columns())
        if text != self._shown:
            self._shown = text
            _write(f"{CLEAR}{text}")


def has_cursor() -> bool:
    """Return whether stderr is a terminal whose lines can be drawn again."""
    return is_terminal(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"


def fitting(name: str, detail: str, columns: int) -> str:
    """Return name and detail in one line that does not wrap; first the name is shortened."""
    room = max(columns - 1, 0)
    return cut(f"{cut(name, max(room - len(detail) - 1, 0))} {detail}".strip(), room)


def cut(text: str, columns: int) -> str:
    """Return the text as one line of so many columns at most; East Asian characters take two."""
    text = text.replace("\n", " ").replace("\t", " ")
    if text.isascii():
        return text if len(text) <= columns else f"{text[: max(columns - 1, 0)]}…"[:columns]
    import unicodedata  # hardly ever needed

    widths = [
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    ]
    if sum(widths) <= columns:
        return text
    used = end = 0
    while used + widths[end] <= columns - 1:
        used += widths[end]
        end += 1
    return f"{text[:end]}…"[: max(columns, 0)]


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a terminal that was closed does not end a build
        sys.stderr.write(text)
        sys.stderr.flush()
