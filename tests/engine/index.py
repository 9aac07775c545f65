"""A private package index: HTTPS by an authority that nobody knows, behind a user name and a password."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import os
import secrets
import ssl
import subprocess
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "reader"
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass
class Index:
    address: str
    password: str
    bundle: Path  # the index's authority, and those that this machine knows already
    authority: Path
    asked: list[str]  # the paths that were asked for with the right password
    pages: dict[str, bytes]

    def publish(self, package: str, version: str = "1.0") -> None:
        """Serve a new package, or a new version of one."""
        file = f"{package.replace('-', '_')}-{version}-py3-none-any.whl"
        self.pages[f"/{file}"] = wheel(package, version)
        page = f"/simple/{package}/"
        self.pages[page] = self.pages.get(page, b"") + f'<a href="/{file}">{file}</a>\n'.encode()

    def publish_new(self) -> str:
        """Serve a package of a name that no build has ever seen, so that nothing of it can come from a cache."""
        package = f"ring-private-{secrets.token_hex(4)}"
        self.publish(package)
        return package

    @property
    def url(self) -> str:
        return f"https://{self.address}/simple/"

    @property
    def url_with_password(self) -> str:
        return f"https://{USER}:{self.password}@{self.address}/simple/"

    def secret_lines(self) -> list[bytes]:
        """Return what must be in no image: the password in every guise, and the authority's certificate."""
        pair = f"{USER}:{self.password}".encode()
        certificate = self.authority.read_bytes().splitlines()[1:-1]
        return [self.password.encode(), base64.b64encode(pair), *certificate]


def wheel(package: str, version: str) -> bytes:
    module = package.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{module}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        files = (f"{module}.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in files))
    return content.getvalue()


def write_certificates(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Make an authority and a server's certificate by it; return both, and the server's key."""
    authority, authority_key = folder / "authority.pem", folder / "authority-key.pem"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for words in (
        ["-subj", "/CN=ring authority", "-out", str(authority), "-keyout", str(authority_key)],
        [
            "-subj",
            "/CN=ring",
            "-addext",
            f"subjectAltName=IP:{host}",
            "-addext",
            "basicConstraints=CA:FALSE",
            "-CA",
            str(authority),
            "-CAkey",
            str(authority_key),
            "-out",
            str(certificate),
            "-keyout",
            str(key),
        ],
    ):
        subprocess.run([*request, *words], check=True, capture_output=True)
    return authority, certificate, key


@contextlib.contextmanager
def private_index(folder: Path, host: str) -> Iterator[Index]:
    """Serve wheels at `host`, an address of this machine that builds can reach."""
    authority, certificate, key = write_certificates(folder, host)
    known = next((Path(os.environ[name]) for name in CA_VARIABLES if os.environ.get(name)), None)
    bundle = folder / "bundle.pem"
    bundle.write_bytes(authority.read_bytes() + (known.read_bytes() if known else b""))
    password = f"canary-{secrets.token_hex(8)}"
    expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
    pages: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, status = pages.get(self.path, b""), 200 if self.path in pages else 404
            if self.headers.get("Authorization") != expected:
                body, status = b"", 401
            else:
                asked.append(self.path)
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="ring"')
            kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that does not trust us hangs up

    server = Server((host, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Index(f"{host}:{server.server_port}", password, bundle, authority, asked, pages)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
