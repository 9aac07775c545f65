"""Runs pydock on a pseudo-terminal, reads its output and types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .tools import Project

# Make the pseudo-terminal on stdin the controlling terminal, because only then does Ctrl-C send a signal.
TAKE_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
CTRL_C = b"\x03"
CTRL_P = b"\x10"


@contextlib.contextmanager
def on_terminal(project: Project, *words: str, rows: int = 33, columns: int = 101) -> Iterator[Terminal]:
    terminal = Terminal(project, *words, rows=rows, columns=columns)
    try:
        yield terminal
    finally:
        terminal.end()


class Terminal:
    """`pydock WORDS` with stdin, stdout and stderr on a terminal; `seen` is its output so far."""

    def __init__(self, project: Project, *words: str, rows: int, columns: int) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.seen = b""
        self.process = subprocess.Popen(
            [project.program[0], "-c", TAKE_TERMINAL, *project.program, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=project.folder,
            env={**project.environ, "TERM": "xterm"},
            start_new_session=True,
            **project.identity,
        )
        os.close(slave)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def wait_for(self, text: bytes, seconds: float = 60) -> None:
        assert self.shows(text, seconds), f"waited for {text!r}, saw {self.seen!r}"

    def shows(self, text: bytes, seconds: float) -> bool:
        """Read until the text appears; return False if it does not within so many seconds."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > end:
                return False
            assert self._read(0.5), f"ended without {text!r}, saw {self.seen!r}"
        return True

    def wait(self, seconds: float = 60) -> int:
        """Read to the end; return the exit code."""
        end = time.monotonic() + seconds
        while self._read(0.5):
            assert time.monotonic() < end, f"does not end, saw {self.seen!r}"
        return self.process.wait(seconds)

    def _read(self, seconds: float) -> bool:
        """Read what is available; return False when no process has the terminal open any more."""
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # Linux returns EIO after the last writer has closed it
            return False
        self.seen += chunk
        return bool(chunk)
