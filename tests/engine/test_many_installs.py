"""Many installs one after another: the layers stay bounded, and nothing is left of what was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from small_packages import package_name, served_packages

from pydock.packages import MAX_LAYERS

from .tools import Project, containers, images, inspect, untagged

if TYPE_CHECKING:
    from pathlib import Path

# Enough to go past the bound once; `make bench ONLY=growth` runs all 150.
INSTALLS = int(os.environ.get("PYDOCK_TEST_INSTALLS", MAX_LAYERS + 2))


def test_many_installs_one_after_another(project: Project, tmp_path: Path) -> None:
    name = project.create()
    layers = []
    with served_packages(tmp_path / "index", INSTALLS) as pip_conf:
        (tmp_path / "pip.conf").write_text(pip_conf)
        project.environ["PYDOCK_PIP_CONFIG"] = str(tmp_path / "pip.conf")
        for number in range(1, INSTALLS + 1):
            project.pydock("install", name, package_name(number))
            layers.append(len(inspect(f"pydock-{name}:latest")["RootFS"]["Layers"]))

        assert max(layers) <= MAX_LAYERS
        assert any(later < earlier for earlier, later in zip(layers, layers[1:])), (
            "the files were rebuilt once"
        )
        assert project.asked(name) == [package_name(number) for number in range(1, INSTALLS + 1)]
        installed = project.freeze(name)
        assert len(installed) == INSTALLS
        assert len(images(name)) == 2
        assert untagged(name) == set()
        assert containers(name) == []

        grown = inspect(f"pydock-{name}:latest")["Size"]
        project.pydock("build", name, "--no-cache")
        assert project.freeze(name) == installed
        assert grown <= 1.05 * inspect(f"pydock-{name}:latest")["Size"]
