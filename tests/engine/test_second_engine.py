"""An environment is copied to another computer, which is a second engine here, and built there.

The second engine has its own network namespace. In this machine's it would change the bridge of the first engine:
`--bip` gives docker0 another address, `--bridge none` deletes it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .index import Index, private_index
from .tools import Project, docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE, THERE = "172.29.213.1", "172.29.213.2"  # the two ends of a virtual cable
TOOLS = ("dockerd", "ip", "unshare", "nsenter")
# Share neither the network of the first engine nor its containerd.
SEPARATE = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--containerd-namespace=pydock-test")


def connect(process: subprocess.Popen[bytes]) -> None:
    """Connect this machine with the process's network namespace, for as long as that exists."""
    ours = f"pydock{secrets.token_hex(4)}"
    inside = ["nsenter", "--net", "--target", str(process.pid)]
    for words in (
        ["ip", "link", "add", ours, "type", "veth", "peer", "name", "cable", "netns", str(process.pid)],
        ["ip", "address", "add", f"{HERE}/30", "dev", ours],
        ["ip", "link", "set", ours, "up"],
        [*inside, "ip", "address", "add", f"{THERE}/30", "dev", "cable"],
        [*inside, "ip", "link", "set", "cable", "up"],
    ):
        subprocess.run(words, check=True, capture_output=True)


@pytest.fixture(scope="module")
def other_engine(tmp_path_factory: pytest.TempPathFactory, python_image: str) -> Iterator[str]:
    """Start a second engine, load python:3.12 into it, and return its address."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if os.getuid() != 0 or missing:
        pytest.skip(f"a second engine needs root and {', '.join(missing or TOOLS)}")
    place = tmp_path_factory.mktemp("engine")
    address = f"unix://{place}/docker.sock"
    argv = ["dockerd", f"--data-root={place}/data", f"--exec-root={place}/exec", f"--pidfile={place}/pid"]
    script = 'ip link set lo up; exec "$@"'
    argv = ["unshare", "--net", "sh", "-c", script, "sh", *argv, f"--host={address}", *SEPARATE]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdout=log, stderr=log, start_new_session=True, env={**os.environ, "PATH": path}
        )
    environ = {**os.environ, "DOCKER_HOST": address}
    try:
        wait_until(
            lambda: process.poll() is not None or "Server" in docker("version", environ=environ, check=False),
            "the second engine",
        )
        assert process.poll() is None, (place / "log").read_text(encoding="utf-8")[-2000:]
        connect(process)
        docker("save", "--output", f"{place}/python.tar", python_image)
        docker("load", "--input", f"{place}/python.tar", environ=environ)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, other_engine: str) -> Iterator[Index]:
    """Return a package index that the second engine can reach."""
    with private_index(tmp_path_factory.mktemp("index"), HERE) as served:
        yield served


def test_copied_folder_is_built_on_second_engine(
    project: Project, other_project: Project, other_engine: str, index: Index
) -> None:
    package = index.publish_new()
    for caller in (project, other_project):
        caller.environ["PYDOCK_CA_BUNDLE"] = str(index.bundle)
        caller.environ["PIP_INDEX_URL"] = index.url_with_password
    name = project.create()
    project.pydock("install", name, package)
    shutil.copytree(project.environment(name), other_project.environment(name))
    other_project.environ["DOCKER_HOST"] = other_engine

    missing = other_project.pydock("run", name, "true", check=False)
    assert missing.returncode == 125
    assert f"pydock build {name}" in missing.stderr

    options = {"PYDOCK_BUILD_OPTIONS": "--network=host"}
    untrusted = other_project.pydock("build", name, variables=options, check=False)
    assert untrusted.returncode != 0
    assert f"pydock trust {name}" in untrusted.stderr
    other_project.pydock("trust", name, "--yes")
    other_project.pydock("build", name, variables=options)
    assert other_project.freeze(name) == project.requirements(name) == [f"{package}==1.0"]
    assert other_project.requirements(name) == project.requirements(name)
    other_project.pydock("run", name, "sh", "-c", "echo here > made-there")
    assert (other_project.folder / "made-there").read_text(encoding="utf-8") == "here\n"


def test_missing_base_image_on_second_engine(other_project: Project, other_engine: str) -> None:
    other_project.environ["DOCKER_HOST"] = other_engine
    name = other_project.new_name()
    result = other_project.pydock("create", name, "3.99", check=False)
    assert result.returncode == 125
    assert "python:3.99" in result.stderr
    assert not other_project.environment(name).exists()
