"""Whether requirements.in was edited, so that `pydock update` has to install what it asks for.

Two things tell it. A name in requirements.in that is not in requirements.txt; that needs no memory, so a colleague's clone
has it too. And the state of both files after pydock's last change of packages, which is kept beside the record of the
environment's folder (see `registry`); that finds other bounds and removed lines as well.

Imported by every `pydock run`, so nothing slow is imported here, and lines are only looked at, not parsed.
"""

from __future__ import annotations

from pydock import errors
from pydock.environments import registry
from pydock.environments.content import REQUIREMENTS, REQUIREMENTS_IN
from pydock.environments.file_digests import bytes_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydock.environments.environment import Environment

CONSTRAINT = "# constraint: "  # the one comment that counts
AFTER_NAME = "[<>=!~("  # what may follow a name in a requirement that needs no second look


def is_edited(environment: Environment) -> bool:
    """Return whether requirements.in asks for something else than what was installed; False without both files."""
    wishes, pins = _read(environment.path(REQUIREMENTS_IN)), _read(environment.path(REQUIREMENTS))
    if wishes is None or pins is None:
        return False
    recorded = _read(registry.requested_path(environment)) or b""
    if recorded == _state(wishes, pins):
        return False
    if recorded.startswith(bytes_digest(pins).encode()):
        return True
    installed = {_name(line) for line in _lines(pins)}
    return any(_name(line) not in installed for line in _lines(wishes) if _is_plain(line))


def requested_message(name: str) -> str:
    """Return what to say to the user of an environment whose requirements.in was edited."""
    return f"{REQUIREMENTS_IN} of '{name}' was edited; run `pydock update {name}`."


def remember(environment: Environment, *, edited: bool = False) -> None:
    """Record that requirements.txt has what requirements.in asks for; with `edited`, that it may still have not.

    Without a place to write, only names are compared.
    """
    wishes, pins = _read(environment.path(REQUIREMENTS_IN)), _read(environment.path(REQUIREMENTS))
    if wishes is not None and pins is not None:
        state = f"{bytes_digest(pins)} edited".encode() if edited else _state(wishes, pins)
        registry.write(registry.requested_path(environment), state)


def _read(path: str) -> bytes | None:
    """Return the file's content, None if there is none that can be read; other code has the messages."""
    try:
        return errors.read_file(path)
    except (FileNotFoundError, errors.PydockError):
        return None


def _state(wishes: bytes, pins: bytes) -> bytes:
    """Return the digests of requirements.txt and of the lines of requirements.in, whatever their order."""
    text = "\n".join(sorted(_lines(wishes)))
    return f"{bytes_digest(pins)} {bytes_digest(text.encode(errors='replace'))}".encode()


def _lines(content: bytes) -> Iterator[str]:
    """Yield what counts of a requirements file: joined lines without comments, and recorded constraints."""
    text = content.decode(errors="replace").removeprefix("\ufeff")
    for line in text.replace("\\\n", " ").replace("\\\r\n", " ").splitlines():
        if line.startswith(CONSTRAINT):
            yield line.rstrip()
            continue
        words = line.split()
        comment = next((index for index, word in enumerate(words) if word.startswith("#")), len(words))
        if comment:
            yield " ".join(words[:comment])


def _name(line: str) -> str:
    """Return the canonical name that a line begins with, "" if it begins with something else."""
    parts = line[: _end_of_name(line)].lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(part for part in parts if part) if line[:1].isalnum() else ""


def _end_of_name(line: str) -> int:
    return next((i for i, sign in enumerate(line) if not (sign.isalnum() or sign in "._-")), len(line))


def _is_plain(line: str) -> bool:
    """Return whether the line asks for a package by name, under no condition (`; sys_platform == "win32"`)."""
    rest = line[_end_of_name(line) :].lstrip()
    return line[:1].isalnum() and ";" not in line and (not rest or rest[0] in AFTER_NAME)
