"""The table of environments, and the table of settings."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pydock.environments.environment import DOCKERFILE, environment_names, find_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.build_secrets import Network
    from pydock.engine.images import Images, ListedImage
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

COLUMNS = ("name", "python", "image", "size", "updated", "state")


def describe_environments(settings: Settings, images: Images) -> list[dict[str, Any]]:
    """Return one row an environment, with one engine call whatever their number."""
    names = environment_names(settings.home)
    if not names:
        return []
    listed = images.listed(f"{settings.prefix}*")  # newest first
    by_tag = {image.tag: image for image in listed}
    return [_row(find_environment(settings, name), by_tag) for name in names]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as text, columns aligned, for people."""
    lines = [[column.upper() for column in COLUMNS]]
    lines += [
        [
            row["name"],
            row["python"],
            row["image"] or "-",
            row["size"] or "-",
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


def _row(environment: Environment, images: dict[str, ListedImage]) -> dict[str, Any]:
    image, state = images.get(environment.content_tag()), "ready"
    if image is None:
        image, state = _older_image(environment, images), "changed since the build"
    if image is None:
        state = "not built"
    alias = images.get(environment.alias)
    return {
        "name": environment.name,
        "python": _python(environment),
        "image": environment.alias if image and alias and alias.id == image.id else image and image.tag,
        "size": image.size if image else None,
        "updated": image.created if image else None,
        "state": state,
        "folder": environment.folder,
    }


def _older_image(environment: Environment, images: dict[str, ListedImage]) -> ListedImage | None:
    beginning = environment.tag_pattern.removesuffix("*")
    older = [tag for tag in images if tag.startswith(beginning) and tag != environment.candidate]
    return images[older[0]] if older else None


def _python(environment: Environment) -> str:
    """Return the version, or the image, that the dockerfile begins with."""
    with open(environment.path(DOCKERFILE), encoding="utf-8", errors="replace") as file:
        text = file.read()
    version = re.search(r"^ARG VERSION=(\S+)", text, re.MULTILINE)
    image = re.search(r"^(?:ARG BASE=|FROM )(\S+)", text, re.MULTILINE)
    found = version or image
    return found.group(1) if found else "-"


def _age(created: str | None) -> str:
    """Return how long ago `created` was, in the engine's form: `2026-11-22 12:00:00 +0000 UTC`."""
    if not created:
        return "-"
    try:
        then = datetime.strptime(" ".join(created.split()[:3]), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return created
    seconds = max(0.0, (datetime.now(timezone.utc) - then).total_seconds())  # an engine's clock may be ahead
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
