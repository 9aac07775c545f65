"""A private repository of Debian packages, served by the private index: HTTPS with its own CA, and a password."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

from .index import USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .index import Index

FOLDER = "/apt/"
# As in Docker's official images: it empties apt's cache after every installation.
DOCKER_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
"""


class AptRepository:
    """Packages that any image of Debian can install; each has a program of its own name."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._stanzas: list[str] = []

    def sources(self) -> str:
        """Return the line of sources.list."""
        address = f"https://{USER}:{self._index.password}@{self._index.address}{FOLDER}"
        return f"deb [trusted=yes] {address} ./"

    def publish(self, name: str) -> None:
        """Serve a package whose program prints the time at which it was installed."""
        content = _package(name)
        file = f"{name}_1.0_all.deb"
        self._index.pages[f"{FOLDER}{file}"] = self._index.pages[f"{FOLDER}./{file}"] = content
        self._stanzas.append(
            f"{_control(name)}Filename: ./{file}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
        listing = "\n".join(self._stanzas).encode()
        self._index.pages[f"{FOLDER}Packages"] = self._index.pages[f"{FOLDER}./Packages"] = listing

    def downloads(self, name: str) -> int:
        """Return how often the package was downloaded."""
        return sum(path.endswith(f"/{name}_1.0_all.deb") for path in self._index.requests)


def _control(name: str) -> str:
    return (
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
        "Description: a test\n"
    )


def _package(name: str) -> bytes:
    postinst = f"#!/bin/sh\ndate +%s.%N >/var/{name}.time\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _archive({"./control": (_control(name), 0o644), "./postinst": (postinst, 0o755)}),
        "data.tar.gz": _archive({f"./usr/bin/{name}": (f"#!/bin/sh\ncat /var/{name}.time\n", 0o755)}),
    }
    content = b"!<arch>\n"
    for member, data in members.items():
        content += f"{member:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        content += b"\n" * (len(data) % 2)
    return content


def _archive(files: Mapping[str, tuple[str, int]]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for path, (text, mode) in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(text.encode()), mode
            archive.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()
