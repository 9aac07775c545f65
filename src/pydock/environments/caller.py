"""The caller: the user name and the ids that an image is built for."""

from __future__ import annotations

import os

from pydock._speed.named_tuple import NamedTuple

MAX_USER_NAME = 32  # useradd(8), "CAVEATS"
FIRST_LETTERS = "abcdefghijklmnopqrstuvwxyz_"


class Caller(NamedTuple):
    """A user of this machine; `uid` and `gid` are the numbers that own the user's files."""

    name: str
    uid: int
    gid: int


def current_caller(user: str = "") -> Caller:
    """Return this process's user; `user`, if given, replaces the name inside the image."""
    uid, gid = os.getuid(), os.getgid()
    return Caller(unix_name(user or _login_name(uid)), uid, gid)


def unix_name(text: str) -> str:
    """Return the most similar valid user name: `John.Doe@corp` gives `john_doe_corp`.

    The rule is useradd(8)'s: a lower-case letter or `_`, then letters, digits, `_` and `-`, at most 32 characters.
    """
    allowed = FIRST_LETTERS + "0123456789-"
    name = "".join(character if character in allowed else "_" for character in text.lower()).strip("-")
    if name[:1] not in tuple(FIRST_LETTERS):
        name = f"u{name}"
    return name[:MAX_USER_NAME]


def _login_name(uid: int) -> str:
    import pwd  # not available on every platform

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a uid without a passwd entry, as in some containers
        return f"user{uid}"
