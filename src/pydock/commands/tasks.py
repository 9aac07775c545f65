"""The commands, as invoke tasks: `inv env.create`, and `pydock create` all the same.

A task reads its arguments, lets the workshop do the work, and says one sentence.
"""

from __future__ import annotations

import functools
import shlex
from typing import Any, Callable, TypeVar

from invoke import Context, Exit, task

from pydock import errors
from pydock.commands.session import Workshop, context_settings
from pydock.engine.argv import shell_command
from pydock.environments.environment import check_name
from pydock.environments.names import check_base, check_version
from pydock.messages import confirm, say

Body = TypeVar("Body", bound=Callable[..., Any])


def says_what_went_wrong(body: Body) -> Body:
    """Turn pydock's errors into invoke's `Exit`, which `inv` too shows as a sentence with an exit code."""

    @functools.wraps(body)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return body(*args, **kwargs)
        except errors.PydockError as error:
            raise Exit(error.message, error.code) from error

    return wrapper  # type: ignore[return-value]


NAME_HELP = {"name": "the environment's name"}
PACKAGES_HELP = "requirement specifiers: pandas 'scipy>=1.11' (under inv one quoted text, \"\" for none)"


@task(
    positional=["name", "version"],
    help={
        "name": "what the environment is to be called",
        "version": "a Python version, or any tag of the base image: 3.12, 3.8.7, 3.12-slim",
        "requirement": "a requirements file to start from",
        "base": "any image with Python, instead of the repository python; VERSION is its tag",
    },
)
@says_what_went_wrong
def create(c: Context, name: str, version: str | None = None, requirement: str = "", base: str = "") -> None:
    """Make an environment: its folder, its dockerfile and its image."""
    workshop = Workshop(c)
    check_name(name)
    if version:
        check_version(version)
    elif not base:
        raise errors.UsageError(
            f"Which Python? Say `pydock create {name} 3.12`, or name an image with --base."
        )
    if base:
        base = check_base(f"{base}:{version}" if version else base)
    workshop.create(name, version or "", base, requirement)
    workshop.say(f"Environment '{name}' is ready; `pydock shell {name}` starts it.")


@task(positional=["name"], help=NAME_HELP)
@says_what_went_wrong
def shell(c: Context, name: str) -> None:
    """Start a shell in an environment, in the working directory."""
    workshop = Workshop(c)
    _exit_like(workshop.run(name, shell_command(workshop.settings.shell)))


@task(
    positional=["name", "command"],
    help={**NAME_HELP, "command": "the command and its arguments (under inv, one quoted text)"},
)
@says_what_went_wrong
def run(c: Context, name: str, command: str) -> None:
    """Run one command in an environment, in the working directory; its exit code is ours."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise errors.UsageError(
            f"{command!r} cannot be split into words: {error}. Balance the quotes."
        ) from error
    if not words:
        raise errors.UsageError(f"Which command? For example `pydock run {name} python --version`.")
    _exit_like(Workshop(c).run(name, words))


@task(
    positional=["name", "packages"],
    help={**NAME_HELP, "packages": PACKAGES_HELP, "requirement": "a requirements file to install from"},
)
@says_what_went_wrong
def install(c: Context, name: str, packages: str | None = None, requirement: str = "") -> None:
    """Install packages into an environment, and record them."""
    from pydock.packages import requirements

    lines = requirements.parse_specifiers(packages or "")
    if requirement:
        lines += requirements.parse_file(requirement)
    if not lines:
        raise errors.UsageError(
            f"Which packages? For example `pydock install {name} pandas`, or --requirement FILE."
        )
    workshop = Workshop(c)
    with workshop.packages(name) as contents:
        workshop.report(name, contents.install(lines))


@task(positional=["name", "packages"], help={**NAME_HELP, "packages": "the packages' names"})
@says_what_went_wrong
def uninstall(c: Context, name: str, packages: str) -> None:
    """Remove packages from an environment, with what only they needed."""
    from pydock.packages.requirements import package_names

    names = package_names(packages)
    if not names:
        raise errors.UsageError(f"Which packages? For example `pydock uninstall {name} pandas`.")
    workshop = Workshop(c)
    with workshop.packages(name) as contents:
        workshop.report(name, contents.uninstall(names))


@task(positional=["name"], help={**NAME_HELP, "packages": "the packages' names; none for all"})
@says_what_went_wrong
def update(c: Context, name: str, packages: str | None = None) -> None:
    """Update packages, or all of them, as far as what was asked for (requirements.in) allows."""
    from pydock.packages.requirements import package_names

    names = package_names(packages or "")
    workshop = Workshop(c)
    with workshop.packages(name) as contents:
        workshop.report(name, contents.update(names))


@task(
    positional=["name"],
    help={**NAME_HELP, "no_cache": "run every step anew", "pull": "ask the registry for a newer base image"},
)
@says_what_went_wrong
def build(c: Context, name: str, no_cache: bool = False, pull: bool = False) -> None:
    """Build an environment's image from its files; also adopts a folder that came with a checkout."""
    workshop = Workshop(c)
    left = workshop.build(name, no_cache=no_cache, pull=pull)
    workshop.say(f"Environment '{name}' is built.")
    if left:
        say("The image before it is left without a name; `docker image prune` removes such images.")


@task(aliases=["list"], help={"json": "for programs"})
@says_what_went_wrong
def envs(c: Context, json: bool = False) -> None:
    """List the environments: name, Python, image, size, age, state."""
    from json import dumps

    from pydock.commands import listing

    workshop = Workshop(c)
    rows = listing.describe_environments(workshop.settings, workshop.images)
    if json:
        print(dumps(rows, indent=2))
    elif rows:
        print(listing.table(rows))
    else:
        say(
            f"There are no environments in {workshop.settings.home.folder} yet; `pydock create NAME VERSION` makes one."
        )


@task(positional=["name"], help={**NAME_HELP, "yes": "do not ask"})
@says_what_went_wrong
def delete(c: Context, name: str, yes: bool = False) -> None:
    """Remove an environment: its image and its folder."""
    workshop = Workshop(c)
    environment = workshop.environment(name)
    if not workshop.engine.dry:
        confirm(f"Remove the image and the folder {environment.folder}?", yes=yes)
    workshop.delete(environment)
    workshop.say(f"Environment '{name}' is removed.")


@task(help={"json": "for programs"})
@says_what_went_wrong
def config(c: Context, json: bool = False) -> None:
    """Show the mode (local or global), the home folder, and every setting with where it came from."""
    from json import dumps

    from pydock.commands import listing
    from pydock.engine.build_secrets import describe_network

    settings = context_settings(c)
    described = listing.describe_settings(settings, describe_network(settings))
    print(dumps(described, indent=2) if json else listing.settings_table(described))


def _exit_like(code: int) -> None:
    if code:
        raise Exit(code=code)
