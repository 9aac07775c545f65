"""Settings and environments without a machine around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pydock.environments.environment import Environment, describe_environment
from pydock.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


class MakeSettings(Protocol):
    def __call__(self, **values: Any) -> Settings: ...


class MakeEnvironment(Protocol):
    def __call__(self, name: str = ..., **values: Any) -> Environment: ...


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return what makes settings out of nothing but their defaults and the values given."""
    home = tmp_path / "empty-home"
    home.mkdir()

    def make(**values: Any) -> Settings:
        return load_settings(values, environ={"HOME": str(home)}, folder=str(tmp_path))

    return make


@pytest.fixture
def make_environment(tmp_path: Path, make_settings: MakeSettings) -> MakeEnvironment:
    """Return what makes an environment's folder and describes it."""

    def make(name: str = "ds", **values: Any) -> Environment:
        folder = tmp_path / "envs" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dockerfile").write_text("FROM python:3.12\n")
        (folder / "requirements.txt").write_text("six==1.16.0\n")
        return describe_environment(make_settings(**{"user": "me", **values}), name, str(folder))

    return make
