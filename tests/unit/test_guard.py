"""The guard in conftest.py: a test of these rings cannot reach an engine, nor the user's files."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("client", ["docker", "podman"])
def test_the_real_engine_is_out_of_reach(client: str) -> None:
    done = subprocess.run([client, "version"], capture_output=True, text=True, check=False)
    assert done.returncode == 99
    assert "a test reached for the real engine" in done.stderr


def test_the_users_own_settings_are_out_of_reach(tmp_path_factory: pytest.TempPathFactory) -> None:
    base: Path = tmp_path_factory.getbasetemp()
    assert os.environ["HOME"].startswith(str(base))
    assert not os.listdir(os.environ["HOME"])
    assert not os.path.exists(os.environ.pop("DOCKER_HOST").removeprefix("unix://"))
    for beginning in ("PYDOCK_", "DOCKER_", "PIP_", "HTTP_PROXY", "https_proxy"):
        assert not [name for name in os.environ if name.startswith(beginning)]
