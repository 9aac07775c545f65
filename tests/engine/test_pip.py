"""`pydock pip` with a real pip, and what a `pip install` in a container comes to."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from .terminal import on_terminal
from .tools import docker, wait_until

if TYPE_CHECKING:
    from .tools import Project


def test_a_session_with_pip(project: Project) -> None:
    name = project.create()
    installed = project.pydock("pip", name, "install", "-q", "six==1.16.0")
    assert installed.stdout == "+ six==1.16.0\n"
    assert f"`pip install` is `pydock install {name} six==1.16.0` here.\n" in installed.stderr

    listed = json.loads(project.pydock("pip", name, "list", "--format", "json").stdout)
    assert {"name": "six", "version": "1.16.0"} in listed
    assert "six==1.16.0\n" in project.pydock("pip", name, "freeze").stdout
    assert "Version: 1.16.0\n" in project.pydock("pip", name, "show", "six").stdout
    assert project.pydock("pip", name, "show", "nosuch", check=False).returncode == 1
    assert project.pydock("pip", name, "nosuch", check=False).returncode == 1
    assert "six" in project.pydock("pip", name, "list", "--outdated").stdout

    project.pydock("pip", name, "download", "--no-deps", "-d", "a wheel", "six==1.16.0")
    assert [path.name for path in (project.folder / "a wheel").iterdir()] == [
        "six-1.16.0-py2.py3-none-any.whl"
    ]

    before = project.requirements(name)
    assert "Would install idna" in project.pydock("pip", name, "install", "--dry-run", "idna").stdout
    assert project.requirements(name) == before

    assert project.pydock("pip", name, "uninstall", "-y", "six").stdout == "- six==1.16.0\n"
    assert "six" not in project.pydock("pip", name, "list").stdout
    assert project.freeze(name) == project.requirements(name) == []

    of_base_image = project.pydock("pip", name, "--version").stdout
    project.pydock("pip", name, "install", "--upgrade", "pip")
    assert project.pydock("pip", name, "--version").stdout != of_base_image
    assert project.requested(name) == ["pip"]


def test_a_shell_names_what_is_lost_with_it(project: Project, ready: str, shared_home: Project) -> None:
    del project
    with on_terminal(shared_home, "--global", "shell", ready) as terminal:
        terminal.wait_for(b"@")
        terminal.type(b"pip install -q --no-deps --disable-pip-version-check six==1.15.0 idna==3.6\r")
        keeps = f"`pydock install {ready} idna six` keeps what you installed.".encode()
        terminal.wait_for(keeps)
        terminal.type(b"bash -c 'echo [$PROMPT_COMMAND$ENV]'; (exit 3)\r")
        terminal.wait_for(b"[]\r\n")
        terminal.type(b"exit\r")
        assert terminal.wait() == 3
        assert terminal.seen.count(keeps) == 2
    assert "six==1.15.0" not in shared_home.pydock("--global", "run", ready, "pip", "freeze").stdout
    with on_terminal(shared_home, "--global", "shell", ready) as terminal:
        terminal.wait_for(b"@")
        terminal.type(b"exit 4\r")
        assert terminal.wait() == 4
        assert b"Not kept" not in terminal.seen


def test_a_running_container_is_named_by_an_install(project: Project) -> None:
    name = project.create()
    process = project.start("run", name, "sh", "-c", "echo; sleep 1000", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    ended = project.pydock("install", name, "six")
    [container] = docker("ps", "--filter", f"name=^{name}-", "--format", "{{.Names}}").split()
    assert f"Still running with the previous packages: {container}. New runs" in ended.stderr
    process.terminate()
    process.communicate(timeout=60)
    wait_until(lambda: not docker("ps", "-q", "--filter", f"name=^{name}-"), "the container to go")
    assert "Still running" not in project.pydock("install", name, "idna").stderr
