"""Compile what an installation has added, once per distribution. Runs inside a build, with the image's Python.

    python3 compile_bytecode.py CACHE SINCE

CACHE is a folder for bytecode. SINCE is a file that is older than everything that this build installed.

uv installs without bytecode, and an image's user cannot write it later, so every `docker run` would compile again.
Compiling pandas takes longer than installing it. So the result is kept in the cache mount, one file per distribution,
named by its name, version and the digest of its RECORD (https://packaging.python.org/en/latest/specifications/
recording-installed-packages/), and restored when the same distribution is installed again.

A .pyc file is valid for the modification time of its source (https://docs.python.org/3/reference/import.html
#cached-bytecode-invalidation), so the sources get a fixed one.

This file stands alone: it needs Python 3.8 and no other file of pydock.
"""

from __future__ import annotations

import csv
import hashlib
import marshal
import os
import sys
import sysconfig
from pathlib import Path

EPOCH = 1_500_000_000  # any time, as long as it is always the same
FEW = 40  # one process compiles so many sources before more processes have started


def main(cache: Path, since: Path) -> None:
    cache = cache / f"{sys.implementation.cache_tag}-{sys.hexversion}"
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for record in sorted(Path(folder).glob("*.dist-info/RECORD")):
            if record.stat().st_mtime < since.stat().st_mtime:
                continue
            sources = uncompiled_sources(record)
            if sources:
                compile_or_restore(sources, Path(folder), cache / key_of(record))


def uncompiled_sources(record: Path) -> list[Path]:
    """Return the distribution's Python files, none if the first one is already compiled."""
    with record.open(newline="", encoding="utf-8") as file:
        names = [row[0] for row in csv.reader(file) if row and row[0].endswith(".py") and ".." not in row[0]]
    sources = [record.parent.parent / name for name in names]
    sources = [source for source in sources if source.is_file()]
    return [] if not sources or is_compiled(sources[0]) else sources


def is_compiled(source: Path) -> bool:
    """Return whether there is bytecode for the source's modification time (PEP 552 describes the header)."""
    try:
        with bytecode_of(source).open("rb") as file:
            header = file.read(16)
    except OSError:
        return False
    return int.from_bytes(header[8:12], "little") == int(source.stat().st_mtime)


def key_of(record: Path) -> str:
    content = record.read_bytes() + str(record.parent.parent).encode()
    name = record.parent.name[: -len(".dist-info")]
    return f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.marshal"


def bytecode_of(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"


def compile_or_restore(sources: list[Path], site: Path, kept: Path) -> None:
    for source in sources:
        os.utime(str(source), (EPOCH, EPOCH))
    try:
        contents = marshal.loads(kept.read_bytes())  # noqa: S302 - .pyc files are read the same way
    except FileNotFoundError:
        compile_and_keep(sources, site, kept)
        return
    for folder in {os.path.dirname(path) for path in contents}:
        os.makedirs(str(site / folder), exist_ok=True)
    for path, content in contents.items():
        with open(os.path.join(str(site), path), "wb", buffering=0) as file:
            file.write(content)


def compile_and_keep(sources: list[Path], site: Path, kept: Path) -> None:
    """Compile and keep the result. A rename makes it visible, because other builds use the cache at the same time."""
    compile_all(sources)
    contents = {}
    for source in sources:
        compiled = bytecode_of(source)
        if compiled.is_file():
            contents[str(compiled.relative_to(site))] = compiled.read_bytes()
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = kept.with_name(f"{kept.name}.{os.urandom(6).hex()}")
    new.write_bytes(marshal.dumps(contents))
    new.replace(kept)


def compile_all(sources: list[Path]) -> None:
    """Compile, with several processes if there are many files; files that are not valid Python are skipped."""
    import compileall  # restoring needs no compiler

    if len(sources) < FEW or (os.cpu_count() or 1) == 1:
        for source in sources:
            compileall.compile_file(str(source), quiet=2)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor() as pool:
        for _ in pool.map(compile_one, [str(source) for source in sources], chunksize=16):
            pass


def compile_one(source: str) -> bool:
    import compileall

    return bool(compileall.compile_file(source, quiet=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
