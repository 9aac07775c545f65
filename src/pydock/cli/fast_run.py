"""The fast way of `run` and `shell`: no invoke, no Jinja.

Everything unusual (a missing image, an error, `--dry`) is left to the task of the same name, which builds the same command
line and has the messages.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.cli.call import RUN, without_separator
from pydock.engine.argv import shell_command
from pydock.engine.containers import ATTEMPTS, container_name, is_image_lost, run_argv, run_watched
from pydock.engine.endpoint import check_local, check_supported, image_exists
from pydock.environments.environment import find_environment
from pydock.environments.requested import is_edited
from pydock.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.cli.call import Call


def run_container_if_possible(call: Call) -> None:
    """Run the command and exit with its exit code; return if this call needs the task."""
    if not call.flags < {"--local", "--global"} or not _has_all_words(call):
        return
    code = None
    for _ in range(ATTEMPTS):
        try:
            settings = load_settings(None, call.settings)
            check_supported(settings)
            check_local(settings)
            environment = find_environment(settings, call.rest[0])
            image = environment.content_tag()
            if is_edited(environment) or not image_exists(settings, image):
                return
            container = container_name(environment)
            words = without_separator(call.rest[1:])
            command = words if call.command in RUN else shell_command(settings.shell)
            argv = run_argv(settings, environment, image, container, command)
            environ = {"DOCKER_CLI_HINTS": "false", **os.environ}
            code = run_watched(argv, settings, container, environ)
        except (errors.PydockError, OSError):  # the task has the messages
            return
        if not is_image_lost(settings, image, code):
            break
    os._exit(code or 0)  # nothing is left to do, and Python's own end takes 5 ms


def _has_all_words(call: Call) -> bool:
    if not call.rest or call.rest[0].startswith("-"):
        return False
    if call.command in RUN:
        return bool(without_separator(call.rest[1:]))
    return call.command == "shell" and len(call.rest) == 1
