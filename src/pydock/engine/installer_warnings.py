"""The warnings of uv and pip that a user should see although the installation succeeded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydock.engine.own_files import without_own_files
from pydock.engine.phases import PACKAGES_STEP

if TYPE_CHECKING:
    from pydock.engine.build_output import BuildOutput

WARNING = re.compile(r"^(?:warning|WARNING): ")
UNIMPORTANT = re.compile(
    r"does not contain any dependencies|Retrying|Running pip as the 'root' user|You are using pip version"
    r"|/root/\.cache|which is not on PATH|Cache entry deserialization|Failed to hardlink"
)


def warnings_of(output: BuildOutput) -> list[str]:
    """Return the warnings that the user should see, although the build succeeded: yanked versions, for example."""
    found: list[str] = []
    for step in output.steps.values():
        if not PACKAGES_STEP.search(step.name):
            continue
        for line in step.lines:
            if WARNING.match(line) and not UNIMPORTANT.search(line):
                found.append(without_own_files(WARNING.sub("", line)))
            elif found and line.startswith("Reason for being yanked:"):  # pip, on a line of its own
                found[-1] += f" {line}"
    return list(dict.fromkeys(found))
