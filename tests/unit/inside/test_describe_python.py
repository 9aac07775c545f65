"""What an image's Python says of itself; the program runs in the environment's Python, here in ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pydock.inside import describe_python


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for packages that is the only one; its scripts are in `bin` beside it."""
    packages, scripts = tmp_path / "lib" / "site-packages", tmp_path / "bin"
    packages.mkdir(parents=True)
    scripts.mkdir()
    for name in ("ruff", "old", "hidden", "of-the-system"):
        (scripts / name).write_text("#!/bin/sh\n")
        (scripts / name).chmod(0o755)
    (scripts / "data").write_text("")
    add(
        packages,
        "Ruff_Tool-0.1.dist-info",
        RECORD="../../bin/ruff,,\n../../bin/data,,\n../../bin/gone,,\nruff/__init__.py,,\n\n",
    )
    add(
        packages,
        "old-1.egg-info",
        **{"entry_points.txt": "[console_scripts]\nold = old:main\n[other]\nof-the-system = x:y\n"},
    )
    monkeypatch.setattr(sys, "path", ["/elsewhere", str(packages), str(tmp_path / "none" / "site-packages")])
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(scripts))
    return packages


def add(packages: Path, folder: str, **files: str) -> None:
    (packages / folder).mkdir()
    for name, text in files.items():
        (packages / folder / name).write_text(text)


def test_console_scripts_are_those_of_packages(place: Path) -> None:
    scripts = place.parents[1] / "bin"
    assert describe_python.describe()["scripts"] == {
        "old": [f"{scripts}/old", "old"],
        "ruff": [f"{scripts}/ruff", "ruff-tool"],
    }


def test_copy_has_sources_and_no_links_or_bytecode(place: Path, tmp_path: Path) -> None:
    (place / "module.py").write_text("x = 1")
    (place / "module.pyc").write_text("")
    (place / "data.csv").write_text("1,2")
    (place / "compiled.cpython-312.so").write_bytes(b"ELF")
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "module.cpython-312.pyc").write_text("")
    (place / "link").symlink_to("/etc")
    (place / "file").symlink_to("/etc/passwd")
    os.mkfifo(place / "fifo")
    describe_python.copy_packages(str(tmp_path / "copy"))
    copied = sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*"))
    assert copied == [
        *("Ruff_Tool-0.1.dist-info", "Ruff_Tool-0.1.dist-info/RECORD"),
        *("compiled.cpython-312.so", "module.py"),
        *("old-1.egg-info", "old-1.egg-info/entry_points.txt"),
    ]
    assert (tmp_path / "copy" / "compiled.cpython-312.so").read_bytes() == b""
    (tmp_path / "copy" / "module.py").write_text("the first wins")
    describe_python.copy_packages(str(tmp_path / "copy"))
    assert (tmp_path / "copy" / "module.py").read_text() == "the first wins"


def test_program_prints_one_line_of_json(tmp_path: Path) -> None:
    program = Path(describe_python.__file__).read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(done.stdout)
    assert found["version"] == ".".join(map(str, sys.version_info[:3]))
    assert os.path.isfile(found["executable"])
    assert "python3" in found["programs"]
