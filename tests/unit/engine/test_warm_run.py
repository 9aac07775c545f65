"""Programs in a warm container: the keeper and its clients, here without a container between them."""

from __future__ import annotations

import contextlib
import os
import pty
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest

from pydock.engine.build_context import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

KEEPER = Path(PROGRAMS, "keeper.py").read_text(encoding="utf-8")
NOT_STARTED = 250
CLIENT = f"""
import os, sys
from pydock.engine.containers import open_standard_streams
from pydock.engine.warm import Program
from pydock.engine.warm_run import connect, run_program

open_standard_streams()
connection = connect(sys.argv[1], "socket")
code = run_program(connection, Program(sys.argv[2:], os.getcwd(), dict(os.environ, GONE=None)))
sys.exit({NOT_STARTED} if code is None else code)
"""
TIMEOUT = 30
INTERNAL_SIGNALS = 0b11 << 31  # 32 and 33 are the C library's, which sets them when it needs them


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Keeper:
    """A keeper on this machine, and what its clients need to start."""

    def __init__(self, folder: Path, seconds: str = "0", before: str = "") -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        # Not measured: coverage.py changes `os.execve`, and expects variables that are text.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environ = {**ours, "FROM_THE_IMAGE": "yes", "GONE": "yes"}
        # Its own name of the folder is short, as in a container.
        argv = [sys.executable, "-I", "-c", before + KEEPER, ".", seconds]
        self.process = subprocess.Popen(argv, cwd=folder, env=environ, stdin=subprocess.DEVNULL)
        wait_until((folder / "socket").exists)

    def client(self, *program: str) -> list[str]:
        return [sys.executable, "-c", CLIENT, str(self.folder), *program]

    def start(self, *program: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.client(*program), **options)

    def run(self, *program: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        return subprocess.run(
            self.client(*program), capture_output=True, check=False, timeout=TIMEOUT, **options
        )

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT)


# How a keeper starts programs: an image's Python may be too old to spawn them.
WAYS = {"spawn": "", "fork": "import os; del os.posix_spawnp\n"}
in_both_ways = pytest.mark.parametrize("keeper", WAYS, indirect=True)


@pytest.fixture
def keeper(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Keeper]:
    made = Keeper(tmp_path / ("a long name " * 12), before=WAYS[getattr(request, "param", "spawn")])
    yield made
    made.end()


@in_both_ways
def test_arguments_streams_and_exit_code(keeper: Keeper) -> None:
    code = "import sys; sys.stdout.write(ascii(sys.argv[1:])); sys.stderr.write('err'); sys.exit(7)"
    done = keeper.run(sys.executable, "-c", code, "", "a  b", "$HOME", "a\nb", "é☃")
    assert done.stdout.decode() == ascii(["", "a  b", "$HOME", "a\nb", "é☃"])
    assert (done.stderr, done.returncode) == (b"err", 7)


@in_both_ways
def test_variables_are_those_of_the_container_and_of_the_run(keeper: Keeper) -> None:
    done = keeper.run(
        "sh", "-c", 'echo "$FROM_THE_IMAGE $MINE ${GONE-unset}"', env={**os.environ, "MINE": "é"}
    )
    assert done.stdout.decode() == "yes é unset\n"


@in_both_ways
def test_program_starts_in_the_folder_with_the_usual_umask(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    done = keeper.run("sh", "-c", "pwd; umask", cwd=tmp_path / "later")
    assert done.stdout.decode() == f"{tmp_path}/later\n0022\n"


@in_both_ways
def test_program_is_found_on_the_path_of_the_run(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "own-program").symlink_to("/bin/echo")
    done = keeper.run(
        "own-program", "found", env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    )
    assert done.stdout == b"found\n"


@in_both_ways
def test_program_gets_no_other_descriptors_and_handles_its_own_signals(keeper: Keeper) -> None:
    assert (
        keeper.run("sh", "-c", "for n in 3 4 5 6 7 8 9; do test ! -e /proc/$$/fd/$n || echo $n; done").stdout
        == b""
    )
    done = keeper.run("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status")
    _, blocked, _, ignored = done.stdout.split()
    assert int(blocked, 16) == 0
    assert int(ignored, 16) & ~INTERNAL_SIGNALS == 0


def test_binary_input_of_every_kind(keeper: Keeper, tmp_path: Path) -> None:
    content = secrets.token_bytes(1 << 20)
    assert keeper.run("cat", input=content).stdout == content
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as file:
        assert keeper.run("cat", stdin=file).stdout == content
    assert keeper.run("head", "-c", "3", input=content).stdout == content[:3]


def test_output_into_a_file(keeper: Keeper, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        process = keeper.start("sh", "-c", "echo out; echo err >&2", stdout=file, stderr=file)
        assert process.wait(TIMEOUT) == 0
    assert sorted((tmp_path / "file").read_text(encoding="ascii").split()) == ["err", "out"]


def test_program_gets_no_descriptor_of_a_file(keeper: Keeper, tmp_path: Path) -> None:
    """With one, it could open the file again, for writing."""
    (tmp_path / "secret").write_text("mine", encoding="ascii")
    with (tmp_path / "secret").open("rb") as file:
        done = keeper.run("sh", "-c", "readlink /proc/self/fd/0; : >/proc/self/fd/0", stdin=file)
    assert done.stdout.startswith(b"pipe:")
    assert (tmp_path / "secret").read_text(encoding="ascii") == "mine"


@in_both_ways
def test_closed_streams(keeper: Keeper) -> None:
    argv = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *keeper.client("sh", "-c", "cat; echo ran; echo x >&2")]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT)
    assert (done.stdout, done.returncode) == (b"ran\n", 0)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_exit_codes(keeper: Keeper, script: str, code: int) -> None:
    assert keeper.run("sh", "-c", script).returncode == code


