"""The faster `NamedTuple` behaves as the one of `typing`."""

from __future__ import annotations

import importlib.util
import pickle
import typing
from typing import Any

import pytest

from pydock._speed import named_tuple


class Point(named_tuple.NamedTuple):
    """A point."""

    x: int
    label: str = "p"
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.label}{self.x}"

    @classmethod
    def origin(cls) -> Point:
        return cls(0)


class Expected(typing.NamedTuple):
    x: int
    label: str = "p"
    tags: tuple[str, ...] = ()


def test_fields_and_defaults() -> None:
    assert Point._fields == Expected._fields
    assert Point._field_defaults == Expected._field_defaults
    assert tuple(Point(1)) == tuple(Expected(1)) == (1, "p", ())
    assert Point(1, tags=("a",))._asdict() == {"x": 1, "label": "p", "tags": ("a",)}
    assert Point(1)._replace(x=2) == (2, "p", ())
    assert repr(Point(1)) == "Point(x=1, label='p', tags=())"
    assert hash(Point(1)) == hash(Expected(1))


def test_methods_and_docstring() -> None:
    assert Point(3).name == "p3"
    assert Point.origin() == (0, "p", ())
    assert Point.__doc__ == "A point."
    assert (Point.__module__, Point.__qualname__) == (__name__, "Point")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), {}), ((1, "a", (), 4), {}), ((1,), {"x": 1}), ((1,), {"y": 1}), ((), {"label": "a"})],
)
def test_wrong_arguments(arguments: tuple[object, ...], named: dict[str, object]) -> None:
    make: Any
    for make in (Point, Expected):
        with pytest.raises(TypeError):
            make(*arguments, **named)


def test_replacing_an_unknown_field() -> None:
    with pytest.raises(TypeError):
        Point(1)._replace(y=2)  # type: ignore[call-arg]


def test_instances_are_immutable_and_have_no_dict() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
    assert not hasattr(Point(1), "__dict__")


def test_instances_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)  # noqa: S301


def test_typing_is_used_if_the_own_class_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example in a Python that keeps the annotations of a class elsewhere."""

    def fail(*_: object, **__: object) -> None:
        raise KeyError("__annotations__")

    spec = importlib.util.find_spec("pydock._speed.named_tuple")
    assert spec is not None
    assert spec.loader is not None
    assert named_tuple.NamedTuple is not typing.NamedTuple
    module = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr("_operator.itemgetter", fail)
        spec.loader.exec_module(module)
    assert module.NamedTuple is typing.NamedTuple
