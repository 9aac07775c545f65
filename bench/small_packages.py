"""A local package index with many small packages, because 150 installs need 150 packages."""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import threading
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = 5
FUNCTION = (
    'def function_{number}(value: int) -> int:\n    """Add {number}."""\n    return value + {number}\n\n\n'
)


def package_name(number: int) -> str:
    return f"pydock-small-{number:03}"


@contextlib.contextmanager
def served_packages(directory: Path, count: int) -> Iterator[str]:
    """Serve packages 1 to `count` and yield the URL of the index, which builds can reach too."""
    for number in range(1, count + 1):
        write_wheel(directory / package_name(number), package_name(number))
    host = _bridge_address()
    handler = functools.partial(_QuietHandler, directory=str(directory))
    server = _Server((host, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_wheel(directory: Path, name: str) -> None:
    """Write a wheel with a few modules."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {f"{module}/__init__.py": ""}
    for number in range(MODULES):
        files[f"{module}/part_{number}.py"] = "".join(FUNCTION.format(number=line) for line in range(40))
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    directory.mkdir(parents=True)
    with zipfile.ZipFile(directory / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


def _bridge_address() -> str:
    """Return this machine's address on Docker's bridge network, which builds can reach."""
    argv = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


class _Server(http.server.ThreadingHTTPServer):
    # Installers open about fifty connections at once. A connection beyond the queue is retried only after a second.
    request_queue_size = 128


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
