"""SHA-256 with and without CPython's own module."""

from __future__ import annotations

import hashlib
import sys

import pytest

from pydock._speed.sha256 import sha256

CONTENTS = [b"", b"a", b"\0" * 64, bytes(range(256)) * 1000]


@pytest.fixture(params=["own", "fallback"])
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fallback":
        for name in ("_sha2", "_sha256"):
            monkeypatch.setitem(sys.modules, name, None)  # makes the import fail
    return str(request.param)


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_digest_is_that_of_hashlib(implementation: str, content: bytes) -> None:
    made = sha256()
    made.update(content[:10])
    made.update(content[10:])
    assert made.hexdigest() == hashlib.sha256(content).hexdigest()


def test_hashlib_is_used_if_there_is_no_other(implementation: str) -> None:
    is_hashlib = type(sha256()) is type(hashlib.sha256())
    assert is_hashlib == (implementation == "fallback")
