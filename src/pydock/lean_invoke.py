"""Import invoke without two modules that only its tests and its version number need: half of what it costs.

What is missing afterwards is `MockContext` and a true `__version__`. Only our own console program does this.
"""

from __future__ import annotations

import sys
from types import ModuleType

# invoke/context.py: `from unittest.mock import Mock`, for MockContext; with asyncio behind it.
mock = ModuleType("unittest.mock")
mock.Mock = object  # type: ignore[attr-defined]

# invoke/__init__.py: `metadata.version("invoke")`; with email and zipfile behind it.
metadata = ModuleType("importlib.metadata")
metadata.version = lambda name: "unknown"  # type: ignore[attr-defined]  # noqa: ARG005


def import_invoke() -> None:
    """Import invoke with the two stand-ins in place, which are gone again afterwards."""
    if "invoke" in sys.modules:
        return
    stand_ins = {module.__name__: module for module in (mock, metadata) if module.__name__ not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        import invoke  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]
