"""`pydock delete` and the volume with the home folder: data is removed only if the user says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.engine.data import home_volume
from pydock.environments.environment import describe_environment
from pydock.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine


@pytest.fixture
def volume(ds: Machine) -> Path:
    """Return the file that is the home volume of `ds` in the fake engine."""
    settings = load_settings(environ=ds.environ, folder=str(ds.project))
    path = ds.engine / "volumes" / home_volume(describe_environment(settings, "ds", str(ds.folder("ds"))))
    path.parent.mkdir()
    path.touch()
    return path


def test_volume_stays_with_yes(ds: Machine, volume: Path) -> None:
    ended = ds.ok("delete", "ds", "--yes")
    assert (
        f"The volume {volume.name} with the home folder stays; `docker volume rm {volume.name}`" in ended.err
    )
    assert volume.exists()
    assert not ds.folder("ds").exists()


def test_volume_is_deleted_if_asked_for(ds: Machine, volume: Path) -> None:
    ds.ok("delete", "ds", "--yes", "--volume")
    assert not volume.exists()


@pytest.mark.parametrize(("typed", "stays"), [(b"y\ny\n", False), (b"y\nn\n", True), (b"y\n\n", True)])
def test_delete_asks_for_the_volume(ds: Machine, volume: Path, typed: bytes, stays: bool) -> None:
    code, shown = ds.in_terminal(typed, "delete", "ds")
    assert code == 0
    assert f"Delete the volume {volume.name} with the home folder too? [y/N]" in shown
    assert volume.exists() == stays
    assert not ds.folder("ds").exists()


def test_dry(ds: Machine, volume: Path) -> None:
    printed = ds.ok("--dry", "delete", "ds", "--volume").out
    assert f"docker volume rm {volume.name}" in printed
    assert "volume rm" not in ds.ok("--dry", "delete", "ds").out
    assert volume.exists()
