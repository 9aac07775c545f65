"""The text of a docker-compose.yml: a new one, and one with more in it.

A file is extended as text, line by line, so that comments and order stay. Afterwards both texts are read as YAML: the new one must
say what the old one said, and the addition, and nothing else. A file in which that fails is refused.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock._speed.yaml import import_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK = "127.0.0.1"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PORT = re.compile(r"\d+(-\d+)?")
SERVICE = "env"
HEADER = """\
# How this environment runs: for `docker compose run --rm env COMMAND`, `docker compose up`, and `pydock run`.
"""


class Additions(NamedTuple):
    """What a docker-compose.yml gets, in Compose's own words."""

    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    variables: tuple[tuple[str, str | None], ...] = ()  # None: the caller's value
    services: tuple[tuple[str, str], ...] = ()  # name, image
    named_volumes: tuple[str, ...] = ()


def read_additions(
    ports: Sequence[str],
    volumes: Sequence[str],
    variables: Sequence[str],
    services: Sequence[str],
    *,
    folder: str,
    working_directory: str,
) -> Additions:
    """Return the values of options as Compose takes them; raises `UsageError` for an invalid one.

    `folder` is the environment's, relative to which the file names paths; those of options are relative to the working directory.
    """
    for text in (*ports, *volumes, *variables, *services):
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            raise errors.UsageError(f"{text!a} is not valid UTF-8, which a YAML file has to be.")
    read = [_volume(text, folder, working_directory) for text in volumes]
    return Additions(
        tuple(dict.fromkeys(_port(text) for text in ports)),
        tuple(dict.fromkeys(text for text, _ in read)),
        tuple(_variable(text) for text in variables),
        tuple(_service(text) for text in services),
        tuple(dict.fromkeys(name for _, name in read if name)),
    )


def _port(text: str) -> str:
    """Return a port as Compose takes it; without an address, only this machine can connect."""
    mapping, slash, protocol = text.partition("/")
    address, colon, rest = mapping.rpartition("]:") if mapping.startswith("[") else ("", "", mapping)
    words = rest.split(":")
    if colon:
        words = [address + "]", *words]
    if len(words) == 1:
        words = ["", *words]
    if len(words) == 2:  # noqa: PLR2004 - published:target
        words = [LOOPBACK, *words]
    valid = len(words) == 3 and PORT.fullmatch(words[2]) and (not words[1] or PORT.fullmatch(words[1]))  # noqa: PLR2004
    if not valid or (slash and protocol not in {"tcp", "udp", "sctp"}):
        raise errors.UsageError(
            f"Invalid port {text!r}. Write for example 8888:8888 (this machine's port, the container's), 8888 (a free port of this "
            "machine), or 192.168.1.5:8888:8888."
        )
    return ":".join(words) + slash + protocol


def _volume(text: str, folder: str, working_directory: str) -> tuple[str, str]:
    """Return a volume as Compose takes it, and its name if it is a named one."""
    source, colon, rest = text.partition(":")
    if not colon or not source or not rest.startswith("/"):
        raise errors.UsageError(
            f"Invalid volume {text!r}. Write for example ./data:/data, ~/models:/models:ro, or cache:/cache for a volume of Docker."
        )
    rest = rest.replace("$", "$$")
    if NAME.fullmatch(source) and not source.startswith("."):
        return f"{source}:{rest}", source
    path = os.path.normpath(os.path.join(working_directory, os.path.expanduser(source)))
    if not source.startswith(("/", "~")):
        path = os.path.relpath(path, folder)
        path = path if path.startswith("..") else os.path.join(".", path)
    return f"{path.replace('$', '$$')}:{rest}", ""


