"""Files that a container writes belong to the caller, who has a name and a home in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .terminal import on_terminal
from .tools import PYTHON, Project, files_below, images, inspect
from .users import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHO = """
import getpass, os, pathlib, pwd
home = pathlib.Path.home()
(home / "touched").touch()
print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, os.getuid(), os.getgid(), os.environ["HOME"], home)
"""


@pytest.fixture(scope="module")
def user() -> Iterator[Project]:
    """Return the project of an ordinary user with one environment, `names[0]`."""
    with ordinary_user(may_use_docker=True) as project:
        project.create()
        yield project


def owner_of(project: Project, path: str) -> tuple[int, int]:
    status = (project.folder / path).stat()
    return status.st_uid, status.st_gid


def ids_of(project: Project) -> tuple[int, int]:
    return project.identity.get("user", os.getuid()), project.identity.get("group", os.getgid())


def test_caller_has_name_and_home_in_container(runner: Project, ready: str) -> None:
    name, known, uid, gid, home, resolved = runner.pydock("run", ready, "python", "-c", WHO).stdout.split()
    assert (int(uid), int(gid)) == ids_of(runner)
    assert name == known
    assert home == resolved == f"/home/{name}"
    assert runner.pydock("run", ready, "whoami").stdout == f"{name}\n"


def test_files_belong_to_caller(runner: Project, ready: str) -> None:
    runner.pydock("run", ready, "sh", "-c", "mkdir made; echo x > made/file")
    assert owner_of(runner, "made/file") == ids_of(runner)


def test_ordinary_user_has_name_and_home_in_container(user: Project) -> None:
    environment = user.names[0]
    name, known, uid, gid, home, _ = user.pydock("run", environment, "python", "-c", WHO).stdout.split()
    assert (int(uid), int(gid)) == ids_of(user)
    assert name == known == user.environ["USER"]
    assert home == f"/home/{name}"
    assert user.pydock("run", environment, "id", "-un").stdout == f"{name}\n"


def test_files_belong_to_ordinary_user(user: Project) -> None:
    environment = user.names[0]
    user.pydock("run", environment, "sh", "-c", "mkdir run; echo x > run/file")
    user.pydock("shell", environment, stdin="echo x > from-script\n")
    with on_terminal(user, "shell", environment) as terminal:
        terminal.type(b"touch from-terminal; exit\n")
        assert terminal.wait() == 0
    for path in ("run", "run/file", "from-script", "from-terminal"):
        assert owner_of(user, path) == ids_of(user), path
    (user.folder / "run" / "file").unlink()


def test_ordinary_user_installs(user: Project) -> None:
    environment = user.names[0]
    user.pydock("install", environment, "six")
    assert user.freeze(environment) == user.requirements(environment)
    for file in ("dockerfile", "requirements.txt", "requirements.in"):
        assert owner_of(user, f".pydock/envs/{environment}/{file}") == ids_of(user)
    assert inspect(user.current_image(environment))["Config"]["User"] == user.environ["USER"]


def root_in_the_folder_of(user: Project, place: Path) -> Project:
    """Return the project of a second user, who is root, in the same folder."""
    (place / "home").mkdir()
    environ = {**user.environ, "USER": "root", "HOME": str(place / "home"), "DOCKER_CONFIG": str(place)}
    return Project(user.folder, place / "home", environ, user.program)


def test_every_command_refuses_another_users_folder(user: Project, tmp_path: Path) -> None:
    environment = user.names[0]
    root = root_in_the_folder_of(user, tmp_path)
    before = files_below(user.folder), images(environment)
    for words in (
        ["create", "new", PYTHON],
        ["install", environment, "six"],
        ["uninstall", environment, "six"],
        ["update", environment],
        ["build", environment],
        ["delete", environment, "--yes"],
        ["run", environment, "touch", "made"],
        ["shell", environment],
        ["envs"],
        ["envs", "--all"],
        ["config"],
        ["clean", "--yes"],
        ["trust", "--yes"],
        ["trust", environment, "--yes"],
    ):
        refused = root.pydock(*words, check=False)
        assert (refused.returncode, "PYDOCK_SAFE_FOLDERS" in refused.stderr) == (1, True), words
    assert (files_below(user.folder), images(environment)) == before


def test_a_second_user_disturbs_no_image_of_the_first(user: Project, tmp_path: Path) -> None:
    environment = user.create()
    theirs = images(environment)
    content = user.current_image(environment)
    root = root_in_the_folder_of(user, tmp_path)
    root.environ["PYDOCK_SAFE_FOLDERS"] = str(user.folder)
    for words in (
        ["trust", environment, "--yes"],
        ["build", environment],
        ["install", environment, "six"],
        ["uninstall", environment, "six"],
        ["update", environment],
        ["run", environment, "true"],
        ["shell", environment],
        ["clean", "--yes"],
        ["envs", "--all"],
    ):
        root.pydock(*words)
        assert images(environment)[content] == theirs[content], words
    assert user.pydock("run", environment, "id", "-u").stdout == f"{user.identity['user']}\n"
    user.pydock("install", environment, "six")
    root.pydock("delete", environment, "--yes")
    [left] = [tag for tag in images(environment) if not tag.endswith(":latest")]
    assert f"image {left}" in user.pydock("clean", "--yes").stderr
    assert images(environment) == {}


def test_two_users_of_one_folder_have_two_images(user: Project, tmp_path: Path) -> None:
    environment = user.names[0]
    root = root_in_the_folder_of(user, tmp_path)
    refused = root.pydock("run", environment, "true", check=False)
    assert (refused.returncode, "PYDOCK_SAFE_FOLDERS" in refused.stderr) == (1, True)
    root.environ["PYDOCK_SAFE_FOLDERS"] = str(user.folder)
    assert root.pydock("run", environment, "true", check=False).returncode == 125
    root.pydock("build", environment)
    assert root.pydock("run", environment, "id", "-u").stdout == "0\n"
    assert user.pydock("run", environment, "id", "-u").stdout == f"{user.identity['user']}\n"


def test_install_keeps_file_mode(user: Project) -> None:
    environment = user.names[0]
    requirements = user.environment(environment) / "requirements.txt"
    requirements.chmod(0o664)
    user.pydock("install", environment, "idna")
    assert requirements.stat().st_mode & 0o777 == 0o664
