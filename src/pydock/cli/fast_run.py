"""The fast way of `run` and `shell`: no invoke, no Jinja, and `exec` at the end.

The engine's client replaces this process, so terminal, signals and exit code are its own. Everything unusual (a missing
image, an error, `--dry`) is left to the task of the same name, which builds the same command line and has the messages.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.engine.argv import shell_command
from pydock.engine.containers import container_name, run_argv, start_container_watcher
from pydock.engine.endpoint import check_local, check_supported, image_exists
from pydock.environments.environment import find_environment
from pydock.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.cli.call import Call
    from pydock.environments.environment import Environment
    from pydock.settings import Settings


def exec_docker_run_if_possible(call: Call) -> None:
    """Replace this process by the container's client; return if this call needs the task."""
    if not call.flags < {"--local", "--global"} or not _has_all_words(call):
        return
    try:
        settings = load_settings(None, call.settings)
        environment = find_environment(settings, call.rest[0])
        container = container_name(environment)
        argv = _argv(settings, environment, container, call)
    except (errors.PydockError, OSError):
        return
    if argv:
        os.set_inheritable(start_container_watcher(settings, container), True)
        os.environ.setdefault("DOCKER_CLI_HINTS", "false")
        os.execvp(argv[0], argv)


def _argv(settings: Settings, environment: Environment, container: str, call: Call) -> list[str]:
    """Return the `docker run` to execute, [] if the environment's image does not exist."""
    check_supported(settings)
    check_local(settings)
    image = environment.content_tag()
    if not image_exists(settings, image):
        return []
    command = call.rest[1:] if call.command == "run" else shell_command(settings.shell)
    return run_argv(settings, environment, image, container, command)


def _has_all_words(call: Call) -> bool:
    if not call.rest or call.rest[0].startswith("-"):
        return False
    return len(call.rest) > 1 if call.command == "run" else call.command == "shell" and len(call.rest) == 1