def _variable(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not VARIABLE.fullmatch(name):
        raise errors.UsageError(f"Invalid variable {text!r}. Write NAME=VALUE, or NAME for your own value.")
    return name, value.replace("$", "$$") if equals else None


def _service(text: str) -> tuple[str, str]:
    name, equals, image = text.partition("=")
    if not equals or not NAME.fullmatch(name) or not image or any(sign.isspace() for sign in image):
        raise errors.UsageError(f"Invalid service {text!r}. Write NAME=IMAGE, for example db=postgres:16.")
    if name == SERVICE:
        raise errors.UsageError(f"'{SERVICE}' is the environment's own service. Choose another name.")
    return name, image.replace("$", "$$")


def new_text(
    project: str, ids: Mapping[str, int], added: Additions, mount: tuple[str, str] = ("", "")
) -> str:
    """Return a new docker-compose.yml. `ids` are the build arguments UID and GID.

    `mount` is a folder, relative to the environment's, and its place in the container, where commands start.
    """
    arguments = "".join(f"        {name}: ${{{name}:-{number}}}\n" for name, number in ids.items())
    text = (
        f"{HEADER}name: {project}\n"
        "services:\n"
        f"  {SERVICE}:\n"
        "    build:\n"
        "      context: .\n"
        "      dockerfile: dockerfile\n"
        "      args:\n"
        f"{arguments}"
    )
    source, place = (word.replace("$", "$$") for word in mount)
    if source:
        text += f"    working_dir: {_quoted(place)}\n    volumes:\n      - {_quoted(f'{source}:{place}')}\n"
    return extended_text(text, SERVICE, added)


def own_service_name(text: str, name: str) -> str:
    """Return which service of a file builds its folder; raises `BadCompose` if that is not clear."""
    services = (_parsed(text) or {}).get("services")
    found = (
        [
            str(key)
            for key, service in services.items()
            if isinstance(service, dict) and _builds_here(service.get("build"))
        ]
        if isinstance(services, dict)
        else []
    )
    if len(found) > 1:
        found = [word for word in (SERVICE, name) if word in found][:1] or found
    if len(found) != 1:
        raise errors.BadCompose(
            "docker-compose.yml: it is not clear which service is the environment. Give it `build: .`, and call it "
            f"'{SERVICE}' if there are several. Nothing was changed."
        )
    return found[0]


def _builds_here(build: Any) -> bool:
    context = build.get("context") if isinstance(build, dict) else build
    return isinstance(context, str) and os.path.normpath(context) == "."


def extended_text(text: str, service: str, added: Additions) -> str:
    """Return the text with additions; comments, order and everything else stay as they are.

    Raises `BadCompose` for a file that is written in a way that cannot be extended like this.
    """
    before = _parsed(text)
    wanted = _with_additions(before, service, added)
    lines = text.removesuffix("\n").split("\n")
    after = ""
    with contextlib.suppress(ValueError):  # a place was not found
        _extend(lines, before, service, added)
        after = "\n".join(lines) + "\n"
    if not after or _parsed(after) != wanted:
        raise errors.BadCompose(
            "docker-compose.yml is written in a way that pydock cannot extend without changing its layout. Nothing was changed. Add "
            f"this to it yourself:\n{_by_hand(service, added)}"
        )
    return after


def _parsed(text: str) -> Any:
    yaml = import_yaml()
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise errors.BadCompose(
            "docker-compose.yml is not YAML that pydock can read. Fix it, or extend it yourself. Nothing was changed."
        ) from error


def _with_additions(before: Any, service: str, added: Additions) -> Any:
    """Return what the file must say afterwards. What it says already is not added again."""
    wanted = copy.deepcopy(before)
    own = wanted["services"][service]
    for key, items in (("ports", added.ports), ("volumes", added.volumes)):
        if items:
            found = own.get(key) or []
            own[key] = [*found, *(item for item in items if item not in found)]
    if added.variables:
        found = own.get("environment")
        if isinstance(found, list):
            own["environment"] = [
                *found,
                *(_assignment(*variable) for variable in _new_variables(found, added)),
            ]
        else:
            own["environment"] = {**(found or {}), **dict(_new_variables(found or {}, added))}
    names = [name for name, _ in added.services if name not in wanted["services"]]
    if names and isinstance(own.get("depends_on"), dict):
        own["depends_on"].update({name: {"condition": "service_started"} for name in names})
    elif names:
        own["depends_on"] = [*(own.get("depends_on") or []), *names]
    for name, image in added.services:
        if wanted["services"].setdefault(name, {"image": image}).get("image") != image:
            raise errors.BadCompose(
                f"docker-compose.yml has another service '{name}' already. Choose another name, or edit the file. Nothing was changed."
            )
    if added.named_volumes:
        wanted["volumes"] = {**dict.fromkeys(added.named_volumes), **(wanted.get("volumes") or {})}
    return wanted


def _new_variables(found: Any, added: Additions) -> list[tuple[str, str | None]]:
    """Return the variables that the file does not set yet; raises `BadCompose` if it sets another value."""
    has = (
        dict(_split(word) for word in found)
        if isinstance(found, list)
        else {str(name): value for name, value in found.items()}
    )
    for name, value in added.variables:
        if name in has and has[name] != value:
            raise errors.BadCompose(
                f"docker-compose.yml sets the variable {name} already, to another value. Edit the file. Nothing was changed."
            )
    return [(name, value) for name, value in dict(added.variables).items() if name not in has]


def _split(word: Any) -> tuple[str, str | None]:
    name, equals, value = str(word).partition("=")
    return name, value if equals else None


def _assignment(name: str, value: str | None) -> str:
    return name if value is None else f"{name}={value}"


def _extend(lines: list[str], before: Any, service: str, added: Additions) -> None:
    """Insert the additions into the lines; raises `ValueError` if a place is not found."""
    own = before["services"][service]
    path = ("services", service)
    for key, items in (("ports", added.ports), ("volumes", added.volumes)):
        new = [f"- {_quoted(item)}" for item in items if item not in (own.get(key) or [])]
        _add(lines, (*path, key), new, exists=bool(own.get(key)))
    found = own.get("environment")
    variables = _new_variables(found or {}, added)
    if isinstance(found, list):
        new = [f"- {_quoted(_assignment(*variable))}" for variable in variables]
    else:
        new = [f"{name}:{'' if value is None else f' {_quoted(value)}'}" for name, value in variables]
    _add(lines, (*path, "environment"), new, exists=bool(found))
    services = [(name, image) for name, image in added.services if name not in before["services"]]
    depends = own.get("depends_on")
    if isinstance(depends, dict):
        new = [line for name, _ in services for line in (f"{name}:", "  condition: service_started")]
    else:
        new = [f"- {name}" for name, _ in services]
    _add(lines, (*path, "depends_on"), new, exists=bool(depends))
    for name, image in services:
        _add(lines, ("services",), [f"{name}:", f"  image: {_quoted(image)}"], exists=True)
    names = [f"{name}:" for name in added.named_volumes if name not in (before.get("volumes") or {})]
    _add(lines, ("volumes",), names, exists=bool(before.get("volumes")))


def _quoted(text: str) -> str:
    """Return the text as a double-quoted scalar of YAML (https://yaml.org/spec/1.2.2/#57-escaped-characters)."""
    signs = (
        f"\\{sign}" if sign in '\\"' else sign if sign.isprintable() else f"\\U{ord(sign):08x}"
        for sign in text
    )
    return f'"{"".join(signs)}"'


def _add(lines: list[str], path: Sequence[str], new: Sequence[str], *, exists: bool) -> None:
    """Add lines to the end of the block that the path leads to; make the block if it does not exist."""
    if not new:
        return
    start, end, indent = 0, len(lines), 0
    for key in path if exists else path[:-1]:
        start, end, indent = _block(lines, start, end, indent, key)
    if exists:
        added = [" " * indent + line for line in new]
    else:
        added = [f"{' ' * indent}{path[-1]}:", *(" " * (indent + 2) + line for line in new)]
    while end > start and _is_empty(lines[end - 1]):  # what follows a block may be about the next one
        end -= 1
    lines[end:end] = added


def _block(lines: list[str], start: int, end: int, indent: int, key: str) -> tuple[int, int, int]:
    """Return the lines of a key's block within a block, and their indentation."""
    head = re.compile(
        rf" {{{indent}}}(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}'):\s*(?:#.*)?"
    )
    place = next((number for number in range(start, end) if head.fullmatch(lines[number])), None)
    if place is None:
        raise ValueError(key)
    first = next((number for number in range(place + 1, end) if not _is_empty(lines[number])), None)
    if first is None:
        raise ValueError(key)
    inner = len(lines[first]) - len(lines[first].lstrip(" "))
    is_list = lines[first].lstrip().startswith("- ")
    if inner < indent or (inner == indent and not is_list):
        raise ValueError(key)
    last = first
    for number in range(first, end):
        line = lines[number]
        width = len(line) - len(line.lstrip(" "))
        if _is_empty(line):
            continue
        if width < inner or (inner == indent and width == inner and not line.lstrip().startswith("- ")):
            break
        last = number
    return place + 1, last + 1, inner


def _is_empty(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _by_hand(service: str, added: Additions) -> str:
    """Return the additions as a Compose file of their own."""
    lines = ["services:", f"  {service}:", "    build: ."]
    _extend(lines, {"services": {service: {}}}, service, added)
    return "\n".join(lines)
