"""An environment: a folder with a dockerfile, and the names of its image.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import stat

from pydock import errors, trust
from pydock._speed.named_tuple import NamedTuple
from pydock.environments.caller import Caller, current_caller
from pydock.environments.content import (
    DOCKERFILE,
    PACKAGE_LISTS,
    REQUIREMENTS,
    REQUIREMENTS_IN,
    content_digest,
    digest,
)
from pydock.environments.linked import linked_projects
from pydock.environments.machine import machine
from pydock.environments.names import check_name, is_name
from pydock.settings import project_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.environments.dockerfile import Dockerfile
    from pydock.environments.linked import LinkedProject
    from pydock.settings import Home, Settings

__all__ = [
    "DOCKERFILE",
    "PACKAGE_LISTS",
    "REQUIREMENTS",
    "REQUIREMENTS_IN",
    "Environment",
    "describe_environment",
    "environment_names",
    "environments_folder",
    "find_environment",
    "new_folder",
    "real_folder",
]


class Environment(NamedTuple):
    """A folder with a dockerfile, for one caller. Two callers of one folder have two images.

    `folder` is a real path. It was inside the project when it was found.
    """

    name: str
    folder: str
    identity: (
        str  # eight hex digits that distinguish machine, folder and caller from others, without naming them
    )
    first_identity: str  # what pydock 0.1 used: the same without the machine
    prefix: str
    caller: Caller
    build_arguments: dict[str, str]
    made_now: bool = False  # by this command, from pydock's own template or the user's
    copy_of: str = ""  # the folder that this one is a temporary copy of

    @property
    def image_name(self) -> str:
        """The image's name without a tag: `pydock-datascience`."""
        return f"{self.prefix}{self.name}"

    @property
    def alias(self) -> str:
        """The tag for users: the environment of this name that was built last on this engine has it."""
        return f"{self.image_name}:latest"

    @property
    def candidate(self) -> str:
        """The tag of an image that is built but not committed yet."""
        return f"{self.image_name}:{self.identity}-candidate"

    @property
    def superseded(self) -> str:
        """The tag that an image has for a moment while `build` takes its other tags away."""
        return f"{self.image_name}:{self.identity}-superseded"

    @property
    def tag_pattern(self) -> str:
        """The pattern for `docker images --filter reference=` that lists all images of this environment."""
        return f"{self.image_name}:{self.identity}-*"

    @property
    def tag_patterns(self) -> list[str]:
        """The same, with the images that pydock 0.1 built."""
        return [self.tag_pattern, f"{self.image_name}:{self.first_identity}-*"]

    def is_content_tag(self, tag: str) -> bool:
        """Return whether one of the environment's tags names a committed image."""
        return not tag.endswith(("-candidate", "-superseded"))

    def content_tag(
        self, requirements: bytes | None = None, projects: Sequence[LinkedProject] | None = None
    ) -> str:
        """Return the tag that names what the image was built from.

        The engine has no such tag exactly when the folder has changed since the last build, or was never built.
        `requirements` replaces the content of requirements.txt, and `projects` the linked projects, for a change that is
        not written yet.
        """
        linked = self.linked_projects() if projects is None else projects
        found = content_digest(self.folder, self.build_arguments, requirements, linked)
        return f"{self.image_name}:{self.identity}-{found[:16]}"

    @property
    def content_pattern(self) -> str:
        """The pattern that lists the images of any environment that were built from the same content."""
        return f"{self.prefix}*:*-{self.content_tag().rpartition('-')[2]}"

    def linked_projects(self) -> list[LinkedProject]:
        """Return the projects that requirements.in links, sorted."""
        try:
            text = errors.read_file(self.path(REQUIREMENTS_IN)).decode(errors="replace")
        except FileNotFoundError:
            return []
        return sorted(set(linked_projects(text, self.copy_of or self.folder)))

    def dockerfile(self) -> Dockerfile:
        """Return what the dockerfile says of its base image."""
        from pydock.environments.dockerfile import parse_dockerfile  # needs `re`, which a run does not

        text = errors.read_file(self.path(DOCKERFILE)).decode(errors="replace")
        return parse_dockerfile(text, self.build_arguments)

    def path(self, file: str) -> str:
        """Return the path of a file in the folder."""
        return os.path.join(self.folder, file)


def environments_folder(home: Home) -> str:
    """Return the folder that holds the environments of a home folder."""
    return os.path.join(home.folder, "envs")


