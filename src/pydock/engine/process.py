"""How a docker client is run: invoke's `Local` runner, without its shell, its threads and its polling."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from invoke.runners import Local

from pydock import errors
from pydock.engine.progress import Masked
from pydock.environments.signals import signal_handlers
from pydock.messages import interrupted_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from invoke.runners import Result

PAUSE = 0.2  # seconds without output after which an unfinished line is shown
STOP_TIMEOUT = 10  # seconds that a client gets to end after SIGTERM


class EngineRunner(Local):
    """Captures stdout and stderr, or with `pty=True` lets the client draw its progress on our stderr.

    The progress goes through a pseudo-terminal, and is also kept.
    """

    process: subprocess.Popen[bytes]
    pending = 0  # a signal that arrived while none could be handled

    def run(self, command: str, **kwargs: Any) -> Result:
        # A signal that raised while the client is being started would leave a client that nobody waits for.
        with signal_handlers(self._remember):
            result = super().run(command, **kwargs)
        if self.pending:
            raise errors.Interrupted(interrupted_message())
        return result

    def start(self, command: str, shell: str, env: dict[str, Any]) -> None:  # noqa: ARG002 - invoke's interface
        argv = shlex.split(command)
        # A process group of its own, so that a signal also reaches buildx, which is docker's child. sudo must stay in
        # ours, because it asks for a password on our terminal.
        own_session = argv[0] != "sudo"
        nothing = subprocess.DEVNULL
        if self.using_pty:
            self.parent_fd, child = _pseudo_terminal()
            self.process = subprocess.Popen(
                argv, env=env, stdin=nothing, stdout=child, stderr=child, start_new_session=own_session
            )
            os.close(child)
        else:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                argv, env=env, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=own_session
            )

    def should_use_pty(self, pty: bool = False, fallback: bool = True) -> bool:  # noqa: ARG002
        return pty

    def create_io_threads(self) -> tuple[dict[Any, Any], list[str], list[str]]:
        return {}, [], []

    def get_pid(self) -> int:
        return self.process.pid

    def wait(self) -> None:
        if self.using_pty:
            with self._stop_client_on_signal():
                self.stdout.append(self._copy_progress())
                self.process.wait()
        else:
            with self._stop_client_on_signal():
                stdout, stderr = self.process.communicate()
            self.stdout.append(stdout.decode(errors="replace"))
            self.stderr.append(stderr.decode(errors="replace"))

    @property
    def process_is_finished(self) -> bool:
        return self.process.poll() is not None

    def returncode(self) -> int:
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def _remember(self, number: int, frame: object) -> None:  # noqa: ARG002 - the signal module's interface
        self.pending = number

    @contextlib.contextmanager
    def _stop_client_on_signal(self) -> Iterator[None]:
        """When a signal interrupts us, end the client and raise `Interrupted`; else it would go on building."""

        def interrupted(number: int, frame: object) -> None:  # noqa: ARG001
            raise errors.Interrupted(interrupted_message())

        try:
            with signal_handlers(interrupted):
                if self.pending:
                    interrupted(self.pending, None)
                yield
        except errors.Interrupted:
            self._stop()
            raise

    def _stop(self) -> None:
        with signal_handlers(signal.SIG_IGN):
            self._signal_client(signal.SIGTERM)  # a background job of a shell ignores SIGINT
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._signal_client(signal.SIGKILL)
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def _signal_client(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.process.pid) == self.process.pid:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def _copy_progress(self) -> str:
        """Copy the client's output to our stderr, without secrets; return it."""
        seen = bytearray()
        masked = Masked()
        while True:
            arrived, _, _ = select.select([self.parent_fd], [], [], PAUSE)
            try:
                chunk = os.read(self.parent_fd, 65536) if arrived else b""
            except OSError:  # Linux returns EIO after the last writer has closed the terminal
                chunk = b""
            ended = arrived and not chunk
            shown = masked.end() if ended else masked.feed(chunk) if chunk else masked.idle()
            seen += shown
            sys.stderr.buffer.write(shown)
            sys.stderr.buffer.flush()
            if ended:
                return seen.decode(errors="replace")


def _pseudo_terminal() -> tuple[int, int]:
    """Return both ends of a new pseudo-terminal of the same size as ours."""
    import fcntl  # POSIX only, like every pseudo-terminal
    import pty
    import termios

    ours, theirs = pty.openpty()
    with contextlib.suppress(OSError, ValueError):
        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    return ours, theirs
