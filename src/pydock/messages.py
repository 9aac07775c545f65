"""What pydock prints about its own work: on stderr, because stdout belongs to results; in colour on a terminal."""

from __future__ import annotations

import os
import sys

from pydock import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What an interruption leaves; commands change it as they proceed.
_outcome = "nothing was changed"


def set_outcome(text: str) -> None:
    """Record what has been done so far: the end of the message if the command is interrupted now."""
    global _outcome  # noqa: PLW0603 - one command per process, and signal handlers need it
    _outcome = text


def interrupted_message() -> str:
    """Return the message for an interrupted command."""
    return f"Interrupted; {_outcome}."


def say(text: str) -> None:
    """Print a message, without the secrets that may be in it."""
    print(redacted(text), file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning."""
    say(_coloured("33", text))


def print_error(text: str) -> None:
    """Print the message of an error."""
    say(_coloured("31", text))


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
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.NotConfirmed(
            f"{question} There is no terminal to ask on; use --yes to confirm. {otherwise}"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt as error:
        raise errors.Interrupted(f"\n{interrupted_message()}") from error
    if answer.strip().lower() not in {"y", "yes"}:
        raise errors.NotConfirmed(otherwise)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return a table as text, its columns padded to the same width."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines
    )


def _coloured(colour: str, text: str) -> str:
    # https://no-color.org
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return text
    first, newline, rest = text.partition("\n")
    return f"\x1b[{colour}m{first}\x1b[0m{newline}{rest}"
