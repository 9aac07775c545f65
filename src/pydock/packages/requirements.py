"""Requirements: what was requested (`requirements.in`) and what is installed (`requirements.txt`), as lines with names.

The dependency specifiers are those of https://packaging.python.org/en/latest/specifications/dependency-specifiers/.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from pydock import errors
from pydock.environments.linked import split_extras
from pydock.environments.stored_wheels import parse_requirement
from pydock.packages.pip_format import EDITABLE, HASH, option_lines
from pydock.packages.requirement_addresses import VCS, refuse_credentials, requested_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOCAL = re.compile(r"(?:\.{1,2}|~)?/|\.{1,2}(?:\[|$)|file:|[A-Za-z]:\\")


class Line(NamedTuple):
    """One logical line of a requirements file."""

    text: str  # as written, comments included; continued lines are several lines
    name: str = (
        ""  # the package's canonical name; the address if that is all that is known; "" for other lines
    )
    requirement: str = ""  # the specifier, without comment and options
    options: tuple[tuple[str, str], ...] = ()  # (long name, value)
    is_constraint: bool = False  # it bounds a package that others may need, and requests nothing
    is_pin: bool = False  # a constraint for one installation, which is not recorded: from a lock file
    source: str = (
        ""  # of a local project that is installed from its wheel: the real path, with the extras in brackets
    )

    @property
    def project(self) -> str:
        """The folder of a linked project (`-e PATH`), with the extras in brackets; "" for other lines."""
        return next((value for option, value in self.options if option == EDITABLE), "")

    @property
    def hashes(self) -> list[str]:
        return [value for option, value in self.options if option == HASH]


def parse_specifiers(words: Sequence[str] | str) -> list[Line]:
    """Return the lines for `pandas 'scipy>=1.11'`; a single text is split, unless it is one requirement.

    A text of several lines has one requirement per line. Raises `UsageError`.
    """
    refuse_credentials(words if isinstance(words, str) else "\n".join(words))
    return [parse_specifier(word) for word in split_specifiers(words)]


def parse_specifier(text: str) -> Line:
    """Return the line for one requirement specifier; raises `UsageError` if it is invalid."""
    refuse_credentials(text)
    text = text.strip()
    if text.startswith("-") and not text.startswith("-e"):
        raise errors.UsageError(
            f"'{text}' is an option, not a package. Write it into a requirements file and use --requirement FILE."
        )
    return Line(text, name_of(text), text)


def name_of(requirement: str, *, stored: bool = False) -> str:
    """Return the canonical name of the package that a specifier requests, or its address if it has no name.

    With `stored`, it may be a wheel of an environment's folder. Raises `UsageError` if it is invalid, or a path of this
    machine.
    """
    if stored and parse_requirement(requirement):
        return canonicalize_name(requirement.partition(" @ ")[0].strip())
    if (
        requirement.startswith("-e")
        or LOCAL.match(requirement)
        or LOCAL.match(requirement.partition(" @ ")[2])
    ):
        raise errors.UsageError(
            f"'{requirement}' is a local path, which a build on another machine would not find. A project of yours is "
            "installed by its path, `./PATH`, or linked by `-e PATH`. Else publish the package, use a URL (git+https://…), or "
            "COPY it in the environment's dockerfile."
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
    return bool(line.options or line.source) or canonicalize_name(line.requirement) != line.name


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
    if old.source and new.source:
        return _with_extras_of(old, new)
    if any("://" in line.requirement or line.options or line.source for line in (old, new)):
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


def _with_extras_of(old: Line, new: Line) -> Line:
    """Return a local project's new line, with the extras of both if it is the same project."""
    (place, extras), (new_place, new_extras) = split_extras(old.source), split_extras(new.source)
    missing = {*extras.split(",")} - {*new_extras.split(","), ""}
    if place != new_place or not missing:
        return new
    both = ",".join(sorted({*extras.split(","), *new_extras.split(",")} - {""}))
    path = split_extras(new.requirement)[0]
    text = f"{path}[{both}]"
    return new._replace(
        text=new.text.replace(new.requirement, text, 1), requirement=text, source=f"{new_place}[{both}]"
    )


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
        if line.project or line.source:
            continue
        if line.is_constraint or (
            line.name and line.name != line.requirement and "://" not in line.requirement
        ):
            requirement = Requirement(line.requirement)
            if requirement.specifier:
                marker = f"; {requirement.marker}" if requirement.marker else ""
                text = f"{requirement.name}{requirement.specifier}{marker}"
                found.append(Line(text, str(canonicalize_name(requirement.name)), text))
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


def split_specifiers(text: Sequence[str] | str) -> list[str]:
    """Return the words of a text, which has one in a line, or several in one line, or is one requirement."""
    if not isinstance(text, str):
        return [*text]
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
