"""The client's part of a run in a warm container; `inside/keeper.py` is the other.

The program gets our standard streams as file descriptors where these are pipes, sockets or /dev/null. A file or a terminal
stays here, and a process copies it: through its descriptor, a program could open the file for writing, or read what is
typed into another program. Between two terminals, the program gets a terminal of its own, and we copy.

Imported by every `pydock run`, so nothing slow is imported here: `_signal` and `_socket` are the modules without enums.
"""

from __future__ import annotations

import os
import sys

from pydock._speed.named_tuple import NamedTuple
from pydock.engine.foreground import FORWARDED, is_ignored
from pydock.engine.pump import CHUNK, Pump, copy, copy_terminal, write_all
from pydock.engine.terminal_mode import TerminalMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from _socket import socket
    from collections.abc import Callable

    from pydock.engine.warm import Program
else:
    signal = __import__("_signal")

KILLED = 137
HEADER = 16  # bytes: the length of the request in digits
GO = b"\0"
PIPE, SOCKET, DEVICE = 0o010000, 0o140000, 0o020000  # inode(7); the module `stat` would have to be imported


def connect(folder: str, name: str) -> socket | None:
    """Return a connection to the socket `name` of a folder, None if nobody listens there.

    A socket's path has at most 107 bytes (unix(7)), so the folder's is that of a descriptor.
    """
    from _socket import AF_UNIX, SOCK_STREAM, socket

    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        if os.fstat(descriptor).st_uid == os.getuid():
            connection.connect(f"/proc/self/fd/{descriptor}/{name}")
            return connection
    except OSError:
        pass
    finally:
        os.close(descriptor)
    connection.close()
    return None


def run_program(connection: socket, program: Program) -> int | None:
    """Run the program; return its exit code, 128 + N if signal N ended it, None if it has not started."""
    return _Client(connection, is_terminal=os.isatty(0) and os.isatty(1)).run(program)


class Streams(NamedTuple):
    """The descriptors for the program (by its own number), and the processes that copy."""

    passed: dict[int, int]
    readers: list[Pump]
    writers: list[Pump]

    def close(self) -> None:
        for number, descriptor in self.passed.items():
            if descriptor != number:
                os.close(descriptor)


