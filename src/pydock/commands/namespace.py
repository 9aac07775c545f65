"""The collection `env`: `pydock` maps its commands onto it, and projects import it into their own tasks."""

from __future__ import annotations

from invoke import Collection

from pydock.commands.activate import activate, shell_hook
from pydock.commands.build import build
from pydock.commands.change_packages import install, uninstall, update
from pydock.commands.clean import clean
from pydock.commands.completion import KNOWN_TASKS, completion
from pydock.commands.compose import compose
from pydock.commands.config import config
from pydock.commands.copy import copy
from pydock.commands.create import create
from pydock.commands.delete import delete
from pydock.commands.doctor import doctor
from pydock.commands.down import down
from pydock.commands.envs import envs, list_
from pydock.commands.expose import expose
from pydock.commands.info import info
from pydock.commands.list_packages import freeze, packages
from pydock.commands.logs import logs
from pydock.commands.outdated import outdated
from pydock.commands.pip import pip
from pydock.commands.rename import rename
from pydock.commands.run import run, shell
from pydock.commands.trust import trust
from pydock.commands.up import up

# In the order of `pydock --help`.
COMMANDS = (
    create,
    activate,
    shell,
    run,
    install,
    uninstall,
    update,
    packages,
    outdated,
    pip,
    build,
    compose,
    up,
    down,
    logs,
    envs,
    info,
    copy,
    rename,
    delete,
    clean,
    trust,
    config,
    expose,
    shell_hook,
    doctor,
    completion,
)
# What they are called elsewhere, as commands of their own because they take other arguments.
OTHER_NAMES = (list_, freeze)
ALL_COMMANDS = (*COMMANDS, *OTHER_NAMES)
KNOWN_TASKS[:] = ALL_COMMANDS

namespace = Collection("env", *ALL_COMMANDS)
