"""The mode of the terminal on stdin: as it was before, and raw.

Imported by every `pydock run`, so nothing slow is imported here: `_signal` is `signal` without its enums.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    signal = __import__("_signal")


class TerminalMode:
    """The terminal's mode before a program changed it, and the one that the program set."""

    def __init__(self) -> None:
        import termios

        self._termios = termios
        self._raw: list[object] | None = None
        self.before = termios.tcgetattr(0)

    def wait_for_foreground(self) -> None:
        """Stop, as a terminal stops a background job that wants to change it, until we are in the foreground."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU})
        try:
            for _ in range(10):  # not for ever: nobody stops an orphaned process group
                if os.tcgetpgrp(0) == os.getpgrp():
                    return
                os.kill(0, signal.SIGTTOU)
        except OSError:  # not our controlling terminal, so there is no job control
            return

    def set_raw(self) -> None:
        """Let each key through, as cfmakeraw(3) does."""
        import tty

        tty.setraw(0, self._termios.TCSADRAIN)

    def leave_raw_mode(self) -> None:
        self._raw = self._termios.tcgetattr(0)
        self.restore()

    def enter_raw_mode(self) -> None:
        if self._raw is not None:
            self._set(self._raw)

    def restore(self) -> None:
        self._set(self.before)

    def _set(self, mode: list[object]) -> None:
        ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            self._termios.tcsetattr(0, self._termios.TCSADRAIN, mode)  # type: ignore[arg-type]
        except self._termios.error:  # the terminal is gone
            pass
        finally:
            signal.signal(signal.SIGTTOU, ignored)