class _Client:
    """One run."""

    def __init__(self, connection: socket, *, is_terminal: bool) -> None:
        self._connection = connection
        self._mode = TerminalMode() if is_terminal else None
        self._master = -1
        self._has_started = False
        self._has_ended = False
        self._code: int | None = None
        self._handlers: dict[int, Callable[[], bool]] = {}
        self._signals, self._before = _catch_signals(with_size=is_terminal)

    def run(self, program: Program) -> int | None:
        streams = _no_streams() if self._mode else _streams()
        try:
            if self._mode:
                self._mode.wait_for_foreground()
            self._send(program, streams.passed)
            streams.close()
            code = self._wait()
            if code is None and self._has_started:
                code = KILLED  # the container was
            if code is not None:
                for pump in streams.writers:
                    pump.wait()
                streams.writers.clear()
            return code
        finally:
            for pump in (*streams.readers, *streams.writers):
                pump.end()
            if self._mode and self._master >= 0:
                self._mode.restore()
            _restore_signals(self._before)
            self._connection.close()

    def _send(self, program: Program, passed: dict[int, int]) -> None:
        from _socket import SCM_RIGHTS, SOL_SOCKET

        words = [
            program.folder,
            str(os.stat(".").st_ino),
            "".join(str(number) for number in passed),
            _size() if self._mode else "",
            str(len(program.argv)),
            *program.argv,
            *(name if value is None else f"{name}={value}" for name, value in program.variables.items()),
        ]
        request = "\0".join(words).encode("utf-8", "surrogateescape")
        rights = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in passed.values())
        header = b"%*d" % (HEADER, len(request))
        try:
            self._connection.sendmsg([header], [(SOL_SOCKET, SCM_RIGHTS, rights)] if passed else [])
            self._connection.sendall(request)
        except OSError:  # the keeper has ended; its silence says so too
            return

    def _wait(self) -> int | None:
        """Deliver signals and copy the terminal until the program ends; return its exit code, None if the keeper is gone."""
        import select

        self._handlers = {self._signals: self._take_signals, self._connection.fileno(): self._take_answer}
        while not self._has_ended:
            poll = select.poll()
            for descriptor in self._handlers:
                poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll():
                if not self._handlers[descriptor]():
                    del self._handlers[descriptor]
        return self._code

    def _take_signals(self) -> bool:
        for number in os.read(self._signals, CHUNK):
            if number == signal.SIGWINCH:
                self._resize()
            elif number != signal.SIGCONT:
                self._deliver(number)
        return True

    def _take_answer(self) -> bool:
        answer = self._receive()
        if answer == b"S":
            self._has_started = True
            if self._mode:
                self._begin_terminal()
                self._handlers.update({self._master: self._copy_output, 0: self._copy_input})
        elif answer == b"T":
            self._stop()
        elif answer == b"E":
            self._has_started = False
            self._has_ended = True
        else:
            self._has_ended = True
            if answer[:1] == b"X":
                while self._master >= 0 and self._copy_output():
                    pass
                self._code = int(answer[1:])
        return True

    def _receive(self) -> bytes:
        """Return one answer; with `S`, take the terminal."""
        from _socket import CMSG_SPACE

        try:
            answer, ancillary, _, _ = self._connection.recvmsg(1, CMSG_SPACE(4))
            for _, _, data in ancillary:
                self._master = int.from_bytes(data[:4], sys.byteorder)
                os.set_inheritable(self._master, False)
            while answer[:1] == b"X" and len(answer) < 4:  # noqa: PLR2004 - and three digits
                more = self._connection.recv(4 - len(answer))
                if not more:
                    return b""
                answer += more
        except OSError:
            return b""
        return answer

    # ---- signals ------------------------------------------------------------------------------

    def _deliver(self, number: int) -> None:
        try:
            self._connection.sendall(bytes([number]))
        except OSError:  # the keeper is gone, which the next read tells
            return

    def _stop(self) -> None:
        """Stop, as the program has; continue it when the caller's shell continues us (`fg`, `bg`)."""
        if self._mode:
            self._mode.leave_raw_mode()
        # Where no shell could continue us, the kernel ignores this: "orphaned process group" in POSIX.
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        if self._mode:
            self._mode.wait_for_foreground()
            self._mode.enter_raw_mode()
            self._resize()
        self._deliver(signal.SIGCONT)

    # ---- the terminal -------------------------------------------------------------------------

    def _begin_terminal(self) -> None:
        import termios

        assert self._mode  # noqa: S101 - only then there is one
        termios.tcsetattr(self._master, termios.TCSANOW, self._mode.before)
        self._mode.set_raw()
        self._connection.sendall(GO)

    def _resize(self) -> None:
        import fcntl
        import struct
        import termios

        if self._master >= 0:
            rows, columns = _size().split()
            size = struct.pack("HHHH", int(rows), int(columns), 0, 0)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _copy_output(self) -> bool:
        try:
            chunk = os.read(self._master, CHUNK)
        except OSError:  # EIO: nobody has the other end open
            return False
        write_all(1, chunk)
        return True

    def _copy_input(self) -> bool:
        try:
            chunk = os.read(0, CHUNK)
            write_all(self._master, chunk)
        except OSError:  # one of the two terminals is gone
            return False
        return bool(chunk)


def _catch_signals(*, with_size: bool) -> tuple[int, dict[int, object]]:
    """Return a descriptor that has the numbers of the signals that arrive, and the handlers before."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    names = [*FORWARDED, "SIGTSTP", "SIGCONT", *(["SIGWINCH"] if with_size else [])]
    numbers = [int(getattr(signal, name)) for name in names]
    before: dict[int, object] = {}
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in numbers:
        # What the caller ignores (`nohup`, a background job of a script) we ignore too.
        if not is_ignored(number):
            before[number] = signal.signal(number, _do_nothing)
    return reader, before


def _do_nothing(number: int, frame: object) -> None:
    """Leave the signal to the descriptor."""


def _restore_signals(before: dict[int, object]) -> None:
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)  # type: ignore[arg-type]


def _size() -> str:
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        return "24 80"
    return f"{rows} {columns}"


# ---- streams ----------------------------------------------------------------------------------


def _no_streams() -> Streams:
    return Streams({}, [], [])


def _streams() -> Streams:
    """Return what the program gets of our standard streams; a stream that is closed is /dev/null there."""
    streams = _no_streams()
    for number in (0, 1, 2):
        try:
            can_pass = _can_pass(number)
        except OSError:
            continue
        if can_pass:
            streams.passed[number] = number
            continue
        reader, writer = os.pipe()
        if number == 0:
            pump = _pump_input(writer)
            streams.readers.append(pump)
            os.close(writer)
            streams.passed[0] = reader
        else:
            streams.writers.append(Pump(lambda reader=reader, number=number: copy(reader, number), reader))  # type: ignore[misc]
            os.close(reader)
            streams.passed[number] = writer
    return streams


def _pump_input(writer: int) -> Pump:
    if os.isatty(0):
        return Pump(lambda: copy_terminal(writer), writer)
    return Pump(lambda: copy(0, writer), writer)


def _can_pass(number: int) -> bool:
    """Return whether a program may have the descriptor itself; raises `OSError` if it is closed."""
    status = os.fstat(number)
    kind = status.st_mode & 0o170000
    return kind in {PIPE, SOCKET} or (kind == DEVICE and status.st_rdev == os.makedev(1, 3))
