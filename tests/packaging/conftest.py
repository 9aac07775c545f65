"""What the packaging tests share: a copy of the checkout, what is built from it, and the Pythons of this machine."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .index import LockedIndex, locked_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
OLDEST = (3, 9)
FAKE_DOCKER = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$DOCKER_LOG"
case $1 in
    run) exit 7 ;;
esac
"""


@functools.cache
def pythons() -> dict[tuple[int, int], str]:
    """Return one Python of each version on PATH or of pyenv."""
    names = ["python", "python2.7", *(f"python3.{minor}" for minor in range(6, 20))]
    candidates: list[str] = [sys.executable, *filter(None, map(shutil.which, names))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates += map(str, sorted(pyenv.glob("*/bin/python")))
    found: dict[tuple[int, int], str] = {}
    for candidate in candidates:
        question = [
            candidate,
            "-c",
            "import sys; print('%d %d %s' % (sys.version_info[:2] + (sys.executable,)))",
        ]
        answer = subprocess.run(question, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            major, minor, path = answer.stdout.strip().split(" ", 2)
            found.setdefault((int(major), int(minor)), path)
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, wanted in (("python", True), ("old_python", False)):
        if fixture in metafunc.fixturenames:
            chosen = {
                version: path for version, path in sorted(pythons().items()) if (version >= OLDEST) is wanted
            }
            ids = [".".join(map(str, version)) for version in chosen]
            metafunc.parametrize(fixture, list(chosen.values()), ids=ids)


@dataclass
class Machine:
    """A user's machine: a home, a working folder, a `docker` that only keeps a record, and no other pydock."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.home, self.work, self.bin, self.temporary):
            folder.mkdir(parents=True)
        docker = self.bin / "docker"
        docker.write_text(FAKE_DOCKER, encoding="utf-8")
        docker.chmod(0o755)
        self.environ = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "TMPDIR": str(self.temporary),
            "DOCKER_LOG": str(self.root / "docker.log"),
            "DOCKER_HOST": f"unix://{self.root}/nobody-listens-here.sock",
        }

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def temporary(self) -> Path:
        return self.root / "temporary"

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "pydock"

    @property
    def docker_calls(self) -> list[str]:
        return (self.root / "docker.log").read_text(encoding="utf-8").splitlines()

    def start(self, *command: str | Path, **environ: str | None) -> subprocess.Popen[str]:
        """Start a command in the working folder; `environ` adds variables, `None` takes one away."""
        variables = {name: value for name, value in {**self.environ, **environ}.items() if value is not None}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=self.work,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def run(self, *command: str | Path, **environ: str | None) -> subprocess.CompletedProcess[str]:
        """Run a command like `start`, and wait for it."""
        with self.start(*command, **environ) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def succeed(self, *command: str | Path, **environ: str | None) -> str:
        """Run a command that must succeed; return its stdout."""
        result = self.run(*command, **environ)
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@dataclass(frozen=True)
class Workbench:
    """A copy of the checkout as git sees it, which nobody edits under the tests, and tools that work on it."""

    root: Path

    @property
    def checkout(self) -> Path:
        return self.root / "checkout"

    def files(self) -> set[str]:
        """Return all files of the copy, by their path in it."""
        paths = (path for path in self.checkout.rglob("*") if path.is_file())
        return {path.relative_to(self.checkout).as_posix() for path in paths}

    def python(
        self, *arguments: str | Path, environ: Mapping[str, str] | None = None, umask: int = 0o022
    ) -> str:
        """Run the Python of the tests, with a home of its own; return what it said."""
        return checked(
            [sys.executable, *map(str, arguments)],
            {
                **os.environ,
                "HOME": str(self.root),
                "XDG_CACHE_HOME": str(self.root / "cache"),
                **(environ or {}),
            },
            umask=umask,
            folder=self.root,
        )

    def build(self, *arguments: str, name: str) -> dict[str, Path]:
        """Run `python -m build` on the copy; return what came out, by its suffix."""
        folder = self.root / name
        self.python("-m", "build", "--no-isolation", *arguments, "--outdir", folder, self.checkout)
        return {path.suffix: path for path in folder.iterdir()}

    def environment(self, name: str, wheel: Path) -> Path:
        """Return a fresh virtual environment with the wheel and the locked dependencies installed."""
        folder = self.root / name
        lock = self.checkout / "requirements" / "single-file.txt"
        self.python("-m", "venv", "--without-pip", folder)
        install = ("-m", "pip", "--python", folder / "bin" / "python", "install")
        self.python(*install, "--require-hashes", "--requirement", lock)
        self.python(*install, "--no-deps", wheel)
        return folder


def checked(command: Sequence[str], environ: Mapping[str, str], *, umask: int, folder: Path) -> str:
    result = subprocess.run(
        command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        umask=umask,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    bench = Workbench(tmp_path_factory.mktemp("workbench"))
    copy_checkout(bench.checkout)
    return bench


def copy_checkout(folder: Path) -> None:
    for name in checkout_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, target)


def checkout_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.split("\0") if name and (CHECKOUT / name).is_file()]


@pytest.fixture(scope="session")
def distributions(workbench: Workbench) -> dict[str, Path]:
    """The sdist (".gz") and the wheel (".whl") that is built from it."""
    return workbench.build(name="from-sdist")


@pytest.fixture(scope="session")
def direct_wheel(workbench: Workbench) -> Path:
    return workbench.build("--wheel", name="direct")[".whl"]


@pytest.fixture(scope="session")
def single_file(workbench: Workbench) -> Path:
    folder = workbench.root / "dist"
    workbench.python(workbench.checkout / "scripts" / "single_file" / "build.py", folder)
    return folder / "pydock"


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedIndex]:
    with locked_index(tmp_path_factory.mktemp("index")) as served:
        yield served


class Clone(NamedTuple):
    """A fresh clone, `make setup` run in it twice: while the index did not answer, and when it did again."""

    folder: Path
    refused: subprocess.CompletedProcess[str]
    stamps_of_the_refused: list[Path]
    installed: subprocess.CompletedProcess[str]

    @property
    def pydock(self) -> Path:
        return self.folder / ".venv" / "bin" / "pydock"

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"


def set_up(folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "scripts" / "setup.sh"], env=environ, capture_output=True, text=True, check=False
    )


def stamps(folder: Path) -> list[Path]:
    return list((folder / ".venv").glob("made-from-*"))


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory, index: LockedIndex) -> Clone:
    folder = tmp_path_factory.mktemp("clone") / "checkout"
    copy_checkout(folder)
    refused = set_up(folder, index.environ(address="http://127.0.0.1:9/"))
    return Clone(folder, refused, stamps(folder), set_up(folder, index.environ()))
