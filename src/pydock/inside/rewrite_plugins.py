"""Write pytest's cache of the plugins that are installed. Runs inside a build, with the image's Python.

    python3 -I rewrite_plugins.py

pytest rewrites the assertions of plugins, and of the packages that they come with. It keeps the result beside the bytecode,
but an image's user cannot write there, so every start of pytest would do it again: with hypothesis, that takes a second.

The rewriting is pytest's own. It is an installed package like any other, so it runs as `nobody`, without our variables: it
cannot read the secrets of the build. Its result is only written here, never run. Whatever goes wrong, there is no cache.

This file stands alone: it needs Python 3.6 and no other file of pydock.
"""

import csv
import os
import subprocess
import sys
import sysconfig
import tempfile
from glob import glob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    Running = tuple["subprocess.Popen[bytes]", BinaryIO, "list[str]"]

NOBODY = 65534
FEW = 40  # one process rewrites so many sources before more processes have started
SIZE = 8  # bytes of a length
SECONDS = 300

# Reads paths from stdin, and writes for each the length and the content of the file that pytest would write.
REWRITE = """
import io, os, sys
from pathlib import Path
from _pytest.assertion import rewrite

if rewrite.PYC_TAIL != sys.argv[1]:
    sys.exit("another pytest")
with open(int(sys.argv[2]), "wb") as output:
    for path in sys.stdin.buffer.read().split(b"\\0"):
        found = io.BytesIO()
        try:
            rewrite._write_pyc_fp(found, *rewrite._rewrite_test(Path(os.fsdecode(path)), None))
        except Exception:
            found = io.BytesIO()
        output.write(len(found.getvalue()).to_bytes(8, "big") + found.getvalue())
"""


def main() -> None:
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for pytest in glob(os.path.join(folder, "pytest-*.dist-info")):
            version = os.path.basename(pytest)[len("pytest-") : -len(".dist-info")]
            write_caches(folder, f".{sys.implementation.cache_tag}-pytest-{version}.pyc")


def write_caches(folder: str, tail: str) -> None:
    """Write the caches of the plugins in a folder; `tail` is how the names of pytest's files end."""
    missing = {}  # source -> the RECORD of its distribution
    for record in sorted(glob(os.path.join(folder, "*.dist-info", "RECORD"))):
        if is_plugin(os.path.dirname(record)):
            missing.update(dict.fromkeys(sources_without_cache(record, tail), record))
    sources = sorted(missing)
    count = min(os.cpu_count() or 1, 1 + len(sources) // FEW) if sources else 0
    running = [start(sources[number::count], tail) for number in range(count)]
    for process, output, part in running:
        with output:
            process.wait(SECONDS)
            output.seek(0)
            for source in part:
                content = output.read(int.from_bytes(output.read(SIZE), "big"))
                if content:
                    write(cache_of(source, tail), content, missing[source])


def is_plugin(distribution: str) -> bool:
    """Return whether a distribution has plugins of pytest.

    https://docs.pytest.org/en/stable/how-to/writing_plugins.html
    """
    try:
        with open(os.path.join(distribution, "entry_points.txt"), encoding="utf-8") as file:
            return any(line.strip() == "[pytest11]" for line in file)
    except OSError:
        return False


def sources_without_cache(record: str, tail: str) -> "list[str]":
    """Return the distribution's Python files, without its tests, that have no cache as new as its installation."""
    with open(record, newline="", encoding="utf-8") as file:
        places = [row[0].split("/") for row in csv.reader(file) if row and row[0].endswith(".py")]
    site = os.path.dirname(os.path.dirname(record))
    sources = [os.path.join(site, *place) for place in places if not {"", "..", "tests"} & set(place[:-1])]
    installed = os.stat(record).st_mtime
    return [
        source for source in sources if os.path.isfile(source) and time_of(cache_of(source, tail)) < installed
    ]


def cache_of(source: str, tail: str) -> str:
    return os.path.join(
        os.path.dirname(source), "__pycache__", os.path.basename(source)[: -len(".py")] + tail
    )


def time_of(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0


def start(sources: "list[str]", tail: str) -> "Running":
    """Start to rewrite; return the process, the file that it writes, and the sources."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was read
    with tempfile.TemporaryFile() as paths:
        paths.write(b"\0".join(os.fsencode(source) for source in sources))
        paths.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", REWRITE, tail, str(output.fileno())],
            stdin=paths,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            pass_fds=[output.fileno()],
            preexec_fn=become_nobody,  # noqa: PLW1509 - there are no threads
        )
    return process, output, sources


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def write(path: str, content: bytes, record: str) -> None:
    """Write a cache, and let the distribution's RECORD name it, so that an installer removes it with the distribution."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    name = os.path.relpath(path, os.path.dirname(os.path.dirname(record)))
    with open(record, "r+", newline="", encoding="utf-8") as file:
        text = file.read()
        if name + "," not in text:
            end = "" if text.endswith("\n") else "\n"
            file.write(f"{end}{name},,\n")
    with open(path, "wb") as cache:
        cache.write(content)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - nothing is wrong, tests only start more slowly
        print(f"pytest's plugins are not rewritten: {error!r}")
