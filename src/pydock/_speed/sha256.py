"""SHA-256 without `hashlib`, which loads OpenSSL and takes 4 ms."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib


def sha256() -> hashlib._Hash:
    """Return a new SHA-256 object: CPython's own implementation if it has one, else hashlib's."""
    try:
        module = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256")
    except ImportError:
        module = __import__("hashlib")
    digest: hashlib._Hash = module.sha256()
    return digest
