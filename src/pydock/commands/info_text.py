"""What `pydock info` knows of an environment, as text."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pydock.commands.envs import age_text
from pydock.engine.sizes import size_text
from pydock.messages import aligned, encodes, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 10  # packages whose sizes are shown
BAR = 30  # characters of the longest bar
SHOWN_NAMES = 8


def info_table(described: dict[str, Any], width: int = 0) -> str:
    """Return what is known as text, on a terminal of that width no wider than that if possible."""
    lines = aligned([[f"{label}:", text] for label, text in _rows(described)], width, [(1, 20)])
    sizes = described["sizes"]
    if not sizes:
        return printable(lines)
    return printable(f"{lines}\n\n{size_table(sizes, block='█' if encodes(sys.stdout, '█') else '#')}")


def size_table(sizes: dict[str, int], block: str = "#") -> str:
    """Return the largest packages with bars, and all others together."""
    shown = dict(list(sizes.items())[:LARGEST])
    others = sum(sizes.values()) - sum(shown.values())
    if len(sizes) > LARGEST:
        shown[f"{len(sizes) - LARGEST} others"] = others
    most = max(shown.values())
    rows = [
        [name, size_text(size), block * (round(BAR * size / most) if most else 0)]
        for name, size in shown.items()
    ]
    return aligned([["PACKAGE", "SIZE", ""], *rows])


def _rows(described: dict[str, Any]) -> list[tuple[str, str]]:
    """Return labels and values in the order in which they are shown."""
    packages, image, trust = described["packages"], described["image"], described["trust"]
    version = described["python_version"]
    rows = [
        ("Name", described["name"]),
        ("Folder", described["folder"]),
        ("Python", f"{described['python'] or '-'}{f' ({version})' if version else ''}"),
        ("Base image", _base_text(described["base"])),
        ("State", _state_text(described)),
        ("Image", _image_text(image)),
    ]
    if image and image["layers"]:
        sizes = ", ".join(map(size_text, image["layers"]))
        rows.append(("Layers", f"{len(image['layers'])}, lowest first: {sizes}"))
    rows += [
        ("Requested", _names_text(packages["requested"])),
        ("Brought along", _names_text(packages["dependencies"])),
    ]
    rows += [("Not installed", _names_text(packages["missing"]))] if packages["missing"] else []
    rows += [("System packages", _names_text(packages["system"]))] if packages["system"] else []
    warm = described["warm"]
    until = " until `pydock down`" if described["up"] else ""
    rows.append(("Warm container", f"{', '.join(warm)}{until}" if warm else "none"))
    if described["activated"]:
        activated = described["activated"]
        rows.append(("Activated", f"{activated['folder']}, {size_text(activated['size'])}"))
    if described["services"] is None:
        rows.append(("Services", "not known"))
    elif described["services"]:
        services = "; ".join(f"{one['service']} ({one['status']})" for one in described["services"])
        rows.append(("Services", services))
    elif trust["compose_file"]:
        rows.append(("Services", "none runs"))
    rows.append(("Trust", _trust_text(trust, described["name"])))
    for name, row in described["settings"].items():
        value = " ".join(row["value"]) if isinstance(row["value"], (list, tuple)) else row["value"]
        rows.append((f"Setting {name}", f"{value or '-'} ({row['source']})"))
    return rows


def _base_text(base: dict[str, Any]) -> str:
    if base["pinned"]:
        return f"{base['image']}, pinned to {base['pinned']}"
    local = f", here {base['local']}" if base["local"] else ""
    return f"{base['image'] or 'not known'}{local}"


def _state_text(described: dict[str, Any]) -> str:
    drift, name = described["drift"], described["name"]
    parts = [described["state"] or "not known"]
    if described["state"] in {"not built", "changed since the build"}:
        parts.append(f"`pydock build {name}` builds it")
    if drift["requirements_edited"]:
        parts.append(f"requirements.in was edited, `pydock update {name}` installs what it asks for")
    if drift["older_version"]:
        parts.append(f"built by pydock {drift['older_version']}")
    return "; ".join(parts)


def _image_text(image: dict[str, Any] | None) -> str:
    if not image:
        return "-"
    size = f", {size_text(image['size'])}" if image["size"] is not None else ""
    identifier = image["id"].removeprefix("sha256:")[:12]
    return f"{image['tag']} ({identifier}){size}, {age_text(image['created'])}"


def _names_text(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN_NAMES])
    return f"{len(names)}: {shown}{', …' if len(names) > SHOWN_NAMES else ''}" if names else "none"


def _trust_text(trust: dict[str, Any], name: str) -> str:
    if trust["environment"]:
        text = "yours, or trusted"
    else:
        text = f"from elsewhere, so builds get no credentials; `pydock trust {name}` changes that"
    if trust["settings_file"]:
        text += f"; {trust['settings_file']} is {'trusted' if trust['settings'] else 'not trusted: `pydock trust`'}"
    if trust["compose_file"] and not trust["environment"]:
        text += (
            f"; what its {os.path.basename(trust['compose_file'])} opens of this machine needs that trust too"
        )
    return text
