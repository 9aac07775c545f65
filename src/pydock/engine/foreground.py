"""The client of a container in the foreground: this process waits for it, and delivers signals to the program itself.

Docker's client would forward them, but gives up at its third SIGINT or SIGTERM; and on SIGTSTP it makes the program stop
and goes on waiting. So the client gets a session of its own, where neither a terminal nor a shell signals it, and this
process keeps its place in the caller's job: it tells the engine what to send to the program, stops when it is stopped,
and goes on when it is continued.

Imported by every `pydock run`, so nothing slow is imported here: `_signal` is `signal` without its enums.
"""

from __future__ import annotations

import os
import time

from pydock.engine import argv as docker
from pydock.engine.endpoint import signal_container
from pydock.engine.pump import Pump, copy_terminal
from pydock.engine.terminal_mode import TerminalMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

    from pydock.settings import Settings
else:
    signal = __import__("_signal")

FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM")
RETRY = 0.05  # seconds until a signal is sent again to a container that does not run yet
SETTLE = 0.1  # seconds from a container's start until its first process surely handles signals
PATIENCE = 3  # Ctrl-C that often ends a client whose container does not run


def run_in_foreground(
    argv: Sequence[str],
    settings: Settings,
    container: str,
    environ: Mapping[str, str],
    *,
    interactive: bool,
) -> int:
    """Run the client of `container` on our own streams; return its exit code, 128 + N if signal N ended it.

    `interactive` says that the client takes the terminal into raw mode (`--tty`). Raises `OSError` if the client
    cannot be started.
    """
    if not docker.passes_environment(
        settings.engine
    ):  # `sudo` asks for a password on the terminal of our session
        return run_client(argv, environ)

    def deliver(name: str) -> bool:
        return signal_container(settings, container, name)

    return _Foreground(deliver, interactive=interactive).run(argv, environ)


class _Foreground:
    """One client, and what was asked of its program while the container did not run yet."""

    def __init__(self, deliver: Callable[[str], bool], *, interactive: bool) -> None:
        self._deliver = deliver
        self._interactive = interactive
        self._terminal = TerminalMode() if interactive else None
        self._waiting: list[str] = []
        self._has_started = False
        names = [name for name in FORWARDED if not is_ignored(getattr(signal, name))]
        self._names = {
            int(getattr(signal, name)): name for name in [*names, "SIGTSTP", "SIGCONT", "SIGCHLD", "SIGWINCH"]
        }

    def run(self, argv: Sequence[str], environ: Mapping[str, str]) -> int:
        if self._terminal:
            self._terminal.wait_for_foreground()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, self._names)
        pump: Pump | None = None
        try:
            reader = 0
            if not self._interactive and os.isatty(0):
                reader, pump = _pump_terminal(before)
            self._client = _spawn(argv, environ, before, reader)
            if reader:
                os.close(reader)
            status = self._wait()
        finally:
            if pump:
                pump.end()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        code = os.waitstatus_to_exitcode(status)
        if code < 0 and self._terminal:
            self._terminal.restore()
        return code if code >= 0 else 128 - code

    def _wait(self) -> int:
        """Handle signals until the client ends; return its status."""
        while True:
            if self._waiting:
                self._try_again()
                found = signal.sigtimedwait(self._names, RETRY)
            else:
                found = signal.sigwaitinfo(self._names)
            name = self._names[found.si_signo] if found else "SIGCHLD"
            if name == "SIGCHLD":
                pid, status = os.waitpid(self._client, os.WNOHANG)
                if pid:
                    return status
            elif name == "SIGWINCH":
                os.kill(self._client, signal.SIGWINCH)  # the client tells the engine the terminal's new size
            elif name == "SIGTSTP":
                self._stop()
            elif name != "SIGCONT":  # a stop that we did not see
                self._send(name)

    def _send(self, name: str) -> None:
        self._waiting.append(name)
        self._try_again()
        if sum(name in {"SIGINT", "SIGTERM"} for name in self._waiting) >= PATIENCE:
            self._waiting.clear()
            os.kill(self._client, signal.SIGKILL)

    def _try_again(self) -> None:
        # The kernel drops a signal for a first process that has not yet said that it handles it: pid_namespaces(7).
        # SIGCONT changes nothing, and tells whether the container runs.
        if not self._has_started:
            self._has_started = self._deliver("SIGCONT")
            if not self._has_started:
                return
            time.sleep(SETTLE)
        while self._waiting and self._deliver(self._waiting[0]):
            self._waiting.pop(0)

    def _stop(self) -> None:
        """Stop the program, then ourselves; go on when the caller's shell continues us (`fg`, `bg`)."""
        stopped = not self._interactive and self._deliver("SIGTSTP")
        if self._terminal:
            os.kill(self._client, signal.SIGSTOP)
            self._terminal.leave_raw_mode()
        os.kill(os.getpid(), signal.SIGSTOP)
        if self._terminal:
            self._terminal.wait_for_foreground()
            self._terminal.enter_raw_mode()
            os.kill(self._client, signal.SIGCONT)
            os.kill(self._client, signal.SIGWINCH)
        if stopped:
            self._deliver("SIGCONT")


def _pump_terminal(mask: set[int]) -> tuple[int, Pump]:
    """Return a pipe that has a terminal's input, and the process that copies it.

    A terminal is read by its own session only. The kernel would let the client's session read it too, but then also
    while the job is in the background.
    """
    reader, writer = os.pipe()
    pump = Pump(lambda: copy_terminal(writer), writer, mask=mask)
    os.close(writer)
    return reader, pump


def _spawn(argv: Sequence[str], environ: Mapping[str, str], mask: set[int], stdin: int) -> int:
    """Start the client in a session of its own, with `stdin`; return its process id.

    SIGPIPE ends it silently, as any program whose reader has gone; Python ignores the signal, which would be inherited.
    """
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0)] if stdin else []
    default = [signal.SIGPIPE, *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)]
    return os.posix_spawnp(
        argv[0], list(argv), environ, file_actions=actions, setsid=True, setsigmask=mask, setsigdef=default
    )


def run_client(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a client that shares our streams, session and process group; return its exit code, 128 + N for signal N.

    Both get a terminal's signals, and the client decides. Raises `OSError` if it cannot be started.
    """
    process = os.posix_spawnp(argv[0], list(argv), environ, setsigdef=[signal.SIGPIPE])

    def forward(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's interface
        if number != signal.SIGINT or not os.isatty(0):
            os.kill(process, number)

    numbers = [getattr(signal, name) for name in FORWARDED]
    before = {number: signal.signal(number, forward) for number in numbers if not is_ignored(number)}
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def is_ignored(number: int) -> bool:
    """Return whether the caller ignores the signal (`nohup`, a background job of a script), so that we do too."""
    return signal.getsignal(number) == signal.SIG_IGN
