"""Writes requirements/*.txt anew: every version pinned, every file with its hash (`make lock`).

What a lock asks for is in pyproject.toml, and in bench/thirty-packages.txt. Each lock
repeats it in its first lines, so that `problems` sees without a network whether the two still agree.

Also src/pydock/engine/uv.txt: the uv that pydock installs packages with, and no other.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import tomli
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = "3.9"
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
UV_PINS = Path("src", "pydock", "engine", "uv.txt")
UV_TITLE = "# The uv that installs packages. Written by `make lock`; do not edit.\n"
TITLE = "# Written by `make lock`; do not edit. It locks:"
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+?))?((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE
)


class Pin(NamedTuple):
    """An entry of a lock: this version, where the marker holds ("" is everywhere)."""

    name: str
    version: str
    marker: str
    hashes: int


class Lock(NamedTuple):
    """A file in requirements/ and what it locks; `universal`: for every Python from the oldest on."""

    name: str
    groups: tuple[str, ...] = ()
    dependencies: bool = False
    packages: str = ""
    universal: bool = True

    def asked(self, checkout: Path) -> list[str]:
        """Return the requirements that the lock answers, as they are written."""
        project = read_project(checkout)
        found = [*project["project"]["dependencies"]] if self.dependencies else []
        for group in self.groups:
            found += group_members(project, group)
        if self.packages:
            found += (checkout / self.packages).read_text(encoding="utf-8").split()
        return sorted(set(found))

    def path(self, checkout: Path) -> Path:
        return checkout / "requirements" / f"{self.name}.txt"


LOCKS = (
    Lock("dev", groups=("dev",), dependencies=True),
    Lock("single-file", dependencies=True, universal=False),
    Lock("bench", groups=("bench",)),
    Lock("recording", groups=("recording",)),
    Lock("bench-environments", groups=("bench-environments",), packages="bench/thirty-packages.txt"),
)


def read_project(checkout: Path) -> dict[str, Any]:
    with (checkout / "pyproject.toml").open("rb") as file:
        return dict(tomli.load(file))


def group_members(project: dict[str, Any], group: str) -> list[str]:
    """Return a dependency group's requirements, with those of the groups that it includes."""
    found: list[str] = []
    for member in project["dependency-groups"][group]:
        found += [member] if isinstance(member, str) else group_members(project, member["include-group"])
    return found


def header(asked: list[str]) -> str:
    return "".join(f"{line}\n" for line in (TITLE, *(f"#     {line}" for line in asked)))


def pins(text: str) -> list[Pin]:
    """Return the entries of a lock."""
    return [
        Pin(canonicalize_name(name), version, marker, hashes.count("--hash="))
        for name, version, marker, hashes in ENTRY.findall(text)
    ]


def pins_for(text: str, python: str) -> dict[str, str]:
    """Return the version of each package that the lock has for this Python (3.11 or 3.11.7) on Linux."""
    major, minor, *patch = python.split(".")
    environment = {
        "python_version": f"{major}.{minor}",
        "python_full_version": ".".join([major, minor, *(patch or ["99"])]),
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
    }
    return {
        pin.name: pin.version
        for pin in pins(text)
        if not pin.marker or Marker(pin.marker).evaluate(dict(environment))
    }


def problems(lock: Lock, checkout: Path) -> list[str]:
    """Return what is wrong with a lock as it is on disk, without asking any index."""
    text = lock.path(checkout).read_text(encoding="utf-8")
    asked = lock.asked(checkout)
    found = [] if text.startswith(header(asked)) else ["its first lines are not what pyproject.toml asks for"]
    found += [f"{line!r} is no entry" for line in other_lines(text)]
    found += [f"{pin.name}=={pin.version} has no hash" for pin in pins(text) if not pin.hashes]
    pythons = PYTHONS if lock.universal else (OLDEST_PYTHON,)
    for python, line in itertools.product(pythons, asked):
        found += unsatisfied(Requirement(line), python, pins_for(text, python))
    return found


def other_lines(text: str) -> list[str]:
    """Return the lines that are neither entries nor comments: options, addresses, paths."""
    rest = ENTRY.sub("", text).splitlines()
    return [line for line in rest if line.strip() and not line.lstrip().startswith("#")]


def unsatisfied(wanted: Requirement, python: str, locked: dict[str, str]) -> list[str]:
    if wanted.marker and not wanted.marker.evaluate({"python_version": python}):
        return []
    version = locked.get(canonicalize_name(wanted.name))
    if version is None:
        return [f"it has no {wanted.name} for Python {python}"]
    if not wanted.specifier.contains(version, prereleases=True):
        return [f"{wanted.name}=={version} for Python {python} does not satisfy {wanted}"]
    return []


def write(lock: Lock, checkout: Path) -> None:
    """Resolve what the lock asks for with uv, and write the lock."""
    asked = lock.asked(checkout)
    options = ["--python-version", OLDEST_PYTHON, *(["--universal"] if lock.universal else [])]
    text = resolve(asked, options, lock.path(checkout).name)
    lock.path(checkout).write_text(f"{header(asked)}\n{text}", encoding="utf-8")


def write_uv_pins(checkout: Path) -> None:
    """Write the newest uv, with the hash of each of its files."""
    text = resolve(["uv"], ["--only-binary", ":all:"], UV_PINS.name)
    (checkout / UV_PINS).write_text(UV_TITLE + text, encoding="utf-8")


def resolve(asked: list[str], options: list[str], name: str) -> str:
    command = [
        str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--no-config", "--no-header",
        "--generate-hashes", "--no-annotate", *options, "-",
    ]  # fmt: skip
    done = subprocess.run(command, input="\n".join(asked), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} is unchanged: uv failed with exit code {done.returncode}.")
    return done.stdout


def main() -> None:
    """Write every lock."""
    for lock in LOCKS:
        write(lock, CHECKOUT)
        print(lock.path(CHECKOUT).relative_to(CHECKOUT))
    write_uv_pins(CHECKOUT)
    print(UV_PINS)


if __name__ == "__main__":
    main()
