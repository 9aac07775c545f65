"""`pydock build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.engine.warm import retire_all
from pydock.environments import files, registry, requested
from pydock.environments.environment import REQUIREMENTS, REQUIREMENTS_IN
from pydock.environments.package_lists import check_lists
from pydock.messages import say, set_outcome, warn

if TYPE_CHECKING:
    from invoke import Context


@command(
    positional=["name"],
    help={
        **NAME_HELP,
        "no_cache": "do not use the build cache",
        "pull": "check the registry for a newer base image",
    },
    examples=["build ds", "build ds --pull --no-cache"],
    settings=["repository", "user", "installer", "build_options", "ca_bundle", "pip_config", "netrc"],
)
def build(c: Context, name: str, no_cache: bool = False, pull: bool = False) -> None:
    """Build an environment's image from its files."""
    session = Session(c)
    replaced = _build(session, name, no_cache=no_cache, pull=pull)
    session.say_done(f"Built environment '{name}'.")
    if replaced:
        say("The previous image is now untagged; `docker image prune` removes such images.")
    environment = session.environment(name)
    if requested.is_edited(environment):
        warn(requested.requested_message(name))
    elif not session.engine.dry:
        requested.remember(environment)


def _build(session: Session, name: str, *, no_cache: bool, pull: bool) -> bool:
    """Build from the files as they are; return whether an older image was left without a tag."""
    from pydock.packages.pinned_build import build_pinned
    from pydock.packages.requirement_addresses import refuse_credentials
    from pydock.packages.requirement_files import check_file

    environment = session.environment(name)
    with files.locked(environment.folder):
        check_file(environment.path(REQUIREMENTS))
        unused = check_lists(environment)
        if unused:
            warn(
                f"{environment.path(unused)} is not installed, because the dockerfile does not use it. "
                f"`pydock install {name} --system PACKAGE` adds the step that installs all of it."
            )
        wishes = environment.path(REQUIREMENTS_IN)
        refuse_credentials(files.read_if_exists(wishes).decode(errors="replace"), wishes)
        before = session.images.tags(environment)
        if environment.candidate in before:  # from a command that was killed
            session.images.remove_candidate(environment)
        content = environment.content_tag()
        old = session.images.inspect(content)
        if not session.engine.dry:
            registry.remember(environment)
        build_pinned(session.images, environment, content, no_cache=no_cache, pull=pull)
        if session.engine.dry:
            return False
        set_outcome("the image is built")
        retire_all(environment)
        session.renew_facade(environment)
        replaced = session.images.untag_superseded(environment, before)
        new = session.images.inspect(content)
        return replaced or bool(old and new and old.id != new.id)
