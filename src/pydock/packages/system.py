"""A change of an environment's system packages: the list, and the dockerfile that installs it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.build_context import file_as_shell
from pydock.environments import files, origin, package_lists
from pydock.environments.environment import DOCKERFILE
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

TEMPLATE = "system.dockerfile.j2"


class SystemChange(NamedTuple):
    """The new texts of a list of system packages, apt.txt or apk.txt, and of the dockerfile; `before` are all files' texts."""

    name: str
    text: str
    dockerfile: str
    before: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        return (self.text, self.dockerfile) == (self.before[self.name], self.before[DOCKERFILE])

    def added(self) -> list[str]:
        """Return the words of the list that were not installed before."""
        installed = self.name == package_lists.installed_list(self.before[DOCKERFILE])
        before = (
            {word for _, word in package_lists.read_words(self.before[self.name])} if installed else set()
        )
        return [word for _, word in package_lists.read_words(self.text) if word not in before]

    def as_shell(self, environment: Environment) -> str:
        """Return the shell commands that change the files, for `--dry`."""
        texts = {self.name: self.text, DOCKERFILE: self.dockerfile}
        return "\n".join(
            file_as_shell(environment.path(name), text)
            for name, text in texts.items()
            if text != self.before[name]
        )

    def write_copy(self, folder: str) -> None:
        """Change the files in a copy of the folder, with the modes that they will have."""
        for name, text in ((self.name, self.text), (DOCKERFILE, self.dockerfile)):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode & 0o777 if os.path.lexists(path) else None
            files.replace_file(folder, name, text)
            if mode is not None:
                os.chmod(path, mode)

    def commit(self, settings: Settings, environment: Environment) -> None:
        """Change the environment's files. If it is the user's own, it stays that."""
        is_own = not environment.made_now and origin.is_own(settings, environment)
        dockerfile = self.dockerfile if self.dockerfile != self.before[DOCKERFILE] else None
        files.commit_package_list(environment.folder, self.name, self.text, dockerfile)
        if is_own:
            with contextlib.suppress(OSError, errors.UnsafePath):  # then `pydock trust` says why
                origin.remember(environment, origin.describe(settings, environment))


def plan_system_change(
    words: Sequence[str],
    before: Mapping[str, str],
    environment: Environment,
    images: Images,
    settings: Settings,
    dockerfile: str,
) -> SystemChange:
    """Return the change of a folder that adds these system packages to the dockerfile, which may have changed already.

    Raises `PydockError` if the dockerfile is not as pydock writes it, if a file cannot be written, and for an image without
    apt and apk; `UsageError` for invalid words.
    """
    name = package_lists.installed_list(dockerfile)
    if not name:
        name = images.package_list(environment)
        step = render(TEMPLATE, settings.templates, file=name)
        dockerfile = package_lists.with_step(dockerfile, step, environment.path(DOCKERFILE))
    package_lists.check_words(words, name)
    package_lists.check_text(before[name], environment.path(name), name)
    files.check_can_write(environment.folder, (name, DOCKERFILE))
    return SystemChange(name, package_lists.merged(before[name], words, name), dockerfile, before)
