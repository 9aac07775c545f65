"""Processes that copy one of our standard streams, where a program must not have the stream itself.

Imported by every run in a warm container, so nothing slow is imported here: `_signal` is `signal` without its enums.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
else:
    signal = __import__("_signal")

CHUNK = 1 << 16
PAUSE = 0.05  # seconds between two looks at a job in the background


class Pump:
    """A process that copies from one descriptor to another until the end, or until nobody reads any more."""

    def __init__(self, copy: Callable[[], None], *keep: int, mask: set[int] | None = None) -> None:
        """Start it with no other open descriptors than `keep` and the standard streams."""
        self._process = os.fork()
        if self._process == 0:
            try:
                # Also a watcher's pipe, which must end when this process's parent does.
                signal.set_wakeup_fd(-1)  # it is the parent's, and closed here
                before = 3
                for descriptor in sorted(number for number in keep if number >= 3):  # noqa: PLR2004 - stderr is 2
                    os.closerange(before, descriptor)
                    before = descriptor + 1
                os.closerange(before, 256)
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask or set())
                copy()
            finally:
                os._exit(0)

    def wait(self) -> None:
        """Wait until everything is copied."""
        os.waitpid(self._process, 0)

    def end(self) -> None:
        """Stop it."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def write_all(target: int, content: bytes) -> None:
    """Write all of it, in as many pieces as the target takes."""
    while content:
        content = content[os.write(target, content) :]


def copy(source: int, target: int) -> None:
    """Copy until the end of the source."""
    while True:
        chunk = os.read(source, CHUNK)
        if not chunk:
            return
        write_all(target, chunk)


def copy_terminal(writer: int) -> None:
    """Copy the terminal on stdin until its end, or until nobody reads the pipe; only while the job is in the foreground."""
    import select

    poll = select.poll()
    poll.register(writer, 0)  # only its end
    poll.register(0, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if writer in ready:
            return
        if _is_in_background():
            time.sleep(PAUSE)
            continue
        chunk = os.read(0, CHUNK)
        if not chunk:
            return
        write_all(writer, chunk)


def _is_in_background() -> bool:
    try:
        return os.tcgetpgrp(0) != os.getpgrp()
    except OSError:  # not our controlling terminal, so there is no job control
        return False
