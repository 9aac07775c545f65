"""Reading a dockerfile: its base image and its Python version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENT = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|\S+)""")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Dockerfile(NamedTuple):
    """What a dockerfile says of its base; "" for what it does not say or what cannot be told.

    `base_image` is the image of the last stage. It is "" if any other stage takes part, because then that image alone
    does not tell what the build starts from.
    """

    python: str
    base_image: str


def parse_dockerfile(text: str, build_arguments: Mapping[str, str]) -> Dockerfile:
    """Read the ARG and FROM instructions; `build_arguments` replace the defaults of the ARGs they name.

    https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
    """
    values: dict[str, str] = {}
    stages: list[str] = []
    for line in text.splitlines():
        instruction, *words = line.split() or [""]
        if instruction.upper() == "ARG" and not stages:
            values.update({name: value.strip("\"'") for name, value in ARGUMENT.findall(line)})
        elif instruction.upper() == "FROM":
            stages += [word for word in words if not word.startswith("--")][:1]
    values.update({name: value for name, value in build_arguments.items() if name in values})
    image = _expand(stages[-1], values) if stages else ""
    others = [stage for stage in stages[:-1] if stage != "scratch"]
    return Dockerfile(values.get("VERSION", "") or image, "" if others else image)


def _expand(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables; return "" if one has no value, or needs more of the shell's syntax."""
    expanded = VARIABLE.sub(lambda found: values.get(found[1] or found[2], "$"), text)
    return "" if "$" in expanded else expanded
