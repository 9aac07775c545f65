"""Import invoke without three modules that only its tests, its version number and its YAML files need.

They take two thirds of its import time. Afterwards invoke has no `MockContext` and no true `__version__`, and YAML is
imported when a file is read. Only the console program does this; `inv` and projects import invoke normally.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType

from pydock._speed.yaml import import_yaml

TESTED = ("2.", "3.")  # the versions of invoke whose imports are known

# invoke/context.py: `from unittest.mock import Mock`, for MockContext; it imports asyncio.
mock = ModuleType("unittest.mock")
mock.Mock = object  # type: ignore[attr-defined]

# invoke/__init__.py: `metadata.version("invoke")`; it imports email and zipfile.
metadata = ModuleType("importlib.metadata")
metadata.version = lambda name: "unknown"  # type: ignore[attr-defined]  # noqa: ARG005

# invoke/util.py: `from .vendor import yaml`, for the `yaml.safe_load` of invoke/config.py.
yaml = ModuleType("invoke.vendor.yaml")
yaml.safe_load = lambda stream: import_yaml().safe_load(stream)  # type: ignore[attr-defined]

SUBSTITUTES = (mock, metadata, yaml)


def import_invoke() -> None:
    """Import invoke with the substitutes in place, and remove them again.

    An unknown version of invoke, or one that fails with the substitutes, is imported as a whole, which only takes
    longer.
    """
    if "invoke" in sys.modules or not _version().startswith(TESTED):
        return
    before = set(sys.modules)
    substitutes = {module.__name__: module for module in SUBSTITUTES if module.__name__ not in sys.modules}
    sys.modules.update(substitutes)
    try:
        import invoke  # noqa: F401
    except Exception:  # noqa: BLE001 - any failure means that this invoke needs the real modules
        for name in set(sys.modules) - before:
            del sys.modules[name]
    finally:
        for name in substitutes:
            sys.modules.pop(name, None)


def _version() -> str:
    """Return the version of the invoke that an import would find, "" if unknown.

    Its metadata folder has the version in its name:
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    spec = PathFinder.find_spec("invoke")
    if spec is None or not spec.origin:
        return ""
    parent = os.path.dirname(os.path.dirname(spec.origin))
    try:
        names = os.listdir(parent)
    except OSError:  # inside a zip
        return ""
    for name in names:
        if name.startswith("invoke-") and name.endswith((".dist-info", ".egg-info")):
            return name[len("invoke-") :]
    return ""
