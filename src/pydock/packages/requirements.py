"""Requirements: what was requested (`requirements.in`) and what is installed (`requirements.txt`), as lines with names.

The dependency specifiers are those of https://packaging.python.org/en/latest/specifications/dependency-specifiers/.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from pydock import errors
from pydock.packages.pip_format import (
    CONSTRAINT,
    EDITABLE,
    HASH,
    INCLUDE,
    InvalidLine,
    decode,
    option_lines,
    read_lines,
)
from pydock.packages.remote_files import is_address, read_address
from pydock.packages.requirement_addresses import VCS, refuse_credentials, requested_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydock.packages.pip_format import LogicalLine

LOCAL = re.compile(r"(?:\.{1,2}|~)?/|\.$|file:|[A-Za-z]:\\")
# How requirements.in records a line of a constraints file, which it cannot refer to.
RECORDED_CONSTRAINT = re.compile(r"# constraint: (\S.*)")


class Line(NamedTuple):
    """One logical line of a requirements file."""

    text: str  # as written, comments included; continued lines are several lines
    name: str = (
        ""  # the package's canonical name; the address if that is all that is known; "" for other lines
    )
    requirement: str = ""  # the specifier, without comment and options
    options: tuple[tuple[str, str], ...] = ()  # (long name, value)
    is_constraint: bool = False  # it bounds a package that others may need, and requests nothing

    @property
    def hashes(self) -> list[str]:
        return [value for option, value in self.options if option == HASH]


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
    if text.startswith("-") and not text.startswith("-e"):
        raise errors.UsageError(
            f"'{text}' is an option, not a package. Write it into a requirements file and use --requirement FILE."
        )
    return Line(text, name_of(text), text)


def name_of(requirement: str) -> str:
    """Return the canonical name of the package that a specifier requests, or its address if it has no name.

    Raises `UsageError` if it is invalid, or a path of this machine.
    """
    if (
        requirement.startswith("-e")
        or LOCAL.match(requirement)
        or LOCAL.match(requirement.partition(" @ ")[2])
    ):
        raise errors.UsageError(
            f"'{requirement}' is a local path, which a build on another machine would not find. Publish the package, use "
            "a URL (git+https://…), or COPY it in the environment's dockerfile."
        )
    if VCS.match(requirement):
        egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", requirement)
        return canonicalize_name(egg.group(1)) if egg else requirement
    if re.match(r"https?://", requirement):
        return _name_of_wheel(requirement) or requirement
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise errors.UsageError(
            f"Invalid requirement specifier '{requirement}': {reason}. Use for example 'pandas', 'pandas>=2,<3' or "
            "'pandas[excel]==2.2.0'."
        ) from error


def _name_of_wheel(url: str) -> str:
    """Return the package that a wheel's URL names, "" for other URLs (binary distribution format)."""
    try:
        return parse_wheel_filename(unquote(urlsplit(url.partition(";")[0].strip()).path.rpartition("/")[2]))[
            0
        ]
    except ValueError:  # InvalidWheelFilename is one
        return ""


def parse_files(paths: Iterable[str], constraints: Iterable[str] = ()) -> list[Line]:
    """Return the lines of requirements files and of constraints files, with those of the files that they include.

    A path may be an address (https://…). Raises `BadRequirements`, naming file and line; also if some of the
    requirements have hashes and others do not, because pip refuses that too.
    """
    lines = [line for path in paths for line in _parse_file(path, ())]
    for path in constraints:
        lines += _parse_constraints(path, ())
    hashed = [line for line in lines if line.name]
    if any(line.hashes for line in hashed) or requires_hashes(lines):
        for line in hashed:
            if not line.hashes:
                raise errors.BadRequirements(
                    f"'{line.requirement}' has no hash (--hash), and other requirements have one. Add it, or remove the "
                    "others; `uv pip compile --generate-hashes` and pip-compile write them."
                )
    return lines


def _parse_file(path: str, seen: tuple[str, ...]) -> list[Line]:
    place = path if is_address(path) else os.path.realpath(path)
    if place in seen:
        raise errors.BadRequirements(f"{path} includes itself. Remove the `-r` line that leads back to it.")
    seen = (*seen, place)
    lines: list[Line] = []
    for line in _lines_of(_read(path, pipes=len(seen) == 1), path):
        rest = tuple(option for option in line.options if option[0] not in {INCLUDE, CONSTRAINT})
        if rest == line.options:
            lines.append(_line(line, path))
            continue
        for option, value in line.options:
            if option == INCLUDE:
                lines += _parse_file(_relative(path, value), seen)
            elif option == CONSTRAINT:
                lines += _parse_constraints(_relative(path, value), seen)
        if rest:
            lines.append(_line(line._replace(options=rest, text="\n".join(option_lines(rest))), path))
    return lines


