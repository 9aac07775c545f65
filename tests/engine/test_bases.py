"""Base images as they come: taken names and ids, no useradd, no bash, an own USER, old Pythons."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Callable

import pytest

from .tools import Project, docker, files_below, images

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO = """
import getpass, os, pathlib, pwd, grp
home = pathlib.Path.home()
(home / "touched").touch()
print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_gid, os.getuid(), home)
"""


@pytest.fixture
def derive(python_image: str) -> Iterator[Callable[[str], str]]:
    """Return a function that builds a base image of python:3.12 with more steps, and returns its name."""
    made = []

    def build(steps: str) -> str:
        made.append(f"engine-ring-base:{secrets.token_hex(4)}")
        docker("build", "--tag", made[-1], "-", stdin=f"FROM {python_image}\n{steps}\n")
        return made[-1]

    yield build
    docker("rmi", "--force", *made, check=False)


def check_works(project: Project, name: str) -> None:
    """Whatever is under it, an environment runs as its caller, installs, and says what is in it."""
    user, known, gid, uid, home = project.pydock("run", name, "python3", "-c", WHO).stdout.split()
    assert (int(uid), int(gid)) == (os.getuid(), os.getgid())
    assert user == known
    assert home == f"/home/{user}"
    (project.folder / "made").unlink(missing_ok=True)
    project.pydock("run", name, "touch", "made")
    assert (project.folder / "made").stat().st_uid == os.getuid()
    project.pydock("install", name, "six")
    assert project.requirements(name)[0].startswith("six==")
    assert project.freeze(name) == project.requirements(name)
    assert project.pydock("run", name, "python3", "-c", "import six; print('ok')").stdout == "ok\n"


@pytest.mark.parametrize("tag", ["3.13-trixie", "3.12-alpine", "3.12-slim", "3.8"])
def test_official_images(project: Project, base_image: Callable[[str], str], tag: str) -> None:
    base_image(tag)
    check_works(project, project.create(version=tag))


def test_a_python_too_old_for_uv_is_left_to_pip(project: Project, base_image: Callable[[str], str]) -> None:
    base_image("3.6")
    name = project.create(version="3.6")
    check_works(project, name)
    project.pydock("uninstall", name, "six")
    assert project.freeze(name) == project.requirements(name) == []


def test_pip_as_the_installer(project: Project) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    name = project.create()
    check_works(project, name)
    project.pydock("install", name, "Jinja2")
    assert project.freeze(name) == project.requirements(name)
    project.pydock("uninstall", name, "Jinja2")
    assert [line.split("==")[0] for line in project.requirements(name)] == ["six"]
    assert project.freeze(name) == project.requirements(name)


def test_pip_updates_too(project: Project) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    name = project.create()
    (project.environment(name) / "requirements.txt").write_text("idna==3.6\n", encoding="utf-8")
    (project.environment(name) / "requirements.in").write_text("idna\n", encoding="utf-8")
    project.pydock("update", name)
    assert project.requirements(name) != ["idna==3.6"]
    assert project.freeze(name) == project.requirements(name)


TAKEN = {
    "ids": "RUN echo 'someone:x:{uid}:4242::/somewhere:/bin/false' >> /etc/passwd && echo 'some:x:{gid}:' >> /etc/group",
    "name": "RUN echo 'wanted:x:4242:4242::/somewhere:/bin/false' >> /etc/passwd && echo 'wanted:x:4242:' >> /etc/group"
    " && mkdir -p /home/wanted && touch /home/wanted/theirs && chown -R 4242:4242 /home/wanted",
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_the_base_image_has_taken_already(
    project: Project, derive: Callable[[str], str], what: str
) -> None:
    base = derive(TAKEN[what].format(uid=os.getuid(), gid=os.getgid()))
    project.environ["PYDOCK_USER"] = "wanted"
    name = project.create("--base", base, version="")
    check_works(project, name)
    assert project.pydock("run", name, "whoami").stdout == "wanted\n"


def test_a_user_name_that_unix_cannot_have(project: Project) -> None:
    project.environ["PYDOCK_USER"] = "John.Doe@corp"
    name = project.create()
    check_works(project, name)
    assert project.pydock("run", name, "whoami").stdout == "john_doe_corp\n"


def test_a_base_image_with_its_own_user_and_command(project: Project, derive: Callable[[str], str]) -> None:
    base = derive(
        "RUN echo 'app:x:4242:4242::/app:/bin/sh' >> /etc/passwd && mkdir /app && chown 4242:4242 /app\n"
        'USER app\nWORKDIR /app\nCMD ["python3", "-m", "this"]'
    )
    name = project.create("--base", base, version="")
    check_works(project, name)


def test_a_dockerfile_whose_user_is_root_stays_so(project: Project) -> None:
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    dockerfile.write_text(
        dockerfile.read_text(encoding="utf-8") + "ENV AGAIN=1\nUSER 4242\n", encoding="utf-8"
    )
    project.pydock("build", name)
    project.pydock("install", name, "six")
    assert project.pydock("run", name, "id", "-u").stdout == "4242\n"


def test_an_image_without_python_says_so(project: Project, derive: Callable[[str], str]) -> None:
    base = derive("RUN rm -f /usr/local/bin/python* /usr/local/bin/pip*")
    name = project.create("--base", base, version="")
    before = files_below(project.environment(name)), images(name)
    result = project.pydock("install", name, "six", check=False)
    assert result.returncode == 1
    assert "python3" in result.stderr
    assert (files_below(project.environment(name)), images(name)) == before
