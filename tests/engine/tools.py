"""What the engine tests share: the docker client without pydock, and a `Project` to run pydock in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from pydock.environments.caller import Caller
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
PYDOCK = (sys.executable, "-m", "pydock")
PYTHON = "3.12"
TIMEOUT = 300  # seconds; no test waits this long unless something hangs
Result = subprocess.CompletedProcess[str]
SEEN: dict[str, set[str]] = {}  # environment name -> the ids of all images that were listed under it

# What a build mounts. BuildKit must remove the mount points again.
MOUNT_POINTS = ("etc/pip.conf/", "root/.netrc/", "root/.cache/", "run/secrets/", "pydock/", "requirements/")


def docker(*words: str, check: bool = True, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run the docker client as the tests' own user; return its stdout."""
    result = subprocess.run(
        ["docker", *words],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=TIMEOUT,
        env=None if environ is None else dict(environ),
    )
    assert result.returncode == 0 or not check, f"docker {' '.join(words)}\n{result.stderr}"
    return result.stdout


def dockerfile_for(user: str) -> str:
    """Return the dockerfile that `pydock create NAME 3.12` writes for a user with the ids 1000."""
    return render(
        "dockerfile.j2",
        base="",
        repository="python",
        version=PYTHON,
        caller=Caller(user, 1000, 1000),
        installer="uv",
    )


def images(name: str) -> dict[str, str]:
    """Return the environment's images, as tag -> id."""
    rows = docker("images", "--no-trunc", "--filter", f"reference=pydock-{name}", "--format", "{{json .}}")
    found = {f"{row['Repository']}:{row['Tag']}": row["ID"] for row in map(json.loads, rows.splitlines())}
    SEEN.setdefault(name, set()).update(found.values())
    return found


def untagged(name: str) -> set[str]:
    """Return the images that `images` has listed before and that `docker images` lists as `<none>` now."""
    ids = docker("images", "--all", "--quiet", "--no-trunc", "--filter", "dangling=true").split()
    return SEEN.get(name, set()) & set(ids)


def remove_warm_containers(name: str) -> None:
    """Remove the containers of this environment that wait for programs."""
    filters = ["--filter", "label=pydock.warm", "--filter", f"name=^{name}-warm-"]
    if found := docker("ps", "--all", "--quiet", *filters).split():
        docker("rm", "--force", *found, check=False)


def containers(name: str) -> list[str]:
    """Return the containers that have `name` in their name, in their hostname or in their image's name.

    Those that wait for programs are left out.
    """
    template = "{{.Id}} {{.Name}} {{.Config.Hostname}} {{.Config.Image}}"
    ids = docker("ps", "--all", "--no-trunc", "--quiet").split()
    rows = docker("inspect", "--format", template, *ids, check=False) if ids else ""
    return [row.split()[0] for row in rows.splitlines() if name in row and "-warm-" not in row]


