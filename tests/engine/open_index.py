"""A package index without a password, whose packages a test publishes and withdraws while it runs."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def wheel(name: str, version: str, *lines: str) -> bytes:
    """Return a wheel with one module, and with these lines in its metadata."""
    module = name.replace("-", "_").replace(".", "_")
    info = f"{module}-{version}.dist-info"
    metadata = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""])
    contents = {
        f"{module}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@dataclass
class OpenIndex:
    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    max_age: int = 0  # seconds that an installer may keep a page

    def publish(self, name: str, version: str, *lines: str) -> None:
        """Serve a wheel; `lines` are in its metadata: `Requires-Dist: other>=1`."""
        self.files[f"{name}-{version}-py3-none-any.whl"] = wheel(name, version, *lines)

    def withdraw(self, name: str, version: str) -> None:
        del self.files[f"{name}-{version}-py3-none-any.whl"]

    def page(self, project: str) -> bytes | None:
        lines = [
            f'<a href="/files/{name}#sha256={hashlib.sha256(content).hexdigest()}">{name}</a>'
            for name, content in self.files.items()
            if name.rpartition("-")[0].lower() == project or name.split("-")[0].lower() == project
        ]
        return "\n".join(lines).encode() if lines else None

    @property
    def variables(self) -> dict[str, str]:
        """The variables that make it the index of pip, and of pydock."""
        host = self.address.partition(":")[0]
        return {
            "PIP_INDEX_URL": f"http://{self.address}/simple/",
            "PIP_TRUSTED_HOST": host,
            "PIP_FIND_LINKS": "",
        }


@contextlib.contextmanager
def open_index(host: str) -> Iterator[OpenIndex]:
    """Serve packages at `host`, an address of this machine that builds can reach."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            folder, _, rest = self.path.lstrip("/").partition("/")
            is_page = folder == "simple"
            body = index.page(rest.strip("/")) if is_page else index.files.get(rest)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
            self.send_header("Content-Length", str(len(body or b"")))
            if is_page:
                self.send_header("Cache-Control", f"max-age={index.max_age}")
            self.end_headers()
            self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = http.server.ThreadingHTTPServer((host, 0), Handler)
    index = OpenIndex(f"{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
