"""What pydock itself says: on stderr, so that stdout is the program's; coloured only for a person."""

from __future__ import annotations

import os
import sys

from pydock import errors


def say(text: str) -> None:
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    say(_painted("33", text))


def complain(text: str) -> None:
    say(_painted("31", text))


def confirm(question: str, *, yes: bool) -> None:
    """Go on if the user says so; raises `NotConfirmed` if not, or if there is nobody to ask."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.NotConfirmed(
            f"{question} There is no terminal to ask on; say --yes. Nothing was removed."
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt as error:
        raise errors.Interrupted("\nInterrupted; nothing was removed.") from error
    if answer.strip().lower() not in {"y", "yes"}:
        raise errors.NotConfirmed("Nothing was removed.")


def _painted(colour: str, text: str) -> str:
    # https://no-color.org
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return text
    first, newline, rest = text.partition("\n")
    return f"\x1b[{colour}m{first}\x1b[0m{newline}{rest}"
