"""Tests of one group run in one process, one after the other."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import os, pathlib, pytest

pytestmark = pytest.mark.xdist_group("a name with spaces")

@pytest.mark.parametrize("word", ["pydock create", "a@b", "[c]", "d", "e", "f"])
def test_something(word):
    with (pathlib.Path(__file__).parent / "workers").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_group_of_two_modules_runs_in_one_process(tmp_path: Path) -> None:
    """With pytest 9.2, pytest-xdist 3.8 ignores groups without a word, and these tests disturb each other."""
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(MODULE, encoding="utf-8")
    options = ["-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    argv = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    workers = (tmp_path / "workers").read_text(encoding="utf-8").split()
    assert len(workers) == 12
    assert len(set(workers)) == 1, workers
