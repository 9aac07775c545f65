"""What the engine ring works with: the engine itself, asked without pydock, and a caller's world to run pydock in."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
PYDOCK = (sys.executable, "-m", "pydock")
PYTHON = "3.12"
PATIENCE = 300  # seconds until something counts as hanging; no test waits for so long
Result = subprocess.CompletedProcess[str]
SEEN: dict[str, set[str]] = {}  # the ids of every image that an environment of that name was seen to have


def docker(*words: str, check: bool = True, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run the docker client as the tests' own user; return its stdout."""
    result = subprocess.run(
        ["docker", *words],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=PATIENCE,
        env=None if environ is None else dict(environ),
    )
    assert result.returncode == 0 or not check, f"docker {' '.join(words)}\n{result.stderr}"
    return result.stdout


def images(name: str) -> dict[str, str]:
    """Return the images that go by the environment's name, as tag -> id."""
    rows = docker("images", "--no-trunc", "--filter", f"reference=pydock-{name}", "--format", "{{json .}}")
    found = {f"{row['Repository']}:{row['Tag']}": row["ID"] for row in map(json.loads, rows.splitlines())}
    SEEN.setdefault(name, set()).update(found.values())
    return found


def untagged(name: str) -> set[str]:
    """Return what `docker images` lists as `<none>` of the images that `images` has ever seen."""
    ids = docker("images", "--all", "--quiet", "--no-trunc", "--filter", "dangling=true").split()
    return SEEN.get(name, set()) & set(ids)


def containers(name: str) -> list[str]:
    """Return the containers that have the name in their own, in their hostname or in their image's."""
    template = "{{.Id}} {{.Name}} {{.Config.Hostname}} {{.Config.Image}}"
    ids = docker("ps", "--all", "--no-trunc", "--quiet").split()
    rows = docker("inspect", "--format", template, *ids, check=False) if ids else ""
    return [row.split()[0] for row in rows.splitlines() if name in row]


def inspect(image: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(docker("image", "inspect", image))
    return found[0]


def remove_everything(names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(AssertionError):
            if found := containers(name):
                docker("rm", "--force", *found, check=False)
            if found := [*images(name), *untagged(name)]:
                docker("rmi", "--force", *found, check=False)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until the condition holds; fail with `what` if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


def layers_holding(image: str, needles: Iterable[bytes], folder: Path) -> list[bytes]:
    """Return those of the needles that are anywhere in the image as `docker save` writes it."""
    archive = folder / "image.tar"
    docker("save", "--output", str(archive), image)
    left, found = set(needles), set()
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            content = file.read() if file else b""
            assert content[:2] != b"\x1f\x8b", "docker saves layers uncompressed"
            found |= {needle for needle in left if needle in content}
    archive.unlink()
    return sorted(found)


@dataclass
class Project:
    """A caller: a working folder, a home and an environment of their own, apart from the real ones."""

    folder: Path
    home: Path
    environ: dict[str, str]
    program: tuple[str, ...] = PYDOCK
    identity: dict[str, Any] = field(default_factory=dict)  # Popen's user, group, extra_groups
    names: list[str] = field(default_factory=list)

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
            timeout=PATIENCE,
            cwd=folder or self.folder,
            env={**self.environ, **(variables or {})},
            **self.identity,
        )
        assert result.returncode == 0 or not check, (
            f"pydock {' '.join(words)}\n{result.stdout}{result.stderr}"
        )
        assert "Traceback" not in result.stderr or not words or words[0] == "run", result.stderr
        return result

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start pydock in a process group of its own; the caller ends it."""
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
        """Return a name that no other test has; what is made under it is removed at the end."""
        self.names.append(f"{word}-{secrets.token_hex(4)}")
        return self.names[-1]

    def create(self, *words: str, version: str = PYTHON, variables: Mapping[str, str] | None = None) -> str:
        name = self.new_name()
        self.pydock("create", name, *([version] if version else []), *words, variables=variables)
        return name

    def environment(self, name: str) -> Path:
        return self.folder / ".pydock" / "envs" / name

    def requirements(self, name: str) -> list[str]:
        return (self.environment(name) / "requirements.txt").read_text(encoding="utf-8").splitlines()

    def asked(self, name: str) -> list[str]:
        return (self.environment(name) / "requirements.in").read_text(encoding="utf-8").splitlines()

    def freeze(self, name: str) -> list[str]:
        """Return what pip in the image lists, as requirements.txt writes it: names canonical, sorted."""
        lines = self.pydock("run", name, "python", "-m", "pip", "freeze").stdout.splitlines()
        return sorted(canonical(line) for line in lines)

    def current_image(self, name: str) -> str:
        """Return the one content tag of the environment."""
        tags = [tag for tag in images(name) if not tag.endswith((":latest", "-candidate"))]
        assert len(tags) == 1, tags
        return tags[0]


def canonical(line: str) -> str:
    name, equals, version = line.partition("==")
    return f"{name.lower().replace('_', '-').replace('.', '-')}{equals}{version}"


def environ_for(home: Path) -> dict[str, str]:
    """Return this environment with another HOME, and with nothing in it that sets pydock up."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYDOCK_", "XDG_"))}
    environ.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))
    environ.update(HOME=str(home), PYTHONDONTWRITEBYTECODE="1")
    for name in ("NETRC", "COVERAGE_PROCESS_START", "NO_COLOR"):
        environ.pop(name, None)
    return environ


def recording_docker(folder: Path) -> tuple[dict[str, str], Path]:
    """Return variables that put a `docker` first on PATH which writes down its arguments, and what it writes to."""
    log, script = folder / "docker.log", folder / "bin" / "docker"
    script.parent.mkdir()
    script.write_text(
        '#!/bin/sh\n{ printf "%s " "$@"; echo; } >> "$RECORD"\nPATH=${PATH#*:} exec docker "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    log.touch()
    return {"PATH": f"{script.parent}:{os.environ['PATH']}", "RECORD": str(log)}, log
