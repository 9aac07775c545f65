"""How a docker client is run: invoke's `Local` runner, without its shell, its threads and its polling."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

from invoke.runners import Local

from pydock import errors
from pydock.environments.signals import signal_handlers
from pydock.messages import interrupted_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from invoke import Context
    from invoke.runners import Result

    from pydock.engine.progress import Progress

PAUSE = 0.2  # seconds without output after which the progress is drawn again
STOP_TIMEOUT = 10  # seconds that a client gets to end after SIGTERM
TIMED_OUT = 124  # the exit code of timeout(1)
NO_ANSWER = "pydock: the engine's client did not end"  # in the stderr of a client that took too long


class EngineRunner(Local):
    """Captures stdout and stderr. With a `progress`, stderr goes there as it arrives, and is not kept here.

    A client that has not ended after so many `seconds` is killed, and its exit code is `TIMED_OUT`; 0: it has no limit.
    It reads `stdin`, if that is given.
    """

    process: subprocess.Popen[bytes]
    pending = 0  # a signal that arrived while none could be handled

    def __init__(
        self,
        context: Context,
        progress: Progress | None = None,
        seconds: float = 0,
        stdin: IO[bytes] | None = None,
    ) -> None:
        super().__init__(context)
        self._progress = progress
        self._seconds, self._end = seconds, 0.0
        self._stdin = stdin
        self._timed_out = False

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
        stdin, pipe = self._stdin or subprocess.DEVNULL, subprocess.PIPE
        self._end = time.monotonic() + self._seconds
        self.process = subprocess.Popen(
            argv, env=env, stdin=stdin, stdout=pipe, stderr=pipe, start_new_session=own_session
        )

    def should_use_pty(self, pty: bool = False, fallback: bool = True) -> bool:  # noqa: ARG002
        return False

    def create_io_threads(self) -> tuple[dict[Any, Any], list[str], list[str]]:
        return {}, [], []

    def get_pid(self) -> int:
        return self.process.pid

    def wait(self) -> None:
        with self._stop_client_on_signal():
            stdout, stderr = self._read_to_progress(self._progress) if self._progress else self._read()
        self.stdout.append(stdout.decode(errors="replace"))
        self.stderr.append(stderr.decode(errors="replace"))

    @property
    def process_is_finished(self) -> bool:
        return self.process.poll() is not None

    def returncode(self) -> int:
        if self._timed_out:
            return TIMED_OUT
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

    def _read(self) -> tuple[bytes, bytes]:
        """Return all of the client's output, what there is of it if the client took too long."""
        if not self._seconds:
            return self.process.communicate()
        try:
            return self.process.communicate(timeout=max(0.0, self._end - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            self._timed_out = True
            self._signal_client(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):  # a `sudo` cannot be killed
                self.process.wait(1)
            self._close_streams()
            return error.stdout or b"", f"{NO_ANSWER} within {self._seconds:g} seconds".encode()

    def stop_if_running(self) -> None:
        """End the client, if nobody has waited for it."""
        if self.process.poll() is None:
            self._stop()

    def _stop(self) -> None:
        with signal_handlers(signal.SIG_IGN):
            self._signal_client(signal.SIGTERM)  # a background job of a shell ignores SIGINT
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._signal_client(signal.SIGKILL)
                self.process.wait()
        self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def _signal_client(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.process.pid) == self.process.pid:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def _read_to_progress(self, progress: Progress) -> tuple[bytes, bytes]:
        """Give stderr to the progress as it arrives; return stdout and nothing."""
        stdout = bytearray()
        streams = [stream for stream in (self.process.stdout, self.process.stderr) if stream]
        with selectors.DefaultSelector() as selector:
            for stream in streams:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(PAUSE):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self.process.stdout:
                        stdout += chunk
                    else:
                        progress.feed(chunk)
                progress.tick()
        for stream in streams:
            stream.close()
        self.process.wait()
        progress.end()
        return bytes(stdout), b""
