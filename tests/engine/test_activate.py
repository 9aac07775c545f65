"""Activated environments on a real engine: what their programs find, and what tools that look for a virtualenv see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .tools import TIMEOUT, Project, remove_warm_containers

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = "import json, os, sys; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, os.getcwd(), sys.path, sys.argv[1:]]))"


@pytest.fixture
def environment(project: Project) -> Iterator[str]:
    name = project.create()
    yield name
    remove_warm_containers(name)


def in_shell(project: Project, name: str, script: str, shell: str = "bash") -> str:
    """Run a script in a shell in which the environment is active; return its output."""
    pydock = f"{sys.executable} -m pydock"
    done = subprocess.run(
        [shell, "-euc", f'eval "$({pydock} activate {name})"\n{script}'],
        cwd=project.folder,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_of_an_activated_environment(project: Project, environment: str) -> None:
    """Paths are those of this machine on both sides, also for its children; a package's command appears by itself."""
    (project.folder / "sub").mkdir()
    (project.folder / "here.py").write_text("print(__file__)")
    script = f"""
        echo "$VIRTUAL_ENV"
        cd sub
        python -c '{FACTS}' 'a  b' ''
        python -c 'import subprocess; subprocess.run(["python3", "-c", "import sys; print(sys.executable)"])'
        python {project.folder}/here.py
        "$VIRTUAL_ENV"/bin/python3 -c 'import sys; sys.exit(7)' || echo $?
        pip install cowsay >/dev/null
        command -v cowsay
        cowsay -t moo
        python -m pip uninstall -y cowsay >/dev/null
        test ! -e "$VIRTUAL_ENV/bin/cowsay"
        cd /; python -c 'import os; print(len(os.listdir()) > 5)'
    """
    folder, facts, child, file, code, program, *said, at_root = in_shell(
        project, environment, script
    ).splitlines()
    executable, prefix, base_prefix, place, path, argv = json.loads(facts)
    assert (executable, prefix, base_prefix) == (f"{folder}/bin/python", folder, "/usr/local")
    assert (place, argv) == (os.path.realpath(project.folder / "sub"), ["a  b", ""])
    packages = f"{folder}/lib/python3.12/site-packages"
    assert path[-2:] == [packages, "/usr/local/lib/python3.12/site-packages"]
    assert "pip" in os.listdir(packages)
    assert child == f"{folder}/bin/python3"
    assert (file, code, program) == (
        os.path.realpath(project.folder / "here.py"),
        "7",
        f"{folder}/bin/cowsay",
    )
    assert (any("moo" in line for line in said), at_root) == (True, "True")


def test_virtual_environment_of_an_image(project: Project) -> None:
    """An image whose Python is in a virtual environment, as Debian's users make them; its packages are found."""
    dockerfile = "FROM python:3.12\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
    dockerfile += "RUN echo 'x = 1' >$(python -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')/of_the_image.py\n"
    name = project.write_environment(dockerfile)
    project.pydock("build", name)
    printed = in_shell(
        project, name, "python -c 'import of_the_image, sys; print(sys.prefix)'; echo $VIRTUAL_ENV"
    )
    remove_warm_containers(name)
    assert len(set(printed.splitlines())) == 1
