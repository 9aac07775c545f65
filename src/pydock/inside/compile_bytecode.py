"""Compile what an installation has added, with all processors. Runs inside a build, with the image's Python.

    python3 -I compile_bytecode.py SINCE

SINCE is a file that is older than everything that this build installed.

uv installs without bytecode, and an image's user cannot write it later, so every `docker run` would compile again.
A package's own tests (folders named `tests`) stay uncompiled: they are two thirds of pandas and NumPy, and hardly ever
run. Nothing is restored from a cache: whatever a build can write to, a package's setup.py can forge, and bytecode runs.

This file stands alone: it needs Python 3.8 and no other file of pydock.
"""

from __future__ import annotations

import csv
import os
import sys
import sysconfig
from pathlib import Path

FEW = 40  # one process compiles so many sources before more processes have started


def main(since: Path) -> None:
    sources: list[str] = []
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for record in sorted(Path(folder).glob("*.dist-info/RECORD")):
            if record.stat().st_mtime >= since.stat().st_mtime:
                sources += uncompiled_sources(record)
    compile_all(sources)


def uncompiled_sources(record: Path) -> list[str]:
    """Return the distribution's Python files without its tests, none if the first one is already compiled.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    with record.open(newline="", encoding="utf-8") as file:
        names = [row[0] for row in csv.reader(file) if row and row[0].endswith(".py")]
    places = [name.split("/") for name in names]
    site = str(record.parent.parent)
    paths = [os.path.join(site, *place) for place in places if not {"..", "tests"} & set(place[:-1])]
    sources = [path for path in paths if os.path.isfile(path)]
    return [] if not sources or is_compiled(sources[0]) else sources


def is_compiled(source: str) -> bool:
    """Return whether there is bytecode for the source's modification time (PEP 552 describes the header)."""
    import importlib.util

    try:
        with open(importlib.util.cache_from_source(source), "rb") as file:
            header = file.read(16)
    except OSError:
        return False
    return int.from_bytes(header[8:12], "little") == int(os.stat(source).st_mtime)


def compile_all(sources: list[str]) -> None:
    """Compile, with several processes if there are many files; files that are not valid Python are skipped."""
    if len(sources) < FEW or (os.cpu_count() or 1) == 1:
        for source in sources:
            compile_one(source)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor() as pool:
        for _ in pool.map(compile_one, sources, chunksize=16):
            pass


def compile_one(source: str) -> bool:
    import compileall

    return bool(compileall.compile_file(source, quiet=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
