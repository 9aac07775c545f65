"""What a run has beside the usual if it is a program of an activated environment.

Imported only by such runs and by the tasks.
"""

from __future__ import annotations

from pydock import trust
from pydock.engine.argv import csv_record
from pydock.environments.facade import facade_of, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

INSIDE = "PYDOCK_INSIDE"  # the variable that says in the container which environment it has
KEEP = "10m"  # how long the container of an activated environment waits, unless setting `keep` says otherwise
VARIABLES = "PYTHON*"  # tools set these for the Python that they start


def activated_settings(settings: Settings) -> Settings:
    """Return the settings for such a run: with the paths of this machine, in a container that waits for the next one."""
    return settings._replace(
        workdir="same", keep=settings.keep or KEEP, pass_env=(*settings.pass_env, VARIABLES)
    )


def activated_options(environment: Environment) -> tuple[list[str], str]:
    """Return the mount of an environment's facade, and the shell commands that activate it in the container.

    Nothing if the environment has no facade. Raises `UnsafePath` if another user can change it.
    """
    facade = facade_of(environment)
    script = f"export {INSIDE}={environment.identity}; "
    if not facade.exists:
        return [], script
    trust.check_owner(facade.owner)
    mount = csv_record("type=bind", f"source={facade.inside}", f"target={facade.folder}", "readonly")
    script += f"export VIRTUAL_ENV={quoted(facade.folder)}; PATH=$VIRTUAL_ENV/bin:$PATH; "
    return ["--mount", mount], script
