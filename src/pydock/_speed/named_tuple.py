"""`NamedTuple` for modules that every `pydock run` imports: `typing`, which imports `re`, takes 10 ms.

Type checkers see the real one. https://docs.python.org/3/library/collections.html#collections.namedtuple
"""

# ruff: noqa: ANN001, ANN204, ARG004, PLC0414, PYI024 - the types are those of the real one

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import namedtuple

    class _Maker(type):
        def __new__(cls, name, bases, body):
            fields = body["__annotations__"]
            defaults = [body.pop(field) for field in fields if field in body]
            parent = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            return type(name, (parent,), {**body, "__slots__": ()})

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})

    try:

        class _Probe(NamedTuple):
            field: int = 0

        _Probe(field=1).field  # noqa: B018
    except Exception:  # noqa: BLE001 - a Python that keeps a class's annotations elsewhere
        from typing import NamedTuple
