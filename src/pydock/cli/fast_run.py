"""The fast way of `run` and `shell`: no invoke, no Jinja.

Everything unusual (a missing image, an error, `--dry`) is left to the task of the same name, which builds the same command
line and has the messages.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.cli.call import RUN, SCRIPT, read_run_call, without_separator
from pydock.engine.argv import shell_command
from pydock.engine.containers import (
    ATTEMPTS,
    is_image_lost,
    run_argv,
    run_watched,
    this_workspace,
)
from pydock.engine.endpoint import ask_for_image, check_local, check_supported
from pydock.engine.run_request import request_run
from pydock.engine.warm import run_warm
from pydock.environments.environment import find_environment
from pydock.environments.requested import is_edited
from pydock.settings import load_settings, working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.cli.call import Call
    from pydock.engine.run_request import RunRequest
    from pydock.environments.environment import Environment
    from pydock.environments.workspace import Workspace
    from pydock.settings import Settings


def run_container_if_possible(call: Call) -> None:
    """Run the command and exit with its exit code; return if this call needs the task."""
    try:
        flags = call.flags
        call, values = read_run_call(call)
    except errors.PydockError:
        return
    is_complete = _has_all_words(call) or _may_be_script(call)
    if not flags < {"--local", "--global"} or call.flags != flags or not is_complete:
        return
    code = None
    for _ in range(ATTEMPTS):
        try:
            settings = load_settings(None, call.settings)
            check_supported(settings)
            check_local(settings)
            workspace = this_workspace(settings)
            found = _what_to_run(call, settings, workspace)
            if found is None:
                return
            environment, command, mounts = found
            image = environment.content_tag()
            answer = ask_for_image(settings, image)
            if is_edited(environment):
                return
            request = request_run(settings, values)
            settings, container = request.settings, request.container(environment)
            argv = run_argv(
                settings,
                environment,
                image,
                container,
                command,
                workspace,
                mounts=mounts,
                activated=request.activated,
            )
            identifier = answer()
            if identifier is None:
                return
            code = _run(request, environment, container, argv, image, identifier)
        except (errors.PydockError, OSError):  # the task has the messages
            return
        if not is_image_lost(settings, image, code):
            break
    if code:
        from pydock.engine.outside_links import print_links  # only after failures

        print_links(code, workspace, argv)
    os._exit(code or 0)  # nothing is left to do, and Python's own end takes 5 ms


def _what_to_run(
    call: Call, settings: Settings, workspace: Workspace
) -> tuple[Environment, list[str], list[str]] | None:
    """Return the environment, the command and its mounts; None if the task has to make or choose the environment."""
    if _may_be_script(call):
        return _script(settings, workspace, call.rest)
    words = without_separator(call.rest[1:])
    command = words if call.command in RUN else shell_command(settings.shell)
    return find_environment(settings, call.rest[0]), command, []


def _run(
    request: RunRequest,
    environment: Environment,
    container: str,
    argv: list[str],
    image: str,
    identifier: str,
) -> int:
    """Run in the container that waits for programs, else in a new one; return the exit code."""
    if not request.fresh:
        code = run_warm(request.settings, environment, argv, image, request.variables, identifier)
        if code is not None:
            return code
    argv = request.announce(container, argv, image)
    environ = {"DOCKER_CLI_HINTS": "false", **os.environ, **request.variables}
    return run_watched(argv, request.settings, container, environ)


def _has_all_words(call: Call) -> bool:
    if not call.rest or call.rest[0].startswith("-"):
        return False
    if call.command in RUN:
        words = without_separator(call.rest[1:])
        return bool(words) and not _changes_packages(words)
    return call.command == "shell" and len(call.rest) == 1


def _changes_packages(words: list[str]) -> bool:
    """Return whether pip would change packages of the container, which the task says something about."""
    if not {"install", "uninstall"} & {*words}:
        return False
    from pydock.engine.inside_pip import lost_changes

    return bool(lost_changes(words))


def _may_be_script(call: Call) -> bool:
    """Return whether a script may be meant: `run s.py`, `run --script FILE`; an environment may have such a name too."""
    if call.command not in RUN or not call.rest:
        return False
    return len(call.rest) > 1 if call.rest[0] == SCRIPT else call.rest[0].endswith(".py")


def _script(
    settings: Settings, workspace: Workspace, words: list[str]
) -> tuple[Environment, list[str], list[str]] | None:
    """Return a script's environment, its command and its mount; None if the task has to make or choose the environment."""
    from pydock.engine.script import script_command  # only for scripts
    from pydock.environments import scripts

    path, *arguments = words[1:] if words[0] == SCRIPT else words
    if path.startswith("-") or (words[0] != SCRIPT and not scripts.names_script(settings, path)):
        return None
    environment = scripts.known_environment(settings, scripts.read_block(path))
    if environment is None:
        return None
    scripts.mark_used(environment.name)
    return (environment, *script_command(path, working_directory(), arguments, workspace))