def _parse_constraints(path: str, seen: tuple[str, ...]) -> list[Line]:
    return [
        constraint
        for line in _parse_file(path, seen)
        if (constraint := line if line.is_constraint else _as_constraint(line, path))
    ]


def _as_constraint(line: Line, path: str) -> Line | None:
    if not line.name:
        return None
    if line.name == line.requirement and "://" in line.name:
        raise errors.BadRequirements(f"{path}: the constraint '{line.requirement}' has no package name.")
    return Line(f"# constraint: {line.requirement}", "", line.requirement, (), is_constraint=True)


def _relative(path: str, included: str) -> str:
    """Return the path or address of an included file, which is relative to the file that includes it."""
    if is_address(included):
        return included
    return urljoin(path, included) if is_address(path) else os.path.join(os.path.dirname(path), included)


def _read(path: str, *, pipes: bool) -> str:
    refuse_credentials(path)
    try:
        content = (
            read_address(path)
            if is_address(path)
            else errors.read_file(path, errors.BadRequirements, pipes=pipes)
        )
        return decode(content)
    except FileNotFoundError as error:
        raise errors.BadRequirements(f"Requirements file not found: {path}.") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise errors.BadRequirements(
            f"{path} is not valid text: {error}. Save it as UTF-8, or declare its encoding in the first line "
            "(`# -*- coding: latin-1 -*-`)."
        ) from error


def parse_text(text: str, path: str) -> list[Line]:
    """Return the lines of an environment's own file; `path` is only for messages. Raises `BadRequirements`."""
    lines = []
    for line in _lines_of(text, path):
        for option, value in line.options:
            if option in {INCLUDE, CONSTRAINT}:
                raise errors.BadRequirements(
                    f"{path}, line {line.number}: '{option} {value}' is not supported in an environment's own files. "
                    f"Use `pydock install NAME {option} {value}`, which records the lines of that file."
                )
        recorded = RECORDED_CONSTRAINT.fullmatch(line.text)
        if recorded and _is_constraint(recorded[1]):
            lines.append(Line(line.text, "", recorded[1], (), is_constraint=True))
        else:
            lines.append(_line(line, path))
    return lines


def _is_constraint(requirement: str) -> bool:
    try:
        Requirement(requirement)
    except InvalidRequirement:  # an ordinary comment
        return False
    return True


def _lines_of(text: str, path: str) -> Iterator[LogicalLine]:
    refuse_credentials(text, path)
    for line in read_lines(text):
        if isinstance(line, InvalidLine):
            raise errors.BadRequirements(f"{path}, line {line.number}: {line.message}")
        yield line


def _line(line: LogicalLine, path: str) -> Line:
    requirement = line.requirement.rstrip("; ")  # pip accepts a semicolon without a marker
    try:
        [editable] = [value for option, value in line.options if option == EDITABLE] or [""]
        if editable:
            return _editable(line, editable)
        name = name_of(requirement) if requirement else ""
    except errors.UsageError as error:
        raise errors.BadRequirements(f"{path}, line {line.number}: {error.message}") from error
    return Line(line.text.rstrip(), name, requirement, line.options)


def _editable(line: LogicalLine, address: str) -> Line:
    """Return the line of a repository that is to be editable; in an image it is installed like any other."""
    if not VCS.match(address):
        raise errors.UsageError(
            f"'-e {address}' is a local path, which a build on another machine would not find."
        )
    if "${" in address:
        raise errors.UsageError(
            f"'-e {address}': the clone of an editable package would keep the value of the variable in the image. Remove "
            "'-e', or put user name and password into ~/.netrc."
        )
    options = tuple(option for option in line.options if option[0] != EDITABLE)
    return Line(line.text.rstrip(), name_of(address), address, options)


def check_file(path: str) -> None:
    """Raise `BadRequirements` for the first line that no installer can read.

    Options and paths are accepted, because the user's own dockerfile may make sense of them.
    """
    try:
        text = errors.read_file(path).decode(errors="replace")
    except FileNotFoundError:  # the dockerfile may not need it
        return
    refuse_credentials(text, path)
    for line in read_lines(text):
        if isinstance(line, InvalidLine) or not line.requirement or LOCAL.match(line.requirement):
            continue
        _line(line, path)


