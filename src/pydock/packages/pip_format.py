"""The format of pip's requirements files: encodings, lines, comments and options, read as pip reads them.

https://pip.pypa.io/en/stable/reference/requirements-file-format/. Both installers get what is read here in one
spelling, because uv reads less than pip does: one option per line, in its long form, and no comments. There is no
library for it: pip-requirements-parser has had no release since 2022, and is ten times as long.
"""

from __future__ import annotations

import codecs
import optparse
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMENT = re.compile(r"(?:^|\s+)#.*$")
# Python's way to declare the encoding of a file (PEP 263), which pip reads too.
DECLARED_ENCODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
INCLUDE, CONSTRAINT, EDITABLE = "--requirement", "--constraint", "--editable"
HASH = "--hash"
# The options of a file, with their other names and whether they have a value.
OPTIONS = (
    (("--index-url", "-i", "--pypi-url"), True),
    (("--extra-index-url",), True),
    (("--no-index",), False),
    (("--find-links", "-f"), True),
    (("--no-binary",), True),
    (("--only-binary",), True),
    (("--prefer-binary",), False),
    (("--require-hashes",), False),
    (("--pre",), False),
    (("--trusted-host",), True),
    (("--use-feature",), True),
    ((INCLUDE, "-r"), True),
    ((CONSTRAINT, "-c"), True),
    ((EDITABLE, "-e"), True),
)
# The options of one requirement.
OPTIONS_OF_REQUIREMENT = (((HASH,), True), (("--config-settings", "-C", "--config-setting"), True))
LISTS = {"--no-binary", "--only-binary"}


class LogicalLine(NamedTuple):
    """One line as pip sees it: where it begins, its text as written, and what it means."""

    number: int
    text: str  # without the last line end; continued lines are several lines
    requirement: str  # "" for a line of options, a comment, or a blank line
    options: tuple[tuple[str, str], ...]  # long names, with "" for no value


def decode(content: bytes) -> str:
    """Return the text of a requirements file; raises `UnicodeDecodeError` or `LookupError` (an unknown encoding).

    The encoding is that of a byte order mark, as PowerShell writes it, or the declared one, or UTF-8.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding)
    for line in content.split(b"\n")[:2]:
        declared = DECLARED_ENCODING.match(line)
        if declared:
            return content.decode(declared.group(1).decode("ascii"))
    return content.decode("utf-8")


def read_lines(text: str) -> Iterator[LogicalLine | InvalidLine]:
    """Yield the lines of a file's text. Those that cannot be read are yielded too, so that the caller can place them."""
    for number, written, joined in _joined(text):
        bare = without_comment(joined)
        requirement, words = _requirement_and_options(bare)
        try:
            options = tuple(_parse(words, of_requirement=bool(requirement)))
        except errors.UsageError as error:
            yield InvalidLine(number, written, error.message)
            continue
        yield LogicalLine(number, written, requirement, options)


class InvalidLine(NamedTuple):
    """A line that has an option which is unknown, or has no value."""

    number: int
    text: str
    message: str


def without_comment(line: str) -> str:
    return COMMENT.sub("", line).strip()


def option_lines(options: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield options as lines of a requirements file; those of pip with a list of packages have one package per line."""
    for name, value in options:
        for word in value.split(",") if name in LISTS else [value]:
            yield f"{name} {word.strip()}".strip()


def _joined(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number of the first line, the lines as written, and the line that pip joins from them."""
    written: list[str] = []
    joined = ""
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = COMMENT.match(line) is not None
        first = first or number
        written.append(line)
        if line.endswith("\\") and not is_comment:
            joined += line.strip("\\")
            continue
        # A blank makes a comment of it, whatever comes before.
        yield first, "\n".join(written), f"{joined} {line}" if is_comment else joined + line
        written, joined, first = [], "", 0
    if written:
        yield first, "\n".join(written), joined


def _requirement_and_options(bare: str) -> tuple[str, str]:
    words = bare.split(" ")
    end = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    return " ".join(words[:end]).strip(), " ".join(words[end:])


def _parse(words: str, *, of_requirement: bool) -> Iterator[tuple[str, str]]:
    if not words:
        return
    try:
        split = shlex.split(words)
    except ValueError as error:
        raise errors.UsageError(f"'{words}': {error}. Check the quotes.") from error
    found: list[tuple[str, str]] = []
    _, rest = _parser(found.append, of_requirement=of_requirement).parse_args(split)
    if rest:
        raise errors.UsageError(
            f"'{' '.join(rest)}' does not belong to an option. Write one requirement per line."
        )
    yield from found


def _parser(found: Callable[[tuple[str, str]], None], *, of_requirement: bool) -> _OptionParser:
    parser = _OptionParser(add_help_option=False)
    kinds = OPTIONS_OF_REQUIREMENT if of_requirement else OPTIONS

    def store(name: str) -> Callable[..., None]:
        return lambda option, spelled, value, parser: found((name, value or ""))  # noqa: ARG005 - optparse's interface

    for names, has_value in kinds:
        parser.add_option(
            *names, action="callback", callback=store(names[0]), type="string" if has_value else None
        )
    return parser


class _OptionParser(optparse.OptionParser):
    """pip's parser of lines; it knows abbreviations."""

    def error(self, msg: str) -> NoReturn:
        unknown = re.match(r"no such option: (\S+)", msg)
        if unknown:
            raise errors.UsageError(
                f"option '{unknown[1]}' is not supported in this place of a requirements file."
            )
        raise errors.UsageError(f"{msg}.")
