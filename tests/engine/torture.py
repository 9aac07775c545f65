"""Kills one process of a command, or the engine, at a random moment, and checks what is left.

Right after the kill the environment is as it was before the command, or as the command should leave it, and its image is
that of its files. After the next command nothing else is left: no hidden file, temporary folder, container, extra tag,
lock or process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .tools import PYTHON, Project, docker, frozen, recording_docker, wait_until, without_reminder

if TYPE_CHECKING:
    import random

    from .index import Index
    from .second_engine import SecondEngine

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
FILES = {"dockerfile", "requirements.txt", "requirements.in"}
# Each command; `{…}` is replaced by a name.
COMMANDS: dict[str, list[str]] = {
    "create": ["create", "{new}", PYTHON],
    "create -r": ["create", "{new}", PYTHON, "-r", "wanted.txt"],
    "install": ["install", "{name}", "{other}"],
    "uninstall": ["uninstall", "{name}", "{package}"],
    "update": ["update", "{name}"],
    "build": ["build", "{name}", "--no-cache"],
    "delete": ["delete", "{name}", "--yes"],
    "run": ["run", "{name}", "sleep", "1"],
    "shell": ["shell", "{name}"],
    "clean": ["clean", "--yes"],
    "trust": ["trust", "--yes"],
}
NEXT = (
    ["install", "{name}", "{third}"],
    ["uninstall", "{name}", "{package}"],
    ["update", "{name}"],
    ["build", "{name}"],
)
CALLS = {
    "run": 1,
    "shell": 1,
    "trust": 0,
    "clean": 3,
    "delete": 3,
}  # a first guess of its docker commands; 6 for others
Content = dict[str, str]  # of the files of an environment, by name; {} if there is none


class Kill(NamedTuple):
    """What to kill, and when."""

    command: str
    victim: str  # pydock, client (any other process of the group), group, engine
    number: signal.Signals
    calls: int  # after this many docker commands have started, or none
    seconds: float  # and this time

    def __str__(self) -> str:
        return f"{self.command}: {self.number.name} to {self.victim}, {self.seconds:.2f} s after call {self.calls}"


@dataclass
class World:
    """A project with one environment, which each kill finds in the same state, and an engine that may be killed."""

    project: Project
    engine: SecondEngine
    index: Index
    random: random.Random
    names: dict[str, str] = field(default_factory=dict)
    before: Content = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = self.project.folder.parent
        self.temporary = place / "temporary"
        self.temporary.mkdir()
        self.settings = place / "settings"  # another project, with settings that need trust
        (self.settings / ".pydock").mkdir(parents=True)
        (self.settings / ".pydock" / "pydock.yaml").write_text("run_options: --cap-drop=MKNOD\n")
        self.recorder = recording_docker(place, contexts=False)
        self.project.environ.update(
            self.recorder.variables,
            TMPDIR=str(self.temporary),
            DOCKER_HOST=self.engine.address,
            PYDOCK_BUILD_OPTIONS="--network=host",
            PYDOCK_INSTALLER="pip",  # uv would be looked for on an index that the second engine cannot reach
            PYDOCK_CA_BUNDLE=str(self.index.bundle),
            PIP_INDEX_URL=self.index.url_with_password,
        )
        for word in ("package", "other", "third"):
            self.names[word] = self.index.publish_new()
        (self.project.folder / "wanted.txt").write_text(f"{self.names['other']}\n")
        self.renew()
        self.index.publish(self.names["package"], "2.0")

    def renew(self) -> None:
        """Make a new environment with a new name, as a violation may have damaged the old one."""
        shutil.rmtree(self.project.folder / ".pydock" / "envs", ignore_errors=True)
        for left in self.containers():
            docker("rm", "--force", left, environ=self.engine.environ)
        self.names["name"] = self.project.create()
        self.names["new"] = self.project.new_name("new")
        started = time.monotonic()
        self.project.pydock("install", self.names["name"], f"{self.names['package']}==1.0")
        self.install_seconds = time.monotonic() - started
        (self.project.environment(self.names["name"]) / "requirements.in").write_text(
            f"{self.names['package']}\n"
        )
        self.before = self.content("name")

    def reset(self) -> None:
        """Let the environment be as each kill finds it."""
        if self.project.environment(self.names["new"]).exists():
            self.project.pydock("delete", self.names["new"], "--yes")
        if not self.project.environment(self.names["name"]).exists():
            self.project.pydock("create", self.names["name"], PYTHON)
        if self.content("name") != self.before:
            for file, text in self.before.items():
                (self.project.environment(self.names["name"]) / file).write_text(text)
            self.project.pydock("build", self.names["name"])

    def content(self, word: str) -> Content:
        """Return the files of an environment that are not hidden."""
        folder = self.project.environment(self.names[word])
        if not folder.exists():
            return {}
        return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}

    def words(self, command: list[str]) -> list[str]:
        return [word.format(**self.names) for word in command]

    # ---- one kill ------------------------------------------------------------------------

    def choose(self, command: str, victim: str) -> Kill:
        """Choose a moment: any, or shortly after any of the docker commands has started."""
        longest = 1.1 * self.durations.get(command, self.install_seconds)
        calls, seconds = 0, self.random.uniform(0, longest)
        most = self.calls.get(command, CALLS.get(command, 6))
        if most and self.random.random() < 0.7:
            calls, seconds = self.random.randint(1, most), self.random.uniform(0, 0.1)
        number = signal.SIGKILL if victim == "engine" else self.random.choice(SIGNALS)
        return Kill(command, victim, number, calls, seconds)

    def kill(self, kill: Kill) -> tuple[int, str]:
        """Run the command and kill its victim; return the command's exit code and its stderr."""
        folder = self.project.folder
        if kill.command == "clean":
            self.project.pydock("create", self.names["new"], PYTHON)
            shutil.rmtree(self.project.environment(self.names["new"]))
        if kill.command == "trust":
            self.project.pydock("trust", "--remove", folder=self.settings)
            folder = self.settings
        self.recorder.log.write_text("")
        started = time.monotonic()
        process = subprocess.Popen(
            [*self.project.program, *self.words(COMMANDS[kill.command])],
            cwd=folder,
            env=self.project.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"sleep 1\n")
            process.stdin.flush()
        process.stdin.close()
        process.stdin = None
        while process.poll() is None and self.recorder.calls().count("\n") < kill.calls:
            time.sleep(0.002)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(kill.seconds)
        if process.poll() is None:
            self._signal(process.pid, kill)
        else:
            self.durations[kill.command] = time.monotonic() - started
            self.calls[kill.command] = self.recorder.calls().count("\n")
        try:
            _, stderr = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            if kill.victim == "engine":
                self.engine.start()
        return process.returncode, stderr.decode(errors="replace")

    def _signal(self, pid: int, kill: Kill) -> None:
        if kill.victim == "engine":
            self.engine.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            if kill.victim == "group":
                os.killpg(pid, kill.number)
            else:
                others = [member for member in group_members(pid) if member != pid]
                os.kill(
                    self.random.choice(others) if kill.victim == "client" and others else pid, kill.number
                )

    # ---- checks --------------------------------------------------------------------------

    def expected(self, command: str) -> list[Content]:
        """Return what the environment may contain after the command was killed."""
        package, other = self.names["package"], self.names["other"]
        after = {
            "install": (f"{other}==1.0\n{package}==1.0\n", f"{package}\n{other}\n"),
            "uninstall": ("", ""),
            "update": (f"{package}==2.0\n", f"{package}\n"),
        }.get(command)
        if command == "delete":
            return [self.before, {}]
        if after is None:
            return [self.before]
        lines = "".join(sorted(after[0].splitlines(keepends=True)))
        return [self.before, {**self.before, "requirements.txt": lines, "requirements.in": after[1]}]

    def check_state(self, kill: Kill, stderr: str) -> None:
        """Check that the environment is the old one or the new one, and that its image is that of its files."""
        assert "Traceback" not in stderr, stderr
        assert "Internal error" not in stderr, stderr
        found, allowed = self.content("name"), self.expected(kill.command)
        if "nothing was changed" in stderr:
            allowed = allowed[:1]
        hidden = [
            path
            for path in self.project.environment(self.names["name"]).glob(".requirements.in.*")
            if not path.name.endswith(".new")
        ]
        if (
            found and found != self.before and hidden
        ):  # killed between the two renames: the next command completes it
            found["requirements.in"] = hidden[0].read_text()
        assert found in allowed, found
        if (
            kill.command != "delete"
        ):  # which removes the images first: a folder without an image can be built again
            self.check_image("name")
        new = self.content("new")
        if new:
            assert kill.command in {"create", "create -r"}, new
            packages = f"{self.names['other']}==1.0\n" if kill.command == "create -r" else ""
            assert new["requirements.txt"] == packages, new
            self.check_image("new")

    def check_image(self, word: str) -> None:
        """Check that the environment runs without a warning, and has the packages of its requirements.txt."""
        content = self.content(word)
        if content:
            ran = self.project.pydock("run", self.names[word], "python", "-m", "pip", "freeze", check=False)
            assert (ran.returncode, without_reminder(ran.stderr)) == (0, ""), (ran.returncode, ran.stderr)
            assert frozen(ran.stdout) == content["requirements.txt"].splitlines(), ran.stdout

    def run_next_command(self, kill: Kill) -> list[str]:
        """Run what a user would run next; return its words."""
        words, folder = self.random.choice(NEXT), self.project.folder
        if kill.command in {"create", "create -r"}:
            words = ["build", "{new}"] if self.content("new") else COMMANDS[kill.command]
        elif kill.command == "delete":
            words = COMMANDS["delete"] if self.content("name") else ["create", "{name}", PYTHON]
        elif kill.command in {"clean", "trust"}:
            words = COMMANDS[kill.command]
            folder = self.settings if kill.command == "trust" else folder
        ended = self.project.pydock(*self.words(words), check=False, folder=folder)
        assert ended.returncode == 0, ended.stderr
        assert "Waiting for another" not in ended.stderr, ended.stderr
        return self.words(words)

    def check_nothing_is_left(self) -> None:
        """Check that there is nothing but the environments, each with its files and its two tags."""
        envs = self.project.folder / ".pydock" / "envs"
        names = {self.names["name"], self.names["new"]}
        present = {path.name for path in envs.iterdir()}
        assert present <= names, present
        for name in names:
            if name in present:
                files = {path.name for path in (envs / name).iterdir()}
                assert files <= FILES, files
            tags = self.tags(name)
            assert len(tags) == (2 if name in present else 0), tags
            assert not [tag for tag in tags if tag.endswith(("-candidate", "-superseded"))], tags
        assert not list(self.temporary.iterdir()), list(self.temporary.iterdir())
        wait_until(lambda: not self.containers(), "containers to be removed", 20)
        wait_until(lambda: not processes_with(f"TMPDIR={self.temporary}"), "processes to end", 20)

    def tags(self, name: str) -> list[str]:
        rows = docker(
            "images", "--filter", f"reference=pydock-{name}", "--format", "{{.Repository}}:{{.Tag}}",
            environ=self.engine.environ,
        )  # fmt: skip
        return [row for row in rows.split() if not row.endswith("<none>")]

    def containers(self) -> list[str]:
        return docker("ps", "--all", "--quiet", environ=self.engine.environ).split()

    def try_one(self, kill: Kill) -> str:
        """Kill once and check; return what is wrong, or ""."""
        stderr, step, words = "", "the command", [""]
        try:
            self.reset()
            _, stderr = self.kill(kill)
            step = "after the kill"
            self.check_state(kill, stderr)
            step = "the next command"
            words = self.run_next_command(kill)
            step = f"after {' '.join(words)}"
            self.check_nothing_is_left()
            self.check_image("name")
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            return f"{kill}\n  {step}: {error}\n  stderr of the killed command: {stderr.strip()}"
        return ""


def group_members(group: int) -> list[int]:
    """Return the processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            state, _, pgrp = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(int(folder.name))
    return found


def processes_with(variable: str) -> list[int]:
    """Return the processes that have this variable."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