def merge(lines: Sequence[Line], added: Iterable[Line]) -> list[Line]:
    """Return `lines` with those added: a package's own lines are replaced, others and comments are kept.

    A name alone (`pandas`) does not replace earlier bounds (`pandas>=2`), and extras add up. Several lines for one
    package (for several markers, or two bounds) stay separate lines.
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
            specific = list(dict.fromkeys(other for other in same if _is_specific(other)))
            merged = _replaced(merged, line.name, specific, same[:1])
    return merged


def _is_specific(line: Line) -> bool:
    return bool(line.options) or canonicalize_name(line.requirement) != line.name


def _replaced(lines: list[Line], name: str, replacements: list[Line], otherwise: list[Line]) -> list[Line]:
    """Return the lines with a package's own replaced, if there are replacements; `otherwise` is added if it has none."""
    places = [index for index, line in enumerate(lines) if line.name == name]
    if not places:
        return [*lines, *(replacements or otherwise)]
    if not replacements:
        return lines
    if len(places) == len(replacements) == 1:
        replacements = [_combined(lines[places[0]], replacements[0])]
    others = [line for line in lines[places[0] :] if line.name != name]
    return [*lines[: places[0]], *replacements, *others]


def _combined(old: Line, new: Line) -> Line:
    """Return a line with the extras of both, and with the version bounds of the old one if the new one has none."""
    if any("://" in line.requirement or line.options for line in (old, new)):
        return new
    before, after = Requirement(old.requirement), Requirement(new.requirement)
    if before.marker or after.marker:
        return new
    extras = before.extras | after.extras
    specifier = after.specifier or before.specifier
    if (extras, specifier) == (after.extras, after.specifier):
        return new
    if (extras, specifier) == (before.extras, before.specifier):
        return old
    bounds = new.requirement if after.specifier else old.requirement
    written = re.sub(r"^[^\[<>=!~( ]*(?:\s*\[[^\]]*\])?", "", bounds)
    text = after.name + (f"[{','.join(sorted(extras))}]" if extras else "") + written
    comment = old.text.partition(old.requirement)[2]
    return Line(text + comment, new.name, text)


def remove(lines: Sequence[Line], names: Iterable[str]) -> list[Line]:
    """Return the lines without those of the named packages."""
    gone = set(names)
    return [line for line in lines if line.name not in gone]


def options(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that are options."""
    return [line for line in lines if line.options and not line.name]


def requires_hashes(lines: Iterable[Line]) -> bool:
    """Return whether any requirement has a hash, or an option asks for hashes: then every one must have one."""
    return any(line.hashes or ("--require-hashes", "") in line.options for line in lines)


def bounds(lines: Iterable[Line]) -> list[Line]:
    """Return the constraints, and the version bounds of the requirements as constraints: without extras and URLs."""
    found = []
    for line in lines:
        if line.is_constraint:
            found.append(
                Line(
                    line.requirement,
                    str(canonicalize_name(Requirement(line.requirement).name)),
                    line.requirement,
                )
            )
        elif line.name and line.name != line.requirement and "://" not in line.requirement:
            requirement = Requirement(line.requirement)
            if requirement.specifier:
                marker = f"; {requirement.marker}" if requirement.marker else ""
                text = f"{requirement.name}{requirement.specifier}{marker}"
                found.append(Line(text, line.name, text))
    return found


def names(lines: Iterable[Line]) -> list[str]:
    """Return the names of the packages, in order."""
    return [line.name for line in lines if line.name]


def to_text(lines: Iterable[Line]) -> str:
    """Return the lines as the text of a requirements file."""
    return "".join(f"{line.text}\n" for line in lines)


def for_installer(lines: Iterable[Line]) -> str:
    """Return the requirements and options in the spelling that both installers read, without comments and constraints."""
    written = []
    for line in lines:
        if line.name:
            written.append(_with_options(line))
        elif not line.is_constraint:
            written += option_lines(line.options)
    return "".join(f"{text}\n" for text in written)


def _with_options(line: Line) -> str:
    """Return a requirement with its options; pip splits them like a shell."""
    return " ".join([line.requirement, *(shlex.quote(f"{name}={value}") for name, value in line.options)])


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


def with_names(lines: Iterable[Line], installed: Iterable[Line]) -> list[Line]:
    """Return the lines; those that request an address without a name get the name that the installer found for it."""
    installed = [line for line in installed if " @ " in line.requirement]
    return [
        _named(line, installed)
        if line.name and line.name == line.requirement and "://" in line.name
        else line
        for line in lines
    ]


def _named(line: Line, installed: Iterable[Line]) -> Line:
    for pin in installed:
        if requested_address(pin.name, pin.requirement.partition(" @ ")[2], [(line.name, line.requirement)]):
            requirement = f"{pin.name} @ {line.requirement}"
            text = line.text.replace(line.requirement, requirement, 1)
            if text.startswith(("-e ", "--editable")):
                text = requirement
            return Line(text, pin.name, requirement, line.options)
    return line
