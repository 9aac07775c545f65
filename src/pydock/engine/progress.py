"""What the client draws on a terminal, without secrets, which may be split between two reads or between two rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydock import credentials

if TYPE_CHECKING:
    from typing import Callable

# BuildKit hides the cursor while it draws a frame (DECTCEM).
FRAME, END_OF_FRAME = b"\x1b[?25l", b"\x1b[?25h"
MOST = 1 << 18  # bytes that are held back at most
FRAGMENT = 4  # characters of a secret that are recognised at the edge of a row
SEQUENCE = r"\x1b\[[0-9;?]*[A-Za-z]"
# BuildKit begins the rows of a step's output with " => => # ", and wraps and scrolls them.
ROW = re.compile(rf"((?:{SEQUENCE}|[ \t]|=>|#)*)(.*?)((?:{SEQUENCE}|[ \t])*)", re.DOTALL)


class Masked:
    """A stream of bytes; secrets become `****`. Unfinished lines and frames are held back until they are complete."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown now that `chunk` has arrived."""
        return self._release(self._held + chunk, _complete)

    def idle(self) -> bytes:
        """Return what can be shown while nothing arrives: all complete words, such as those of a question."""
        return self._release(self._held, _words)

    def end(self) -> bytes:
        """Return the rest."""
        return self._release(self._held, len)

    def _release(self, data: bytes, measure: Callable[[bytes], int]) -> bytes:
        length = measure(data)
        if len(data) - length > MOST:
            length = len(data)
        self._held = data[length:]
        return _mask(data[:length])


def _complete(data: bytes) -> int:
    """Return the length of the complete frames and lines."""
    end = data.rfind(END_OF_FRAME) + len(END_OF_FRAME)
    end = 0 if end < len(END_OF_FRAME) else end
    begin = data.find(FRAME, end)
    return begin if begin >= 0 else max(end, data.rfind(b"\n") + 1)


def _words(data: bytes) -> int:
    return 0 if FRAME in data else max(data.rfind(b" "), data.rfind(b"\n")) + 1


def _mask(data: bytes) -> bytes:
    if not data:
        return data
    text = credentials.redact(data.decode("utf-8", "surrogateescape"))
    secrets = [secret for secret in credentials.secrets() if len(secret) > FRAGMENT]
    if secrets:
        rows = re.split(r"(\r*\n)", text)
        text = "".join(_mask_edges(row, secrets) for row in rows)
    return text.encode("utf-8", "surrogateescape")


def _mask_edges(row: str, secrets: list[str]) -> str:
    """Mask a part of a secret at the beginning or the end of a row."""
    found = ROW.fullmatch(row)
    if not found or len(found[2]) < FRAGMENT:
        return row
    first, content, last = found.groups()
    for secret in secrets:
        if content in secret:
            content = credentials.MASK
        sizes = range(min(len(secret), len(content)), FRAGMENT - 1, -1)
        end = next((size for size in sizes if content.endswith(secret[:size])), 0)
        if end:
            content = content[:-end] + credentials.MASK
        begin = next((size for size in sizes if content.startswith(secret[-size:])), 0)
        if begin:
            content = credentials.MASK + content[begin:]
    return first + content + last
