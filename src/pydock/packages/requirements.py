"""Requirements files: what was requested (`requirements.in`) and what is installed (`requirements.txt`).

The formats are pip's (https://pip.pypa.io/en/stable/reference/requirements-file-format/) and those of the
dependency specifiers (https://packaging.python.org/en/latest/specifications/dependency-specifiers/).
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from pydock import errors
from pydock.credentials import find_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# The options that a requirements file can have; they are kept for later builds of the folder.
OPTIONS = (
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--pre",
    "--trusted-host",
)
VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
# `place` is host and path, without the revision of a repository.
ADDRESS = re.compile(
    r"(?P<scheme>[\w+]+)://(?:(?P<userinfo>[^\s/?#@]*)@)?(?P<place>[^\s;/@#]*[^\s;@#]*)(?:[@#][^\s;]*)?"
)
LOCAL = re.compile(r"(?:\.{1,2}|~)?/|\.$|file:|[A-Za-z]:\\")


class Line(NamedTuple):
    """One logical line: its text as written, and its package's name, "" for an option or a comment."""

    text: str
    name: str


def parse_specifiers(words: Sequence[str] | str) -> list[Line]:
    """Return the lines for `pandas 'scipy>=1.11'`; a single text is split, unless it is one requirement.

    A text of several lines has one requirement per line. Raises `UsageError`.
    """
    refuse_credentials(words if isinstance(words, str) else "\n".join(words))
    if isinstance(words, str):
        words = _split(words)
    return [parse_specifier(word) for word in words]


def parse_specifier(text: str) -> Line:
    """Return the line for one requirement specifier; raises `UsageError` if it is invalid."""
    refuse_credentials(text)
    text = text.strip()
    if LOCAL.match(text) or text.startswith("-e"):
        raise errors.UsageError(
            f"'{text}' is a local path, which a build on another machine would not find. Publish the package, use a URL "
            "(git+https://...), or COPY it in the environment's dockerfile."
        )
    if text.startswith("-"):
        raise errors.UsageError(
            f"'{text}' is an option, not a package. Write it into a requirements file and use --requirement FILE."
        )
    if VCS.match(text):
        egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", text)
        return Line(text, canonicalize_name(egg.group(1)) if egg else text)
    if re.match(r"https?://", text):
        return Line(text, _name_of_wheel(text) or text)
    try:
        return Line(text, canonicalize_name(Requirement(text).name))
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise errors.UsageError(
            f"Invalid requirement specifier '{text}': {reason}. Use for example 'pandas', 'pandas>=2,<3' or "
            "'pandas[excel]==2.2.0'."
        ) from error


def _name_of_wheel(url: str) -> str:
    """Return the package that a wheel's URL names, "" for other URLs (binary distribution format)."""
    try:
        return parse_wheel_filename(unquote(urlsplit(url).path.rpartition("/")[2]))[0]
    except ValueError:  # InvalidWheelFilename is one
        return ""


def parse_file(path: str, *, _seen: tuple[str, ...] = ()) -> list[Line]:
    """Return the lines of a requirements file, with the lines of files that it includes with `-r` in their place.

    Raises `BadRequirements`, naming file and line.
    """
    if os.path.realpath(path) in _seen:
        raise errors.BadRequirements(f"{path} includes itself. Remove the `-r` line that leads back to it.")
    try:
        text = errors.read_file(path, errors.BadRequirements, pipes=not _seen).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise errors.BadRequirements(f"Requirements file not found: {path}.") from error
    except UnicodeDecodeError as error:
        raise errors.BadRequirements(f"{path} is not valid UTF-8: {error}.") from error
    refuse_credentials(text, path)
    lines: list[Line] = []
    for number, written in _logical_lines(text):
        include = re.match(r"(?:-r|--requirement)[ =]?\s*(\S+)$", written.split(" #")[0].strip())
        if include:
            below = os.path.join(os.path.dirname(path), include.group(1))
            lines += parse_file(below, _seen=(*_seen, os.path.realpath(path)))
        else:
            lines.append(_parse_line(written, f"{path}, line {number}"))
    return lines


def parse_text(text: str, path: str) -> list[Line]:
    """Return the lines of a requirements file's text; `path` is only for messages. Raises `BadRequirements`."""
    refuse_credentials(text, path)
    return [_parse_line(written, f"{path}, line {number}") for number, written in _logical_lines(text)]