@in_both_ways
def test_program_or_folder_that_does_not_exist(keeper: Keeper, tmp_path: Path) -> None:
    assert keeper.run("no-such-program").returncode == NOT_STARTED
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    argv = ["sh", "-c", script, "sh", *keeper.client("true")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(argv, capture_output=True, check=False, cwd=tmp_path, env=environ, timeout=TIMEOUT)
    assert done.returncode != 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_reach_the_whole_process_group(keeper: Keeper, number: signal.Signals) -> None:
    inner = f"import os, signal, sys, time; signal.signal({number.value}, lambda *_: sys.exit(0 if os.write(1, b'in') else 1))"
    inner += "; os.write(1, b'ready ')\nwhile True: time.sleep(0.1)"
    name = number.name[3:]
    script = f'trap "" {name}; trap "echo \' out\'; exit 9" {name}; "$@" & wait $!; wait $!'
    process = keeper.start("sh", "-c", script, "sh", sys.executable, "-c", inner, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(6) == b"ready "
    process.send_signal(number)
    printed, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 9
    assert b" out" in printed


def test_children_end_with_the_program(keeper: Keeper, tmp_path: Path) -> None:
    """Also one that has left the process group and the session."""
    script = (
        "setsid sh -c 'echo $$ >pid; exec sleep 600' & sleep 600 & while ! [ -s pid ]; do sleep 0.01; done"
    )
    assert keeper.run("sh", "-c", script, cwd=tmp_path).returncode == 0
    assert not Path("/proc", (tmp_path / "pid").read_text(encoding="ascii").strip()).exists()


def test_killed_client_leaves_nothing(keeper: Keeper, tmp_path: Path) -> None:
    script = "trap '' HUP INT TERM; echo $$ >pid; echo ready; while :; do sleep 1; done"
    process = keeper.start("sh", "-c", script, cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    program = Path("/proc", (tmp_path / "pid").read_text(encoding="ascii").strip())
    wait_until(lambda: not program.exists())
    process.communicate()
    assert keeper.run("echo", "next").stdout == b"next\n"


def test_killed_keeper(keeper: Keeper) -> None:
    process = keeper.start("sh", "-c", "echo ready; exec sleep 600", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    (session,) = (child for child in children_of(keeper.process.pid) if children_of(child))
    program = children_of(session)
    os.kill(session, signal.SIGKILL)  # first: otherwise it would still tell how its program ended
    for pid in program:
        os.kill(pid, signal.SIGKILL)
    assert process.wait(TIMEOUT) == 137
    process.stdout.close()


def test_killed_by_its_program(keeper: Keeper) -> None:
    """However early: the program has run, so no other container may run it again."""
    for _ in range(10):
        assert keeper.run("sh", "-c", "kill -KILL $PPID").returncode == 137


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(path.parent.name))
    return found


def test_many_at_once_and_in_a_row(keeper: Keeper) -> None:
    processes = [
        keeper.start("sh", "-c", f"cat; exit {number}", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(20)
    ]
    for number, process in enumerate(processes):
        printed, _ = process.communicate(b"%d" % number, timeout=TIMEOUT)
        assert (printed, process.returncode) == (b"%d" % number, number)
    before = len(os.listdir(f"/proc/{keeper.process.pid}/fd"))
    for _ in range(5):
        keeper.run("true")
    wait_until(lambda: len(children_of(keeper.process.pid)) == 1)  # which waits for the next client
    wait_until(lambda: len(os.listdir(f"/proc/{keeper.process.pid}/fd")) == before)


def test_process_that_waits_for_a_client_is_replaced_when_it_is_killed(keeper: Keeper) -> None:
    wait_until(lambda: children_of(keeper.process.pid))
    [spare] = children_of(keeper.process.pid)
    os.kill(spare, signal.SIGKILL)
    wait_until(lambda: children_of(keeper.process.pid) not in ([], [spare]))
    assert keeper.run("echo", "next").stdout == b"next\n"


def test_process_that_waits_for_a_client_ends_with_the_keeper(keeper: Keeper) -> None:
    wait_until(lambda: children_of(keeper.process.pid))
    [spare] = children_of(keeper.process.pid)
    keeper.process.kill()
    wait_until(lambda: not Path("/proc", str(spare)).exists() or is_zombie(spare))


def is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (
            Path("/proc", str(pid), "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
        )
    return True


def test_keeper_that_cannot_fork_takes_no_client_and_goes_on(tmp_path: Path) -> None:
    fails_once = (
        "import os\nfork = os.fork\nfailures = [OSError(11, 'no more processes')] * 2\n"
        "def fail():\n    if failures: raise failures.pop()\n    return fork()\nos.fork = fail\n"
    )
    keeper = Keeper(tmp_path / "folder", before=fails_once)
    try:
        assert keeper.run("true").returncode == NOT_STARTED
        assert keeper.run("true").returncode == NOT_STARTED
        assert keeper.run("echo", "next").stdout == b"next\n"
    finally:
        keeper.end()


def test_keeper_ends_when_idle(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "folder", "1")
    assert keeper.run("true").returncode == 0
    assert keeper.process.wait(TIMEOUT) == 0
    assert os.listdir(keeper.folder) == []


def test_keeper_that_stays_sleeps_when_its_time_is_over(tmp_path: Path) -> None:
    polls = tmp_path / "polls"
    polls.touch()
    counted = (
        "import select\npoll = select.poll\n"
        f"def counted():\n    with open({str(polls)!r}, 'a') as file: file.write('x')\n    return poll()\n"
        "select.poll = counted\n"
    )
    keeper = Keeper(tmp_path / "folder", "0.1", counted)
    try:
        (keeper.folder / "stay").touch()
        assert keeper.run("true").returncode == 0
        time.sleep(0.5)  # its time is over
        before = polls.stat().st_size
        time.sleep(0.5)
        assert polls.stat().st_size - before <= 1
        assert keeper.run("echo", "next").stdout == b"next\n"
    finally:
        keeper.end()


def test_keeper_ends_when_its_socket_is_removed_and_nothing_runs(keeper: Keeper) -> None:
    process = keeper.start("sh", "-c", "echo ready; read word; echo $word", stdin=-1, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.unlink(keeper.folder / "socket")
    assert process.communicate(b"went on\n", TIMEOUT)[0] == b"went on\n"
    assert keeper.process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("sent", [b"", b"0" * 16, b"nonsense", b"              99x"])
def test_keeper_survives_what_is_no_request(keeper: Keeper, sent: bytes) -> None:
    folder = os.open(keeper.folder, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"/proc/self/fd/{folder}/socket")
        client.sendall(sent)
    os.close(folder)
    assert keeper.run("echo", "next").stdout == b"next\n"


# ---- with a terminal ------------------------------------------------------------------------


class Terminal:
    """A client with a terminal; `seen` is what was printed."""

    def __init__(self, keeper: Keeper, *program: str, rows: int = 33, columns: int = 101) -> None:
        self.seen = b""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            argv = keeper.client(*program)
            time.sleep(0.2)  # the size is set meanwhile
            os.execv(argv[0], argv)
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        import fcntl
        import termios

        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def wait_for(self, text: bytes) -> None:
        end = time.monotonic() + TIMEOUT
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            self.seen += os.read(self._master, 4096)

    def wait(self) -> int:
        try:
            while chunk := os.read(self._master, 4096):
                self.seen += chunk
        except OSError:  # the end
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._master)
        return code


def test_terminal_is_the_program_s_own(keeper: Keeper) -> None:
    terminal = Terminal(keeper, "sh", "-c", "stty size; test -t 0 -a -t 1 -a -t 2; echo $? >/dev/tty; exit 3")
    assert terminal.wait() == 3
    assert terminal.seen.split() == [b"33", b"101", b"0"]


def test_keys_of_a_terminal(keeper: Keeper) -> None:
    terminal = Terminal(
        keeper, "sh", "-c", "trap 'echo interrupted; exit 5' INT; echo ready; read word; sleep 600"
    )
    terminal.wait_for(b"ready")
    terminal.type(b"\x03")
    assert terminal.wait() == 5
    assert b"interrupted" in terminal.seen


def test_program_that_does_not_exist_with_a_terminal(keeper: Keeper) -> None:
    assert Terminal(keeper, "no-such-program").wait() == NOT_STARTED


def test_new_size_of_a_terminal(keeper: Keeper) -> None:
    terminal = Terminal(
        keeper, "sh", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done"
    )
    terminal.wait_for(b"ready")
    terminal.resize(20, 50)
    assert terminal.wait() == 0
    assert b"20 50" in terminal.seen


def test_program_that_stops_goes_on_where_no_shell_could_continue_it(keeper: Keeper) -> None:
    terminal = Terminal(keeper, "sh", "-c", "kill -TSTP $$; echo went on")
    assert terminal.wait() == 0
    assert b"went on" in terminal.seen
