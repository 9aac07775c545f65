"""Keep a container ready, and run programs in it for the clients of a Unix socket.

    python3 -c "$(cat keeper.py)" FOLDER SECONDS

The socket is FOLDER/socket. Only the user who owns FOLDER may connect. Ends when no program has run for SECONDS, unless
there is a file FOLDER/stay; and when the socket has been removed and no program runs any more.

A client sends its standard streams as file descriptors, and a request: words that end with a zero byte, as `read_request`
reads them. Then each byte that it sends is the number of a signal. It gets `S` just before the program starts, with the
terminal if it asked for one; `T` when the program stops; `X` and three digits, its exit code, when it has ended; `E` if it
could not be started. If the client goes away, the program and all of its children are killed.

Standard library only. Runs in the environment's Python, which may be as old as 3.6.
"""

import array
import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    Prctl = Optional[Callable[..., Any]]

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
CHECK = 30.0  # seconds after which a keeper without programs looks whether it is still wanted
HEADER = 16  # bytes: the length of the request in digits
GO = b"\0"
USUAL_UMASK = 0o022
# Worked out before a client waits. Without `valid_signals`, before Python 3.8, there is no `posix_spawnp` either.
SIGNALS = getattr(signal, "valid_signals", set)() - {signal.SIGKILL, signal.SIGSTOP}  # type: set[int]


def keep(folder: str, seconds: float) -> None:
    """Serve clients until nobody needs the container."""
    path = os.path.join(folder, "socket")
    server = listen(path)
    inode = os.stat(path).st_ino
    prctl = find_prctl()
    wakeup = wake_up_for(signal.SIGCHLD)
    sessions = set()  # type: set[int]
    spare = Spare(server, folder, prctl)
    idle_since = time.monotonic()
    while True:
        left = idle_since + seconds - time.monotonic()
        # Whose time is over is kept by the file `stay`.
        patience = min(CHECK, left) if seconds > 0 and left > 0 else CHECK
        ready = wait_for([server.fileno(), wakeup], None if sessions else patience)
        if wakeup in ready:
            os.read(wakeup, 4096)
        ended = reap()
        if sessions and not sessions - ended:
            idle_since = time.monotonic()
        sessions -= ended
        if spare.pid in ended:  # it was killed
            spare.close()
        has_client = server.fileno() in ready
        if (
            not has_client
            and not sessions
            and (not is_there(path, inode) or is_idle(folder, seconds, idle_since))
        ):
            break
        # A fork now would take a client's processor; so the next spare is made for the next client, or when one has gone.
        if spare.is_closed:
            spare = Spare(server, folder, prctl)
        if has_client:
            connection, _ = server.accept()
            with connection:
                if spare.serve(connection):
                    sessions.add(spare.pid)
            spare.close()
    if is_there(path, inode):
        os.unlink(path)


class Spare:
    """A process that waits for the next client, so that no client waits for a fork."""

    def __init__(self, server: socket.socket, folder: str, prctl: "Prctl") -> None:
        self.pid = 0  # none: it could not be forked
        self._way, end = socket.socketpair()
        with end, contextlib.suppress(OSError):
            child = os.fork()
            if child == 0:
                self._way.close()
                serve_and_exit(server, end, folder, prctl)
            self.pid = child

    def serve(self, connection: socket.socket) -> bool:
        """Let it serve this client; return whether it could take it."""
        try:
            send_descriptor(self._way, b"C", connection.fileno())
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._way.close()

    @property
    def is_closed(self) -> bool:
        return self._way.fileno() < 0


def listen(path: str) -> socket.socket:
    """Return a socket that listens at the path; it appears there when clients can connect."""
    new = f"{path}.{os.getpid()}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o077)
    server.bind(new)
    server.listen(128)
    os.rename(new, path)
    os.umask(USUAL_UMASK)
    return server


def is_there(path: str, inode: int) -> bool:
    try:
        return os.lstat(path).st_ino == inode
    except OSError:
        return False


def is_idle(folder: str, seconds: float, since: float) -> bool:
    return time.monotonic() - since >= seconds > 0 and not os.path.exists(os.path.join(folder, "stay"))


def wait_for(descriptors: "list[int]", seconds: "float | None") -> "set[int]":
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}


def wake_up_for(number: int) -> int:
    """Return a descriptor that can be read when the signal has arrived."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def reap() -> "set[int]":
    """Return the processes that have ended."""
    ended = set()  # type: set[int]
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.add(pid)


def find_prctl() -> "Prctl":
    """Return the C library's function, None if this Python cannot call it."""
    try:
        import ctypes

        function: Prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return function


# ---- one client -------------------------------------------------------------------------------


def serve_and_exit(server: socket.socket, way: socket.socket, folder: str, prctl: "Prctl") -> None:
    """Wait for a client, and run its program. Never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        server.close()
        os.setsid()
        if prctl:
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        connection = take_connection(way)
        _, uid, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
        if uid == os.stat(folder).st_uid:
            Session(connection).run()
        code = 0
    except (OSError, ValueError):  # the client or the keeper is gone, or the client sent something else
        pass
    finally:
        kill_children()
        os._exit(code)


def take_connection(way: socket.socket) -> socket.socket:
    """Return the next client's connection; raises `ValueError` if the keeper has ended."""
    for descriptor in receive_with_descriptors(way, 1, 1)[1]:
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor)
    raise ValueError("the keeper is gone")


def read_request(connection: socket.socket) -> "tuple[list[int], list[bytes]]":
    """Return the descriptors and the words that a client sends; raises `ValueError` if it sends something else."""
    header, descriptors = receive_with_descriptors(connection, HEADER, 3)
    header += receive(connection, HEADER - len(header))
    return descriptors, receive(connection, int(header)).split(b"\0")


