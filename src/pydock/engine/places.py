"""Where a run finds this machine's folders, and where its command starts: pure functions.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock._speed.named_tuple import NamedTuple
from pydock.environments.linked import hides_nothing
from pydock.trust import is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environments.workspace import Workspace


class Places(NamedTuple):
    """The mounts of a run (place in the container -> folder here), and the place where the command starts."""

    mounts: Mapping[str, str]
    start: str


def places_of(
    workspace: Workspace, user: str, projects: Sequence[str] = (), *, start_at_own_path: bool = False
) -> Places:
    """Return the places of a project, and of the linked `projects`, in the container of `user`.

    The project is in the user's home, where the command starts: a folder that is there on this machine too keeps its
    path, any other gets its own name. It is at its own path as well, unless that would hide a folder of the image. A
    program that runs in a linked project, or above one, starts at its own path, because it must find it in one place
    only: pytest refuses a module that it finds in two.
    """
    home = f"/home/{user}"
    folder, root, git_folder = workspace.folder, workspace.root, workspace.git_folder
    mounts = {project: project for project in projects}
    base = workspace.base or root
    target = os.path.join(home, os.path.basename(base) or "root")
    if is_inside(root, home) and may_keep_path(root, home):
        target = base
    elif base == root and is_inside(workspace.logical, home) and may_keep_path(workspace.logical, home):
        target = workspace.logical
    is_free = target not in mounts
    if is_free:
        mounts[_moved(root, base, target)] = root
        if workspace.base:
            mounts[_moved(git_folder, base, target)] = git_folder
    for path, source in ((root, root), (workspace.logical, root), (git_folder, git_folder)):
        if path and may_keep_path(path, home):
            mounts.setdefault(path, source)
    mounts = _outermost(mounts)
    own = start_at_own_path or not is_free
    own = own or any(is_inside(folder, project) or is_inside(project, root) for project in projects)
    if own and any(is_inside(folder, place) and place == source for place, source in mounts.items()):
        return Places(mounts, folder)
    return Places(mounts, _moved(folder, base, target))


def may_keep_path(folder: str, home: str) -> bool:
    """Return whether a mount at the folder's own path hides nothing of an image whose user has this home.

    The engine makes the folders above a mount, for root. So nothing is mounted below hidden folders of the home, such as
    ~/.config and ~/.cache, which programs create themselves.
    """
    return (
        hides_nothing(folder)
        and not is_inside(home, folder)
        and not folder.startswith(os.path.join(home, "."))
    )


def _moved(path: str, base: str, target: str) -> str:
    """Return the place of a path in `base` when `base` is mounted at `target`."""
    return target + path[len(base) :] if base != "/" else os.path.join(target, path.lstrip("/")).rstrip("/")


def _outermost(mounts: Mapping[str, str]) -> dict[str, str]:
    """Return the mounts without those that are at their place in another one anyway."""
    return {
        place: source
        for place, source in mounts.items()
        if not any(
            place != other and is_inside(place, other) and source == mounts[other] + place[len(other) :]
            for other in mounts
        )
    }
