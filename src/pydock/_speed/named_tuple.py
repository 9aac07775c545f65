"""`NamedTuple` for modules that every `pydock run` imports: `typing` takes 10 ms, and `collections` 2 ms and more per class.

Type checkers see the real one. https://docs.python.org/3/library/typing.html#typing.NamedTuple
"""

# ruff: noqa: ANN001, ANN002, ANN003, ANN202, ANN204, ARG004, PLC0414, RUF012 - the types are those of the real one

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Tuple(tuple):
        __slots__ = ()
        _fields = ()
        _field_defaults = {}

        def __new__(cls, *values, **named):
            for field in cls._fields[len(values) :]:
                if field in named:
                    values += (named.pop(field),)
                elif field in cls._field_defaults:
                    values += (cls._field_defaults[field],)
                else:
                    raise TypeError(f"{cls.__name__}() has no value for {field!r}")
            if named or len(values) != len(cls._fields):
                raise TypeError(f"{cls.__name__}() takes {', '.join(cls._fields)}")
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            values = (f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({', '.join(values)})"

        def _asdict(self):
            return dict(zip(self._fields, self))

        def _replace(self, **named):
            return type(self)(**{**self._asdict(), **named})

    class _Maker(type):
        def __new__(cls, name, bases, body):
            fields = tuple(body["__annotations__"])
            defaults = {field: body.pop(field) for field in fields if field in body}
            getters = {field: property(itemgetter(number)) for number, field in enumerate(fields)}
            own = {"__slots__": (), "_fields": fields, "_field_defaults": defaults}
            return type(name, (_Tuple,), {**getters, **body, **own})

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})

    try:
        from _operator import itemgetter

        class _Probe(NamedTuple):
            field: int = 0

        _Probe(field=1).field  # noqa: B018
    except Exception:  # noqa: BLE001 - a Python that keeps a class's annotations elsewhere
        from typing import NamedTuple
