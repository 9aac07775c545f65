"""Who wrote an environment's dockerfile: this user on this machine, or somebody else.

A dockerfile can read and send whatever its build is given, so a build gets the user's credentials only if the user
made the environment here, or has allowed it with `pydock trust NAME`. What that means is remembered for each
environment: the files that a build runs or copies, and the folder's inode.

A later change of a file is the user's own, except if it was Git that wrote the file, as `git pull` does: Git remembers
the time of every file that it writes. Requirements are not compared. pydock writes them, and they name packages, whose
code runs in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

from pydock import errors, trust
from pydock._speed.sha256 import sha256
from pydock.environments.content import REQUIREMENTS, REQUIREMENTS_IN, WHEELS_README
from pydock.environments.files import WRITTEN_BY_COMMIT
from pydock.environments.git_index import GitIndexUnreadable, times_of_files
from pydock.environments.stored_wheels import WHEEL_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

KIND = "environment"
GIT = ".git"
# Folders of version control systems that do not tell which files they wrote.
OTHER_SYSTEMS = (".hg", ".svn", ".bzr", "_darcs", "CVS", ".fslckout", ".pijul", ".sl")
CHUNK = 1 << 20


def is_own(settings: Settings, environment: Environment) -> bool:
    """Return whether the user made or trusted this environment here, or changed it since by hand."""
    if environment.made_now:
        return not decided_by_project(settings)
    trust.check_state_folder(os.path.dirname(os.path.dirname(environment.folder)))
    try:
        known = json.loads(trust.remembered(KIND, _key(environment)) or "{}")
        now = describe(settings, environment)
    except (OSError, ValueError):
        return False
    if not isinstance(known, dict) or known.get("repository") != now["repository"]:
        return False
    if known.get("files") == now["files"]:
        return True
    return known.get("folder") == now["folder"] and _edited_by_hand(environment, known, now)


def _edited_by_hand(environment: Environment, known: dict[str, Any], now: dict[str, Any]) -> bool:
    """Return whether the user made every change since the environment was remembered; if so, remember it anew."""
    before = known.get("files") or {}
    changed = [name for name, digest in now["files"].items() if digest != before.get(name)]
    if any(_was_written_by_version_control(os.path.join(environment.folder, name)) for name in changed):
        return False
    with contextlib.suppress(OSError, errors.UnsafePath):  # the answer is the same
        remember(environment, now)
    return True


def describe(settings: Settings, environment: Environment) -> dict[str, Any]:
    """Return what is remembered of an environment, as it is now; raises `OSError` if it cannot be read."""
    return {
        "files": _digests(environment.folder),
        "folder": _inode(environment.folder),
        "repository": _repository(settings),
    }


def remember(environment: Environment, described: dict[str, Any]) -> None:
    """Remember that the user wrote or trusts the environment as it was described.

    Raises `OSError`, and `UnsafePath` if the project could have written what is remembered.
    """
    trust.check_state_folder(os.path.dirname(os.path.dirname(environment.folder)))
    trust.remember(KIND, _key(environment), json.dumps(described))


def record_path(environment: Environment) -> str:
    """Return the file whose change or removal may change the answer of `is_own` for unchanged files."""
    return trust.record_path(KIND, _key(environment))


def forget(environment: Environment) -> bool:
    """Forget it; return whether there was anything to forget."""
    return trust.forget(KIND, _key(environment))


def decided_by_project(settings: Settings) -> bool:
    """Return whether a project's file chooses what a new environment's dockerfile starts from or consists of."""
    file = settings.project_file
    return bool(file) and any(settings.sources[name] == file for name in ("repository", "templates"))


def _repository(settings: Settings) -> str:
    """Return the base image's repository if a project's file sets it, which changes what is built."""
    file = settings.project_file
    return settings.repository if file and settings.sources["repository"] == file else ""


def _key(environment: Environment) -> str:
    """Return the path that the environment has, or will have when it is complete."""
    return os.path.join(os.path.dirname(environment.folder), environment.name)


def _inode(folder: str) -> list[int]:
    found = os.stat(folder, follow_symlinks=False)
    return [found.st_dev, found.st_ino]


def _digests(folder: str) -> dict[str, str]:
    """Return a digest of every file that a build can read, requirements excepted; of a link, where it leads."""
    found: dict[str, str] = {}
    for parent, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = os.path.join(parent, name)
            relative = os.path.relpath(path, folder)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                found[relative] = f"link {os.readlink(path)}"
            elif stat.S_ISREG(mode) and not _is_written_by_pydock(relative):
                found[relative] = _digest_of_file(path)
    return found


def _is_written_by_pydock(name: str) -> bool:
    if name in {REQUIREMENTS, REQUIREMENTS_IN, WHEELS_README} or WHEEL_PATH.fullmatch(name):
        return True
    return bool(WRITTEN_BY_COMMIT.fullmatch(name))


def _digest_of_file(path: str) -> str:
    made = sha256()
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        while chunk := file.read(CHUNK):
            made.update(chunk)
    return made.hexdigest()


def _was_written_by_version_control(path: str) -> bool:
    """Return whether a version control system may have written the file as it is now."""
    folder = os.path.dirname(path)
    while True:
        if any(os.path.lexists(os.path.join(folder, name)) for name in OTHER_SYSTEMS):
            return True
        if os.path.lexists(os.path.join(folder, GIT)):
            return _was_written_by_git(path, folder)
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)


def _was_written_by_git(path: str, work_tree: str) -> bool:
    try:
        known: Mapping[str, Any] = times_of_files(os.path.join(work_tree, GIT))
        found = os.lstat(path)
    except (GitIndexUnreadable, OSError):
        return True
    wrote = known.get(os.path.relpath(path, work_tree))
    return wrote is not None and wrote == (int(found.st_mtime), found.st_size & 0xFFFFFFFF)
