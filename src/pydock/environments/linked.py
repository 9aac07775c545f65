"""The projects that an environment links: the lines `-e PATH` of its requirements.in.

A linked project is not in the image. Its folder is mounted where it is on this machine, and the image has a link to that
place. So the image depends on the place, and every run has the mount.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors, trust
from pydock._speed.named_tuple import NamedTuple
from pydock.settings import find_user_home, project_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydock.settings import Home

OPTIONS = ("-e", "--editable")
# A mount there would hide what the image needs.
SYSTEM_FOLDERS = (
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "proc",
    "run",
    "sbin",
    "sys",
    "usr",
)


class LinkedProject(NamedTuple):
    """A project's folder (a real path), and the extras that were requested with it (`dev,test`)."""

    folder: str
    extras: str = ""

    @property
    def text(self) -> str:
        """The folder with its extras: `/home/me/project[dev,test]`."""
        return f"{self.folder}[{self.extras}]" if self.extras else self.folder


def linked_projects(text: str, folder: str) -> list[LinkedProject]:
    """Return the projects that the text of a requirements.in links; its paths are relative to `folder`."""
    return [parse_project(value, folder) for value in _editable_values(text)]


def is_project_path(value: str) -> bool:
    """Return whether the value of an option `-e` is a path, and not the address of a repository."""
    return "://" not in value and not value.startswith(("git+", "hg+", "svn+", "bzr+"))


def parse_project(value: str, folder: str) -> LinkedProject:
    """Return the project that `../..[dev]`, relative to `folder`, names."""
    path, extras = split_extras(value)
    return LinkedProject(os.path.realpath(os.path.join(folder, path)), extras)


def split_extras(value: str) -> tuple[str, str]:
    """Return path and extras of `../..[dev, test]`: `../..` and `dev,test`."""
    path, bracket, extras = value.rpartition("[")
    if not (bracket and extras.endswith("]")):
        return value, ""
    return path or ".", ",".join(sorted(filter(None, extras[:-1].replace(" ", "").split(","))))


def _editable_values(text: str) -> Iterator[str]:
    if "-e" not in text:  # also finds --editable
        return
    for line in text.splitlines():
        option, _, value = line.strip().replace("=", " ", 1).partition(" ") if "-e" in line else ("", "", "")
        if option not in OPTIONS:
            continue
        value = value.partition(" #")[0].strip()
        if value[:1] in {"'", '"'} or "\\" in value:
            import shlex

            try:
                value = shlex.split(value)[0]
            except (ValueError, IndexError):
                continue
        if value and is_project_path(value):
            yield value


def hides_nothing(folder: str) -> bool:
    """Return whether a folder can be mounted in its own place: it is no system folder, and not the user's home."""
    first, _, second = folder.lstrip("/").partition("/")
    return (
        bool(second)
        and first not in SYSTEM_FOLDERS
        and folder != os.path.realpath(find_user_home(os.environ))
    )


def check_projects(projects: Sequence[LinkedProject], home: Home) -> None:
    """Check that the folders may be mounted.

    Raises `UnsafePath` for a folder outside of the project that contains `.pydock`, because a cloned repository could
    name any folder of this machine; for a system folder; and for the home folder. Raises `PydockError` if it is not
    a folder.
    """
    for project in projects:
        folder = project.folder
        if not hides_nothing(folder):
            raise errors.UnsafePath(
                f"The project {folder} cannot be linked, because its folder would hide one that the image has there. "
                "Move the project, for example to a folder in your home folder."
            )
        check_inside([project], home)
        if not os.path.isdir(folder):
            raise errors.PydockError(
                f"The linked project {folder} was not found. Put it back, or remove its line `-e …` from the "
                "environment's requirements.in and run `pydock build`."
            )


def check_inside(projects: Sequence[LinkedProject], home: Home) -> None:
    """Raise `UnsafePath` for a path outside of the project that contains `.pydock`."""
    root = "" if home.mode == "global" else os.path.realpath(project_folder(home.folder))
    for project in projects:
        if root and not trust.is_inside(project.folder, root):
            raise errors.UnsafePath(
                f"The project {project.folder} is outside of {root}, the project of this environment, so it is not linked. "
                "Environments of `--global` can link any project of yours."
            )
