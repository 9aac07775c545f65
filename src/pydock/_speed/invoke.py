"""Import invoke without three modules that only its tests, its version number and its YAML files need.

They take two thirds of the time. What is missing afterwards is `MockContext` and a true `__version__`; YAML is imported
when a file is read. Only our own console program does this.
"""

from __future__ import annotations

import sys
from types import ModuleType

from pydock.settings import import_yaml

# invoke/context.py: `from unittest.mock import Mock`, for MockContext; with asyncio behind it.
mock = ModuleType("unittest.mock")
mock.Mock = object  # type: ignore[attr-defined]

# invoke/__init__.py: `metadata.version("invoke")`; with email and zipfile behind it.
metadata = ModuleType("importlib.metadata")
metadata.version = lambda name: "unknown"  # type: ignore[attr-defined]  # noqa: ARG005

# invoke/util.py: `from .vendor import yaml`, for invoke/config.py's `yaml.safe_load`.
yaml = ModuleType("invoke.vendor.yaml")
yaml.safe_load = lambda stream: import_yaml().safe_load(stream)  # type: ignore[attr-defined]

STAND_INS = (mock, metadata, yaml)


def import_invoke() -> None:
    """Import invoke with the stand-ins in place, which are gone again afterwards."""
    if "invoke" in sys.modules:
        return
    stand_ins = {module.__name__: module for module in STAND_INS if module.__name__ not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        import invoke  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]
