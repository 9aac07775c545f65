"""`pydock run` and `pydock shell`.

`cli/fast_run.py` does the same without invoke when nothing unusual is asked for.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit

from pydock import errors
from pydock.commands.command import COMMAND, NAME_HELP, command, invoked_as
from pydock.commands.mistakes import refuse_file
from pydock.commands.session import Session
from pydock.credentials import register_options
from pydock.engine.argv import ARGUMENTS_LABEL, shell_command
from pydock.engine.compose_cache import ComposeOptions, has_compose_file
from pydock.engine.containers import ATTEMPTS, is_image_lost, run_argv
from pydock.engine.endpoint import check_local
from pydock.engine.inside_pip import lost_changes
from pydock.engine.outside_links import print_links
from pydock.engine.run_request import request_run
from pydock.engine.warm import run_warm
from pydock.environments.requested import is_edited, requested_message
from pydock.environments.scripts import SUFFIX, names_script
from pydock.exports import completion
from pydock.messages import call_of_user, shell_words, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environments.environment import Environment
    from pydock.settings import Settings


# What both commands heed.
SETTINGS = [
    "mount",
    "workdir",
    "pass_env",
    "mounts",
    "home_volume",
    "keep",
    "run_options",
    "ca_bundle",
    "pip_config",
]


@command(
    positional=["name"],
    help=NAME_HELP,
    examples=["shell ds", "--local shell ds", "shell -p 8888:8888 ds"],
    settings=["shell", *SETTINGS],
    docker_options=True,
)
def shell(c: Context, name: str, **options: Any) -> None:
    """Start a shell in an environment, in the working directory."""
    session = Session(c)
    _run(session, session.environment(name), shell_command(session.settings.shell), options)


@command(
    positional=["name", "command"],
    completes={"name": completion.SCRIPT},
    aliases=["exec"],
    help={
        "name": "the environment's name, or a script (FILE.py), which gets the environment that it asks for",
        "command": "the command and its arguments, as they are; options of pydock come before NAME",
        "script": "NAME is a script, whatever its file is called; for `#!/usr/bin/env -S pydock run --script`",
    },
    rest=COMMAND,
    examples=[
        "run ds python -V",
        "run ds -- pytest -x",
        "--local run ds sh -c 'ls | wc -l'",
        "run -p 8888:8888 -e DEBUG=1 ds python server.py",
        "run script.py --verbose",
    ],
    settings=SETTINGS,
    docker_options=True,
)
def run(c: Context, name: str, command: str | None = None, script: bool = False, **options: Any) -> None:
    """Run a command in the working directory; exit with its exit code.

    127: there is no such command. 126: it is not executable. 125: the engine failed.

    A script says in a comment (PEP 723) which Python and packages it needs. Its environment is made by its first run, and
    removed by `pydock clean` when it was not used for 14 days.
    """
    if command:
        _refuse_lost_options(c, name, command)
    try:
        words = shlex.split(command or "")
    except ValueError as error:
        raise errors.UsageError(f"Invalid command: {error}. Check the quotes.") from error
    session = Session(c)
    path = os.path.join(session.folder, name) if c.cwd else name
    if script or names_script(session.settings, path):
        from pydock.commands.run_script import prepare_script

        check_local(session.settings)
        program = prepare_script(session, path, words)
        _run(session, program.environment, program.command, options, program.mounts, program.image)
        return
    words = words[1:] if words[:1] == ["--"] else words
    refuse_file(session.settings, name, words)
    if not words:
        raise errors.UsageError(f"A command is required, for example `pydock run {name} python --version`.")
    environment = session.environment(name)
    if name.endswith(SUFFIX) and os.path.isfile(path):
        warn(f"'{name}' is an environment too, and that runs. `pydock run --script {name}` runs the script.")
    lost = lost_changes(words)
    if lost and session.settings.home_volume != "true":
        verb = "install" if "install" in lost else "uninstall"
        call = f"`pydock pip {name} {shell_words(lost)}`"
        warn(
            f"`pip {verb}` changes only this container, and is lost with it. {call} changes the environment."
        )
    _run(session, environment, words, options)


def run_words(session: Session, environment: Environment, words: Sequence[str], expected: int) -> int:
    """Run a command as `pydock run` does; raises `Exit` with its exit code unless that is 0 or `expected`, which it returns."""
    try:
        _run(session, environment, words, {})
    except Exit as ended:
        if ended.code != expected:
            raise
        return expected
    return 0


def _refuse_lost_options(c: Context, name: str, command: str) -> None:
    """Raise `UsageError` for `inv env.run ds python -V`, where `inv` takes the option for its own."""
    invoked = invoked_as(c, ["run", "exec"])
    if invoked is None or invoked.words[:2] != [name, command] or len(command.split()) > 1:
        return
    option = next(iter(invoked.words[2:]), "")
    if option.startswith("-"):
        call = f"{invoked.program} {invoked.collection}run {name}"
        raise errors.UsageError(
            f"Option {option} would be {invoked.program}'s, not the command's. Quote the command: "
            f"`{call} {shlex.quote(f'{command} {option}')}`. Options of {invoked.program} come before the task."
        )


def _run(
    session: Session,
    environment: Environment,
    words: Sequence[str],
    options: Mapping[str, Any],
    mounts: Sequence[str] = (),
    image: str = "",
) -> None:
    """Run the command on this terminal; raises `Exit` with its exit code unless that is 0.

    `options` are those of `docker run`. `image` is the one to run, if it is not that of the environment's folder.
    """
    check_local(session.settings)
    if is_edited(environment):
        warn(requested_message(environment.name))
    for _ in range(ATTEMPTS):
        tag = image or image_to_run(session, environment)
        request = request_run(session.settings, options)
        register_options(request.settings.run_options)
        register_options([f"{name}={value}" for name, value in request.variables.items()])
        container = request.container(environment)
        argv = run_argv(
            request.settings,
            environment,
            tag,
            container,
            words,
            session.workspace(),
            call_of_user(),
            mounts,
            compose_of(session, request.settings, environment),
            activated=request.activated,
        )
        code = None
        if session.engine.is_plain and not request.fresh:
            code = run_warm(request.settings, environment, argv, tag, request.variables)
        if code is None:
            if not session.engine.dry:
                argv = request.announce(container, argv, tag)
            code = session.engine.run_container(argv, container, request)
        if session.engine.dry or not is_image_lost(session.settings, tag, code):
            break
    if code:
        print_links(code, session.workspace(), argv)
        raise Exit(code=code)


def compose_of(session: Session, settings: Settings, environment: Environment) -> ComposeOptions:
    """Return what the environment's docker-compose.yml adds to a run, of which most environments have none."""
    if not has_compose_file(environment):
        return ComposeOptions()
    from pydock.engine.compose import compose_options

    return compose_options(session.engine, settings, environment)


