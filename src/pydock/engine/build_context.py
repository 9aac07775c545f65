"""Build contexts of pydock's own: temporary folders with the programs of `inside/` and what they read.

One kind is the named context `pydock` (see `tools`), which replaces the empty stage of that name in a dockerfile
(https://docs.docker.com/build/concepts/context/#named-contexts). Others are for steps that pydock runs on an image. No
credential is ever in one, because the engine keeps contexts in its build cache.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.environments.content import digest
from pydock.environments.environment import DOCKERFILE
from pydock.environments.temporary import temporary_folder, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydock.environments.environment import Environment

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inside")


def read_program(name: str) -> str:
    """Return the text of a program of `inside/`, for a container that gets it as an argument."""
    with open(os.path.join(PROGRAMS, name), encoding="utf-8") as file:
        return file.read()


class BuildContext(NamedTuple):
    """A folder, and the shell commands that recreate it. Or another context that Docker knows, such as an image."""

    folder: str
    as_shell: str


@contextlib.contextmanager
def build_context(
    programs: tuple[str, ...], texts: Mapping[str, str], copies: Mapping[str, str] | None = None
) -> Iterator[BuildContext]:
    """Yield a temporary folder with these programs, text files, and copies of files (name -> path).

    Raises `FileNotFoundError`, or `BadSetting` if a file cannot be read.
    """
    sources = {name: (os.path.join(PROGRAMS, name), 0o755) for name in programs}
    sources.update({name: (path, 0o644) for name, path in (copies or {}).items()})
    contents = {
        name: (errors.read_file(path, errors.BadSetting), mode) for name, (path, mode) in sources.items()
    }
    contents.update({name: (text.encode(errors="surrogateescape"), 0o644) for name, text in texts.items()})
    with temporary_folder() as folder:
        for name, (content, mode) in contents.items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            write(os.path.join(folder, name), content, mode)
        yield BuildContext(folder, _as_shell(folder, sources, texts))


def cache_namespace(environment: Environment) -> str:
    """Return what separates the environment's cache mounts from those of all others.

    What runs in a build can write to the cache mounts of that build, so no two environments share one: a package of one
    could plant wheels that the other installs. A new dockerfile begins a new cache, so does a folder that was deleted and
    created again. A repository's dockerfile cannot guess the time, so it cannot name another environment's cache.

    It is the value of the build argument that BuildKit puts before the id of every cache mount:
    https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args
    """
    try:
        status = os.stat(environment.path(DOCKERFILE))
    except FileNotFoundError:  # `create --dry`
        return environment.identity
    return digest([environment.identity, f"{status.st_dev} {status.st_ino} {status.st_mtime_ns}"])[:32]


def file_as_shell(path: str, text: str) -> str:
    """Return the shell command that writes the text to the file."""
    place, end = shlex.quote(path), "END"
    if not text.endswith("\n"):
        return f"printf %s {shlex.quote(text)} > {place}"
    while end in text.splitlines():
        end += "_"
    return f"cat > {place} <<'{end}'\n{text}{end}"


def _as_shell(folder: str, copies: Mapping[str, tuple[str, int]], texts: Mapping[str, str]) -> str:
    """Return shell commands that recreate the folder, for `--echo` and `--dry`."""
    lines = [f"mkdir -p {shlex.quote(folder)}"]
    for name, (source, mode) in copies.items():
        target = shlex.quote(os.path.join(folder, name))
        if os.path.dirname(name):
            lines.append(f"mkdir -p {shlex.quote(os.path.join(folder, os.path.dirname(name)))}")
        lines.append(f"cp {shlex.quote(source)} {target} && chmod {mode:o} {target}")
    lines += [file_as_shell(os.path.join(folder, name), text) for name, text in texts.items()]
    return "\n".join(lines)
