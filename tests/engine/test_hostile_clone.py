"""A clone on a real engine: its dockerfile gets no credentials, and odd files in it do no harm."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.tools import Project

pytestmark = pytest.mark.engine
LEAK = (
    "FROM python:3.12\n"
    "RUN --mount=type=secret,id=netrc --mount=type=secret,id=pip.conf "
    "cat /run/secrets/* > /leak 2>&1; chmod 644 /leak\n"
)


def clone(project: Project, name: str, dockerfile: str) -> None:
    folder = project.environment(name)
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text(dockerfile)
    (folder / "requirements.txt").write_text("")


def test_a_clone_gets_credentials_only_if_it_is_trusted(project: Project) -> None:
    name = project.new_name()
    clone(project, name, LEAK)
    (project.home / ".netrc").write_text("machine index.example login u password hunter2\n")
    config = project.home / "own-pip.conf"
    config.write_text("[global]\nextra-index-url = https://u:hunter3@index.example/simple\n")
    variables = {"PYDOCK_PIP_CONFIG": str(config)}
    ended = project.pydock("build", name, "--no-cache", variables=variables)
    assert f"`pydock trust {name}`" in ended.stderr
    leaked = project.pydock("run", name, "cat", "/leak").stdout
    assert "hunter" not in leaked
    assert "https://index.example/simple" in leaked
    project.pydock("trust", name, "--yes", variables=variables)
    project.pydock("build", name, "--no-cache", variables=variables)
    leaked = project.pydock("run", name, "cat", "/leak").stdout
    assert "hunter2" in leaked
    assert "hunter3" in leaked


def test_special_files_beside_do_no_harm(project: Project) -> None:
    name = project.new_name()
    clone(project, name, "FROM python:3.12\nCOPY requirements.txt /usr/local/share/\n")
    folder = project.environment(name)
    for file in ("fifo", ".requirements.in.0123456789abcdef"):
        os.mkfifo(folder / file)
    (folder / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        try:
            made.bind("socket")
        finally:
            os.chdir(here)
    project.pydock("build", name)
    project.pydock("update", name)
    assert "ready" in project.pydock("envs").stdout
    project.pydock("delete", name, "--yes")
    assert not folder.exists()
