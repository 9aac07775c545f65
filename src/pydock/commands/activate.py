"""`pydock activate` and `pydock shell-hook`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.run import image_to_run
from pydock.commands.session import Session
from pydock.engine.endpoint import check_local
from pydock.environments.facade import quoted
from pydock.environments.shells import SHELLS, detect_shell, quoted_for_fish
from pydock.exports.facade import make_facade
from pydock.messages import is_terminal, say
from pydock.rendering import render

if TYPE_CHECKING:
    from invoke import Context

DIRENV = "direnv"
HOOKS = (*SHELLS, DIRENV)


@command(
    positional=["name"],
    help={
        **NAME_HELP,
        "shell": f"print code for this shell: {', '.join(SHELLS)}, {DIRENV} (default: detected)",
    },
    metavars={"shell": "SHELL"},
    completes={"shell": ",".join(HOOKS)},
    examples=["activate ds", "activate ds --shell fish"],
    settings=["keep", "host_packages", "pass_env", "mount"],
)
def activate(c: Context, name: str, shell: str = "") -> None:
    """Print shell code that puts an environment's python on PATH.

    bash, zsh: eval "$(pydock activate ds)"
    fish: pydock activate ds | source

    Then `python`, `pip` and the programs of its packages run in the environment, in a container that waits for the next one;
    `deactivate` ends it. The same as sourcing the file bin/activate of the folder that VIRTUAL_ENV names.
    """
    try:
        _activate(c, name, shell)
    except errors.PydockError:
        print("false")  # so `eval` fails too
        raise


def _activate(c: Context, name: str, shell: str) -> None:
    """Print the code; raises `PydockError`."""
    shell = _checked(shell or detect_shell(os.environ, os.getppid()) or "bash", (*SHELLS, "sh", DIRENV))
    session = Session(c)
    check_local(session.settings)
    environment = session.environment(name)
    image = image_to_run(session, environment)
    if session.engine.dry:
        say(f"The files that `activate` needs are made from the image {image}.")
        return
    facade = make_facade(session.engine, session.settings, environment, image)
    programs = facade.programs
    if shell == DIRENV:
        print(
            f"export VIRTUAL_ENV={quoted(facade.folder)} VIRTUAL_ENV_PROMPT={name}; PATH_add {quoted(programs)}"
        )
    elif shell == "fish":
        print(f"source {quoted_for_fish(os.path.join(programs, 'activate.fish'))}")
    else:
        print(f". {quoted(os.path.join(programs, 'activate'))}")
    if is_terminal(sys.stdout):
        say(f"This does nothing yet. To activate it, type: {_how(shell, name)}")


@command(
    name="shell-hook",
    positional=["shell"],
    help={"shell": f"one of {', '.join(HOOKS)}"},
    completes={"shell": ",".join(HOOKS)},
    examples=["shell-hook bash", "shell-hook direnv"],
)
def shell_hook(c: Context, shell: str) -> None:  # noqa: ARG001 - every command has it
    """Print a shell function: then `pydock activate ds` is enough.

    For direnv: then `.envrc` may have the line `layout pydock ds`.
    """
    print(render("shell_hook.j2", hook=_checked(shell, HOOKS)), end="")


def _checked(shell: str, known: tuple[str, ...]) -> str:
    if shell in known:
        return shell
    raise errors.UsageError(f"Unknown shell '{shell}'. Use one of: {', '.join(known)}.")


def _how(shell: str, name: str) -> str:
    return f"pydock activate {name} | source" if shell == "fish" else f'eval "$(pydock activate {name})"'
