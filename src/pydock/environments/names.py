"""What an image's name, its tag and our prefix may look like.

The grammar is that of https://pkg.go.dev/github.com/distribution/reference.
"""

from __future__ import annotations

import re

from pydock import errors

VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
PREFIX = re.compile(r"(?:[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*[._/-]*)?")
BASE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def check_version(version: str) -> str:
    """Return `version` if it can be an image's tag; else raise `UsageError` with the nearest that can."""
    if VERSION.fullmatch(version):
        return version
    nearest = re.sub(r"[^A-Za-z0-9_.-]+", "-", version).strip(".-")[:128]
    hint = f" Try '{nearest}'." if VERSION.fullmatch(nearest) else " Try '3.12'."
    raise errors.UsageError(
        f"'{version}' cannot be a Python version: it takes a tag such as 3.12 or 3.12-slim.{hint}"
    )


def check_base(base: str) -> str:
    """Return `base` if it can be an image's name; else raise `UsageError`.

    The grammar is that of https://pkg.go.dev/github.com/distribution/reference.
    """
    if BASE.fullmatch(base):
        return base
    raise errors.UsageError(
        f"'{base}' cannot be an image's name. It looks like 'debian:12' or 'quay.io/team/python:3.12'."
    )


def check_prefix(prefix: str) -> str:
    """Return `prefix` if an image's name can begin with it; else raise `BadSetting`."""
    if PREFIX.fullmatch(prefix):
        return prefix
    raise errors.BadSetting(
        f"Setting 'prefix' is {prefix!r}; an image name begins with a lower-case letter or a digit, "
        "as in 'pydock-' or 'registry.example/team/'."
    )
