"""`pydock doctor`."""

from __future__ import annotations

import os
import sys
from json import dumps
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import command
from pydock.commands.session import context_settings
from pydock.engine import checks, examination
from pydock.engine.checks import Check
from pydock.messages import encodes, has_colours, printable, redacted, say
from pydock.settings import working_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

SYMBOLS = {True: ("✓", "32"), False: ("✗", "31"), None: ("-", "2")}
WORDS = {True: "ok", False: "FAILED", None: "skipped"}


@command(
    help={"json": "print JSON: ok, and of each check name, ok (null: skipped), detail, hint"},
    examples=["doctor", "doctor --json"],
    settings=["engine", "build_options", "ca_bundle", "pip_config", "netrc"],
)
def doctor(c: Context, json: bool = False) -> None:
    """Check that this machine has what pydock needs; say how to fix it.

    It changes nothing: for a moment there is a container, and a hidden folder in the working directory.
    """
    found = [_one_line(check) for check in examine(c)]
    failed = sum(check.ok is False for check in found)
    if json:
        print(redacted(dumps({"ok": not failed, "checks": [one.as_json() for one in found]}, indent=2)))
    else:
        print(checks_table(found, symbols=has_colours(sys.stdout) and encodes(sys.stdout, "✓✗→")))
    if failed:
        raise errors.PydockError(f"{failed} of {len(found)} checks failed.")
    say("No problem found.")


def checks_table(found: Sequence[Check], *, symbols: bool) -> str:
    """Return one line per check, with symbols in colours or with words."""
    lines = []
    for check in found:
        if symbols:
            symbol, colour = SYMBOLS[check.ok]
            mark = f"\x1b[{colour}m{symbol}\x1b[0m"
        else:
            mark = WORDS[check.ok].ljust(7)
        hint = f" {'→' if symbols else '->'} {check.hint}" if check.ok is False and check.hint else ""
        lines.append(f"{mark} {check.name.ljust(10)} {check.detail}{hint}")
    return "\n".join(lines)


def _one_line(check: Check) -> Check:
    """Return the check as it can be printed: without secrets, control characters and line breaks."""
    detail, hint = (printable(" ".join(text.split())) for text in (check.detail, check.hint))
    return check._replace(detail=detail, hint=hint)


def examine(c: Context) -> list[Check]:
    """Return all checks. Whatever is wrong with the machine is in one of them, and not an error."""
    try:
        settings = context_settings(c, refuse_untrusted=False)
        folder = os.path.normpath(os.path.join(working_directory(), c.cwd))
    except (errors.PydockError, OSError) as error:
        failed = Check(
            "settings", False, examination.words_of(error), "cd" if _is_folder_gone() else "pydock config"
        )
        return checks.in_order([failed], "Needs the settings.")
    return examination.examine(c, settings, folder)


def _is_folder_gone() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False
