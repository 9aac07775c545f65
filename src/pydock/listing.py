"""The table of environments, and the table of settings."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pydock.environment import DOCKERFILE, environment_names, find_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.environment import Environment
    from pydock.images import Image, Images
    from pydock.network import Network
    from pydock.settings import Settings

COLUMNS = ("name", "python", "image", "size", "updated", "state")


def describe_environments(settings: Settings, images: Images) -> list[dict[str, Any]]:
    """Return one row an environment, with two engine calls whatever their number."""
    names = environment_names(settings.home)
    if not names:
        return []
    environments = [find_environment(settings, name) for name in names]
    tags = images.list_tags(f"{settings.prefix}*")  # newest first
    chosen = {environment.name: _image_of(environment, tags) for environment in environments}
    known = images.inspect_all(sorted({tag for tag in chosen.values() if tag}))
    by_tag = {tag.removeprefix("localhost/"): image for image in known for tag in image.tags}
    return [_row(environment, chosen[environment.name], by_tag) for environment in environments]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as text, columns aligned, for people."""
    lines = [[column.upper() for column in COLUMNS]]
    lines += [
        [
            row["name"],
            row["python"],
            row["image"] or "-",
            _size(row["size"]),
            _age(row["updated"]),
            row["state"],
        ]
        for row in rows
    ]
    return _aligned(lines)


def describe_settings(settings: Settings, network: Network) -> dict[str, Any]:
    """Return mode, home folder, and every setting with its value and where it came from."""
    values = settings._asdict()
    sources = values.pop("sources")
    home = values.pop("home")
    values["home"] = home.folder
    values["mode"] = home.mode
    detected = {
        "ca_bundle": network.ca_bundle,
        "netrc": network.netrc,
        "pip_config": ":".join(network.pip_configs),
    }
    rows = {}
    for name in sorted(values):
        value, source = values[name], sources[name]
        if name in {"mode", "home"}:
            source = home.reason
        elif name in detected and not value and detected[name]:
            value, source = detected[name], "detected"
        rows[name] = {"value": list(value) if isinstance(value, tuple) else value, "source": source}
    return {"mode": home.mode, "home": home.folder, "reason": home.reason, "settings": rows}


def settings_table(described: dict[str, Any]) -> str:
    """Return the settings as text, for people."""
    lines = [["SETTING", "VALUE", "FROM"]]
    for name, row in described["settings"].items():
        value = row["value"]
        lines.append([name, " ".join(value) if isinstance(value, list) else value or "-", row["source"]])
    folder = os.path.join(described["home"], "envs")
    head = f"pydock runs in {described['mode']} mode ({described['reason']}).\nEnvironments are in {folder}"
    return f"{head}\n\n{_aligned(lines)}"


def _image_of(environment: Environment, tags: Sequence[str]) -> str:
    current = environment.content_tag()
    if current in tags:
        return current
    beginning = environment.tag_pattern.removesuffix("*")
    older = [tag for tag in tags if tag.startswith(beginning) and tag != environment.candidate]
    return older[0] if older else ""


def _row(environment: Environment, tag: str, images: dict[str, Image]) -> dict[str, Any]:
    image = images.get(tag)
    if image is None:
        state = "not built"
    elif tag == environment.content_tag():
        state = "ready"
    else:
        state = "changed since the build"
    return {
        "name": environment.name,
        "python": _python(environment, image),
        "image": environment.alias if image and environment.alias in image.tags else tag,
        "size": image.size if image else None,
        "updated": image.created if image else None,
        "state": state,
        "folder": environment.folder,
    }


def _python(environment: Environment, image: Image | None) -> str:
    """Return what the image says (official images set PYTHON_VERSION), else what the dockerfile begins with."""
    if image and image.variables.get("PYTHON_VERSION"):
        return image.variables["PYTHON_VERSION"]
    with open(environment.path(DOCKERFILE), encoding="utf-8", errors="replace") as file:
        text = file.read()
    found = re.search(r"^ARG VERSION=(\S+)", text, re.MULTILINE) or re.search(
        r"^(?:ARG BASE=|FROM )(\S+)", text, re.MULTILINE
    )
    return found.group(1) if found else "-"


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f} MB"


def _age(created: str | None) -> str:
    if not created:
        return "-"
    text = re.sub(r"\.\d+", "", created).replace("Z", "+00:00")
    try:
        seconds = (datetime.now(timezone.utc) - datetime.fromisoformat(text)).total_seconds()
    except ValueError:
        return created
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = int(seconds // length)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines
    )
