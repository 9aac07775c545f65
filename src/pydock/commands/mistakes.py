"""First mistakes on the command line, recognized before anything is touched, and the command that was probably meant."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments.environment import environment_names, environments_folder
from pydock.environments.names import is_name
from pydock.environments.not_found import place_of
from pydock.environments.scripts import SUFFIX, has_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.settings import Settings

# Words that users of other tools type for a command of ours, and what to type here.
WORDS_OF_OTHER_TOOLS = {
    "add": "`pydock install NAME PACKAGE` installs packages.",
    "check": "`pydock doctor` checks this machine, `pydock info NAME` shows an environment's state.",
    "clone": "`pydock copy NAME NEW_NAME` copies an environment.",
    "cp": "`pydock copy NAME NEW_NAME` copies an environment.",
    "deactivate": "Type `deactivate` alone: it is a function of the shell in which an environment is active.",
    "init": "`pydock create NAME VERSION` creates an environment.",
    "inspect": "`pydock info NAME` shows what an environment consists of.",
    "mv": "`pydock rename NAME NEW_NAME` gives an environment another name.",
    "new": "`pydock create NAME VERSION` creates an environment.",
    "prune": "`pydock clean` removes what is left over.",
    "show": "`pydock packages NAME` lists what is installed.",
    "start": "`pydock shell NAME` starts a shell in an environment, `pydock run NAME COMMAND` a command.",
    "status": "`pydock info NAME` shows an environment's state, `pydock doctor` that of this machine.",
    "upgrade": "`pydock update NAME [PACKAGE]` updates packages.",
    "version": "`pydock --version` prints it.",
}
# python3.12, py312, python:3.12, python=3.12, cpython@3.12: how virtualenv, uv, conda and docker are told.
PYTHON = r"(?:(?:c?python|py|cp)(?:==|[=:@-])?)([23])(?:\.?(\d+))?((?:\.\d+)?(?:-[\w.-]+)?)"
VERSION = r"[23](?:\.\d+)*(?:-[\w.-]+)?"
# Tags of the image `python` that do not begin with a version.
NAMED_TAGS = {"latest", "slim", "alpine", "rc", "bookworm", "bullseye", "buster", "trixie"}


def meant_by_unknown_command(settings: Settings, word: str, words: Sequence[str]) -> str:
    """Return what was meant by a command that does not exist: an environment's name, or another tool's word; else ""."""
    if word not in environment_names(settings.home):
        return WORDS_OF_OTHER_TOOLS.get(word, "")
    shell = "" if words else f"`pydock shell {word}` starts a shell in it, "
    return (
        f"An environment has this name; the command comes first: {shell}"
        f"`pydock run {word} {shlex.join(words) or 'COMMAND'}` runs a command."
    )


def message_for_missing_command(settings: Settings, name: str | None) -> str:
    """Return the message for `run ds` and `run python`."""
    if name:
        refuse_file(settings, name, ())
    if name and name in environment_names(settings.home):
        return f"A command is required, for example `pydock run {name} python`. `pydock shell {name}` starts a shell."
    return f"An environment's name and a command are required: `pydock run NAME {shlex.quote(name or 'COMMAND')}`."


def refuse_unless_environment(settings: Settings, command: str, name: str, words: Sequence[str]) -> None:
    """Raise an error if `name` is not an environment but a package; `words` follow it. Other errors are left to the command."""
    names = environment_names(settings.home)
    if name in names or os.path.lexists(os.path.join(environments_folder(settings.home), name)):
        return
    start = f"Environment '{name}' not found in {settings.home.folder} ({settings.home.mode} mode)"
    swapped = [word for word in words if word in names]
    if swapped:
        others = [name, *(word for word in words if word != swapped[0])]
        raise errors.EnvironmentNotFound(
            f"{start}, but '{swapped[0]}' is there. Its name comes first: "
            f"`pydock {command} {swapped[0]} {shlex.join(others)}`."
        )
    if errors.did_you_mean(name.lower(), names) or (is_name(name) and place_of(settings, name)):
        return
    if not is_name(name) and not re.match(r"[A-Za-z0-9._-]+\s*(?:$|[\[<>=!~;@])", name):
        return
    packages = shlex.join([name, *words])
    if not names:
        raise errors.EnvironmentNotFound(
            f"{start}; none exists there yet. If '{name}' is a package, create an environment first: "
            f"`pydock create NAME 3.12`, then `pydock {command} NAME {packages}`."
        )
    example = names[0] if len(names) == 1 else "NAME"
    raise errors.EnvironmentNotFound(
        f"{start}. Environments there: {', '.join(names)}. If '{name}' is a package, the environment's name comes first: "
        f"`pydock {command} {example} {packages}`."
    )


def refuse_requirements_file(name: str, words: Sequence[str]) -> None:
    """Raise `UsageError` if a file is given as a package; `requirements.txt` is a valid name of one, and anybody's."""
    for word in words:
        if word.endswith(".txt") or (word.endswith(".in") and os.path.isfile(word)):
            raise errors.UsageError(
                f"'{word}' is a requirements file, not a package. To install what it lists: "
                f"`pydock install {name} -r {shlex.quote(word)}`."
            )


def refuse_file(settings: Settings, name: str, words: Sequence[str]) -> None:
    """Raise `UsageError` if a file is meant by `run ./tool` or `run nosuch.py`, which is not an environment's name."""
    if has_environment(settings, name) or not (os.sep in name or name.endswith(SUFFIX)):
        return
    if not os.path.isfile(name):
        raise errors.UsageError(f"'{name}' is neither an environment nor a script: there is no such file.")
    raise errors.UsageError(
        f"'{name}' is a file, and not an environment. For a script of Python: "
        f"`pydock run --script {shlex.join([name, *words])}`. In an environment: `pydock run NAME python {shlex.quote(name)}`."
    )


def refuse_swapped_version(name: str, version: str) -> None:
    """Raise `UsageError` for `create 3.12 ds` and `create 3.12`."""
    if not re.fullmatch(VERSION, name):
        return
    if not version:
        raise errors.UsageError(f"The environment's name is missing: `pydock create NAME {name}`.")
    if is_name(version) and not version[0].isdigit() and version not in NAMED_TAGS:
        raise errors.UsageError(
            f"'{version}' is not a Python version. The environment's name comes first: "
            f"`pydock create {version} {name}`."
        )


def python_tag(repository: str, version: str) -> str:
    """Return the tag of the base image that is meant by `python3.12`, `py312` or `python:3.12`: `3.12`.

    Other repositories than `python` may have such tags, so they are left alone there.
    """
    found = re.fullmatch(PYTHON, version) if is_python_repository(repository) else None
    if not found:
        return version
    major, minor, rest = found.groups()
    return f"{major}{f'.{minor}' if minor else ''}{rest}"


def is_python_repository(repository: str) -> bool:
    """Return whether the tags of a repository are versions of Python: `python`, or a mirror of it."""
    return repository.rpartition("/")[2] == "python"