def image_to_run(session: Session, environment: Environment) -> str:
    """Return the tag to run: of the image that was built from these files, or else of the newest older one."""
    if session.images.current(environment):
        return environment.content_tag()
    older = [tag for tag in session.images.tags(environment) if environment.is_content_tag(tag)]
    if older:
        warn(
            f"{_difference(session, environment, older[0])}. Running the older image; "
            f"`pydock build {environment.name}` updates it."
        )
        return older[0]
    elsewhere = session.images.listed([f"*:{environment.identity}-*", f"*/*:{environment.identity}-*"])
    if elsewhere:
        raise errors.ImageMissing(
            f"The image of environment '{environment.name}' was built with another setting 'prefix', as "
            f"{elsewhere[0].tag}. Set PYDOCK_PREFIX back, or run `pydock build {environment.name}`."
        )
    raise errors.ImageMissing(
        f"The image of environment '{environment.name}' was not found. `pydock build {environment.name}` builds it."
    )


def _difference(session: Session, environment: Environment, tag: str) -> str:
    """Return what has changed since the image was built: a setting, or the folder."""
    image = session.images.inspect(tag)
    if not tag.startswith(environment.tag_pattern.removesuffix("*")):
        return f"The image of '{environment.name}' was built by an earlier version of pydock"
    before = (image.labels.get(ARGUMENTS_LABEL, "") if image else "").split()
    known = dict(word.partition("=")[::2] for word in before)
    now = environment.build_arguments
    changed = [
        f"'{name.lower()}' (was {known.get(name) or 'not set'}, is {now.get(name) or 'not set'})"
        for name in ("USER", "REPOSITORY")
        if known and known.get(name) != now.get(name)
    ]
    if changed:
        return (
            f"Setting {' and '.join(changed)} has changed since the image of '{environment.name}' was built"
        )
    return f"{environment.folder} has changed since its image was built"
