"""Many installs one after another: the layers stay bounded, and nothing is left of what was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from small_packages import package_name, served_packages

from pydock.packages import MAX_LAYERS

from .tools import Project, containers, images, inspect, untagged

if TYPE_CHECKING:
    from pathlib import Path

# Enough to go past the bound once, whatever the base has; `make bench ONLY=growth` runs all 150.
MOST = MAX_LAYERS + 2


def test_many_installs_one_after_another(project: Project, tmp_path: Path) -> None:
    name = project.create()
    layers: list[int] = []
    with served_packages(tmp_path / "index", MOST + 1) as pip_conf:
        (tmp_path / "pip.conf").write_text(pip_conf)
        project.environ["PYDOCK_PIP_CONFIG"] = str(tmp_path / "pip.conf")
        while sorted(layers) == layers:
            assert len(layers) < MOST, "the image is rebuilt before it has too many layers"
            project.pydock("install", name, package_name(len(layers) + 1))
            layers.append(len(inspect(f"pydock-{name}:latest")["RootFS"]["Layers"]))
        project.pydock("install", name, package_name(len(layers) + 1))

        assert max(layers) <= MAX_LAYERS
        assert project.asked(name) == [package_name(number) for number in range(1, len(layers) + 2)]
        installed = project.freeze(name)
        assert len(installed) == len(layers) + 1
        assert len(images(name)) == 2
        assert untagged(name) == set()
        assert containers(name) == []

        grown = inspect(f"pydock-{name}:latest")["Size"]
        project.pydock("build", name, "--no-cache")
        assert project.freeze(name) == installed
        assert grown <= 1.05 * inspect(f"pydock-{name}:latest")["Size"]
