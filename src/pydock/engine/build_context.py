"""Build contexts of pydock's own: temporary folders with the programs of `inside/` and what they read.

One is the named context `pydock`, which replaces the empty stage of that name in an environment's dockerfile
(https://docs.docker.com/build/concepts/context/#named-contexts). Others are for steps that pydock runs on an image. No
credential is ever in one, because the engine keeps contexts in its build cache.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock.engine.temporary import temporary_folder, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inside")
INSTALLER = ("installer.sh", "compile_bytecode.py", "forget_values.py")  # what the other programs need


class BuildContext(NamedTuple):
    """A folder, and the shell commands that recreate it."""

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
    with temporary_folder() as folder:
        for name, content in contents.items():
            write(os.path.join(folder, name), content, 0o755 if name in programs else 0o644)
        yield BuildContext(folder, _as_shell(folder, copies, texts))


@contextlib.contextmanager
def pip_context(installer: str) -> Iterator[BuildContext]:
    """Yield the named context `pydock`: a `pip` that installs with the installer of the settings."""
    with build_context(("pip", *INSTALLER), {"installer": f"{installer}\n"}) as made:
        yield made


def _as_shell(folder: str, copies: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """Return shell commands that recreate the folder, for `--echo` and `--dry`."""
    place = shlex.quote(folder)
    lines = [f"mkdir -p {place}"]
    if copies:
        lines.append(f"cp -p {shlex.join(copies.values())} {place}/")
    lines += [f"cat > {place}/{name} <<'END'\n{text.rstrip()}\nEND" for name, text in texts.items()]
    return "\n".join(lines)
