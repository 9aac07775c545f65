"""Settings, environments and fake clients that are independent of the machine."""

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


class MakeProgram(Protocol):
    def __call__(self, path: Path, body: str) -> Path: ...


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return a function that makes settings from the defaults and the given values only."""
    home = tmp_path / "empty-home"
    home.mkdir()

    def make(**values: Any) -> Settings:
        return load_settings(values, environ={"HOME": str(home)}, folder=str(tmp_path))

    return make


@pytest.fixture
def make_environment(tmp_path: Path, make_settings: MakeSettings) -> MakeEnvironment:
    """Return a function that creates an environment's folder and describes the environment."""

    def make(name: str = "ds", **values: Any) -> Environment:
        folder = tmp_path / "envs" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dockerfile").write_text("FROM python:3.12\n")
        (folder / "requirements.txt").write_text("six==1.16.0\n")
        return describe_environment(make_settings(**{"user": "me", **values}), name, str(folder))

    return make


@pytest.fixture
def make_program() -> MakeProgram:
    """Return a function that writes an executable shell script."""

    def make(path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make