def environment_names(home: Home) -> list[str]:
    """Return the names of all environments of a home folder, sorted; a folder without a dockerfile is not one.

    A folder that cannot be looked into may be one.
    """
    folder = environments_folder(home)
    try:
        entries = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise errors.PydockError(f"Cannot read {folder}: {error.strerror}. Check its permissions.") from error
    return sorted(
        name for name in entries if is_name(name) and _may_be_environment(os.path.join(folder, name))
    )


def _may_be_environment(folder: str) -> bool:
    try:
        os.lstat(os.path.join(folder, DOCKERFILE))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # not permitted, or a loop of symbolic links
        return True
    return True


def find_environment(settings: Settings, name: str) -> Environment:
    """Return the environment of that name.

    Raises `UsageError`, `EnvironmentNotFound`, and `UnsafePath` if its folder is outside of the project, if another
    user can change it, or if one of its files leads out of it.
    """
    written = os.path.join(environments_folder(settings.home), check_name(name))
    if _may_be_environment(written):
        trust.check_owner(written, settings.safe_folders)
        folder = real_folder(settings.home, name)
        for file in (DOCKERFILE, REQUIREMENTS, REQUIREMENTS_IN, *PACKAGE_LISTS):
            _check_file(folder, file)
        return describe_environment(settings, name, folder)
    if os.path.isdir(written):
        raise errors.EnvironmentNotFound(
            f"{written} has no file '{DOCKERFILE}', so it is not an environment. Add one, or remove the folder and "
            f"run `pydock create {name} VERSION`."
        )
    from pydock.environments.not_found import not_found  # only for the message

    raise not_found(settings, name, environment_names(settings.home))


def real_folder(home: Home, name: str) -> str:
    """Return the real path of an environment's folder.

    Raises `UnsafePath` if it is outside of the project: of the folder that contains `.pydock`, or else of the home
    folder. The user's global home may be a symbolic link to anywhere.
    """
    return _inside_project(home, os.path.join(environments_folder(home), name))


def new_folder(home: Home, name: str) -> str:
    """Return where an environment of that name is created; raises `UnsafePath` as `real_folder` does."""
    return os.path.join(_inside_project(home, environments_folder(home)), name)


def _inside_project(home: Home, path: str) -> str:
    real = os.path.realpath(path)
    root = os.path.realpath(home.folder if home.mode == "global" else project_folder(home.folder))
    if real != root and trust.is_inside(real, root):
        return real
    raise errors.UnsafePath(
        f"{path} is a symbolic link, or behind one, to {real}, which is outside of {root}. pydock does not follow it. "
        "Remove the link (`rm` removes only the link), or put the folder there. If the environments are to be "
        "elsewhere, set PYDOCK_HOME to the folder that contains `envs`."
    )


def _check_file(folder: str, name: str) -> None:
    """Raise `UnsafePath` if a file of an environment is not a regular file, or a symbolic link out of its folder."""
    path = os.path.join(folder, name)
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.PydockError(f"Cannot read {path}: {error.strerror}. Check its permissions.") from error
    if stat.S_ISREG(status.st_mode):
        return
    target = os.path.realpath(path)
    if not stat.S_ISLNK(status.st_mode):
        what = "Is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a regular file"
        raise errors.UnsafePath(f"Cannot read {path}: {what}. Replace it or remove it.")
    if not trust.is_inside(target, folder):
        raise errors.UnsafePath(
            f"{path} is a symbolic link to {target}, which is outside of the environment's folder, so a build would not "
            "find it. Replace the link by a copy of the file."
        )
    if not os.path.isfile(target):
        raise errors.UnsafePath(
            f"{path} is a symbolic link to {target}, which is not a regular file. Remove it."
        )


def describe_environment(settings: Settings, name: str, folder: str) -> Environment:
    """Return the environment that the settings describe; `folder` need not exist yet."""
    if not settings.is_default("prefix"):
        from pydock.environments.names import check_prefix

        check_prefix(settings.prefix)
    if not settings.is_default("repository"):
        from pydock.environments.names import check_repository

        check_repository(settings.repository)
    caller = current_caller(settings.user)
    arguments = {"USER": caller.name, "UID": str(caller.uid), "GID": str(caller.gid)}
    if not settings.is_default("repository"):
        arguments["REPOSITORY"] = settings.repository
    parts = [os.path.realpath(folder), str(caller.uid), str(caller.gid)]
    identity, first = digest([*parts, machine()])[:8], digest(parts)[:8]
    return Environment(name, folder, identity, first, settings.prefix, caller, arguments)
