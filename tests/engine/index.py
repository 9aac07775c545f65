"""A private package index with a password, over HTTPS with a certificate of its own CA."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import os
import secrets
import ssl
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USER = "reader"
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def ca_bundle() -> str:
    """Return the CA bundle that this machine's variables name, or else Python's; "" if there is none."""
    named = next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), "")
    return named or ssl.get_default_verify_paths().cafile or ""


@dataclass
class Index:
    address: str
    password: str
    bundle: Path  # the CA certificates of the index and of this machine
    authority: Path
    requests: list[str]  # the paths that were requested with the right password
    pages: dict[str, bytes]

    def publish(self, package: str, version: str = "1.0", files: Mapping[str, str] | None = None) -> None:
        """Serve a new package, or a new version of one; `files` are in its wheel besides its module."""
        name = f"{package.replace('-', '_')}-{version}-py3-none-any.whl"
        self._serve(package, name, wheel(package, version, files))

    def publish_source(self, package: str, code: str, version: str = "1.0") -> None:
        """Serve a package that has no wheel: `code` runs when it is built."""
        self._serve(package, f"{package.replace('-', '_')}-{version}.tar.gz", source(package, version, code))

    def _serve(self, package: str, file: str, content: bytes) -> None:
        self.pages[f"/{file}"] = content
        page = f"/simple/{package}/"
        self.pages[page] = self.pages.get(page, b"") + f'<a href="/{file}">{file}</a>\n'.encode()

    def publish_new(self) -> str:
        """Add a package with a new name, so that it is in no cache."""
        package = f"private-{secrets.token_hex(4)}"
        self.publish(package)
        return package

    @property
    def url(self) -> str:
        return f"https://{self.address}/simple/"

    @property
    def url_with_password(self) -> str:
        return f"https://{USER}:{self.password}@{self.address}/simple/"

    def secrets(self) -> list[bytes]:
        """Return what no image may contain: the password, plain and encoded, and the CA certificate."""
        pair = f"{USER}:{self.password}".encode()
        certificate = self.authority.read_bytes().splitlines()[1:-1]
        return [self.password.encode(), base64.b64encode(pair), *certificate]


def wheel(package: str, version: str, extra: Mapping[str, str] | None = None) -> bytes:
    extra = extra or {}
    module = package.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{module}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        for name, text in extra.items():
            archive.writestr(name, text)
        files = (f"{module}.py", *extra, f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in files))
    return content.getvalue()


def source(package: str, version: str, code: str) -> bytes:
    """Return a source distribution whose build backend, which needs nothing else, runs the code."""
    module = package.replace("-", "_")
    name = f"{module}-{version}-py3-none-any.whl"
    backend = (
        f"WHEEL = {wheel(package, version)!r}\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        f"    with open(folder + '/{name}', 'wb') as file:\n"
        "        file.write(WHEEL)\n"
        f"    return {name!r}\n"
    )
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": f"{code}\n{backend}",
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{module}-{version}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


def write_certificates(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Make a CA and a server certificate; return the CA's certificate, the server's, and the server's key."""
    authority, authority_key = folder / "authority.pem", folder / "authority-key.pem"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for words in (
        ["-subj", "/CN=pydock test CA", "-out", str(authority), "-keyout", str(authority_key)],
        [
            "-subj",
            "/CN=pydock test",
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
    known = ca_bundle()
    bundle = folder / "bundle.pem"
    bundle.write_bytes(authority.read_bytes() + (Path(known).read_bytes() if known else b""))
    password = f"canary-{secrets.token_hex(8)}"
    expected = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
    pages: dict[str, bytes] = {}
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, status = pages.get(self.path, b""), 200 if self.path in pages else 404
            if self.headers.get("Authorization") != expected:
                body, status = b"", 401
            else:
                requests.append(self.path)
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
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
            pass  # a client that does not trust the certificate closes the connection

    server = Server((host, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Index(f"{host}:{server.server_port}", password, bundle, authority, requests, pages)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
