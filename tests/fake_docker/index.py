"""What the fake engine can install, and how it chooses versions."""

from __future__ import annotations

import operator
import re

from .messages import fail, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Versions, oldest first, and the requirements of each package.
INDEX: dict[str, tuple[list[str], list[str]]] = {
    "numpy": (["1.26.0", "2.0.0", "2.1.0"], []),
    "pandas": (["2.1.0", "2.2.0", "2.2.1"], ["numpy", "python-dateutil"]),
    "python-dateutil": (["2.8.0", "2.9.0"], ["six"]),
    "six": (["1.15.0", "1.16.0"], []),
    "scipy": (["1.10.0", "1.11.0", "1.12.0"], ["numpy"]),
    "requests": (["2.30.0", "2.31.0"], []),
    "oldnumpy": (["1.0.0"], ["numpy<2"]),
}
# A name, perhaps extras, and version bounds; markers and comments are ignored.
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?([^;#]*)")
OPERATORS = {"==": operator.eq, ">=": operator.ge, "<": operator.lt}


def resolve(requested: Iterable[str], installed: Sequence[str], upgrade: Sequence[str] = ()) -> list[str]:
    """Return pins for the requested packages and all their requirements.

    Installed versions are kept if they fit, unless `upgrade` has the package's name, or "*".
    """
    kept = dict(line.split("==") for line in installed if "==" in line)
    bounds: dict[str, list[str]] = {}
    pins: dict[str, str] = {}
    todo = [line for line in requested if line and not line.startswith(("-", "#"))]
    for line in todo:  # grows
        if "://" in line:
            pinned = line if " @ " in line else f"{line.partition('#egg=')[2]} @ {line}"
            pins[line] = re.sub(r"\[[^]]*\](?= @ )", "", pinned)
            continue
        name, specifier = _parsed(line)
        if name not in INDEX:
            fail(message("package-not-found").replace("nosuchpackage", name))
        versions, requirements = INDEX[name]
        bounds.setdefault(name, []).extend(specifier)
        fitting = [version for version in versions if all(_fits(version, bound) for bound in bounds[name])]
        if not fitting:
            fail(message("version-conflict"))
        keep = kept.get(name) in fitting and not {name, "*"} & set(upgrade)
        pins[name] = f"{name}=={kept[name] if keep else fitting[-1]}"
        todo += requirements
    return sorted(pins.values())


def _parsed(line: str) -> tuple[str, list[str]]:
    found = REQUIREMENT.match(line)
    assert found, line
    name = re.sub(r"[-_.]+", "-", found[1]).lower()
    return name, [bound.strip() for bound in found[2].split(",") if bound.strip()]


def _fits(version: str, bound: str) -> bool:
    sign = next(sign for sign in OPERATORS if bound.startswith(sign))  # others are not needed yet
    return bool(OPERATORS[sign](_numbers(version), _numbers(bound[len(sign) :])))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
