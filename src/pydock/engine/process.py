"""How a docker client is run: invoke's `Local`, without its shell, its threads and its polling."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from invoke.runners import Local

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from invoke.runners import Result

INTERRUPTED = "Interrupted; nothing was changed."
GRACE = 10  # seconds that a client gets to end after it was told to


class EngineRunner(Local):
    """Three ways to run, told by the arguments of `ctx.run`.

    `hide=True` captures stdout and stderr; `pty=True` lets the client draw its progress on our stderr, through
    a pseudo-terminal that keeps a copy; neither hands over our own streams, so that what runs behind them
    cannot tell the difference.
    """

    process: subprocess.Popen[bytes]
    pending = 0  # a signal that came while nobody was ready for it

    def run(self, command: str, **kwargs: Any) -> Result:
        # Raised while the client is being started, a signal would leave a client that nobody knows of.
        with _handlers(self._remember):
            result = super().run(command, **kwargs)
        if self.pending and self.opts["hide"]:
            raise errors.Interrupted(INTERRUPTED)
        return result

    def start(self, command: str, shell: str, env: dict[str, Any]) -> None:  # noqa: ARG002 - invoke's interface
        argv = shlex.split(command)
        if not (self.using_pty or self.opts["hide"]):
            self.process = subprocess.Popen(argv, env=env)
            return
        # A group of its own, so that a signal reaches buildx too, which is docker's child. sudo must stay in
        # ours, or it could not ask for a password.
        apart = argv[0] != "sudo"
        nothing = subprocess.DEVNULL
        if self.using_pty:
            self.parent_fd, child = _pseudo_terminal()
            self.process = subprocess.Popen(
                argv, env=env, stdin=nothing, stdout=child, stderr=child, start_new_session=apart
            )
            os.close(child)
        else:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                argv, env=env, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=apart
            )

    def should_use_pty(self, pty: bool = False, fallback: bool = True) -> bool:  # noqa: ARG002
        return pty

    def create_io_threads(self) -> tuple[dict[Any, Any], list[str], list[str]]:
        return {}, [], []

    def get_pid(self) -> int:
        return self.process.pid

    def wait(self) -> None:
        if self.using_pty:
            with self._stop_with_us():
                self.stdout.append(self._copy_progress())
                self.process.wait()
        elif self.opts["hide"]:
            with self._stop_with_us():
                stdout, stderr = self.process.communicate()
            self.stdout.append(stdout.decode(errors="replace"))
            self.stderr.append(stderr.decode(errors="replace"))
        else:
            with self._signals_passed_on():
                self.process.wait()

    @property
    def process_is_finished(self) -> bool:
        return self.process.poll() is not None

    def returncode(self) -> int:
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def _remember(self, number: int, frame: object) -> None:  # noqa: ARG002 - the signal module's interface
        self.pending = number

    @contextlib.contextmanager
    def _stop_with_us(self) -> Iterator[None]:
        """End the client when we are interrupted, and say so; a client that outlives us would go on building."""

        def interrupted(number: int, frame: object) -> None:  # noqa: ARG001
            raise errors.Interrupted(INTERRUPTED)

        try:
            with _handlers(interrupted):
                if self.pending:
                    interrupted(self.pending, None)
                yield
        except errors.Interrupted:
            self._stop()
            raise

    @contextlib.contextmanager
    def _signals_passed_on(self) -> Iterator[None]:
        """Let the client alone decide what a signal means. The terminal's Ctrl-C has reached it already."""

        def pass_on(number: int, frame: object) -> None:  # noqa: ARG001
            if number != signal.SIGINT or not sys.stdin.isatty():
                self.process.send_signal(number)

        with _handlers(pass_on):
            if self.pending:
                pass_on(self.pending, None)
            yield

    def _stop(self) -> None:
        with _handlers(signal.SIG_IGN):
            self._signal_client(signal.SIGTERM)  # a background job of a shell ignores SIGINT
            try:
                self.process.wait(GRACE)
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
        seen = bytearray()
        while True:
            try:
                chunk = os.read(self.parent_fd, 65536)
            except OSError:  # Linux says EIO when the last writer has gone
                chunk = b""
            if not chunk:
                return seen.decode(errors="replace")
            seen += chunk
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()


def _pseudo_terminal() -> tuple[int, int]:
    import fcntl  # POSIX only, like every pseudo-terminal
    import pty
    import termios

    ours, theirs = pty.openpty()
    with contextlib.suppress(OSError, ValueError):
        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    return ours, theirs


@contextlib.contextmanager
def _handlers(handler: Any) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        before = {number: signal.signal(number, handler) for number in numbers}
    except ValueError:  # not the main thread, where Python delivers no signals anyway
        yield
        return
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
