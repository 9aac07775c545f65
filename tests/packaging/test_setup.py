"""`make setup` and `make dist` in a fresh clone, with an index where every package has a newer, broken release."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import lock
import pytest

from .conftest import set_up, stamps
from .index import BREAKING, DEV

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Clone
    from .index import LockedIndex

pytestmark = pytest.mark.xdist_group(
    "make setup"
)  # one clone, in which the tests install one after the other


def test_newest_versions_of_the_index_are_broken(index: LockedIndex, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "invoke", "pytest"]
    subprocess.run([*command, "--dest", tmp_path], env=index.environ(), check=True, capture_output=True)
    assert sorted(path.name.split("-")[1] for path in tmp_path.iterdir()) == [BREAKING, BREAKING]


def test_setup_installs_what_the_lock_lists(clone: Clone, index: LockedIndex) -> None:
    assert clone.installed.returncode == 0, clone.installed.stderr
    command = [str(clone.python), "-m", "pip", "list", "--format", "json"]
    done = subprocess.run(command, env=index.environ(), check=True, capture_output=True, text=True)
    listed = json.loads(done.stdout)
    installed = {package["name"].lower().replace("_", "-"): package["version"] for package in listed}
    locked = lock.pins_for(DEV.path(clone.folder).read_text(encoding="utf-8"), platform.python_version())
    assert {name: installed.get(name) for name in locked} == locked
    assert set(installed) - set(locked) <= {
        "pydock-env",
        "setuptools",
    }  # a new environment may have setuptools


def test_the_single_file_is_the_same(clone: Clone, index: LockedIndex, single_file: Path) -> None:
    script = clone.folder / "scripts" / "single_file" / "build.py"
    done = subprocess.run(
        [clone.python, script], env=index.environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (clone.folder / "dist" / "pydock").read_bytes() == single_file.read_bytes()


def test_failed_installation_fails_and_is_not_taken_for_done(clone: Clone) -> None:
    assert clone.refused.returncode == 1
    assert clone.stamps_of_the_refused == []
    assert "ERROR: " in clone.refused.stderr
    assert "The installation failed." in clone.refused.stderr
    assert len(clone.refused.stderr.splitlines()) < 25


def test_what_is_set_up_is_left_alone(clone: Clone, index: LockedIndex) -> None:
    before = stamps(clone.folder)
    again = set_up(clone.folder, index.environ(address="http://127.0.0.1:9/"))
    assert (again.returncode, again.stdout + again.stderr) == (0, "")
    assert stamps(clone.folder) == before


def test_changed_lock_is_installed(clone: Clone, index: LockedIndex) -> None:
    before = stamps(clone.folder)
    path = DEV.path(clone.folder)
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(f"{text}another==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
        failed = set_up(clone.folder, index.environ())
        assert (failed.returncode, stamps(clone.folder)) == (1, [])
        assert "another" in failed.stderr
    finally:
        path.write_text(text, encoding="utf-8")
    # all of it is there already: no index is needed
    assert set_up(clone.folder, index.environ(address="http://127.0.0.1:9/")).returncode == 0
    assert stamps(clone.folder) == before
