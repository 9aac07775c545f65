"""What a docker-compose.yml reads besides itself: other files, and the caller's variables.

Compose reads the file properly. This is only to know when to read it again, which variables to give it, and what a file from
elsewhere would read of this machine, so it errs on the side of too much.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from pydock import errors
from pydock._speed.yaml import import_yaml
from pydock.engine.compose_cache import COMPOSE_FILE, OTHER_NAMES, OVERRIDE_FILE

MAX_SIZE = 1 << 20  # bytes
NAMES = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
BARE_NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*$", re.MULTILINE)
ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:]", re.MULTILINE)
ENV_FILE = ".env"  # that Compose reads beside the file


class Sources(NamedTuple):
    """What goes into the reading of a docker-compose.yml."""

    compose_files: tuple[str, ...]  # for Compose's option `-f`
    files: tuple[str, ...]  # all files that may be read, also those that do not exist yet
    variables: tuple[str, ...]  # that the files name, sorted
    inherited: tuple[str, ...]  # variables that the container gets from the caller
    unknown: tuple[str, ...]  # why these may not be all: in words, such as "`include`"


def find_sources(folder: str) -> Sources:
    """Return the sources of a folder's docker-compose.yml; raises `BadCompose` if Compose would read another one."""
    for name in OTHER_NAMES:
        if os.path.lexists(os.path.join(folder, name)):
            raise errors.BadCompose(
                f"{folder} has both {COMPOSE_FILE} and {name}, and Compose would read only one of them. Remove one; pydock "
                f"reads {COMPOSE_FILE}."
            )
    override = os.path.join(folder, OVERRIDE_FILE)
    found = [os.path.join(folder, COMPOSE_FILE)]
    found += [override] if os.path.lexists(override) else []
    texts = [_text(path) for path in found]
    env_files: list[str] = []
    inherited: list[str] = []
    unknown: list[str] = []
    of_secrets: list[str] = []
    for text in texts:
        _look_into(text, folder, env_files, inherited, of_secrets, unknown)
    env_texts = [_text_or_nothing(path) for path in env_files]
    inherited += [name for text in env_texts for name in BARE_NAME.findall(text)]
    dotenv = os.path.join(folder, ENV_FILE)
    set_here = _text_or_nothing(dotenv)
    if "COMPOSE_ENV_FILES" in set_here:
        unknown.append("COMPOSE_ENV_FILES")
    names = {name for text in (*texts, *env_texts, set_here) for name in NAMES.findall(text)}
    names |= {*ASSIGNED.findall(set_here), *of_secrets}  # the caller's value wins over that of `.env`
    others = [os.path.join(folder, name) for name in OTHER_NAMES]
    return Sources(
        tuple(found),
        tuple(dict.fromkeys([*found, override, dotenv, *env_files, *others])),
        tuple(sorted(names)),
        tuple(sorted(set(inherited))),
        tuple(dict.fromkeys(unknown)),
    )


def _look_into(
    text: str,
    folder: str,
    env_files: list[str],
    inherited: list[str],
    of_secrets: list[str],
    unknown: list[str],
) -> None:
    yaml = import_yaml()
    try:
        top = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):  # such as Compose's own tag `!reset`
        unknown.append("what only Compose can read")
        return
    top = top if isinstance(top, dict) else {}
    if "include" in top:
        unknown.append("`include`")
    services = top.get("services")
    for service in services.values() if isinstance(services, dict) else ():
        if not isinstance(service, dict):
            continue
        extends = service.get("extends")
        if isinstance(extends, dict) and "file" in extends:
            unknown.append("`extends`")
        if "label_file" in service:
            unknown.append("`label_file`")
        for path in _paths(service.get("env_file")):
            if "$" in path:
                unknown.append("a variable in the path of an `env_file`")
            env_files.append(os.path.normpath(os.path.join(folder, os.path.expanduser(path))))
        inherited += _inherited(service.get("environment"))
    of_secrets += [
        str(entry["environment"])
        for group in (top.get("secrets"), top.get("configs"))
        for entry in (group.values() if isinstance(group, dict) else ())
        if isinstance(entry, dict) and "environment" in entry
    ]


def _paths(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    found = [entry.get("path") if isinstance(entry, dict) else entry for entry in entries]
    return [path for path in found if isinstance(path, str)]


def _inherited(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [str(name) for name, text in value.items() if text is None]
    return [str(word) for word in value if "=" not in str(word)] if isinstance(value, list) else []


def _text(path: str) -> str:
    hint = "Fix the file or remove it."
    try:
        return errors.read_file(path, errors.BadCompose, hint, limit=MAX_SIZE).decode()
    except FileNotFoundError as error:
        raise errors.BadCompose(f"{path} was not found. {hint}") from error
    except UnicodeDecodeError as error:
        raise errors.BadCompose(f"{path} is not valid UTF-8: {error}. {hint}") from error


def _text_or_nothing(path: str) -> str:
    try:
        return errors.read_file(path, limit=MAX_SIZE).decode(errors="replace")
    except (OSError, errors.PydockError):
        return ""