def check_file(path: str) -> None:
    """Raise `BadRequirements` for the first line that no installer can read.

    Options and paths are accepted, because the user's own dockerfile may make sense of them.
    """
    try:
        text = errors.read_file(path).decode(errors="replace")
    except FileNotFoundError:  # the dockerfile may not need it
        return
    refuse_credentials(text, path)
    for number, written in _logical_lines(text):
        if not re.match(r"\s*(?:$|#|-|\.|/)", written):
            _parse_line(written, f"{path}, line {number}")


def merge(lines: Sequence[Line], added: Iterable[Line]) -> list[Line]:
    """Return `lines` with those added: a package's own lines are replaced, others and comments are kept.

    A name alone (`pandas`) does not replace earlier bounds (`pandas>=2`). Several lines for one package (for several
    markers, or two bounds) stay separate lines.
    """
    merged = list(lines)
    added = list(added)
    done = set()
    for line in added:
        if not line.name:
            merged += [line] if line not in merged else []
        elif line.name not in done:
            done.add(line.name)
            same = [other for other in added if other.name == line.name]
            specific = [
                other for other in same if canonicalize_name(_without_comment(other.text)) != line.name
            ]
            merged = _replaced(merged, line.name, list(dict.fromkeys(specific)), same[:1])
    return merged


def _replaced(lines: list[Line], name: str, replacements: list[Line], otherwise: list[Line]) -> list[Line]:
    """Return the lines with a package's own replaced, if there are replacements; `otherwise` is added if it has none."""
    places = [index for index, line in enumerate(lines) if line.name == name]
    if not places:
        return [*lines, *(replacements or otherwise)]
    if not replacements:
        return lines
    others = [line for line in lines[places[0] :] if line.name != name]
    return [*lines[: places[0]], *replacements, *others]


def remove(lines: Sequence[Line], names: Iterable[str]) -> list[Line]:
    """Return the lines without those of the named packages."""
    gone = set(names)
    return [line for line in lines if line.name not in gone]


