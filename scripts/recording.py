"""Record the terminal session of the README, and draw it: docs/recording.cast and docs/recording.svg (`make recording`).

A real bash types real commands on a real engine. The recording is an asciicast
(https://docs.asciinema.org/manual/asciicast/v2/); waits are shortened when it is drawn.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
CAST = CHECKOUT / "docs" / "recording.cast"
SVG = CHECKOUT / "docs" / "recording.svg"
COLUMNS, ROWS = 84, 24
PROMPT = "$ "
COMMANDS = (
    "pydock create datascience 3.12",
    'eval "$(pydock activate datascience)"',
    "pip install pandas pytest",
    "python -c 'import pandas; print(pandas.__version__)'",
    "pytest -q",
    "deactivate",
)
TEST = "def test_frame():\n    import pandas\n\n    assert len(pandas.DataFrame({'x': [1, 2]})) == 2\n"
SECONDS_PER_KEY = 0.04
SECONDS_TO_READ = 1.2
TIMEOUT = 120
LONGEST_WAIT = 1500  # milliseconds
Event = tuple[float, str, str]


def main() -> None:
    """Record the session, and draw it."""
    subprocess.run([str(CHECKOUT / "scripts" / "engine.sh")], check=True)
    subprocess.run([str(CHECKOUT / "scripts" / "offline" / "base-image.sh"), "3.12"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        project.mkdir()
        (project / "test_frame.py").write_text(TEST, encoding="utf-8")
        environ = {
            **os.environ,
            "HOME": folder,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "PS1": PROMPT,
        }
        try:
            events = record(project, environ)
        finally:
            delete = ["pydock", "delete", "datascience", "--yes"]
            subprocess.run(delete, cwd=project, env=environ, check=False, stderr=subprocess.DEVNULL)
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "pydock"}
    CAST.write_text("".join(f"{json.dumps(line)}\n" for line in (header, *events)), encoding="utf-8")
    draw()


def record(project: Path, environ: dict[str, str]) -> list[Event]:
    """Type the commands into a shell; return what it printed, and when, in seconds."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environ)
    set_size(terminal)
    session = Session(terminal)
    session.wait_for_prompt()
    for command in COMMANDS:
        for key in command:
            session.type(key)
        session.type("\r")
        session.wait_for_prompt()
        session.pause(SECONDS_TO_READ)
    os.close(terminal)  # ends the shell
    os.waitpid(pid, 0)
    return session.events


def set_size(terminal: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))


class Session:
    """A terminal in which somebody types; `events` is what was printed."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._started = time.monotonic()
        self._seen = b""
        self.events: list[Event] = []

    def type(self, key: str) -> None:
        self._seen = b""
        os.write(self._terminal, key.encode())
        self.pause(SECONDS_PER_KEY)

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            self._read(rest)

    def wait_for_prompt(self) -> None:
        end = time.monotonic() + TIMEOUT
        while not self._seen.rstrip(b"\x1b[?2004h").endswith(PROMPT.encode()):
            if time.monotonic() > end:
                sys.exit(f"no prompt after {TIMEOUT} s: {self._seen[-500:]!r}")
            self._read(1)

    def _read(self, seconds: float) -> None:
        if select.select([self._terminal], [], [], seconds)[0]:
            chunk = os.read(self._terminal, 65536)
            self._seen += chunk
            text = chunk.decode(errors="replace")
            self.events.append((round(time.monotonic() - self._started, 3), "o", text))


def draw() -> None:
    """Draw the recording with the tool that requirements/recording.txt locks, in an environment of its own."""
    uv = str(Path(sys.executable).with_name("uv"))
    requirements = CHECKOUT / "requirements" / "recording.txt"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([uv, "venv", "--quiet", f"{folder}/tools"], check=True)
        python = f"{folder}/tools/bin/python"
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", requirements],
            check=True,
        )
        drawn = f"{folder}/recording.svg"
        command = [
            f"{folder}/tools/bin/termtosvg",
            "render",
            str(CAST),
            drawn,
            "-M",
            str(LONGEST_WAIT),
            "-D",
            "3000",
        ]
        subprocess.run([*command, "-t", "window_frame"], check=True)
        shutil.copyfile(drawn, SVG)
    print(f"{CAST.relative_to(CHECKOUT)}, {SVG.relative_to(CHECKOUT)}: {SVG.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
