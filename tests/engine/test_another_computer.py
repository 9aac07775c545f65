"""Another computer, in the form of a second engine: the folder is copied there, and `pydock build` does the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .tools import Project, docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BRIDGE = "172.29.213.1/24"


@pytest.fixture(scope="module")
def other_engine(tmp_path_factory: pytest.TempPathFactory, python_image: str) -> Iterator[str]:
    """Start an engine of its own and return its address; python:3.12 has been carried there as a file."""
    daemon = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.getuid() != 0 or daemon is None:
        pytest.skip("a second engine takes root and dockerd")
    place = tmp_path_factory.mktemp("engine")
    address = f"unix://{place}/docker.sock"
    argv = [daemon, "--data-root", f"{place}/data", "--exec-root", f"{place}/exec"]
    argv += ["--pidfile", f"{place}/pid", "--host", address, "--bip", BRIDGE, "--iptables=true"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        environ = {**os.environ, "DOCKER_HOST": address}
        wait_until(
            lambda: (
                process.poll() is not None or docker("version", environ=environ, check=False).count("Engine")
            ),
            "the second engine",
        )
        assert process.poll() is None, (place / "log").read_text(encoding="utf-8")[-2000:]
        docker("save", "--output", f"{place}/python.tar", python_image)
        docker("load", "--input", f"{place}/python.tar", environ=environ)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        subprocess.run(["ip", "link", "delete", "docker-ring"], check=False, capture_output=True)


def test_a_copied_folder_is_built_there(project: Project, another: Project, other_engine: str) -> None:
    name = project.create()
    project.pydock("install", name, "six", "idna==3.6")
    shutil.copytree(project.environment(name), another.environment(name))
    another.environ["DOCKER_HOST"] = other_engine

    missing = another.pydock("run", name, "true", check=False)
    assert missing.returncode == 125
    assert f"pydock build {name}" in missing.stderr

    another.pydock("build", name)
    assert another.freeze(name) == project.requirements(name)
    assert another.requirements(name) == project.requirements(name)
    another.pydock("run", name, "sh", "-c", "echo here > made-there")
    assert (another.folder / "made-there").read_text(encoding="utf-8") == "here\n"


def test_a_base_image_that_cannot_be_had_there(another: Project, other_engine: str) -> None:
    another.environ["DOCKER_HOST"] = other_engine
    name = another.new_name()
    result = another.pydock("create", name, "3.99", check=False)
    assert result.returncode == 125
    assert "python:3.99" in result.stderr
    assert not another.environment(name).exists()
