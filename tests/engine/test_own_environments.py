"""The environments of this repository in `envs/`, used through its own tasks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .tools import REPOSITORY, TIMEOUT, dockerfile_for

pytestmark = pytest.mark.xdist_group("environments named datascience and dev")


def inv(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"inv {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_unit_tests_pass_in_dev() -> None:
    inv("env.build", "dev")
    # The image that stands in for python:3.12 has no Git.
    tests = "tests/unit --ignore tests/unit/environments/test_workspace.py"
    pytest = f"PYTHONPATH=$PWD/src exec python -m pytest -q -p no:cacheprovider {tests}"
    printed = inv("env.run", "dev", f"sh -c '{pytest}'")
    assert " passed" in printed
    assert " skipped" not in printed


def test_datascience_has_pandas() -> None:
    inv("env.build", "datascience")
    assert inv("env.run", "datascience", "python -c 'import pandas; print(pandas.__version__)'").strip()


def test_dockerfiles_are_what_create_writes() -> None:
    for name in ("dev", "datascience"):
        text = (REPOSITORY / "envs" / name / "dockerfile").read_text(encoding="utf-8")
        assert text == dockerfile_for("you")
