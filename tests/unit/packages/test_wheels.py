"""The wheels that one command builds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.engine.links import Wheel
from pydock.environments.linked import LinkedProject
from pydock.packages import wheels
from pydock.packages.requirements import Line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False)])
def test_wheel_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, fits: bool
) -> None:
    path = tmp_path / "own-1.0-py3-none-any.whl"
    path.write_bytes(bytes(size))
    found = Wheel(LinkedProject("/srv/own"), "own", str(path))
    images: Any = SimpleNamespace(links=SimpleNamespace(full_wheels=lambda *_: [found], wheels=lambda *_: []))
    environment: Any = SimpleNamespace(folder="/srv/envs/ds", copy_of="")
    monkeypatch.setattr(wheels, "MAX_SIZE", 100)
    made = wheels.Wheels(images, environment, [])
    line = Line("../../own", "/srv/own", "../../own", source="/srv/own")
    if fits:
        [named] = made.build([line], "image")
        assert named.text == "../../own  # own"
        assert [*made.stored().values()] == [str(path)]
    else:
        with pytest.raises(errors.PackagesUnavailable, match="link the project"):
            made.build([line], "image")
