"""Secrets in every place that a user may have one, and a search of every place where one could come out."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from .index import USER, Index, private_index
from .terminal import on_terminal
from .tools import docker, found_in_image, images, inspect, recording_docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .tools import Project


@dataclass
class World:
    """A project whose machine has two private indexes, and a secret wherever one can be."""

    project: Project
    first: Index
    second: Index
    canaries: dict[str, str]
    log: Path  # the command lines of the client

    def address(self, package: str, userinfo: str = "", query: str = "") -> str:
        """Return the address of a new package that needs user name and password (and a query)."""
        self.first.publish(package)
        file = f"/{package.replace('-', '_')}-1.0-py3-none-any.whl"
        value = query.replace("${QUERY_CANARY}", self.canaries["query"])
        self.first.pages[f"{file}{value}"] = self.first.pages[file]
        return f"https://{userinfo}{self.first.address}{file}{query}"

    def found_in(self, text: str) -> list[str]:
        """Return the names of the canaries that a text has, raw or percent-encoded."""
        return [
            name
            for name, value in self.canaries.items()
            if value in text or quote(value, safe="") in text or value[: len(value) // 2] in text
        ]


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[tuple[Index, Index]]:
    with (
        private_index(tmp_path_factory.mktemp("first"), gateway) as first,
        private_index(tmp_path_factory.mktemp("second"), gateway) as second,
    ):
        yield first, second


@pytest.fixture(params=["uv", "pip"])
def world(
    project: Project, indexes: tuple[Index, Index], tmp_path: Path, request: pytest.FixtureRequest
) -> World:
    first, second = indexes
    if request.param == "uv":  # the private indexes have no uv, so it must be there before
        project.pydock("install", project.create(), "six")
    canaries = {
        "index in pip.conf": first.password,
        "PIP_EXTRA_INDEX_URL": second.password,
        "netrc": f"canary-netrc-{secrets.token_hex(8)}",
        "proxy": f"canary-proxy-{secrets.token_hex(8)}",
        "query": f"canary/query+{secrets.token_hex(8)}",
    }
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(first.bundle.read_bytes() + second.authority.read_bytes())
    folder = project.home / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text(f"[global]\nindex-url = {first.url_with_password}\n", encoding="utf-8")
    netrc = project.home / ".netrc"
    netrc.write_text(f"machine other.example login me password {canaries['netrc']}\n", encoding="utf-8")
    netrc.chmod(0o600)
    recorder = recording_docker(tmp_path)
    project.environ.update(
        recorder.variables,
        PYDOCK_CA_BUNDLE=str(bundle),
        PYDOCK_INSTALLER=request.param,
        PIP_EXTRA_INDEX_URL=second.url_with_password,
        http_proxy=f"http://me:{canaries['proxy']}@proxy.invalid:3128",  # the indexes are https
        INDEX_CANARY=first.password,
        INDEX_USER=USER,
        QUERY_CANARY=canaries["query"],
    )
    project.environ.pop("PIP_FIND_LINKS", None)
    return World(project, first, second, canaries, recorder.log)


@contextlib.contextmanager
def watched_processes() -> Iterator[list[str]]:
    """Yield what `ps` shows meanwhile: the command lines of all processes, those in containers too."""
    seen: set[str] = set()
    lines: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            time.sleep(0.1)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lines
    finally:
        done.set()
        thread.join()
        lines += sorted(seen)


def test_nothing_secret_is_anywhere(world: World, tmp_path: Path) -> None:
    project = world.project
    plain, extra = world.first.publish_new(), world.second.publish_new()
    by_user, by_query = f"ring-user-{secrets.token_hex(4)}", f"ring-query-{secrets.token_hex(4)}"
    lines = [
        f"{by_user} @ {world.address(by_user, '${INDEX_USER}:${INDEX_CANARY}@')}",
        f"{by_query} @ {world.address(by_query, f'{USER}:${{INDEX_CANARY}}@', '?token=${QUERY_CANARY}')}",
    ]
    (project.folder / "wanted.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    said = ""
    name = project.new_name()
    with watched_processes() as processes:
        for words in (
            ("--echo", "create", name, "3.12"),
            ("--echo", "install", name, plain, extra),
            ("--dry", "install", name, "-r", "wanted.txt"),
            ("--echo", "install", name, "-r", "wanted.txt"),
            ("--dry", "build", name),
            ("--echo", "build", name, "--no-cache"),
            ("--dry", "update", name),
            ("--echo", "update", name),
            ("--echo", "uninstall", name, extra),
            ("--echo", "run", name, "python", "-m", "pip", "list"),
            ("config",),
            ("envs",),
        ):
            done = project.pydock(*words)
            said += done.stdout + done.stderr
    assert world.found_in(said) == [], said
    assert world.found_in("\n".join(processes)) == []
    assert world.found_in(world.log.read_text(encoding="utf-8")) == []

    # It is recorded as it was requested, and installed.
    for line in lines:
        assert line in project.requested(name)
        assert any(pin.startswith(line) for pin in project.requirements(name)), project.requirements(name)
    modules = ", ".join(package.replace("-", "_") for package in (plain, by_user, by_query))
    project.pydock("run", name, "python", "-c", f"import {modules}")

    for path in project.environment(name).rglob("*"):
        assert world.found_in(path.read_text(encoding="utf-8")) == [], path
    image = project.current_image(name)
    assert world.found_in(json.dumps(inspect(image))) == []
    assert world.found_in(docker("history", "--no-trunc", image)) == []
    forms = {
        form for value in world.canaries.values() for form in (value.encode(), quote(value, safe="").encode())
    }
    for index in (world.first, world.second):
        forms |= set(index.secrets())
    assert found_in_image(image, forms, tmp_path) == set()
    assert world.found_in(docker("buildx", "du", "--verbose", check=False)) == []
    assert not [tag for tag in images(name) if tag.endswith("-candidate")]


def test_an_installers_own_words_are_masked(world: World) -> None:
    """`pip` prints the value of a variable, and a package's own code whatever it finds."""
    project = world.project
    name = project.create()
    package = f"ring-missing-{secrets.token_hex(4)}"
    missing = f"{package} @ https://${{INDEX_USER}}:${{INDEX_CANARY}}@{world.first.address}/none-1.0-py3-none-any.whl"
    done = project.pydock("--echo", "install", name, missing, check=False)
    assert done.returncode == 1
    assert world.found_in(done.stdout + done.stderr) == []
    dockerfile = project.environment(name) / "dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    step = "pip install -r /usr/local/share/requirements.txt"
    assert step in text
    dockerfile.write_text(
        text.replace(step, f"{step}; cat /etc/pip.conf /root/.netrc; exit 1"), encoding="utf-8"
    )
    done = project.pydock("build", name, check=False)
    assert done.returncode == 1
    assert "index-url" in done.stderr, "the engine's words are shown"
    assert world.found_in(done.stdout + done.stderr) == []
    for columns in (60, 101):
        with on_terminal(project, "build", name, columns=columns) as terminal:
            assert terminal.wait() == 1
        shown = terminal.seen.decode(errors="replace")
        assert "****" in shown
        assert world.found_in(shown) == [], shown


