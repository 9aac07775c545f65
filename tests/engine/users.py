"""An ordinary user of this machine, created by root for the tests, with a home and a copy of pydock."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .tools import REPOSITORY, Project, temporary_project

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("pydock", "invoke", "jinja2", "markupsafe", "packaging")
LOCK = Path(tempfile.gettempdir(), "pydock-tests-users.lock")
SOCKET = Path("/var/run/docker.sock")


@contextlib.contextmanager
def ordinary_user(*, may_use_docker: bool, uid: int | None = None) -> Iterator[Project]:
    """Create a user, with this uid or any, yield a project of theirs, remove the user again."""
    if os.getuid() != 0:
        pytest.skip("only root can create a user; the other tests run as an ordinary one already")
    name = f"pydock-{secrets.token_hex(3)}"
    place = Path(tempfile.mkdtemp(prefix="pydock-test-"))
    options = ["--no-create-home", "--home-dir", str(place / "home"), *(["--uid", str(uid)] if uid else [])]
    change_users("useradd", *options, name)
    user = pwd.getpwnam(name)
    groups = [SOCKET.stat().st_gid] if may_use_docker else []
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups}
    try:
        install_pydock(place / "lib")
        place.chmod(0o755)
        program = (python_for(identity), "-m", "pydock")
        with temporary_project(place, program=program, identity=identity) as project:
            for folder in (project.home, project.folder, project.folder / ".pydock"):
                os.chown(folder, user.pw_uid, user.pw_gid)
            project.environ.update(
                PYTHONPATH=str(place / "lib"),
                USER=name,
                LOGNAME=name,
                DOCKER_CONFIG=str(place / "home" / ".docker"),
            )
            yield project
    finally:
        change_users("userdel", name)
        shutil.rmtree(place, ignore_errors=True)


def change_users(program: str, *words: str) -> None:
    """Run useradd or userdel. They do not wait for each other, so the tests that run in parallel do."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([f"/usr/sbin/{program}", *words], check=True, capture_output=True)


def install_pydock(folder: Path) -> None:
    """Copy pydock and its dependencies to a folder that every user can read; the checkout may be private."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(
            Path(spec.origin).parent,
            folder / package,
            ignore=shutil.ignore_patterns("__pycache__", "*.so"),
        )
    distributions = Path(importlib.util.find_spec("invoke").origin or "").parents[1]  # type: ignore[union-attr]
    for metadata in distributions.glob("invoke-*.dist-info"):
        shutil.copytree(metadata, folder / metadata.name)
    if not (folder / "pydock" / "templates").exists():
        shutil.copytree(REPOSITORY / "templates", folder / "pydock" / "templates")


def python_for(identity: dict[str, Any]) -> str:
    """Return a Python that this user may start; pyenv's may be in root's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            code = "import sys; sys.exit(sys.version_info < (3, 9))"
            subprocess.run([python, "-c", code], check=True, capture_output=True, cwd="/", **identity)
            return python
    return str(pytest.skip("no Python that an ordinary user may start"))