def inspect(image: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(docker("image", "inspect", image))
    return found[0]


def remove_images_and_containers(names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(AssertionError):
            if found := containers(name):
                docker("rm", "--force", *found, check=False)
            if found := [*images(name), *untagged(name)]:
                docker("rmi", "--force", *found, check=False)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_reminder(stderr: str) -> str:
    """Return what a run printed, without the reminder for a requirements.in that the test has edited."""
    return re.sub(r"requirements\.in of '\S+' was edited; run `pydock update \S+`\.\n", "", stderr)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until the condition is true; fail with `what` if it does not become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def image_blobs(image: str, folder: Path) -> Iterator[bytes]:
    """Yield everything that `docker save` writes of the image: its configuration and its layers."""
    archive = folder / "image.tar"
    docker("save", "--output", str(archive), image)
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            content = file.read() if file else b""
            assert content[:2] != b"\x1f\x8b", "docker saves layers uncompressed"
            yield content
    archive.unlink()


def found_in_image(image: str, needles: Iterable[bytes], folder: Path) -> set[bytes]:
    """Return those of the needles that are anywhere in the image."""
    wanted = set(needles)
    return {needle for blob in image_blobs(image, folder) for needle in wanted if needle in blob}


def check_no_trace(image: str, needles: Iterable[bytes], folder: Path) -> None:
    """Check that neither layers, configuration nor history have a needle, and that no mount point was left.

    Layers are read one by one, so what a later layer removes is found too.
    """
    wanted = set(needles)
    paths: set[str] = set()
    for blob in image_blobs(image, folder):
        assert [needle for needle in wanted if needle in blob] == []
        with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=BytesIO(blob)) as layer:
            paths.update(name.strip("/") for name in layer.getnames())
    history = docker("history", "--no-trunc", image).encode()
    assert [needle for needle in wanted if needle in history] == []
    assert "etc/passwd" in paths, "the layers were read"
    assert [path for path in paths if f"{path}/".startswith(MOUNT_POINTS)] == []


@dataclass
class Project:
    """A working folder, a home and environment variables to run pydock with, separate from the real ones."""

    folder: Path
    home: Path
    environ: dict[str, str]
    program: tuple[str, ...] = PYDOCK
    identity: dict[str, Any] = field(default_factory=dict)  # Popen's user, group, extra_groups
    names: list[str] = field(default_factory=list)  # environments whose images are removed at the end

    def pydock(
        self,
        *words: str,
        stdin: str = "",
        check: bool = True,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Result:
        result = subprocess.run(
            [*self.program, *words],
            check=False,
            capture_output=True,
            encoding="utf-8",
            input=stdin,
            timeout=TIMEOUT,
            cwd=folder or self.folder,
            env={**self.environ, **(variables or {})},
            **self.identity,
        )
        assert result.returncode == 0 or not check, (
            f"pydock {' '.join(words)}\n{result.stdout}{result.stderr}"
        )
        # a traceback of a program in the image may be shown, but none of pydock itself
        assert not re.search(r'File ".*/pydock/', result.stderr), result.stderr
        return result

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start pydock in a process group of its own; the test ends it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        return subprocess.Popen(
            [*self.program, *words],
            cwd=self.folder,
            env={**self.environ, **options.pop("variables", {})},
            start_new_session=True,
            **self.identity,
            **options,
        )

    def new_name(self, word: str = "env") -> str:
        """Return an unused name; images with this name are removed at the end."""
        self.names.append(f"{word}-{secrets.token_hex(4)}")
        return self.names[-1]

    def create(self, *words: str, version: str = PYTHON, variables: Mapping[str, str] | None = None) -> str:
        """Create an environment with a new name."""
        name = self.new_name()
        self.pydock("create", name, *([version] if version else []), *words, variables=variables)
        return name

    def write_environment(self, dockerfile: str, requirements: str = "") -> str:
        """Write an environment's folder by hand and return its new name; nothing is built."""
        name = self.new_name()
        folder = self.environment(name)
        folder.mkdir(parents=True)
        (folder / "dockerfile").write_text(dockerfile, encoding="utf-8")
        (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
        return name

    def environment(self, name: str) -> Path:
        return self.folder / ".pydock" / "envs" / name

    def requirements(self, name: str) -> list[str]:
        return (self.environment(name) / "requirements.txt").read_text(encoding="utf-8").splitlines()

    def packages(self, name: str) -> list[str]:
        """Return the names of the packages in requirements.txt."""
        return [line.split("==")[0] for line in self.requirements(name)]

    def requested(self, name: str) -> list[str]:
        return (self.environment(name) / "requirements.in").read_text(encoding="utf-8").splitlines()

    def freeze(self, name: str) -> list[str]:
        """Return what pip in the image lists, in the form of requirements.txt."""
        return frozen(self.pydock("run", name, "python3", "-m", "pip", "freeze").stdout)

    def check_installed(self, name: str, packages: Iterable[str]) -> None:
        """Check that requirements.txt and the image have exactly these packages, in the same versions."""
        recorded = self.requirements(name)
        assert self.packages(name) == sorted(packages), recorded
        installed = self.freeze(name)
        assert installed == recorded, f"{installed} != {recorded}"

    def current_image(self, name: str) -> str:
        """Return the environment's one tag that names its content."""
        tags = [tag for tag in images(name) if not tag.endswith((":latest", "-candidate"))]
        assert len(tags) == 1, tags
        return tags[0]


@contextlib.contextmanager
def temporary_project(place: Path, **options: Any) -> Iterator[Project]:
    """Yield an empty project with a `.pydock` folder (so environments are local) and an empty home."""
    home, folder = place / "home", place / "work"
    home.mkdir(parents=True)
    (folder / ".pydock").mkdir(parents=True)
    made = Project(folder, home, environ_for(home), **options)
    yield made
    remove_images_and_containers(made.names)


def environ_for(home: Path) -> dict[str, str]:
    """Return this process's environment with another HOME and without pydock's settings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYDOCK_", "XDG_"))}
    environ.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))
    environ.update(HOME=str(home), PYTHONDONTWRITEBYTECODE="1")
    for name in ("NETRC", "COVERAGE_PROCESS_START", "NO_COLOR"):
        environ.pop(name, None)
    return environ


def frozen(text: str) -> list[str]:
    """Return the lines of `pip freeze` as requirements.txt has them: canonical names, sorted."""
    lines = [line.partition("==") for line in text.splitlines()]
    return sorted(
        f"{name.lower().replace('_', '-').replace('.', '-')}{equals}{version}"
        for name, equals, version in lines
    )


@dataclass
class Recorder:
    """A `docker` first on PATH that records its arguments and build contexts, and then runs the real one."""

    variables: dict[str, str]  # for the environment of pydock
    log: Path
    contexts: Path

    def calls(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def named_contexts(self) -> list[dict[str, bytes]]:
        """Return the files of every `--build-context` that is a folder."""
        return [files_below(folder) for folder in self.contexts.glob("named-*")]

    def all_contexts(self) -> list[dict[str, bytes]]:
        return [files_below(folder) for folder in self.contexts.iterdir()]


def recording_docker(folder: Path, *, contexts: bool = True) -> Recorder:
    """Return a recorder; without `contexts`, it takes no time to copy them."""
    script, log, copies = folder / "bin" / "docker", folder / "docker.log", folder / "contexts"
    copies.mkdir()
    script.parent.mkdir()
    script.write_text(
        """#!/bin/sh
{ printf '%s ' "$@"; echo; } >> "$RECORD_LOG"
copy() { cp -R "$2/." "$(mktemp -d "$RECORD_CONTEXTS/$1-XXXXXXXX")"; }
if [ "$1" = build ] && [ -n "$RECORD_CONTEXTS" ]; then
    for word; do
        case $word in
            pydock=docker-image://*) ;;
            pydock=*) copy named "${word#pydock=}" ;;
        esac
    done
    copy main "$word"
fi
PATH=${PATH#*:} exec docker "$@"
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    log.touch()
    variables = {
        "PATH": f"{script.parent}:{os.environ['PATH']}",
        "RECORD_LOG": str(log),
        "RECORD_CONTEXTS": str(copies) if contexts else "",
    }
    return Recorder(variables, log, copies)
