"""What `--dry` shows of a change of packages after the build that it does not run."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pydock.engine.build_context import file_as_shell
from pydock.engine.images import Image
from pydock.environments.environment import REQUIREMENTS, REQUIREMENTS_IN
from pydock.messages import shell_words
from pydock.packages import requirements
from pydock.packages.pins import TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.packages.requirements import Line

REBUILD = f"# Then pydock builds the folder with these versions as {REQUIREMENTS}, as `pydock build` does."


def not_built(environment: Environment) -> Image:
    """Return what `--dry` takes for the image of the environment's folder, if that would have been built."""
    return Image("", [], environment.caller.name, [], {})


def commit_as_shell(
    images: Images, environment: Environment, folder: str, freeze_file: str, requested: Sequence[Line]
) -> str:
    """Return shell commands that record in the folder what the candidate image has installed."""
    pins, wishes = (os.path.join(folder, name) for name in (REQUIREMENTS, REQUIREMENTS_IN))
    tools = "|".join(sorted(TOOLS - set(requirements.names(requested))))
    only_pins = f"sed -E '/^(#|({tools})==)/d' > {shlex.quote(pins)}"
    return "\n".join(
        [
            images.read_file_as_shell(environment, environment.candidate, freeze_file, only_pins),
            f"# pydock also sorts {REQUIREMENTS}, and keeps pip, setuptools and wheel if a package needs them.",
            file_as_shell(wishes, requirements.to_text(requested)),
            shell_words(images.tagging(environment.candidate, environment.alias)),
            "# In place of the candidate's tag, pydock gives one that it computes from the folder's content.",
        ]
    )
