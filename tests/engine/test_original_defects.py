"""What the original did wrong, so that it is not done again (wishes G 1-9; those that take an engine)."""

from __future__ import annotations

import subprocess
from typing import Callable

from .tools import PATIENCE, Project, files_below, images, inspect


def test_g1_a_requirement_is_not_read_by_a_shell(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "idna>=3.0,<3.7", "requests[socks]>2 ; python_version > '3'")
    assert project.asked(name) == ["idna>=3.0,<3.7", "requests[socks]>2 ; python_version > '3'"]
    recorded = dict(line.split("==") for line in project.requirements(name))
    assert recorded["idna"] in {"3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6"}
    assert "pysocks" in recorded, "the extra"
    assert list(project.folder.iterdir()) == [project.folder / ".pydock"], "no file named =3.0"
    hostile = project.pydock("install", name, "six;touch hostile", "$(touch hostile)", check=False)
    assert hostile.returncode == 2
    assert list(project.folder.iterdir()) == [project.folder / ".pydock"]


def test_g2_several_packages_and_failures_that_show(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six", "idna")
    assert {line.split("==")[0] for line in project.requirements(name)} == {"six", "idna"}
    assert project.pydock("install", name, "pydock-no-such-package", check=False).returncode == 1
    unknown = project.pydock("instal", name, "six", check=False)
    assert unknown.returncode == 2
    assert "install" in unknown.stderr


def test_g3_dots_and_environments_without_an_image(project: Project) -> None:
    dotted = project.new_name("py3.12")
    project.pydock("create", dotted, "3.12")
    bare = project.environment("nothing-built")
    bare.mkdir()
    (bare / "dockerfile").write_text("FROM python:3.12\n", encoding="utf-8")
    listed = project.pydock("envs").stdout
    assert dotted in listed
    assert "not built" in next(line for line in listed.splitlines() if line.startswith("nothing-built"))
    assert f"pydock-{dotted}:latest" in images(dotted)
    folder = project.folder / "my.project.v2"
    folder.mkdir()
    assert project.pydock("run", dotted, "pwd", folder=folder).stdout.endswith("/my.project.v2\n")
    hostname = project.pydock("run", dotted, "hostname").stdout.strip()
    assert hostname == dotted.replace(".", "-")


def test_g4_local_and_global_images_are_two(project: Project) -> None:
    name = project.create()
    project.pydock("--global", "create", name, "3.12")
    project.pydock("--global", "install", name, "six")
    project.pydock("--global", "delete", name, "--yes")
    assert project.pydock("run", name, "pip", "freeze").stdout == ""


def test_g5_a_wrong_version_touches_nothing_that_is_there(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name))
    for version in ("no such", "3.12.999-no-such"):
        assert project.pydock("create", name, version, check=False).returncode != 0
        assert files_below(project.environment(name)) == before
    assert project.pydock("delete", name, check=False).returncode == 1, "it asks first"
    project.pydock("run", name, "true")


def test_g6_reading_commands_write_nothing(project: Project, ready: str) -> None:
    (project.folder / ".pydock").rmdir()
    for words in (
        ["envs"],
        ["list"],
        ["config"],
        ["--local", "envs"],
        ["run", ready, "true"],
        ["envs", "--json"],
    ):
        project.pydock(*words, check=False)
    assert files_below(project.home) == {}
    assert list(project.home.iterdir()) == []
    assert list(project.folder.iterdir()) == []


def test_g6_the_folder_is_found_from_below(project: Project) -> None:
    name = project.create()
    below = project.folder / "src" / "package"
    below.mkdir(parents=True)
    assert project.pydock("run", name, "pwd", folder=below).stdout.endswith("/package\n")
    assert list(below.iterdir()) == []


def test_g7_after_an_install_the_image_is_what_it_was(project: Project) -> None:
    name = project.create()
    before = inspect(f"pydock-{name}:latest")["Config"]
    project.pydock("install", name, "six")
    after = inspect(f"pydock-{name}:latest")["Config"]
    for part in ("Cmd", "Entrypoint", "User", "WorkingDir", "Env"):
        assert after.get(part) == before.get(part), part


def test_g7_the_image_is_there_at_every_moment_of_an_install(project: Project) -> None:
    name = project.create()
    process = project.start("install", name, "six", stderr=subprocess.PIPE)
    seen = set()
    while process.poll() is None:
        seen.add(f"pydock-{name}:latest" in images(name))
    assert process.communicate(timeout=PATIENCE)[1] == b""
    assert seen == {True}


def test_g8_stdin_is_the_programs_without_a_terminal(reader: Project, ready: str) -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert reader.pydock("run", ready, "python", "-c", code, stdin="x" * 100_000).stdout == "100000\n"


def test_g9_an_image_without_adduser_apt_and_bash(project: Project, base_image: Callable[[str], str]) -> None:
    base_image("3.12-alpine")
    name = project.create(version="3.12-alpine")
    for tool in ("adduser", "apt", "bash", "sudo"):
        assert project.pydock("run", name, "sh", "-c", f"command -v {tool}", check=False).returncode != 0
    assert project.pydock("shell", name, stdin="id -u\n").stdout.strip().isdigit()