def options(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that are options."""
    return [line for line in lines if line.text.startswith("-")]


def bounds(lines: Iterable[Line]) -> list[Line]:
    """Return the version bounds as constraints: names and versions, without extras and URLs."""
    found = []
    for line in lines:
        if line.name and line.name != line.text and "://" not in line.text:
            requirement = Requirement(_without_comment(line.text))
            if requirement.specifier:
                marker = f"; {requirement.marker}" if requirement.marker else ""
                found.append(Line(f"{requirement.name}{requirement.specifier}{marker}", line.name))
    return found


def names(lines: Iterable[Line]) -> list[str]:
    """Return the names of the packages, in order."""
    return [line.name for line in lines if line.name]


def to_text(lines: Iterable[Line]) -> str:
    """Return the lines as the text of a requirements file."""
    return "".join(f"{line.text}\n" for line in lines)


def package_names(words: Sequence[str] | str) -> list[str]:
    """Return the canonical names of packages; raises `UsageError` for anything but a name."""
    found = []
    refuse_credentials(words if isinstance(words, str) else "\n".join(words))
    for word in words.split() if isinstance(words, str) else words:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", word.strip()):
            raise errors.UsageError(
                f"Invalid package name '{word}'. Use the name alone, for example 'pandas'."
            )
        found.append(str(canonicalize_name(word.strip())))
    return found


def _split(text: str) -> list[str]:
    if "\n" in text:
        return [line for line in text.splitlines() if line.strip()]
    try:
        Requirement(text)
    except InvalidRequirement:
        return text.split()
    return [text]


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return (number, line) pairs; lines are continued as in pip, comments and blank lines are kept."""
    lines: list[tuple[int, str]] = []
    pending: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            pending.append(line[:-1].strip())
            continue
        lines.append((first, " ".join([*pending, line.strip() if pending else line.rstrip()])))
        pending, first = [], 0
    if pending:
        lines.append((first, " ".join(pending)))
    return lines


def _parse_line(written: str, place: str) -> Line:
    bare = _without_comment(written)
    if not bare:
        return Line(written, "")
    # A hash identifies one file of one version; what is recorded here may be installed from another index.
    bare = re.sub(r"\s+--hash=\S+", "", bare)
    try:
        if bare.startswith("-"):
            return Line(_option(bare, written), "")
        line = parse_specifier(bare)
    except errors.UsageError as error:
        raise errors.BadRequirements(f"{place}: {error.message}") from error
    return Line(re.sub(r"\s+--hash=\S+", "", written).strip(), line.name)


def _without_comment(text: str) -> str:
    return re.sub(r"(?:^|\s)#.*$", "", text).strip()


def _option(bare: str, written: str) -> str:
    word = re.split(r"[\s=]", bare, maxsplit=1)[0]
    if word in {"-e", "--editable"} and not VCS.match(bare[len(word) :].strip(" =")):
        raise errors.UsageError(f"'{bare}' is a local path, which a build on another machine would not find.")
    if word in {"-c", "--constraint"}:
        raise errors.UsageError(
            f"'{bare}': constraint files are not supported. Write the bounds into the requirement lines."
        )
    if word not in OPTIONS and word not in {"-e", "--editable"}:
        raise errors.UsageError(f"option '{word}' is not supported in a requirements file.")
    if word in {"-e", "--editable"} and "${" in bare:
        raise errors.UsageError(
            f"'{bare}': the clone of an editable package would keep the value of the variable in the image. Remove "
            f"'{word}', or put user name and password into ~/.netrc."
        )
    return written.strip()


def refuse_credentials(text: str, path: str = "") -> None:
    """Raise an error if a line has a password or a token; its message names the place and the host, and shows nothing.

    `UsageError` for words of a command line, `BadRequirements` if they are the text of the file `path`. Comments are
    lines too, because they are written and copied with the others.
    """
    pieces: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        pieces.append(line)
        found = next(
            (credential for form in _readings(pieces) for credential in find_credentials(form)), None
        )
        if found:
            place = f"{path}, line {number}: the" if path else "The"
            host = f"address at {found.host}" if found.host else "address"
            raise (errors.BadRequirements if path else errors.UsageError)(
                f"{place} {host} has a password or a token, which would be written to the environment's files. Remove it "
                "there, and put it into ~/.netrc or pip's configuration, or write ${VARIABLE} in its place: pydock "
                "passes all three as build secrets."
            )
        if not line.endswith("\\"):
            pieces = []


def _readings(pieces: Sequence[str]) -> Iterator[str]:
    """Yield the ways in which an installer may read a line that is continued with backslashes, or that has quotes."""
    yield pieces[-1]
    if len(pieces) > 1:
        whole = [piece.removesuffix("\\") for piece in pieces]
        yield "".join(whole)
        yield "".join(piece.strip() for piece in whole)
    else:
        whole = [pieces[0]]
    if any(sign in pieces[-1] for sign in "\"'\\"):
        with contextlib.suppress(ValueError):  # quotes that do not match
            for word in shlex.split("".join(whole)):
                yield re.sub(r"\s", "_", word)  # a password in quotes may have blanks


def with_variables(installed: str, requested: Iterable[Line]) -> str:
    """Return the installed line `name @ address` with the address as it was requested, if that has variables.

    Installers list the address without user name and password, which a later build needs, and with the values of other
    variables. Of a repository they list the commit, which stays.
    """
    name, at, url = installed.partition(" @ ")
    address = _requested_address(name, url, requested) if at else None
    if not address or "${" not in address[0]:
        return installed
    if not VCS.match(address[0]):
        fragment = url.partition("#")[2]
        return f"{name} @ {address[0]}" + (f"#{fragment}" if fragment and "#" not in address[0] else "")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    userinfo = f"{address['userinfo']}@" if address["userinfo"] else ""
    return f"{name} @ {scheme}://{userinfo}{host.rpartition('@')[2]}{slash}{path}"


def _requested_address(name: str, url: str, requested: Iterable[Line]) -> re.Match[str] | None:
    """Return the address that was requested for a package: by its name, or if it was given without, by its place."""
    found = None
    installed = ADDRESS.search(url)
    for line in requested:
        address = ADDRESS.search(line.text)
        if address and line.name == name:
            return address
        if address and installed and line.name == line.text and address["place"] == installed["place"]:
            found = address
    return found
