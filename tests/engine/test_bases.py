"""Base images of many kinds: existing users and ids, no /etc/passwd, no bash, a USER of their own, old Pythons."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Callable

import pytest

from .tools import Project, docker, files_below, images, inspect

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
    """Return a function that builds a base image from python:3.12 and more steps, and returns its name."""
    made = []

    def build(steps: str) -> str:
        made.append(f"pydock-test-base:{secrets.token_hex(4)}")
        docker("build", "--tag", made[-1], "-", stdin=f"FROM {python_image}\n{steps}\n")
        return made[-1]

    yield build
    docker("rmi", "--force", *made, check=False)


def check_works(project: Project, name: str) -> None:
    """Check that the environment runs as its caller, that packages can be installed, and that they are recorded."""
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


def test_python_too_old_for_uv_uses_pip(project: Project, base_image: Callable[[str], str]) -> None:
    base_image("3.6")
    name = project.create(version="3.6")
    check_works(project, name)
    project.pydock("uninstall", name, "six")
    project.check_installed(name, [])


def test_installer_pip(project: Project) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    name = project.create()
    check_works(project, name)
    project.pydock("install", name, "Jinja2")
    project.check_installed(name, ["jinja2", "markupsafe", "six"])
    project.pydock("uninstall", name, "Jinja2")
    project.check_installed(name, ["six"])


def test_update_with_installer_pip(project: Project) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    name = project.create()
    (project.environment(name) / "requirements.txt").write_text("idna==3.6\n", encoding="utf-8")
    (project.environment(name) / "requirements.in").write_text("idna\n", encoding="utf-8")
    project.pydock("update", name)
    assert project.requirements(name) != ["idna==3.6"]
    assert project.freeze(name) == project.requirements(name)


# The steps of a base image whose /etc/passwd, /etc/group and /home are unusual.
USERS = {
    "same ids": "RUN echo 'someone:x:{uid}:4242::/somewhere:/bin/false' >> /etc/passwd && echo 'some:x:{gid}:' >> /etc/group",
    "same name": "RUN echo 'wanted:x:4242:4242::/somewhere:/bin/false' >> /etc/passwd && echo 'wanted:x:4242:' >> /etc/group"
    " && mkdir -p /home/wanted && touch /home/wanted/theirs && chown -R 4242:4242 /home/wanted",
    "same name and ids": "RUN echo 'wanted:x:{uid}:{gid}::/home/wanted:/bin/sh' >> /etc/passwd && echo 'wanted:x:{gid}:' >> /etc/group",
    "empty files": "RUN : > /etc/passwd && : > /etc/group",
    "no files": "RUN rm /etc/passwd /etc/group",
    "no newline at end": "RUN printf 'root:x:0:0::/root:/bin/sh' > /etc/passwd && printf 'root:x:0:' > /etc/group",
}


@pytest.mark.parametrize("steps", USERS.values(), ids=USERS)
def test_user_is_created(project: Project, derive: Callable[[str], str], steps: str) -> None:
    base = derive(steps.format(uid=os.getuid(), gid=os.getgid()))
    project.environ["PYDOCK_USER"] = "wanted"
    name = project.create("--base", base, version="")
    check_works(project, name)
    assert project.pydock("run", name, "whoami").stdout == "wanted\n"
    assert project.pydock("run", name, "id", "-gn").stdout == "wanted\n"
    assert project.pydock("run", name, "grep", "-c", "^$", "/etc/passwd", check=False).stdout == "0\n"


def test_invalid_unix_user_name_is_converted(project: Project) -> None:
    project.environ["PYDOCK_USER"] = "John.Doe@corp"
    name = project.create()
    check_works(project, name)
    assert project.pydock("run", name, "whoami").stdout == "john_doe_corp\n"


def test_base_image_with_own_user_and_command(project: Project, derive: Callable[[str], str]) -> None:
    base = derive(
        "RUN echo 'app:x:4242:4242::/app:/bin/sh' >> /etc/passwd && mkdir /app && chown 4242:4242 /app\n"
        'USER app\nWORKDIR /app\nCMD ["python3", "-m", "this"]'
    )
    name = project.create("--base", base, version="")
    check_works(project, name)
    assert inspect(project.current_image(name))["Config"]["Cmd"] == ["python3", "-m", "this"]


def test_install_keeps_last_user_of_dockerfile(project: Project) -> None:
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    dockerfile.write_text(
        dockerfile.read_text(encoding="utf-8") + "ENV AGAIN=1\nUSER 4242\n", encoding="utf-8"
    )
    project.pydock("build", name)
    project.pydock("install", name, "six")
    assert project.pydock("run", name, "id", "-u").stdout == "4242\n"


def test_image_without_python_fails(project: Project, derive: Callable[[str], str]) -> None:
    base = derive("RUN rm -f /usr/local/bin/python* /usr/local/bin/pip*")
    name = project.create("--base", base, version="")
    before = files_below(project.environment(name)), images(name)
    result = project.pydock("install", name, "six", check=False)
    assert result.returncode == 1
    assert "python3" in result.stderr
    assert (files_below(project.environment(name)), images(name)) == before
