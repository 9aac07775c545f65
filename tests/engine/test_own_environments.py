"""This repository as its own user: the environments in `envs/`, made by pydock, run from this repository's tasks."""

from __future__ import annotations

import subprocess
import sys

from pydock.environments.caller import Caller
from pydock.rendering import render

from .tools import PATIENCE, REPOSITORY


def inv(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"inv {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_unit_tests_pass_inside_dev() -> None:
    inv("env.build", "dev")
    pytest = "PYTHONPATH=$PWD/src exec python -m pytest -q -p no:cacheprovider tests/unit"
    said = inv("env.run", "dev", f"sh -c '{pytest}'")
    assert " passed" in said
    assert " skipped" not in said


def test_datascience_has_pandas() -> None:
    inv("env.build", "datascience")
    assert inv("env.run", "datascience", "python -c 'import pandas; print(pandas.__version__)'").strip()


def test_the_dockerfiles_are_what_pydock_writes() -> None:
    written = render(
        "dockerfile.j2",
        base="",
        repository="python",
        version="3.12",
        caller=Caller("you", 1000, 1000),
        installer="uv",
    )
    for name in ("dev", "datascience"):
        assert (REPOSITORY / "envs" / name / "dockerfile").read_text(encoding="utf-8") == written
