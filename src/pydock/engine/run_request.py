"""What the options of one `run` or `shell` change: settings, the client's variables, the container's name.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import sys

from pydock._speed.named_tuple import NamedTuple
from pydock.engine.argv import RUN_LABEL, detaches, passes_environment
from pydock.engine.containers import container_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pydock.environments.environment import Environment
    from pydock.settings import Settings


class RunRequest(NamedTuple):
    """A run's settings with its options, variables for its client's environment, its own name, and what to tell the user."""

    settings: Settings
    variables: Mapping[str, str]
    name: str
    notes: Sequence[str]
    fresh: bool  # whether a container that waits for programs must not be used
    activated: bool = False  # whether it is a program of an activated environment

    def container(self, environment: Environment) -> str:
        """Return the name of the container: the user's, or else a new one."""
        return self.name or container_name(environment)

    def announce(self, container: str, argv: list[str], image: str) -> list[str]:
        """Print the addresses of ports, and what becomes of a container in the background; return what to run.

        Its ports are those of `argv`, with free ones for those of a docker-compose.yml that are in use.
        """
        notes = list(self.notes)
        start, end = len(self.settings.engine) + 1, argv.index(image)
        if "--publish" in argv[start:end]:
            from pydock.engine.ports import settle_ports  # only for runs that publish ports

            options, more = settle_ports(argv[start:end])
            argv = [*argv[:start], *options, *argv[end:]]
            notes += more
        if detaches(self.settings.run_options):
            notes.append(
                f"The container is {container}; `docker logs {container}` shows its output, `docker stop {container}` ends it."
            )
        for note in notes:
            print(note, file=sys.stderr, flush=True)
        return argv


def request_run(settings: Settings, values: Mapping[str, Any]) -> RunRequest:
    """Return the request for these values of options; the options follow those of the settings, and so win.

    Raises `UsageError`, `PortInUse` and `ContainerExists`.
    """
    words: list[str] = []
    variables: dict[str, str] = {}
    notes: list[str] = []
    name = ""
    if values:
        from pydock.engine import run_options  # only for runs that have any

        words, variables = run_options.docker_words(values, by_name=passes_environment(settings.engine))
        name = values.get(run_options.CONTAINER_NAME) or ""
    options = [*settings.run_options, *words]
    if any(word[:2] == "-p" or word.startswith("--publish") for word in options):
        from pydock.engine.ports import settle_ports  # only for runs that publish ports

        options, notes = settle_ports(options, len(words))
    if name:
        run_options.check_container_name(settings, name)
        # By its name alone, the watcher could remove a container that somebody else has made meanwhile.
        options += ["--label", f"{RUN_LABEL}={os.urandom(8).hex()}"]
    settings = settings._replace(run_options=tuple(options))
    activated = bool(values.get("activated"))
    if activated:
        from pydock.engine.activated import activated_settings  # only for such runs

        settings = activated_settings(settings)
    return RunRequest(settings, variables, name, notes, bool(values.get("fresh")), activated)
