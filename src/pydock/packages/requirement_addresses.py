"""Addresses in requirement lines: credentials, variables, and which installed package a line requested."""

from __future__ import annotations

import contextlib
import re
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.credentials import find_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
# `place` is host and path, without the revision of a repository.
ADDRESS = re.compile(
    r"(?P<scheme>[\w+]+)://(?:(?P<userinfo>[^\s/?#@]*)@)?(?P<place>[^\s;/@#]*[^\s;@#]*)(?:[@#][^\s;]*)?"
)


def refuse_credentials(text: str, path: str = "") -> None:
    """Raise an error if a line has a password or a token; its message names the place and the host, and shows nothing.

    `UsageError` for words of a command line, `BadRequirements` if they are the text of the file `path`. Comments are
    lines too, because they are written and copied with the others.
    """
    pieces: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        pieces.append(line)
        is_continued = line.endswith("\\") and number < len(lines)
        forms = [line] if is_continued else _readings(pieces)
        found = next((credential for form in forms for credential in find_credentials(form)), None)
        if found:
            place = f"{path}, line {number}: the" if path else "The"
            host = f"address at {found.host}" if found.host else "address"
            raise (errors.BadRequirements if path else errors.UsageError)(
                f"{place} {host} has a password or a token, which would be written to the environment's files. Remove it "
                "there, and put it into ~/.netrc or pip's configuration, or write ${VARIABLE} in its place: pydock "
                "passes all three as build secrets."
            )
        if not is_continued:
            pieces = []


def _readings(pieces: Sequence[str]) -> Iterator[str]:
    """Yield the ways in which an installer may read a line that is continued with backslashes, or that has quotes.

    The last piece alone, and all together: those before it have been looked at.
    """
    yield pieces[-1]
    if len(pieces) > 1:
        whole = [piece.removesuffix("\\") for piece in pieces]
        yield "".join(whole)
        yield "".join(piece.strip() for piece in whole)
    else:
        whole = [pieces[0]]
    if any(sign in piece for piece in pieces for sign in "\"'\\"):
        words = shlex.shlex("".join(whole), posix=True, punctuation_chars="")
        words.whitespace_split, words.commenters = True, ""
        with contextlib.suppress(ValueError):  # quotes that do not match; the words before them do
            for word in words:
                yield re.sub(r"\s", "_", word)  # a password in quotes may have blanks


def with_variables(installed: str, requested: Iterable[tuple[str, str]]) -> str:
    """Return the installed line `name @ address` with the address as it was requested, if that has variables.

    `requested` are names and requirements.

    Installers list the address without user name and password, which a later build needs, and with the values of other
    variables. Of a repository they list the commit, which stays.
    """
    name, at, url = installed.partition(" @ ")
    address = requested_address(name, url, requested) if at else None
    if not address or "${" not in address[0]:
        return installed
    if not VCS.match(address[0]):
        fragment = url.partition("#")[2]
        return f"{name} @ {address[0]}" + (f"#{fragment}" if fragment and "#" not in address[0] else "")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    userinfo = f"{address['userinfo']}@" if address["userinfo"] else ""
    return f"{name} @ {scheme}://{userinfo}{host.rpartition('@')[2]}{slash}{path}"


def requested_address(name: str, url: str, requested: Iterable[tuple[str, str]]) -> re.Match[str] | None:
    """Return the address that was requested for a package: by its name, or if it was given without, by its place."""
    found = None
    installed = ADDRESS.search(url)
    for requested_name, requirement in requested:
        address = ADDRESS.search(requirement)
        if address and requested_name == name:
            return address
        if address and installed and requested_name == requirement and address["place"] == installed["place"]:
            found = address
    return found