def send_descriptor(connection: socket.socket, data: bytes, descriptor: int) -> None:
    """Send a byte, and with it a descriptor."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
    connection.sendmsg([data], [rights])


def receive_with_descriptors(connection: socket.socket, size: int, count: int) -> "tuple[bytes, list[int]]":
    """Return at most so many bytes, and the descriptors that came with them."""
    descriptors = array.array("i")
    space = socket.CMSG_SPACE(count * descriptors.itemsize)
    data, ancillary, _, _ = connection.recvmsg(size, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, passed in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(passed[: len(passed) - len(passed) % descriptors.itemsize])
    return data, list(descriptors)


def receive(connection: socket.socket, size: int) -> bytes:
    chunks = []
    while size:
        chunk = connection.recv(min(size, 1 << 20))
        if not chunk:
            raise ValueError("the client is gone")
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


class Session:
    """A client's program, from its start to its end. This process leads the program's session."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        passed, words = read_request(connection)
        folder, inode, streams, terminal, count, *rest = words
        self._folder, self._inode = folder, int(inode)
        self._streams = dict(zip([int(digit) for digit in streams.decode()], passed))
        self._size = terminal  # rows, columns of the terminal to open; empty for none
        self._argv, variables = rest[: int(count)], rest[int(count) :]
        for word in variables:
            name, given, value = word.partition(b"=")
            if given:
                os.environb[name] = value
            else:
                os.environb.pop(name, None)
        self._child = 0
        self._terminal = -1

    def run(self) -> None:
        if os.stat(self._folder).st_ino != self._inode:  # a folder that was deleted and made again
            self._connection.sendall(b"E")
            return
        wakeup = wake_up_for(signal.SIGCHLD)
        early = b""
        # `S` comes before the start: a client that has read nothing may start the program elsewhere.
        if self._size:
            early = self._open_terminal()
        else:
            self._connection.sendall(b"S")
        if not self._start():
            self._connection.sendall(b"E")
            return
        self._signal(early)
        code = self._wait(wakeup)
        kill_children()
        self._connection.sendall(b"X%03d" % code)

    def _open_terminal(self) -> bytes:
        """Open a terminal, and pass its other end to the client; return the signals that came before it was ready."""
        master, self._terminal = os.openpty()
        rows, columns = self._size.split()
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
        send_descriptor(self._connection, b"S", master)
        os.close(master)
        fcntl.ioctl(self._terminal, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the kernel's, to the leader of the session
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        early = b""
        while not early.endswith(GO):
            early += receive(self._connection, 1)
        return early[:-1]

    def _start(self) -> bool:
        """Start the program; return whether that was possible."""
        # Copies above 2 first: a passed descriptor may be one of 0, 1 and 2.
        null = os.open(os.devnull, os.O_RDWR)
        passed = self._streams if self._terminal < 0 else dict.fromkeys((0, 1, 2), self._terminal)
        copies = [fcntl.fcntl(passed.get(number, null), fcntl.F_DUPFD_CLOEXEC, 3) for number in (0, 1, 2)]
        for descriptor in {null, *passed.values()}:
            os.close(descriptor)
        try:
            os.chdir(self._folder)
            # Spawning copies no memory. But it cannot give the terminal to the program before this starts.
            can_spawn = self._terminal < 0 and hasattr(os, "posix_spawnp")
            self._child = self._spawn(copies) if can_spawn else self._fork(copies)
        except OSError:
            return False
        finally:
            for copy in (
                copies
            ):  # the client sees the terminal's end when the program and its children have closed it
                os.close(copy)
        return True

    def _spawn(self, streams: "list[int]") -> int:
        return os.posix_spawnp(
            self._argv[0],
            self._argv,
            os.environb,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)],
            setpgroup=0,
            setsigmask=[],
            setsigdef=SIGNALS,
        )

    def _fork(self, streams: "list[int]") -> int:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setpgid(0, 0)
                if self._terminal >= 0:
                    os.tcsetpgrp(streams[0], os.getpid())
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                self._exec()
            except OSError:
                os.write(writer, b"E")
            finally:
                os._exit(127)
        os.close(writer)
        failed = os.read(reader, 1)
        os.close(reader)
        if failed:
            raise OSError("the program cannot be executed")
        return child

    def _exec(self) -> None:
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):  # of the C library's own
                    continue
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvpe(self._argv[0], self._argv, os.environb)

    def _wait(self, wakeup: int) -> int:
        """Deliver signals until the program ends; return its exit code, 128 + N if signal N ended it."""
        while True:
            ready = wait_for([self._connection.fileno(), wakeup], None)
            if wakeup in ready:
                os.read(wakeup, 4096)
                code = self._reap()
                if code is not None:
                    return code
            if self._connection.fileno() in ready:
                numbers = self._connection.recv(4096)
                if not numbers:
                    raise ValueError("the client is gone")
                self._signal(numbers)

    def _reap(self) -> "int | None":
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self._child:
                continue
            if os.WIFSTOPPED(status):
                self._connection.sendall(b"T")
            else:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def _signal(self, numbers: bytes) -> None:
        for number in numbers:
            if number == 0:
                continue
            try:
                os.killpg(self._child, number)
            except OSError as error:
                if error.errno not in (errno.ESRCH, errno.EPERM):
                    raise


def kill_children() -> None:
    """Kill what the program has left, however deep: as this process adopts orphans, each is a child sooner or later."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        for child in children_of(os.getpid()):
            kill(child)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def kill(pid: int) -> None:
    with contextlib.suppress(OSError):  # it has ended
        os.kill(pid, signal.SIGKILL)


def children_of(parent: int) -> "list[int]":
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(name))
    return found


if __name__ == "__main__":
    keep(sys.argv[1], float(sys.argv[2]))