def test_a_variable_that_is_not_set_is_named_before_the_build(world: World) -> None:
    project = world.project
    name = project.create()
    world.log.write_text("", encoding="utf-8")
    line = f"x @ https://{USER}:${{NOT_SET_HERE}}@{world.first.address}/x-1.0-py3-none-any.whl"
    for words in (("install", name, line), ("--dry", "install", name, line)):
        done = project.pydock(*words, check=False)
        assert done.returncode == 2
        assert "NOT_SET_HERE is not set" in done.stderr
    (project.environment(name) / "requirements.txt").write_text(f"{line}\n", encoding="utf-8")
    assert project.pydock("build", name, check=False).returncode == 2
    assert " build " not in world.log.read_text(encoding="utf-8")


def test_a_variable_need_not_be_a_secret(world: World) -> None:
    """The host, the path, or a whole option."""
    project = world.project
    package = world.first.publish_new()
    file = f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
    project.environ.update(
        WHEEL_HOST=world.first.address, WHEEL_NAME=package.replace("-", "_"), INDEX=world.second.url
    )
    name = project.create()
    line = (
        f"{package} @ https://{USER}:${{INDEX_CANARY}}@${{WHEEL_HOST}}/${{WHEEL_NAME}}-1.0-py3-none-any.whl"
    )
    (project.folder / "wanted.txt").write_text(f"--extra-index-url ${{INDEX}}\n{line}\n", encoding="utf-8")
    project.environ.pop("PIP_EXTRA_INDEX_URL")
    (project.home / ".netrc").write_text(
        f"machine {world.second.address.partition(':')[0]} login {USER} password {world.second.password}\n",
        encoding="utf-8",
    )
    project.pydock("install", name, "-r", "wanted.txt")
    assert file in world.first.requests[-1] or any(file in path for path in world.first.requests)
    assert project.requirements(name)[0] == "--extra-index-url ${INDEX}"
    assert project.requirements(name)[1].startswith(line)
    project.pydock("build", name, "--no-cache")
    assert project.pydock("run", name, "python", "-c", f"import {package.replace('-', '_')}").returncode == 0


def test_a_wrapper_of_the_client_gets_files_that_only_we_can_read(world: World, tmp_path: Path) -> None:
    """`sudo docker` does not pass variables on."""
    project = world.project
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        '#!/bin/sh\nexec env -i PATH="$PATH" HOME="$HOME" RECORD="$RECORD" docker "$@"\n', encoding="utf-8"
    )
    wrapper.chmod(0o755)
    project.environ.pop("http_proxy")  # with a password, it is refused
    project.environ["PYDOCK_ENGINE"] = str(wrapper)
    package = f"ring-user-{secrets.token_hex(4)}"
    line = f"{package} @ {world.address(package, '${INDEX_USER}:${INDEX_CANARY}@')}"
    name = project.create()
    done = project.pydock("--echo", "install", name, line)
    assert project.requested(name) == [line]
    assert world.found_in(done.stdout + done.stderr + world.log.read_text(encoding="utf-8")) == []
    left = list(Path(os.environ.get("TMPDIR", "/tmp")).glob("pydock-*/pip.conf"))
    assert not [path for path in left if world.first.password in path.read_text(encoding="utf-8")]
