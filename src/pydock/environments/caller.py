"""Who calls: the name and the ids that an image is built for."""

from __future__ import annotations

import os

from pydock._speed.named_tuple import NamedTuple

MAX_UNIX_NAME = 32  # useradd(8), "CAVEATS"
LETTERS = "abcdefghijklmnopqrstuvwxyz_"


class Caller(NamedTuple):
    """A user of this machine. `uid` and `gid` are the numbers that files on this machine carry."""

    name: str
    uid: int
    gid: int


def current_caller(user: str = "") -> Caller:
    """Return the process's user; `user`, if given, is the name wished for inside the image."""
    uid, gid = os.getuid(), os.getgid()
    return Caller(unix_name(user or _login_name(uid)), uid, gid)


def unix_name(text: str) -> str:
    """Return the nearest name that passwd(5) can hold: `John.Doe@corp` gives `john_doe_corp`.

    The rule is useradd(8)'s: a letter or `_`, then letters, digits, `_` and `-`, 32 at most.
    """
    allowed = LETTERS + "0123456789-"
    name = "".join(sign if sign in allowed else "_" for sign in text.lower()).strip("-")
    if name[:1] not in tuple(LETTERS):
        name = f"u{name}"
    return name[:MAX_UNIX_NAME]


def _login_name(uid: int) -> str:
    import pwd  # not every platform has it

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a uid without a passwd line, as in some containers
        return f"user{uid}"
