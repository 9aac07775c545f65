"""What every command starts from: the settings, the engine and its images."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pydock import errors, messages
from pydock.credentials import register_options
from pydock.engine.client import Engine
from pydock.engine.containers import this_workspace
from pydock.engine.images import Images
from pydock.environments.environment import Environment, find_environment
from pydock.environments.workspace import Workspace, find_workspace
from pydock.settings import Settings, load_settings, working_directory

if TYPE_CHECKING:
    from invoke import Context


class Session:
    """The environments of one home folder, on one engine; made once per command."""

    def __init__(self, context: Context) -> None:
        self.started = time.monotonic()
        self.settings = context_settings(context)
        self.engine = Engine(context, self.settings)
        self.images = Images(self.engine, self.settings)
        # The user's working directory, also within `c.cd(…)`.
        self.folder = os.path.normpath(os.path.join(working_directory(), context.cwd))

    def environment(self, name: str) -> Environment:
        """Return the environment of that name; raises `UsageError` or `EnvironmentNotFound`."""
        return find_environment(self.settings, name)

    def workspace(self) -> Workspace:
        """Return the project of the working directory, also within `c.cd(…)`."""
        if self.folder == working_directory():
            return this_workspace(self.settings)
        return find_workspace(self.settings, self.folder)

    def renew_facade(self, environment: Environment) -> None:
        """Write what `activate` puts on PATH again, if the environment was ever activated. A failure is only a warning."""
        from pydock.environments.facade import facade_of

        with contextlib.suppress(errors.UsageError):  # a user without a home folder has no facades
            if self.engine.dry or not facade_of(environment).exists:
                return
            from pydock.exports.facade import make_facade

            try:
                make_facade(self.engine, self.settings, environment, environment.content_tag())
            except errors.PydockError as error:
                messages.warn(f"{error.message} `pydock activate {environment.name}` tries again.")

    def say_done(self, sentence: str) -> None:
        """Print what was done; nothing with `--dry`, because then nothing was done."""
        if not self.engine.dry:
            messages.say(sentence)


def context_settings(context: Context, *, refuse_untrusted: bool = True) -> Settings:
    """Return the settings for invoke's configuration: its table `pydock`, merged over pydock's defaults.

    A parent collection's `configure` replaces the whole table, so any key may be missing from it.
    """
    table = dict(context.config.get("pydock", {}))
    settings = load_settings(table, table.pop("command_line", None), refuse_untrusted=refuse_untrusted)
    register_options((*settings.run_options, *settings.build_options))
    return settings
