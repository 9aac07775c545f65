"""The change of a dockerfile that lets the step for packages read the wheels of local projects."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.build_context import file_as_shell
from pydock.environments import files, origin, stored_wheels
from pydock.environments.content import WHEELS, WHEELS_README
from pydock.environments.environment import DOCKERFILE

if TYPE_CHECKING:
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

MOUNT = f"--mount=type=bind,source={WHEELS},target={stored_wheels.TARGET}"
# The beginning of the step in pydock's dockerfile that installs the packages.
STEP = re.compile(
    r"^RUN --mount=type=bind,from=pydock,target=/pydock \\\n(?=(?:    --mount=.*\\\n)*    .*pip install -r )",
    re.MULTILINE,
)


class WheelsMount(NamedTuple):
    """The new text of a dockerfile. The image is the same with and without it as long as no wheel is installed."""

    dockerfile: str
    before: str

    @property
    def is_empty(self) -> bool:
        return self.dockerfile == self.before

    def as_shell(self, environment: Environment) -> str:
        """Return the shell commands that change the folder, for `--dry`."""
        folder = environment.copy_of or environment.folder
        return "\n".join(
            [
                f"mkdir -p {shlex.quote(os.path.join(folder, WHEELS))}",
                file_as_shell(os.path.join(folder, WHEELS_README), stored_wheels.README),
                file_as_shell(os.path.join(folder, DOCKERFILE), self.dockerfile),
            ]
        )

    def write_copy(self, folder: str) -> None:
        """Change the file in a copy of the folder, with its mode."""
        path = os.path.join(folder, DOCKERFILE)
        mode = os.lstat(path).st_mode & 0o777
        files.replace_file(folder, DOCKERFILE, self.dockerfile)
        os.chmod(path, mode)

    def commit(self, settings: Settings, environment: Environment) -> None:
        """Change the environment's file. If it is the user's own, it stays that."""
        is_own = not environment.made_now and origin.is_own(settings, environment)
        files.commit_dockerfile(environment.folder, self.dockerfile)
        if is_own:
            with contextlib.suppress(OSError, errors.UnsafePath):  # then `pydock trust` says why
                origin.remember(environment, origin.describe(settings, environment))


def has_mount(dockerfile: str) -> bool:
    """Return whether a dockerfile reads the wheels."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for mount in re.findall(r"--mount=(\S+)", "\n".join(lines)):
        options = dict(word.partition("=")[::2] for word in mount.split(","))
        source = options.get("source") or options.get("src") or ""
        target = options.get("target") or options.get("dst") or options.get("destination")
        if (os.path.normpath(source).lstrip("/"), target) == (WHEELS, stored_wheels.TARGET):
            return "from" not in options
    return False


def with_mount(dockerfile: str, environment: Environment) -> str:
    """Return the dockerfile with the mount, in the step that installs the packages.

    Raises `PydockError` with the line to add if the dockerfile is not as pydock writes it, and `UnsafePath` if the
    folder for the wheels cannot be used.
    """
    stored_wheels.check_folder(environment.folder)
    if has_mount(dockerfile):
        return dockerfile
    found = list(STEP.finditer(dockerfile))
    if len(found) == 1:
        files.check_can_write(environment.folder, (DOCKERFILE,))
        return f"{dockerfile[: found[0].end()]}    {MOUNT} \\\n{dockerfile[found[0].end() :]}"
    raise errors.PydockError(
        f"{environment.path(DOCKERFILE)} is not as pydock writes it, so pydock does not know which step installs the packages; "
        "nothing was changed. Add this line to that step, after its first line `RUN … \\`, and try again:\n\n"
        f"    {MOUNT} \\"
    )
