"""The direct road of `run` and `shell`: no invoke, no Jinja, and in the end `exec`.

The container's client takes our place, so terminal, signals and exit code are its own. Whatever is out of the
ordinary (a missing image, an error, `--dry`) is left to the task of the same name, which builds the same command
line and has the words for it.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.engine.argv import shell_command
from pydock.engine.containers import container_name, leave_nothing_behind, run_argv
from pydock.engine.endpoint import check_local, image_is_there
from pydock.environments.environment import find_environment
from pydock.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.cli.call import Call
    from pydock.environments.environment import Environment
    from pydock.settings import Settings


def run_directly(call: Call) -> None:
    """Replace this process by the container's client; return if this call is not for the direct road."""
    if not call.flags < {"--local", "--global"} or not _complete(call):
        return
    try:
        settings = load_settings(None, call.settings)
        environment = find_environment(settings, call.rest[0])
        container = container_name(environment)
        argv = direct_argv(settings, environment, container, call)
    except (errors.PydockError, OSError):
        return
    if argv:
        os.set_inheritable(leave_nothing_behind(settings, container), True)
        os.environ.setdefault("DOCKER_CLI_HINTS", "false")
        os.execvp(argv[0], argv)


def direct_argv(settings: Settings, environment: Environment, container: str, call: Call) -> list[str]:
    """Return the argv to become, empty where the environment's image is not there."""
    check_local(settings)
    image = environment.content_tag()
    if not image_is_there(settings, image):
        return []
    command = call.rest[1:] if call.command == "run" else shell_command(settings.shell)
    return run_argv(settings, environment, image, container, command)


def _complete(call: Call) -> bool:
    if not call.rest or call.rest[0].startswith("-"):
        return False
    return len(call.rest) > 1 if call.command == "run" else call.command == "shell" and len(call.rest) == 1
