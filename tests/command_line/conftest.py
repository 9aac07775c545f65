"""The real program in a process of its own, with a fake docker first on PATH."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest

from pydock.engine.images import arguments_text
from pydock.environments import origin
from pydock.environments.environment import describe_environment
from pydock.rendering import render
from pydock.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TESTS = Path(__file__).parents[1]
TIMEOUT = 60  # seconds
PYDOCK = [sys.executable, "-m", "pydock"]


class Ended(NamedTuple):
    """The exit code and the output of a program."""

    code: int
    out: str
    err: str


class Machine:
    """A user's machine: a home folder, a project as the working directory, and a fake docker."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.engine = folder / "engine"
        self.bin = folder / "bin"
        self.temporary = folder / "tmp"
        for made in (self.home, self.project, self.engine, self.bin, self.temporary):
            made.mkdir()
        start = f"import sys; sys.path.append({str(TESTS)!r}); from fake_docker.client import main; main()"
        # FAKE_DOCKER is set here, so that the client also works behind a sudo that clears the environment.
        self.client = self.add_program(
            "docker",
            f"export FAKE_DOCKER={shlex.quote(str(self.engine))}\n"
            f'exec {shlex.quote(sys.executable)} -ISc {shlex.quote(start)} "$@"',
        )
        self.environ = {
            **os.environ,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PYDOCK_PIP_CONFIG": "none",
            "PYDOCK_USER": "me",
        }

    def do_not_measure(self) -> None:
        """Run pydock without coverage, which doubles its time: for the tests that start it hundreds of times."""
        for name in [name for name in self.environ if name.startswith("COVERAGE_")]:
            del self.environ[name]

    def add_program(self, name: str, script: str) -> Path:
        """Add a shell script to the folder that is first on PATH."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def add_sudo(self) -> None:
        """Add a `sudo` that clears the environment, like the option env_reset in /etc/sudoers."""
        self.add_program("sudo", 'exec env -i PATH="$PATH" "$@"')

    def run(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str] | None = None,
        *,
        stdin: bytes = b"",
        folder: Path | None = None,
    ) -> Ended:
        """Run a program in the project; no traceback may be in its output."""
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            env={**self.environ, **(variables or {})},
            cwd=folder or self.project,
            check=False,
            timeout=TIMEOUT,
        )
        ended = Ended(
            done.returncode,
            done.stdout.decode(errors="surrogateescape"),
            done.stderr.decode(errors="surrogateescape"),
        )
        assert "Traceback" not in ended.out + ended.err, ended.err
        assert "Internal error" not in ended.err, ended.err
        return ended

    def pydock(self, *argv: str, **variables: str) -> Ended:
        return self.run([*PYDOCK, *argv], variables)

    def ok(self, *argv: str, **variables: str) -> Ended:
        """Run pydock, and fail the test if pydock fails."""
        ended = self.pydock(*argv, **variables)
        assert ended.code == 0, ended
        return ended

    def inv(self, *argv: str, **variables: str) -> Ended:
        return self.run([sys.executable, "-m", "invoke", *argv], variables)

    def shell(self, script: str) -> Ended:
        """Run shell commands, for example what `--dry` printed, and fail the test if one fails."""
        ended = self.run(["sh", "-ec", script])
        assert ended.code == 0, ended
        return ended

    def in_terminal(
        self, typed: bytes, *argv: str, columns: int = 0, program: Sequence[str] = ()
    ) -> tuple[int, str]:
        """Run pydock in a terminal where the user types; return its exit code and what it printed.

        `program` is a program of this machine that runs pydock.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [*(str(self.bin / word) for word in program), *PYDOCK, *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self.environ, "TERM": "xterm"},
            cwd=self.project,
        )
        os.close(theirs)
        os.write(ours, typed)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's end of file
            while chunk := os.read(ours, 65536):
                shown += chunk
        os.close(ours)
        assert b"Traceback" not in shown
        return process.wait(TIMEOUT), shown.decode()

    def start(self, *argv: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start pydock in the background."""
        return subprocess.Popen(
            [*PYDOCK, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environ, **variables},
            cwd=self.project,
        )

    def wait_for_pause(self) -> int:
        """Wait until the fake docker pauses; return its process id."""
        path = self.engine / "pause.now"
        self.wait_until(path.exists)
        return int(path.read_text())

    def resume(self) -> None:
        """Let the paused fake docker continue."""
        (self.engine / "pause.now").unlink()

    def wait(self, process: subprocess.Popen[bytes]) -> Ended:
        out, err = process.communicate(timeout=TIMEOUT)
        assert b"Traceback" not in err
        return Ended(process.returncode, out.decode(), err.decode())

    def kill_at_pause(self, process: subprocess.Popen[bytes]) -> None:
        """Kill pydock and its docker with SIGKILL, when docker pauses."""
        client = self.wait_for_pause()
        process.kill()
        with contextlib.suppress(ProcessLookupError):  # after an exec they are the same process
            os.kill(client, signal.SIGKILL)
        process.communicate(timeout=TIMEOUT)
        (self.engine / "pause.now").rename(self.engine / "pause.done")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(TIMEOUT * 100):
            if condition():
                return
            time.sleep(0.01)
        raise AssertionError("timed out")

    def calls(self, command: str = "") -> list[dict[str, Any]]:
        """Return every call of docker so far, or those of one docker command."""
        path = self.engine / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if not command or call["argv"][0] == command]

    def argvs(self, command: str = "") -> list[list[str]]:
        """Return the arguments of these calls."""
        return [call["argv"] for call in self.calls(command)]

    def builds(self) -> list[dict[str, Any]]:
        """Return the builds so far, without what differs every time: temporary paths and time stamps.

        Also without how the client prints its output, which `--dry` leaves to the user.
        """
        text = json.dumps(self.calls("build")).replace('"--progress", "rawjson", ', "")
        text = re.sub(rf"{re.escape(str(self.temporary))}/[^/\"]+", "/tmp/pydock", text)
        return list(json.loads(re.sub(r": \d{15,};", ": 0;", text)))

    def forget_calls(self) -> None:
        (self.engine / "calls.jsonl").unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Return the images and containers of the fake engine."""
        path = self.engine / "state.json"
        empty: dict[str, Any] = {"images": {}, "containers": {}, "count": 0}
        return dict(json.loads(path.read_text())) if path.exists() else empty

    def change_state(self, change: Callable[[dict[str, Any]], object]) -> None:
        state = self.state()
        change(state)
        (self.engine / "state.json").write_text(json.dumps(state))

    def remove_images(self) -> None:
        self.change_state(lambda state: state["images"].clear())

    def tags(self) -> list[str]:
        """Return all tags of all images."""
        return sorted(tag for image in self.state()["images"].values() for tag in image["tags"])

    def image_id(self, tag: str) -> str:
        [found] = [name for name, image in self.state()["images"].items() if tag in image["tags"]]
        return str(found)

    def image(self, tag: str) -> dict[str, Any]:
        return dict(self.state()["images"][self.image_id(tag)])

    def add_environment(self, name: str, *installed: str, requested: str | None = None) -> None:
        """Add an environment as pydock would have created it, which takes less time."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        settings = load_settings(environ=self.environ, folder=str(self.project))
        environment = describe_environment(settings, name, str(folder))
        dockerfile = render(
            "dockerfile.j2", base="", repository="python", version="3.12", caller=environment.caller
        )
        (folder / "dockerfile").write_text(dockerfile)
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in installed))
        if requested is not None:
            (folder / "requirements.in").write_text(requested)
        image = {
            "tags": [environment.content_tag(), environment.alias],
            "labels": {
                "pydock.version": "0",
                "pydock.arguments": arguments_text(environment.build_arguments),
            },
            "installed": list(installed),
            "layers": ["sha256:python:3.12", f"sha256:{environment.identity}"],
            "user": "me",
            "base": "python:3.12",
        }
        with pytest.MonkeyPatch.context() as patch:  # the records of this user
            for variable in ("HOME", "XDG_STATE_HOME"):
                patch.setenv(variable, self.environ.get(variable, ""))
            origin.remember(environment, origin.describe(settings, environment))
        identifier = f"sha256:{environment.identity}{'0' * 56}"
        self.change_state(lambda state: state["images"].update({identifier: image}))

    def folder(self, name: str) -> Path:
        return self.home / ".pydock" / "envs" / name

    def files(self, name: str = "ds") -> dict[str, bytes]:
        """Return the files of an environment, hidden ones too; none if it does not exist."""
        folder = self.folder(name)
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if not path.is_dir()
        }

    def pins(self, name: str = "ds") -> list[str]:
        """Return the lines of an environment's requirements.txt."""
        return self.files(name)["requirements.txt"].decode().splitlines()

    def home_and_project(self) -> dict[str, tuple[int, bytes]]:
        """Return every file and folder of the user: its time of change and its content."""
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for top in (self.home, self.project)
            for path in top.rglob("*")
        }

    def assert_consistent(self, name: str = "ds") -> None:
        """Fail unless this is the only environment, its one image fits its files, and nothing is left over."""
        [image] = self.state()["images"].values()
        assert len(image["tags"]) == 2
        assert image["installed"] == self.pins(name)
        assert self.state()["containers"] == {}
        assert not [file for file in self.files(name) if file.startswith(".")]
        assert [path.name for path in self.folder(name).parent.iterdir()] == [name]
        assert self.ok("run", name, "true").err == ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def ds(machine: Machine) -> Machine:
    """Return a machine with an environment `ds` of Python 3.12 without packages."""
    machine.add_environment("ds")
    return machine
