"""What pydock prints about its own work: on stderr, because stdout belongs to results; in colour on a terminal."""

from __future__ import annotations

import codecs
import os
import sys

from pydock import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

# What an interruption leaves; commands change it as they proceed.
_outcome = "nothing was changed"


def set_outcome(text: str) -> None:
    """Record what has been done so far: the end of the message if the command is interrupted now."""
    global _outcome  # noqa: PLW0603 - one command per process, and signal handlers need it
    _outcome = text


def interrupted_message() -> str:
    """Return the message for an interrupted command."""
    return f"Interrupted; {_outcome}."


# How the user calls pydock's commands, if not as `pydock COMMAND`: "inv env." before the command.
_calls: list[str] = []


def name_commands_as(beginning: str) -> None:
    """Let messages name commands as the user calls them: `inv env.build ds` instead of `pydock build ds`."""
    _calls[:] = [beginning] if beginning else []


def call_of_user() -> str:
    """Return what the user types before a command's name: `pydock `, or `inv env.`."""
    return _calls[0] if _calls else "pydock "


def with_command_names(text: str) -> str:
    """Return the message with the names of commands as the user calls them."""
    if not _calls:
        return text
    import re  # only for messages

    return re.sub(r"`pydock (?=[a-z])", lambda _: f"`{call_of_user()}", text)


def print_any_text() -> None:
    """Let stdout and stderr print every text, whatever the terminal's encoding, as paths are bytes."""
    codecs.register_error("pydock", _encoded)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None: closed by the caller
            stream.reconfigure(errors="pydock")


def _encoded(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode what the stream's encoding does not have: as the file system does, or else as an escape sequence."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    try:
        return os.fsencode(error.object[error.start : error.end]), error.end
    except UnicodeEncodeError:
        return codecs.backslashreplace_errors(error)


def say(text: str) -> None:
    """Print a message."""
    print(printable(with_command_names(text)), file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning."""
    print(_coloured("33", printable(with_command_names(text))), file=sys.stderr)


def print_error(text: str) -> None:
    """Print the message of an error."""
    print(_coloured("31", printable(with_command_names(text))), file=sys.stderr)


def redacted(text: str) -> str:
    """Return the text without secrets; everything that is printed passes here."""
    from pydock.credentials import redact  # needs `re`, which nothing else here does

    return redact(text)


def confirm(question: str, *, yes: bool, otherwise: str = "Nothing was deleted.") -> None:
    """Return if the user agrees; raise `NotConfirmed` if not, or if there is no terminal to ask on.

    `otherwise` is the sentence that is true if the user does not.
    """
    if yes:
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise errors.NotConfirmed(
            f"{question} There is no terminal to ask on; use --yes to confirm. {otherwise}"
        )
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt as error:
        raise errors.Interrupted(f"\n{interrupted_message()}") from error
    if answer.strip().lower() not in {"y", "yes"}:
        raise errors.NotConfirmed(otherwise)


def printable(text: str) -> str:
    """Return the text without secrets, and with its control characters written as escapes.

    Line ends and tabs stay. Text from files, and names of files, may contain sequences that retitle a window, hide
    lines, or type commands (https://en.wikipedia.org/wiki/ANSI_escape_code).
    """
    text = redacted(text)
    if text.isprintable():
        return text
    return "".join(f"\\x{ord(sign):02x}" if _is_control(sign) else sign for sign in text)


def shell_words(words: Sequence[str]) -> str:
    """Return a command line for a shell, without secrets; a word with control characters is quoted as $'...' (POSIX.1-2024)."""
    import shlex  # only for messages

    return redacted(
        " ".join(_ansi_c_quoted(word) if any(map(_is_control, word)) else shlex.quote(word) for word in words)
    )


def _ansi_c_quoted(word: str) -> str:
    quoted = "".join(
        "".join(f"\\x{byte:02x}" for byte in os.fsencode(sign))
        if _is_control(sign)
        else f"\\{sign}"
        if sign in "\\'"
        else sign
        for sign in word
    )
    return f"$'{quoted}'"


def _is_control(sign: str) -> bool:
    return (sign < " " and sign not in "\n\t") or "\x7f" <= sign <= "\x9f"


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal; None is one that the caller closed."""
    return stream is not None and stream.isatty()


def terminal_width() -> int:
    """Return the number of columns of the terminal on stdout, 0 if it is none."""
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 0


def aligned(lines: Sequence[Sequence[str]], width: int = 0, shrink: Sequence[tuple[int, int]] = ()) -> str:
    """Return a table as text, its columns padded to the same width.

    If it is wider than `width` (0: no limit), words are shortened: `shrink` are pairs of a column and its least width, in
    the order in which space is taken.
    """
    lines = [[printable(word).replace("\n", "\\n").replace("\t", "\\t") for word in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines)]
    too_wide = sum(widths) + 2 * (len(widths) - 1) - width if width else 0
    for column, least in shrink:
        cut = max(0, min(too_wide, widths[column] - least))
        widths[column] -= cut
        too_wide -= cut
    lines = [[_shortened(word, width) for word, width in zip(line, widths)] for line in lines]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines
    )


def _shortened(word: str, width: int) -> str:
    return word if len(word) <= width else f"{word[: width - 1]}…"


def terminal_columns() -> int:
    """Return the width of the terminal that stderr is, 80 if it has none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def has_colours(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal that shows colours, and the user wants them (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and is_terminal(stream)


def encodes(stream: TextIO | None, sign: str) -> bool:
    """Return whether the stream's encoding has the character."""
    try:
        sign.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _coloured(colour: str, text: str) -> str:
    if not has_colours(sys.stderr):
        return text
    first, newline, rest = text.partition("\n")
    return f"\x1b[{colour}m{first}\x1b[0m{newline}{rest}"
