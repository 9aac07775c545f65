"""An ordinary user of this machine, made for the tests by root, with pydock and a home of their own."""

from __future__ import annotations

import contextlib
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

from .tools import REPOSITORY, Project, environ_for, remove_everything

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("pydock", "invoke", "jinja2", "markupsafe", "packaging")
SOCKET = Path("/var/run/docker.sock")


def install_pydock(folder: Path) -> None:
    """Put pydock and what it needs where anybody can read it; the checkout may lie in a closed folder."""
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
    """Return a Python that this user may start: pyenv's may lie in root's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            code = "import sys; sys.exit(sys.version_info < (3, 9))"
            subprocess.run([python, "-c", code], check=True, capture_output=True, cwd="/", **identity)
            return python
    return str(pytest.skip("there is no Python that an ordinary user may start"))


@contextlib.contextmanager
def ordinary_user(*, may_use_docker: bool, uid: int | None = None) -> Iterator[Project]:
    """Make a user, with this uid or any, yield their project, remove the user again."""
    if os.getuid() != 0:
        pytest.skip("only root can make a user; the rest of the ring runs as an ordinary one already")
    name = f"ring-{secrets.token_hex(3)}"
    place = Path(tempfile.mkdtemp(prefix="pydock-ring-"))
    options = ["--no-create-home", "--home-dir", str(place / "home"), *(["--uid", str(uid)] if uid else [])]
    subprocess.run(["/usr/sbin/useradd", *options, name], check=True)
    user = pwd.getpwnam(name)
    groups = [SOCKET.stat().st_gid] if may_use_docker else []
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups}
    try:
        install_pydock(place / "lib")
        for folder in (place / "home", place / "work", place / "work" / ".pydock"):
            folder.mkdir()
            os.chown(folder, user.pw_uid, user.pw_gid)
        place.chmod(0o755)
        environ = environ_for(place / "home")
        environ.update(
            PYTHONPATH=str(place / "lib"),
            USER=name,
            LOGNAME=name,
            DOCKER_CONFIG=str(place / "home" / ".docker"),
        )
        program = (python_for(identity), "-m", "pydock")
        project = Project(place / "work", place / "home", environ, program, identity)
        yield project
        remove_everything(project.names)
    finally:
        subprocess.run(["/usr/sbin/userdel", name], check=True, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)
