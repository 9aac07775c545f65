"""The image with uv: made from the pinned files alone, and where that is not possible, pip installs."""

from __future__ import annotations

import os
import platform
import re
import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest

from .index import Index, private_index
from .test_private_index import use_netrc
from .tools import docker
from .users import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .tools import Project

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux", reason="builds cannot reach servers on this machine"
)

# A Python that makes up a uv; everything else is left to the real one.
HOSTILE_PYTHON = """\
#!/bin/sh
case $* in
    *download*) echo hostile >/wheels/uv-9.9.9-py3-none-musllinux_1_1_x86_64.whl ;;
    *) exec /usr/local/bin/python3-real "$@" ;;
esac
"""


@pytest.fixture
def newcomer() -> Iterator[Project]:
    """Return a user whose pydock pins uv with one more comment, so that the engine has no image for it yet."""
    before = tools_images()
    with ordinary_user(may_use_docker=True) as user:
        pins = pins_of(user)
        pins.write_text(f"{pins.read_text()}# {secrets.token_hex(8)}\n")
        yield user
    if new := tools_images() - before:
        docker("rmi", *new, check=False)


def pins_of(user: Project) -> Path:
    return user.folder.parent / "lib" / "pydock" / "engine" / "uv.txt"


def tools_images() -> set[str]:
    listed = docker(
        "images", "--filter", "label=pydock.tools", "--format", "{{.Repository}}:{{.Tag}}"
    ).split()
    return {image for image in listed if not image.startswith("<")}


def installer_of(user: Project, name: str) -> str:
    """Return who installed `six`, as the INSTALLER file says."""
    return user.pydock(
        "run", name, "sh", "-c", "cat /usr/local/lib/python3*/site-packages/six-*/INSTALLER"
    ).stdout.strip()


def test_the_first_installation_makes_it_and_later_ones_use_it(newcomer: Project) -> None:
    before = tools_images()
    name = newcomer.create()
    assert tools_images() == before, "an empty environment needs no installer"
    newcomer.pydock("install", name, "six")
    assert len(tools_images() - before) == 1
    assert installer_of(newcomer, name) == "uv"

    again = newcomer.pydock("--echo", "install", name, "toolz")
    assert "docker-image://pydock--tools:" in again.stderr
    assert "fetch_uv" not in again.stderr
    assert len(tools_images() - before) == 1


def test_another_file_than_the_pinned_one_is_not_used(newcomer: Project) -> None:
    pins = pins_of(newcomer)
    pins.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", pins.read_text()))
    before = tools_images()
    name = newcomer.create()
    said = newcomer.pydock("install", name, "six").stderr
    assert "uv could not be downloaded, so pip installs" in said
    assert installer_of(newcomer, name) == "pip"
    assert tools_images() == before


def test_an_image_that_makes_up_a_uv_is_not_believed(newcomer: Project) -> None:
    name = newcomer.create()
    folder = newcomer.environment(name)
    (folder / "python3").write_text(HOSTILE_PYTHON, encoding="utf-8")
    (folder / "python3").chmod(0o755)
    with (folder / "dockerfile").open("a", encoding="utf-8") as file:
        file.write(
            "USER root\nRUN cp /usr/local/bin/python3 /usr/local/bin/python3-real\nCOPY python3 /tmp/\n"
        )
        file.write("RUN rm /usr/local/bin/python3 && cp /tmp/python3 /usr/local/bin/python3\n")
    os.chown(folder / "python3", newcomer.identity["user"], newcomer.identity["group"])
    before = tools_images()
    said = newcomer.pydock("install", name, "six").stderr
    assert "SHA-256" in said
    assert installer_of(newcomer, name) == "pip"
    assert tools_images() == before


def test_an_index_without_uv_still_installs(
    newcomer: Project, tmp_path_factory: pytest.TempPathFactory, gateway: str
) -> None:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as index:
        bundle = newcomer.home / "bundle.pem"
        bundle.write_bytes(index.bundle.read_bytes())
        newcomer.environ["PYDOCK_CA_BUNDLE"] = str(bundle)
        only_this_index(newcomer, index)
        name = newcomer.create()
        package = index.publish_new()
        said = newcomer.pydock("install", name, package).stderr
    assert "uv could not be downloaded, so pip installs" in said
    assert newcomer.requirements(name) == [f"{package}==1.0"]


def only_this_index(user: Project, index: Index) -> None:
    use_netrc(user, index)
    conf = user.home / ".config" / "pip" / "pip.conf"
    conf.write_text(f"[global]\nindex-url = {index.url}\n", encoding="utf-8")
    (user.home / ".netrc").chmod(0o644)
    user.environ = {key: value for key, value in user.environ.items() if not key.startswith(("PIP_", "UV_"))}


def test_the_printed_commands_make_it(newcomer: Project) -> None:
    name = newcomer.create()
    before = tools_images()
    printed = newcomer.pydock("--dry", "install", name, "six").stdout
    assert tools_images() == before
    done = subprocess.run(
        ["sh", "-e"],
        input=printed,
        capture_output=True,
        text=True,
        check=False,
        cwd=newcomer.folder,
        env=newcomer.environ,
        **newcomer.identity,
    )
    assert done.returncode == 0, done.stderr
    assert len(tools_images() - before) == 1
    found = docker(
        "run",
        "--rm",
        candidate(newcomer, name),
        "sh",
        "-c",
        "cat /usr/local/lib/python3*/site-packages/six-*/INSTALLER",
    )
    assert found.strip() == "uv"


def candidate(user: Project, name: str) -> str:
    tags = docker("images", f"pydock-{name}", "--format", "{{.Repository}}:{{.Tag}}").split()
    [found] = [tag for tag in tags if tag.endswith("-candidate")]
    return found


def test_a_build_that_pulls_has_it_too(newcomer: Project) -> None:
    name = newcomer.create()
    newcomer.pydock("install", name, "six")
    # No registry has the base image, which is all that may fail.
    said = newcomer.pydock("build", name, "--pull", check=False).stderr
    assert "pydock--tools" not in said
