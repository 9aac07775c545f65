"""The isolation in tests/conftest.py."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("client", ["docker", "podman"])
def test_engine_clients_are_blocked(client: str) -> None:
    done = subprocess.run([client, "version"], capture_output=True, text=True, check=False)
    assert done.returncode == 99
    assert "a test called the real engine" in done.stderr


def test_home_and_environment_are_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    base: Path = tmp_path_factory.getbasetemp()
    assert os.environ["HOME"].startswith(str(base))
    assert not os.listdir(os.environ["HOME"])
    assert not os.path.exists(os.environ.pop("DOCKER_HOST").removeprefix("unix://"))
    for prefix in ("PYDOCK_", "DOCKER_", "PIP_", "HTTP_PROXY", "https_proxy"):
        assert not [name for name in os.environ if name.startswith(prefix)]
