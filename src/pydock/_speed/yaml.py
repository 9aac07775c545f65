"""PyYAML, taken from invoke without importing invoke, which would take half as long as a `docker run`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def import_yaml() -> Any:
    """Return the PyYAML that invoke bundles, or the installed one where a distribution does not bundle it."""
    import importlib.util  # only if there is a settings file
    import sys

    invoke = importlib.util.find_spec("invoke")
    folder = os.path.join(os.path.dirname(invoke.origin or ""), "vendor", "yaml") if invoke else ""
    spec = importlib.util.spec_from_file_location(
        "pydock_yaml", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if not os.path.isdir(folder) or spec is None or spec.loader is None:
        import yaml

        return yaml
    if spec.name in sys.modules:
        return sys.modules[spec.name]
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
