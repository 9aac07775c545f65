"""The recorded messages of real engines."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

RECORDED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "recorded")


def message(name: str) -> str:
    """Return the text of `tests/recorded/NAME.txt`."""
    with open(os.path.join(RECORDED, f"{name}.txt"), encoding="utf-8") as file:
        return file.read().rstrip("\n")


def build_output(name: str) -> str:
    """Return what a real client printed on stderr during a build: `tests/recorded/builds/NAME`."""
    with open(os.path.join(RECORDED, "builds", name), encoding="utf-8") as file:
        return file.read()


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)
