"""The real program in a process of its own, with a fake docker first on PATH."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest

from pydock.environments.environment import describe_environment
from pydock.rendering import render
from pydock.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAKE = Path(__file__).parents[1] / "fake_docker.py"
LONG = 60  # seconds that nothing here takes


class Ended(NamedTuple):
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


class Machine:
    """A user's machine: a home, a project as the working directory, and a docker that only pretends."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.engine = folder / "engine"
        self.bin = folder / "bin"
        for made in (self.home, self.project, self.engine, self.bin):
            made.mkdir()
        self.client = self.bin / "docker"
        self.client.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {FAKE} "$@"\n')
        self.client.chmod(0o755)
        self.environ = {
            **os.environ,
            "HOME": str(self.home),
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "FAKE_DOCKER": str(self.engine),
            "PYDOCK_PIP_CONFIG": "none",
            "PYDOCK_USER": "me",
        }

    def pydock(self, *argv: str, **variables: str) -> Ended:
        """Run pydock in the project; no way to end it may show a traceback."""
        return self.run([sys.executable, "-m", "pydock", *argv], variables)

    def inv(self, *argv: str, **variables: str) -> Ended:
        return self.run([sys.executable, "-m", "invoke", *argv], variables)

    def run(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str] | None = None,
        *,
        stdin: bytes = b"",
        folder: Path | None = None,
    ) -> Ended:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            env={**self.environ, **(variables or {})},
            cwd=folder or self.project,
            check=False,
            timeout=LONG,
        )
        ended = Ended(
            done.returncode,
            done.stdout.decode(errors="surrogateescape"),
            done.stderr.decode(errors="surrogateescape"),
        )
        assert "Traceback" not in ended.out + ended.err, ended.err
        assert "an error of its own" not in ended.err, ended.err
        return ended

    def ok(self, *argv: str, **variables: str) -> Ended:
        """Run pydock and insist that it succeeds."""
        ended = self.pydock(*argv, **variables)
        assert ended.code == 0, ended
        return ended

    def start(self, *argv: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start pydock and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "pydock", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environ, **variables},
            cwd=self.project,
        )

    def wait_for_pause(self) -> int:
        """Wait until the fake docker has come to where it waits; return its process id."""
        path = self.engine / "pause.now"
        self.wait_until(path.exists)
        return int(path.read_text())

    def go_on(self) -> None:
        (self.engine / "pause.now").unlink()

    def end(self, process: subprocess.Popen[bytes], number: int = 0) -> Ended:
        """Send a signal, if any, and wait for the end."""
        if number:
            process.send_signal(number)
        out, err = process.communicate(timeout=LONG)
        assert b"Traceback" not in err
        return Ended(process.returncode, out.decode(), err.decode())

    def kill_paused(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a pydock that waits for its docker, and that docker, as a power cut would."""
        client = self.wait_for_pause()
        process.kill()
        with contextlib.suppress(ProcessLookupError):  # on the direct road they are the same
            os.kill(client, signal.SIGKILL)
        process.communicate(timeout=LONG)
        (self.engine / "pause.now").rename(self.engine / "pause.done")

    def calls(self) -> list[dict[str, Any]]:
        """Return every call of docker so far."""
        path = self.engine / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def argvs(self, command: str = "") -> list[list[str]]:
        """Return the words of every call, or of those of one docker command."""
        return [call["argv"] for call in self.calls() if not command or call["argv"][0] == command]

    def forget_calls(self) -> None:
        (self.engine / "calls.jsonl").unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        path = self.engine / "state.json"
        empty: dict[str, Any] = {"images": {}, "containers": {}, "count": 0}
        return dict(json.loads(path.read_text())) if path.exists() else empty

    def change_state(self, change: Callable[[dict[str, Any]], object]) -> None:
        state = self.state()
        change(state)
        (self.engine / "state.json").write_text(json.dumps(state))

    def tags(self) -> list[str]:
        """Return every tag on the engine."""
        return sorted(tag for image in self.state()["images"].values() for tag in image["tags"])

    def image(self, tag: str) -> dict[str, Any]:
        """Return the image that has the tag."""
        [found] = [image for image in self.state()["images"].values() if tag in image["tags"]]
        return dict(found)

    def given(self, name: str, *installed: str, asked: str | None = None) -> None:
        """Put an environment there as pydock would have left it, without the time that it takes."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        settings = load_settings(environ=self.environ, folder=str(self.project))
        environment = describe_environment(settings, name, str(folder))
        dockerfile = render(
            "dockerfile.j2",
            base="",
            repository="python",
            version="3.12",
            caller=environment.caller,
            installer="uv",
        )
        (folder / "dockerfile").write_text(dockerfile)
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in installed))
        if asked is not None:
            (folder / "requirements.in").write_text(asked)
        image = {
            "tags": [environment.content_tag(), environment.alias],
            "labels": {},
            "installed": list(installed),
            "layers": ["sha256:python:3.12", f"sha256:{environment.identity}"],
            "user": "me",
            "base": "python:3.12",
        }
        self.change_state(
            lambda state: state["images"].update({f"sha256:{environment.identity}{'0' * 56}": image})
        )

    def folder(self, name: str) -> Path:
        return self.home / ".pydock" / "envs" / name

    def files(self, name: str = "ds") -> dict[str, bytes]:
        """Return what is in an environment's folder, hidden files too."""
        folder = self.folder(name)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}

    def wait_until(self, holds: Callable[[], bool]) -> None:
        for _ in range(LONG * 100):
            if holds():
                return
            time.sleep(0.01)
        raise AssertionError("it did not come to pass")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def ds(machine: Machine) -> Machine:
    """Return a machine with an environment `ds` of Python 3.12 that holds nothing yet."""
    machine.given("ds")
    return machine
