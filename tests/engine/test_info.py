"""`pydock info` on a real engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .tools import docker, images

if TYPE_CHECKING:
    from .tools import Project


def test_image_packages_and_sizes(runner: Project, ready: str) -> None:
    found = json.loads(runner.pydock("info", ready, "--json").stdout)
    assert found["state"] == "ready"
    assert found["unknown"] == []
    assert found["packages"]["requested"] == ["six"]
    assert found["image"]["id"] == images(ready)[f"pydock-{ready}:latest"]
    size = int(docker("image", "inspect", "--format", "{{.Size}}", found["image"]["id"]))
    assert found["image"]["size"] == size
    assert abs(sum(found["image"]["layers"]) - size) < 0.02 * size  # history rounds to three digits
    version = runner.pydock("run", ready, "python", "-c", "import sys; print(sys.version.split()[0])").stdout
    assert found["python_version"] == version.strip()
    code = "import six, os; print(os.path.getsize(six.__file__), os.path.getsize(six.__cached__))"
    sizes = sum(map(int, runner.pydock("run", ready, "python", "-c", code).stdout.split()))
    assert sizes <= found["sizes"]["six"] < sizes + 20_000  # and its metadata
    assert f"{ready}-" not in docker("ps", "--all", "--format", "{{.Names}}")
