"""The direct road of `run` and `shell`: no invoke, no Jinja, and in the end `exec`.

The container's client takes our place, so terminal, signals and exit code are its own. Whatever is out of the
ordinary (a missing image, an error, `--dry`) is left to the task of the same name, which builds the same command
line and has the words for it.
"""

from __future__ import annotations

import os
import subprocess

from pydock import errors
from pydock.docker_commands import image_exists, shell_command
from pydock.environment import find_environment
from pydock.running import check_local, run_argv
from pydock.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.command_line import Call


def run_directly(call: Call) -> None:
    """Replace this process by the container's client; return if this call is not for the direct road."""
    if call.flags - {"--local", "--global"} or not _complete(call):
        return
    try:
        command = direct_argv(call)
    except errors.PydockError:
        return
    if command:
        os.environ.setdefault("DOCKER_CLI_HINTS", "false")
        os.execvp(command[0], command)


def direct_argv(call: Call) -> list[str]:
    """Return the argv to become, empty where the environment's image is not there."""
    settings = load_settings(None, call.settings)
    environment = find_environment(settings, call.rest[0])
    check_local(settings)
    image = environment.content_tag()
    try:
        answer = subprocess.run(image_exists(settings.engine, image), capture_output=True, check=False)
    except OSError:
        return []
    if answer.returncode:
        return []
    command = call.rest[1:] if call.command == "run" else shell_command(settings.shell)
    return run_argv(settings, environment, image, command)


def _complete(call: Call) -> bool:
    if not call.rest or call.rest[0].startswith("-"):
        return False
    return len(call.rest) > 1 if call.command == "run" else call.command == "shell" and len(call.rest) == 1
