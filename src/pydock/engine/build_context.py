"""Build contexts of pydock's own: temporary folders with the programs of `inside/` and what they read.

One kind is the named context `pydock` (see `tools`), which replaces the empty stage of that name in a dockerfile
(https://docs.docker.com/build/concepts/context/#named-contexts). Others are for steps that pydock runs on an image. No
credential is ever in one, because the engine keeps contexts in its build cache.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from pydock.environments.content import digest
from pydock.environments.environment import DOCKERFILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydock.environments.environment import Environment

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inside")


class BuildContext(NamedTuple):
    """A folder, and the shell commands that recreate it. Or another context that Docker knows, such as an image."""

    folder: str
    as_shell: str


@contextlib.contextmanager
def build_context(
    programs: tuple[str, ...], texts: Mapping[str, str], copies: Mapping[str, str] | None = None
) -> Iterator[BuildContext]:
    """Yield a temporary folder with these programs, text files, and copies of files (name -> path).

    Raises `FileNotFoundError` or `PydockError` if a file cannot be read.
    """
    from pydock import errors

    copies = {**{name: os.path.join(PROGRAMS, name) for name in programs}, **(copies or {})}
    contents = {name: errors.read_file(path) for name, path in copies.items()}
    contents.update({name: text.encode(errors="surrogateescape") for name, text in texts.items()})
    with tempfile.TemporaryDirectory(prefix="pydock-") as folder:
        for name, content in contents.items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o755 if name in programs else 0o644)
        yield BuildContext(folder, _as_shell(folder, copies, texts))


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


def _as_shell(folder: str, copies: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """Return shell commands that recreate the folder, for `--echo` and `--dry`."""
    place = shlex.quote(folder)
    lines = [f"mkdir -p {place}"]
    unchanged = [path for name, path in copies.items() if os.path.basename(path) == name]
    if unchanged:
        lines.append(f"cp -p {shlex.join(unchanged)} {place}/")
    lines += [
        f"cp {shlex.quote(path)} {place}/{name}" for name, path in copies.items() if path not in unchanged
    ]
    lines += [f"cat > {place}/{name} <<'END'\n{text.rstrip()}\nEND" for name, text in texts.items()]
    return "\n".join(lines)
