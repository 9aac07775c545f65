"""Git's index: which files Git wrote, and when.

Git records the time and size of every file that it has written or staged, so a file of another time was changed since.
The index is read without running Git, because a project's Git configuration can name programs to run.
https://git-scm.com/docs/index-format
"""

from __future__ import annotations

import os
import struct

from pydock import errors

MAX_SIZE = 1 << 28  # bytes
HEADER = struct.Struct(">4sII")  # signature, version, number of entries
ENTRY = struct.Struct(">10I20sH")  # ctime, mtime (s, ns each), dev, ino, mode, uid, gid, size, object, flags
CHECKSUM = 20
EXTENDED = 0x4000
VERSIONS = (2, 3, 4)


class GitIndexUnreadable(Exception):
    """The index is of a kind that is not understood here."""


def times_of_files(git: str) -> dict[str, tuple[int, int]]:
    """Return (mtime in seconds, size modulo 2**32) of every file in the index of `git`, a `.git` folder or file.

    Not every implementation of Git records fractions of a second. Raises `GitIndexUnreadable`.
    """
    try:
        if os.path.isfile(git):  # of a worktree or a submodule: gitrepository-layout(5)
            text = errors.read_file(git, limit=1 << 16).decode(errors="surrogateescape")
            if not text.startswith("gitdir: "):
                raise GitIndexUnreadable(git)
            git = os.path.join(os.path.dirname(git), text[len("gitdir: ") :].rstrip("\n"))
        if any(
            name.startswith("sharedindex.") for name in os.listdir(git)
        ):  # git-update-index(1), SPLIT INDEX
            raise GitIndexUnreadable(git)
        content = errors.read_file(os.path.join(git, "index"), limit=MAX_SIZE)
    except FileNotFoundError:
        if os.path.isdir(git):  # a new repository
            return {}
        raise GitIndexUnreadable(git) from None
    except (OSError, errors.PydockError) as error:
        raise GitIndexUnreadable(git) from error
    try:
        return _parse(content)
    except (struct.error, IndexError, ValueError) as error:
        raise GitIndexUnreadable(git) from error


def _parse(content: bytes) -> dict[str, tuple[int, int]]:
    signature, version, count = HEADER.unpack_from(content)
    if signature != b"DIRC" or version not in VERSIONS:
        raise ValueError(version)
    found: dict[str, tuple[int, int]] = {}
    place, name = HEADER.size, b""
    for _ in range(count):
        start = place
        entry = ENTRY.unpack_from(content, place)
        place += ENTRY.size + (2 if entry[-1] & EXTENDED else 0)
        if version == VERSIONS[-1]:
            strip, place = _number(content, place)
            kept = name[: len(name) - strip]
        else:
            kept = b""
        end = content.index(b"\0", place)
        name = kept + content[place:end]
        place = end + 1 if version == VERSIONS[-1] else start + ((end - start) // 8 + 1) * 8
        if not name or name.startswith(b"/"):
            raise ValueError(name)
        found[os.fsdecode(name)] = (entry[2], entry[9])
    _check_rest(content, place)
    return found


def _check_rest(content: bytes, place: int) -> None:
    """Raise `ValueError` if what follows the entries is not extensions and a checksum: SHA-256 has longer entries."""
    while place < len(content) - CHECKSUM:
        name, size = struct.unpack_from(">4sI", content, place)
        if not name.isalpha() or name == b"link":
            raise ValueError(name)
        place += 8 + size
    if place != len(content) - CHECKSUM:
        raise ValueError(place)


def _number(content: bytes, place: int) -> tuple[int, int]:
    """Return the number of a pack's OFS_DELTA encoding, and the place after it."""
    byte = content[place]
    value = byte & 0x7F
    while byte & 0x80:
        place += 1
        byte = content[place]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, place + 1
