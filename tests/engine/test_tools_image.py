"""The tools image: made from the pinned files alone, again when it is lost; and where there is no uv, pip installs."""

from __future__ import annotations

import os
import platform
import re
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pydock import __version__
from pydock.engine.tools import tools_digest

from .index import Index, private_index
from .test_private_index import use_netrc
from .tools import docker
from .users import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .tools import Project

pytestmark = [
    pytest.mark.skipif(platform.system() != "Linux", reason="builds cannot reach servers on this machine"),
    pytest.mark.alone,  # they count and remove the tools images of the engine
]

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
    others = {f"pydock--tools:{tools_digest()}"}  # which tests in other processes use
    if new := tools_images() - before - others:
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


def test_first_installation_makes_it_and_later_ones_use_it(newcomer: Project) -> None:
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

    docker("rmi", *(tools_images() - before))  # as `docker system prune --all` may do
    newcomer.pydock("build", name, "--no-cache")
    assert len(tools_images() - before) == 1
    assert installer_of(newcomer, name) == "uv"


def test_file_that_is_not_pinned_is_not_used(newcomer: Project) -> None:
    pins = pins_of(newcomer)
    pins.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", pins.read_text()))
    before = tools_images()
    name = newcomer.create()
    said = newcomer.pydock("install", name, "six").stderr
    assert "uv could not be downloaded, so pip installs" in said
    assert installer_of(newcomer, name) == "pip"
    assert tools_images() == before


def test_uv_that_an_image_makes_up_is_not_used(newcomer: Project) -> None:
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


def test_pip_installs_from_an_index_without_uv(
    newcomer: Project, tmp_path_factory: pytest.TempPathFactory, gateway: str
) -> None:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as index:
        only_this_index(newcomer, index, f"index-url = {index.url}")
        name = newcomer.create()
        package = index.publish_new()
        said = newcomer.pydock("install", name, package).stderr
    assert "uv could not be downloaded, so pip installs" in said
    assert newcomer.requirements(name) == [f"{package}==1.0"]


def test_uv_comes_from_find_links_without_an_index(
    newcomer: Project, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, gateway: str
) -> None:
    """A machine without a connection, with a folder of wheels on a server."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(tmp_path)]
    wanted = ["--platform", f"musllinux_1_1_{platform.machine()}", "--requirement", str(pins_of(newcomer))]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *wanted], check=True)
    with private_index(tmp_path_factory.mktemp("index"), gateway) as index:
        package = index.publish_new()
        [wheel] = tmp_path.glob("*.whl")
        index.pages[f"/{wheel.name}"] = wheel.read_bytes()
        links = [page[1:] for page in index.pages if page.endswith(".whl")]
        index.pages["/links/"] = "".join(f'<a href="/{link}">{link}</a>\n' for link in links).encode()
        only_this_index(newcomer, index, f"no-index = true\nfind-links = https://{index.address}/links/")
        before = tools_images()
        name = newcomer.create()
        newcomer.pydock("install", name, package)
    assert len(tools_images() - before) == 1
    assert newcomer.requirements(name) == [f"{package}==1.0"]


def only_this_index(user: Project, index: Index, options: str) -> None:
    bundle = user.home / "bundle.pem"
    bundle.write_bytes(index.bundle.read_bytes())
    use_netrc(user, index)
    (user.home / ".config" / "pip" / "pip.conf").write_text(f"[global]\n{options}\n", encoding="utf-8")
    (user.home / ".netrc").chmod(0o644)
    user.environ = {key: value for key, value in user.environ.items() if not key.startswith(("PIP_", "UV_"))}
    user.environ["PYDOCK_CA_BUNDLE"] = str(bundle)


def test_printed_commands_make_it(newcomer: Project) -> None:
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


def test_build_that_pulls_does_not_ask_the_registry_for_it(newcomer: Project) -> None:
    name = newcomer.create()
    newcomer.pydock("install", name, "six")
    # No registry has the base image, which is all that may fail.
    said = newcomer.pydock("build", name, "--pull", check=False).stderr
    assert "pydock--tools" not in said


@pytest.mark.parametrize(("base", "installer"), [("3.12-alpine", "uv"), ("3.6", "pip")])
def test_other_bases(newcomer: Project, base_image: Callable[[str], str], base: str, installer: str) -> None:
    """On musl there is a uv; Python 3.6 is too old for it, before and after the image exists."""
    base_image(base)
    before = tools_images()
    name = newcomer.create(version=base)
    newcomer.pydock("install", name, "six")
    assert installer_of(newcomer, name) == installer
    assert len(tools_images() - before) == (1 if installer == "uv" else 0)
    newcomer.pydock("install", newcomer.create(), "six")
    assert len(tools_images() - before) == 1
    newcomer.pydock("build", name, "--no-cache")
    assert installer_of(newcomer, name) == installer


def test_image_of_an_older_version_is_removed(newcomer: Project, tmp_path: Path) -> None:
    """Only one with pydock's own name and label; `clean` removes the others of this version too."""
    (tmp_path / "dockerfile").write_text("FROM scratch\nCOPY dockerfile /\n", encoding="utf-8")
    old, same, newer = (f"pydock--tools:{secrets.token_hex(8)}" for _ in range(3))
    mine = f"mine-{secrets.token_hex(4)}:1"
    for tag, version in [(old, "0.0.1"), (same, __version__), (newer, "99"), (mine, "0.0.1")]:
        context = ["--file", str(tmp_path / "dockerfile"), str(tmp_path)]
        docker("build", "--label", f"pydock.tools={version}", "--tag", tag, *context)
    try:
        newcomer.pydock("install", newcomer.create(), "six")
        assert old not in tools_images()
        assert {same, newer, mine} <= tools_images()
        printed = newcomer.pydock("--dry", "clean").stdout
        assert same in printed
        assert newer not in printed
        assert mine not in printed
    finally:
        docker("rmi", same, newer, mine, check=False)
