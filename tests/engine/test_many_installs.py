"""Many installs in a row: the number of layers is limited, and older images are removed.

The base image has almost as many layers as pydock allows, so a few installs are enough. `make bench ONLY=growth` runs
150 on an ordinary base image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from small_packages import package_name, served_packages

from pydock.packages.change import MAX_LAYERS

from .tools import Project, containers, docker, images, inspect, untagged

if TYPE_CHECKING:
    from pathlib import Path

BASE = "pydock-test-many-layers"
FREE = 6  # layers between the base image and the limit


def layers_of(image: str) -> int:
    return len(inspect(image)["RootFS"]["Layers"])


def test_many_installs_in_a_row(project: Project, tmp_path: Path, python_image: str) -> None:
    missing = MAX_LAYERS - FREE - layers_of(python_image)
    lines = [
        f"FROM {python_image}",
        "COPY file /file-0",
        *(f"COPY file /file-{n}" for n in range(1, missing)),
    ]
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "file").touch()
    (tmp_path / "base" / "Dockerfile").write_text("\n".join(lines))
    docker("build", "--tag", BASE, str(tmp_path / "base"))
    try:
        check_installs(project, tmp_path)
    finally:
        docker("rmi", BASE, check=False)


def check_installs(project: Project, tmp_path: Path) -> None:
    name = project.create("--base", BASE, version="")
    layers: list[int] = []
    with served_packages(tmp_path / "index", 2 * FREE) as address:
        (tmp_path / "pip.conf").write_text(
            f"[global]\nindex-url = {address}\ntrusted-host = {urlsplit(address).hostname}\n"
        )
        project.environ["PYDOCK_PIP_CONFIG"] = str(tmp_path / "pip.conf")
        while sorted(layers) == layers:
            assert len(layers) < FREE, "the image is rebuilt before it has too many layers"
            project.pydock("install", name, package_name(len(layers) + 1))
            layers.append(layers_of(f"pydock-{name}:latest"))
        project.pydock("install", name, package_name(len(layers) + 1))

        assert max(layers) <= MAX_LAYERS
        assert project.requested(name) == [package_name(number) for number in range(1, len(layers) + 2)]
        installed = project.freeze(name)
        assert len(installed) == len(layers) + 1
        assert len(images(name)) == 2
        assert untagged(name) == set()
        assert containers(name) == []

        grown = inspect(f"pydock-{name}:latest")["Size"]
        project.pydock("build", name, "--no-cache")
        assert project.freeze(name) == installed
        assert grown <= 1.05 * inspect(f"pydock-{name}:latest")["Size"]
