"""The virtualenv you can `docker run`.

A project's own `tasks.py` imports the task collection from here:

    from invoke import Collection
    import pydock

    namespace = Collection()
    namespace.add_collection(Collection.from_module(pydock, name="env"))
"""

from __future__ import annotations

TYPE_CHECKING = False  # what mypy takes for true, without importing typing at every start
if TYPE_CHECKING:
    from typing import Any

    from invoke import Collection

__version__ = "0.1.0"
__all__ = ["__version__", "namespace"]

namespace: Collection


def __getattr__(name: str) -> Any:
    # `Collection.from_module` looks for `ns`, then `namespace`; served late so that
    # `pydock --version` and `pydock run` do not import invoke.
    if name in {"ns", "namespace"}:
        from pydock.commands.namespace import namespace as collection

        return collection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
