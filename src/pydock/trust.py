"""Whom pydock trusts: who can change a path, and what the user has allowed with `pydock trust`.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import stat

from pydock import errors
from pydock._speed.sha256 import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYWHERE = "*"
MAX_LINKS = 40  # Linux follows as many: path_resolution(7)
MAX_RECORD = 1 << 24  # bytes


def check_owner(path: str, safe_folders: Sequence[str] = ()) -> None:
    """Raise `UnsafePath` if somebody else can decide what is at `path`, or at a symbolic link on the way from there.

    The rules are Git's (https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory) and those of
    ssh's StrictModes: it must belong to the caller or to root, or with sudo to the caller of sudo, and nobody else may
    write to it. A group counts as nobody else if it has no other member. What does not exist is nobody's. The folder
    that `path` is in may be one that everybody can write to, such as /tmp.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return
    if stat.S_ISLNK(status.st_mode):
        path, found = _follow(path, safe_folders)
        if found is None:
            return
        status = found
    _check(path, status, safe_folders)


def check_way(path: str, safe_folders: Sequence[str] = ()) -> None:
    """Do the same, and raise `UnsafePath` for a symbolic link anywhere above `path`, too."""
    end, status = _follow(path, safe_folders, "/")
    if status is not None:
        _check(end, status, safe_folders)


def _follow(path: str, safe_folders: Sequence[str], start: str = "") -> tuple[str, os.stat_result | None]:
    """Check every symbolic link from `start` (else the folder of `path`) on; return where they end, and its status."""
    here = start or os.path.dirname(path)
    names = [name for name in (path if start else os.path.basename(path)).split("/") if name][::-1]
    status: os.stat_result | None = None
    links = 0
    while names:
        name = names.pop()
        if name in {".", ".."}:
            here = os.path.dirname(here) if name == ".." else here
            continue
        place = os.path.join(here, name)
        try:
            status = os.lstat(place)
        except OSError:
            return place, None
        if not stat.S_ISLNK(status.st_mode):
            here = place
            continue
        _check(place, status, safe_folders)
        links += 1
        if links > MAX_LINKS:
            return place, None
        target = os.readlink(place)
        here = "/" if target.startswith("/") else here
        names += [name for name in target.split("/") if name][::-1]
    try:
        return here, os.stat(here)
    except OSError:
        return here, None


def _check(path: str, status: os.stat_result, safe_folders: Sequence[str]) -> None:
    user = os.geteuid()
    theirs = status.st_uid not in {user, 0} and not (
        user == 0 and str(status.st_uid) == os.environ.get("SUDO_UID")
    )
    mode = (
        0 if stat.S_ISLNK(status.st_mode) else status.st_mode
    )  # the mode of a link means nothing: symlink(7)
    shared = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_private_group(status.st_gid, user))
    if not (theirs or shared) or is_inside_any(path, safe_folders):
        return
    why = f"belongs to {_user_name(status.st_uid)}" if theirs else "can be changed by other users"
    change = f"chown -R {_user_name(user)}" if theirs else "chmod -R go-w"
    raise errors.UnsafePath(
        f"{path} {why}, who could run programs as you through it. pydock does not use it. If it is yours, run "
        f"`{change} {path}`. If you trust them, set PYDOCK_SAFE_FOLDERS={path}, or `safe_folders` in ~/.pydock.yaml. "
        "`pydock --global` uses your own environments."
    )


def is_inside(path: str, folder: str) -> bool:
    """Return whether the path is the folder or in it, by their names; both must be absolute and normal."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def is_inside_any(path: str, folders: Sequence[str]) -> bool:
    """Return whether the path, itself a symbolic link or not, is in one of these folders; `*` is every folder."""
    place = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return any(
        written == EVERYWHERE or (os.path.isabs(folder) and is_inside(place, os.path.realpath(folder)))
        for written in folders
        for folder in (os.path.expanduser(written),)
    )


def _is_private_group(gid: int, user: int) -> bool:
    """Return whether only this user is in the group, as far as the group itself tells.

    Such are the group of the user's own name (useradd(8), USERGROUPS_ENAB) and root's.
    """
    import grp  # only for what a group can write to
    import pwd

    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:  # a uid without a passwd entry, as in some containers
        return gid == user
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid == user
    return (group.gr_name == name or gid == 0) and set(group.gr_mem) <= {name, "root"}


def _user_name(uid: int) -> str:
    import pwd  # only for messages

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def state_folder(environ: Mapping[str, str] | None = None) -> str:
    """Return the folder where pydock remembers what this user trusts; a relative XDG_STATE_HOME is ignored.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "pydock", "trusted")


def remembered(kind: str, path: str) -> str:
    """Return what was remembered of the path, "" if nothing, or if somebody else could have written it.

    `path` is a real path.
    """
    record = record_path(kind, path)
    try:
        check_owner(os.path.dirname(record))
        check_owner(record)
        head, _, text = (
            errors.read_file(record, limit=MAX_RECORD).decode(errors="surrogateescape").partition("\n")
        )
    except (OSError, errors.PydockError):
        return ""
    return text if head == _head(kind, path) else ""


def remember(kind: str, path: str, text: str) -> None:
    """Remember a text for a real path. Raises `OSError` if the user's state folder cannot be written."""
    record = record_path(kind, path)
    folder = os.path.dirname(record)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    check_owner(folder)
    new = f"{record}.{os.urandom(6).hex()}"
    content = f"{_head(kind, path)}\n{text}".encode(errors="surrogateescape")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(new, record)
    except BaseException:
        os.unlink(new)
        raise


def forget(kind: str, path: str) -> bool:
    """Forget what was remembered of a real path; return whether there was anything."""
    try:
        os.unlink(record_path(kind, path))
    except OSError:
        return False
    return True


def check_state_folder(project: str) -> None:
    """Raise `UnsafePath` if the state folder is inside `project`, which could then bring its own permission."""
    state, project = os.path.realpath(state_folder()), os.path.realpath(project)
    user_home = os.path.realpath(os.environ.get("HOME") or os.path.expanduser("~"))
    if is_inside(state, project) and not is_inside(user_home, project):
        raise errors.UnsafePath(
            f"{state} is inside the project {project}, so the project could allow itself anything. Set XDG_STATE_HOME "
            "to a folder outside."
        )


def hex_digest(content: bytes) -> str:
    """Return the SHA-256 of the content, in hex."""
    made = sha256()
    made.update(content)
    return made.hexdigest()


def record_path(kind: str, path: str) -> str:
    """Return the file that remembers what this user trusts of a real path."""
    name = hex_digest(_head(kind, path).encode(errors="surrogateescape"))
    return os.path.join(state_folder(), name)


def _head(kind: str, path: str) -> str:
    """Return a record's first line, for people who look into the folder."""
    return f"{kind} {path if path.isprintable() else ascii(path)}"
