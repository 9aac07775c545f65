"""A package index on this machine: what the locks list, and of each package a newer release that is broken."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BREAKING = "99.0"
NEWEST_PYTHON_ONLY = {"packaging"}  # as its release 26.4 was for Python 3.9
DEV, SINGLE_FILE = lock.LOCKS[:2]


@dataclass(frozen=True)
class LockedIndex:
    address: str
    root: Path

    def environ(self, address: str = "") -> dict[str, str]:
        """Return the variables of somebody whose pip knows this index alone, or another address."""
        # nor is a clone's pydock the one whose coverage is measured
        gone = ("PIP_", "UV_", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
        return {
            **kept,
            "HOME": str(self.root / "home"),
            "NO_PROXY": "127.0.0.1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": address or self.address,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
            "PYTHON": sys.executable,
        }


def download(folder: Path, *arguments: str | Path) -> None:
    """Download with pip as it is configured on this machine."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest"]
    done = subprocess.run([*command, folder, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def write_breaking_release(folder: Path, name: str) -> None:
    """Write a wheel that raises when it is imported."""
    module = name.replace("-", "_")
    info = f"{module}-{BREAKING}.dist-info"
    python = "Requires-Python: >=3.99\n" if name in NEWEST_PYTHON_ONLY else ""
    files = {
        f"{module}.py": f"raise RuntimeError('the breaking release of {name}')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {BREAKING}\n{python}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{module}-{BREAKING}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


def write_pages(root: Path, files: Path) -> None:
    """Write a page for each package, with links to its files."""
    links: dict[str, str] = {}
    for file in sorted(files.iterdir()):
        name = file.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
        python = ' data-requires-python="&gt;=3.99"' if is_for_newest_python(file) else ""
        links[name] = links.get(name, "") + f'<a href="/files/{file.name}"{python}>{file.name}</a>\n'
    for name, page in links.items():
        (root / name).mkdir()
        (root / name / "index.html").write_text(page, encoding="utf-8")


def is_for_newest_python(file: Path) -> bool:
    name, version = file.name.split("-")[:2]
    return version == BREAKING and name in NEWEST_PYTHON_ONLY


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def locked_index(root: Path) -> Iterator[LockedIndex]:
    """Serve the index while the block runs."""
    files = root / "files"
    files.mkdir()
    dev, single_file = (it.path(lock.CHECKOUT) for it in (DEV, SINGLE_FILE))
    download(files, "--require-hashes", "--no-deps", "--requirement", dev)
    oldest = ("--python-version", lock.OLDEST_PYTHON)
    download(files, "--require-hashes", "--no-deps", *oldest, "--requirement", single_file)
    for name in {
        pin.name for path in (dev, single_file) for pin in lock.pins(path.read_text(encoding="utf-8"))
    }:
        write_breaking_release(files, name)
    write_pages(root, files)
    handler = functools.partial(Quiet, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield LockedIndex(f"http://127.0.0.1:{server.server_port}/", root)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
