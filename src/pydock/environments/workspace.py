"""The project that a run mounts: the folder with `.pydock`, else the Git work tree, else the working directory.

Git is not run: its folder and its files are read. Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import stat

from pydock import errors, trust
from pydock._speed.named_tuple import NamedTuple
from pydock.environments.linked import hides_nothing
from pydock.settings import find_user_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.settings import Settings

MAX_POINTER = 4096  # bytes of a `.git` file and of the files that point back to it: one path
MAX_CONFIG = 1 << 16
GITDIR = "gitdir: "  # https://git-scm.com/docs/gitrepository-layout
HOMES = "/home"  # its folders are other users' homes, whatever HOME says


class Workspace(NamedTuple):
    """What a run mounts. All paths are real ones, except `logical`."""

    folder: str  # the working directory
    root: str  # the project, which contains it
    git_folder: str = ""  # of a worktree or submodule, if it is outside of the project
    base: str = ""  # if `.git` has a relative path to it: the folder that contains project and Git folder
    logical: str = ""  # the project as the user's shell names it, if that is behind a symbolic link


def find_workspace(
    settings: Settings, folder: str, environ: Mapping[str, str] | None = None, *, written: str = ""
) -> Workspace:
    """Return the project of a working directory.

    The search ends below the user's home, a system folder, and a `.pydock` or `.git` of another user: what is above is
    not mounted. `written` is the working directory as the user's shell names it (`PWD`).
    """
    environ = os.environ if environ is None else environ
    real = os.path.realpath(folder)
    found = Workspace(real, real)
    if settings.mount == "project":
        found = _find_project(real, settings.safe_folders, environ)
    for name in (folder, written):
        if name not in {"", real} and (logical := _logical_root(name, found)):
            return found._replace(logical=logical)
    return found


def _find_project(folder: str, safe_folders: Sequence[str], environ: Mapping[str, str]) -> Workspace:
    home = os.path.realpath(find_user_home(environ) or "/")
    here = folder
    while (
        hides_nothing(here)
        and here != home
        and not trust.is_inside(home, here)
        and os.path.dirname(here) != HOMES
    ):
        try:
            if os.path.isdir(mark := os.path.join(here, ".pydock")) or _is_git(
                mark := os.path.join(here, ".git")
            ):
                trust.check_owner(mark, safe_folders)
                return Workspace(folder, here)._replace(**_git_folder(here, safe_folders))
        except (errors.PydockError, OSError):
            break
        here = os.path.dirname(here)
    return Workspace(folder, folder)


def _is_git(mark: str) -> bool:
    try:
        mode = os.lstat(mark).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or os.path.exists(os.path.join(mark, "HEAD"))


def _git_folder(root: str, safe_folders: Sequence[str]) -> dict[str, str]:
    """Return `git_folder` and `base` for a worktree or submodule whose Git folder may be mounted; else nothing.

    A repository from elsewhere can have any text in `.git`, such as the path of ~/.ssh. So the Git folder must look
    like one, be below a folder named as Git's are, and name this work tree itself: nobody else could write that there.
    """
    mark = os.path.join(root, ".git")
    try:
        if not stat.S_ISREG(os.lstat(mark).st_mode):
            return {}
        text = _read(mark)
        written = text.removeprefix(GITDIR)
        folder = os.path.realpath(os.path.join(root, written))
        if text == written or trust.is_inside(folder, root):
            return {}
        shared = _shared_folder(folder, mark) or _submodule_folder(folder, root)
        if not shared or trust.is_inside(root, shared) or not hides_nothing(shared):
            return {}
        trust.check_owner(shared, safe_folders)
    except (errors.PydockError, OSError, ValueError):
        return {}
    base = "" if os.path.isabs(written) else os.path.commonpath([root, shared])
    return {"git_folder": shared, "base": base if base != "/" else ""}


def _shared_folder(folder: str, mark: str) -> str:
    """Return the repository's Git folder if `folder` is that of a worktree whose `.git` file is `mark`, else ""."""
    try:
        shared = os.path.realpath(os.path.join(folder, _read(os.path.join(folder, "commondir"))))
    except FileNotFoundError:
        return ""
    back = os.path.realpath(os.path.join(folder, _read(os.path.join(folder, "gitdir"))))
    worktrees = os.path.join(shared, "worktrees")
    return shared if back == mark and os.path.dirname(folder) == worktrees and _is_git_folder(shared) else ""


def _submodule_folder(folder: str, root: str) -> str:
    """Return `folder` if it is the Git folder of the submodule `root`, else ""."""
    if not _is_git_folder(folder):
        return ""
    config = errors.read_file(os.path.join(folder, "config"), limit=MAX_CONFIG).decode(
        errors="surrogateescape"
    )
    section = ""
    for line in map(str.strip, config.splitlines()):
        name, _, value = (word.strip() for word in line.partition("="))
        if line.startswith("["):
            section = line
        elif section == "[core]" and name == "worktree":
            return folder if os.path.realpath(os.path.join(folder, value.strip('"'))) == root else ""
    return ""


def _is_git_folder(folder: str) -> bool:
    names = folder.split("/")
    return (
        (".git" in names or names[-1].endswith((".git", ".bare")))
        and os.path.isfile(os.path.join(folder, "HEAD"))
        and os.path.isdir(os.path.join(folder, "objects"))
    )


def _read(path: str) -> str:
    return errors.read_file(path, limit=MAX_POINTER).decode(errors="surrogateescape").rstrip("\r\n")


def _logical_root(written: str, workspace: Workspace) -> str:
    """Return the project's folder as `written` names it, "" if that is not another name of the working directory."""
    below = workspace.folder[len(workspace.root) :]
    root = written.removesuffix(below) if below else written
    if not os.path.isabs(root) or os.path.normpath(root) != root or not written.endswith(below):
        return ""
    try:
        same = os.path.samestat(os.stat(root), os.stat(workspace.root))
    except OSError:
        return ""
    return root if same and root != workspace.root else ""
