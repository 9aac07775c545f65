"""inside/package_sizes.py on folders that look like site-packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pydock.engine.build_context import PROGRAMS
from pydock.inside import package_sizes


def add(folder: Path, info: str, record: str, metadata: str = "") -> None:
    (folder / info).mkdir()
    if record:
        (folder / info / "RECORD").write_text(record)
    if metadata:
        (folder / info / "METADATA").write_text(metadata)


def test_files_of_record_and_their_bytecode(tmp_path: Path) -> None:
    site = tmp_path / "site [1]"
    (site / "pkg" / "__pycache__").mkdir(parents=True)
    (site / "pkg" / "a.py").write_text("12345")
    (site / "pkg" / "__pycache__" / "a.cpython-312.pyc").write_text("123")
    (site / "pkg" / "__pycache__" / "other.cpython-312.pyc").write_text("of another package")
    (site / "two words.txt").write_text("12")
    (tmp_path / "bin").write_text("1234567")
    record = 'pkg/a.py,,\npkg/__pycache__/a.cpython-312.pyc,,\n"two words.txt",,\n../bin,,\nmissing.py,,\n\n'
    add(site, "pkg-1.0.dist-info", record, "Metadata-Version: 2.1\nName: The.Pkg\n")
    assert package_sizes.package_sizes([str(site)]) == {"The.Pkg": 5 + 3 + 2 + 7}


def test_folders_that_are_broken(tmp_path: Path) -> None:
    add(tmp_path, "a-1.dist-info", "")
    add(tmp_path, "b-1.dist-info", "b.py\n", "Summary: no name\n")
    (tmp_path / "c-1.dist-info").write_text("a file")
    other = tmp_path / "other"
    other.mkdir()
    add(other, "a-2.dist-info", "")
    (other / "x").write_text("1234")
    add(other, "d-2.dist-info", "x,,\n")
    found = package_sizes.package_sizes([str(tmp_path), str(other), "/nowhere"])
    assert found == {"a": 0, "b": 0, "c": 0, "d": 4}


def test_program() -> None:
    program = Path(PROGRAMS, "package_sizes.py").read_text(encoding="utf-8")
    argv = [sys.executable, "-I", "-S", "-c", program]
    found = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert sys.version.startswith(found["python"])
    assert isinstance(found["sizes"], dict)
