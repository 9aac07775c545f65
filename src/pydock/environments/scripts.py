"""Environments of scripts: where they are, which block of metadata has which, and when each was used last.

A script names what it needs in a comment (PEP 723,
https://packaging.python.org/en/latest/specifications/inline-script-metadata/). Scripts that need the same share one
environment, in the user's cache folder:

    ~/.cache/pydock/scripts/
        envs/script-DIGEST/   a folder like that of any other environment
        blocks/DIGEST         the name of the environment for a block of metadata, so that a run need not read TOML
        used/script-DIGEST    its time of change is that of the last run

Imported by `pydock run script.py`, so nothing slow is imported here.
"""

from __future__ import annotations

import contextlib
import os

from pydock import errors, trust
from pydock.environments.content import DOCKERFILE, digest
from pydock.environments.environment import Environment, environments_folder, find_environment
from pydock.environments.names import is_name
from pydock.settings import Home, find_user_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydock.settings import Settings

SUFFIX = ".py"
PREFIX = "script-"
START, END = "# /// script", "# ///"
UNUSED_AFTER = 14 * 24 * 60 * 60  # seconds, as pipx keeps its temporary environments
MAX_SCRIPT = 1 << 24  # bytes
MAX_RECORD = 256


def names_script(settings: Settings, word: str) -> bool:
    """Return whether `word`, where an environment's name is expected, is a script: a file `….py`.

    An environment of that name wins.
    """
    return word.endswith(SUFFIX) and os.path.isfile(word) and not has_environment(settings, word)


def has_environment(settings: Settings, name: str) -> bool:
    """Return whether there is an environment of that name."""
    return is_name(name) and os.path.lexists(
        os.path.join(environments_folder(settings.home), name, DOCKERFILE)
    )


def read_block(path: str) -> str:
    """Return the block of metadata of a script, as TOML; "" if it has none.

    Raises `FileNotFoundError`, and `BadProject` if there are two, one does not end, or the file cannot be read.
    """
    content = errors.read_file(path, errors.BadProject, limit=MAX_SCRIPT)
    if START.encode() not in content:
        return ""
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    blocks = [
        block for kind, block in _blocks(text.replace("\r\n", "\n").split("\n"), path) if kind == "script"
    ]
    if len(blocks) > 1:
        raise errors.BadProject(
            f"{path} has {len(blocks)} blocks `{START}`, and there can be one. Remove the others."
        )
    return blocks[0] if blocks else ""


def _blocks(lines: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    """Yield the type and the text of each block; the last possible line `# ///` ends it, as the specification says."""
    number = 0
    while number < len(lines):
        kind = lines[number].removeprefix("# /// ")
        if kind == lines[number] or not (kind.isascii() and kind.replace("-", "0").isalnum()):
            number += 1
            continue
        first = end = number + 1
        while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
            end += 1
        ends = [place for place in range(first, end) if lines[place] == END]
        if kind == "script" and not ends:
            raise errors.BadProject(
                f"{path}, line {number + 1}: the block `{START}` has no end. Add a line `{END}` after it."
            )
        if ends and ends[-1] > first:
            yield kind, "".join(f"{line[2:]}\n" for line in lines[first : ends[-1]])
            number = ends[-1]
        number += 1


def known_environment(settings: Settings, block: str) -> Environment | None:
    """Return the environment that was made for this block of metadata, None if there is none yet.

    Raises `UnsafePath` if another user can change what is in the cache folder.
    """
    home = script_home(os.environ)
    record = _record(home, settings, block)
    for path in (home.folder, os.path.dirname(record), record):
        trust.check_owner(path, settings.safe_folders)
    try:
        name = errors.read_file(record, limit=MAX_RECORD).decode("ascii")
        return find_environment(settings._replace(home=home), name)
    except (FileNotFoundError, UnicodeDecodeError, errors.EnvironmentNotFound, errors.UsageError):
        return None


def remember(settings: Settings, block: str, name: str) -> None:
    """Remember which environment a block of metadata has. Without a place to write, each run looks it up again."""
    record = _record(script_home(os.environ), settings, block)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(record), mode=0o700, exist_ok=True)
        new = f"{record}.{os.urandom(6).hex()}"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(name.encode())
        os.replace(new, record)


def environment_name(parts: Sequence[str]) -> str:
    """Return the name of the environment for what a script needs, and what its image is made of."""
    return f"{PREFIX}{digest(parts)[:16]}"


def mark_used(name: str) -> None:
    """Record that the environment is used now."""
    path = os.path.join(script_home(os.environ).folder, "used", name)
    with contextlib.suppress(OSError):
        try:
            os.utime(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def unused_environments(home: Home, now: float) -> list[str]:
    """Return the names of the environments that no script has used for 14 days."""
    folder = environments_folder(home)
    names = [name for name in _listed(folder) if name.startswith(PREFIX)]
    return sorted(name for name in names if now - _last_used(home, name) > UNUSED_AFTER)


def forget(home: Home, name: str) -> None:
    """Remove what is remembered of an environment that is gone."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(home.folder, "used", name))
    blocks = os.path.join(home.folder, "blocks")
    for record in _listed(blocks):
        with contextlib.suppress(OSError, errors.PydockError):
            path = os.path.join(blocks, record)
            if errors.read_file(path, limit=MAX_RECORD) == name.encode():
                os.unlink(path)


def script_home(environ: Mapping[str, str]) -> Home:
    """Return the folder of the scripts' environments; raises `UsageError` if the user has no cache folder."""
    cache = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        user_home = find_user_home(environ)
        if not os.path.isabs(user_home):
            raise errors.UsageError(
                "HOME is not set, so there is no place for the environments of scripts. Set HOME or XDG_CACHE_HOME."
            )
        cache = os.path.join(user_home, ".cache")
    return Home(os.path.join(cache, "pydock", "scripts"), "global", "environments of scripts")


def _record(home: Home, settings: Settings, block: str) -> str:
    """Return the file with the name of the environment for this block, this user, and these settings."""
    parts = [
        block,
        settings.repository,
        settings.installer,
        settings.templates,
        settings.user,
        str(os.getuid()),
        str(os.getgid()),
    ]
    return os.path.join(home.folder, "blocks", digest(parts)[:32])


def _last_used(home: Home, name: str) -> float:
    for path in (os.path.join(home.folder, "used", name), os.path.join(environments_folder(home), name)):
        with contextlib.suppress(OSError):
            return os.stat(path).st_mtime
    return 0.0


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
