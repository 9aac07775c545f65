"""Why a build failed, in our words: the error, the decisive lines of the installer, and what the user can do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine import diagnosis
from pydock.engine.own_files import without_own_files
from pydock.engine.phases import PACKAGES_STEP, SYSTEM_STEP
from pydock.engine.system_failure import system_failure
from pydock.engine.system_packages import find_missing
from pydock.messages import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.build_output import BuildOutput
    from pydock.engine.system_packages import BuildTarget, Missing

MAX_LINES = 12  # of a step's output in a message
MAX_REASONS = 16  # lines of an installer's explanation
MAX_LINE = 600  # characters of one of these
NOTHING_CHANGED = "nothing was changed"


class Known(NamedTuple):
    """A pattern of what an installer prints when it finds no packages, and the sentence for it."""

    pattern: re.Pattern[str]
    sentence: str


NOT_FOUND = (
    Known(
        re.compile(
            r"\bBecause (\S+?) (?:was not found in the package registry|was not found in the provided)"
        ),
        "Package '{0}' was not found in the package index; {nothing}. Check its name.",
    ),
    Known(
        re.compile(r"No matching distribution found for (\S+?)(?: \(from|$)", re.MULTILINE),
        "No version of '{0}' was found in the package index; {nothing}. Check its name and version.",
    ),
    Known(
        re.compile(r"\bBecause there (?:is|are) no versions? of (\S+)"),
        "No version of '{0}' was found in the package index; {nothing}. Check the version.",
    ),
)
BAD_HASH = re.compile(r"Hash mismatch for `([^`]+)`|DO NOT MATCH THE HASHES[^\n]*\n\s*(\S+)")
NOT_BUILT = re.compile(
    r"Failed to build (?:`|installable wheels for )?([\w.\[\]-]+(?:==[^`\s]+)?)|Failed building wheel for (\S+)"
    r"|Could not build wheels for (\S+)|(?P<unknown>subprocess-exited-with-error|metadata-generation-failed)"
)
SDIST = re.compile(r"(?:Collecting|Building wheel for) (\S+)")
NO_INDEX = re.compile(
    r"Failed to fetch:|error sending request|Temporary failure in name resolution|dns error|CERTIFICATE_VERIFY_FAILED"
    r"|invalid peer certificate|Connection refused|Network is unreachable|Max retries exceeded|Connection timed out"
    r"|client error \(Connect\)",
    re.IGNORECASE,
)
BAD_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer", re.IGNORECASE
)
CONFLICT = re.compile(
    r"No solution found|ResolutionImpossible|Could not find a version|requires-python|requires a different Python"
    r"|has no wheels with|incompatible|but you have|conflicting dependencies|Found \d+ incompatibilit",
    re.IGNORECASE,
)
# pip's prompt, which ends in an EOFError, because a build has no stdin
ASKS_FOR_USER = re.compile(r"^User for (\S+): *$", re.MULTILINE)
CAUSE_OF_CONFLICT = re.compile(r"^ +(?:The user requested|\S+ \S+ depends on) .+$", re.MULTILINE)
DOCKERFILE_RUN = re.compile(r"\bpip install\b")
OUT_OF_MEMORY = re.compile(r"exit code: 137$")

# The last explanation in an installer's output begins here.
EXPLANATION = re.compile(r"error(?:: |$)|ERROR: | *[\u00d7x] |Found \d+ incompat")
# Not part of an explanation: uv's and pip's remarks, and what the next attempt prints.
NOISE = re.compile(
    r"Using Python |(?:error: )?subprocess-exited| *│ exit code| *(?:╰─> )?See above for output|Resolved \d|Checked \d|note: |\[notice\]|WARNING: Retrying|Looking in (?:indexes|links)"
    r"|error: No solution found when resolving dependencies:?$| *[\u00d7x] No solution found when resolving"
    r"|ERROR: (?:ResolutionImpossible: for help|No matching distribution found)"
    r"|hint: Build failures usually indicate|\d\. (?:loosen the range|remove package versions)|To fix this you could try to|Requirement already satisfied:"
)
# What stands before a line of an explanation of uv (old and new) and pip.
MARK = re.compile(r"^ *(?:cause: |╰─▶ |`-> |ERROR: |error: |[\u00d7x] |╰─> |├─▶ )")
ERROR_LINE = re.compile(
    r"(?:^|[\s:\]])(?:fatal )?[A-Za-z.]*(?:error|exception)\b(?:\[\w+\])?:", re.IGNORECASE
)
# What uv and pip say about any package that cannot be built.
NOT_DECISIVE = re.compile(r"error: (?:subprocess-exited|metadata-generation|Failed to build)|ERROR: |note: ")


def error_of(
    client: Sequence[str], output: BuildOutput, target: BuildTarget | None = None
) -> errors.PydockError:
    """Return the error for a build that failed; `target` is the environment, for the message."""
    step = output.failed_step
    lines = _lines(step.lines if step else ()) or _repeated_lines(output.messages)
    if not lines and not (step and re.search(r"\bRUN\b", step.name)):
        return diagnosis.failure_before_the_first_step(client, redacted("\n".join(output.messages)))
    text = redacted("\n".join(lines))
    installs = not step or PACKAGES_STEP.search(step.name)
    found = (_refused_by_index(text) or _packages_failure(text, target)) if installs else None
    if step and SYSTEM_STEP.search(step.name):
        found = _system_failure(text or step.error, target)
    if found:
        return found
    cause = step.error if step else ""
    if OUT_OF_MEMORY.search(cause) or re.search(r"^Killed$", text, re.MULTILINE):
        sentence = f"A step of the build was killed, probably because memory ran out; {NOTHING_CHANGED}."
    elif step and "/pydock/" in step.name and not DOCKERFILE_RUN.search(step.name):
        sentence = f"The installation failed; {NOTHING_CHANGED}."
    else:
        sentence = f"A step of the dockerfile failed; {NOTHING_CHANGED}."
    if not text:
        exit_code = re.search(r"exit code: (\d+)$", cause)
        text = f"It printed nothing, and ended with exit code {exit_code[1]}." if exit_code else ""
    last = [line for line in text.splitlines() if line.strip()][-MAX_LINES:]
    return errors.BuildFailed("\n".join([sentence, *map(without_own_files, last)]))


def _refused_by_index(text: str) -> errors.PackagesUnavailable | None:
    """Return the error if pip asks for a user name, None if it does not."""
    found = ASKS_FOR_USER.search(text)
    if not found:
        return None
    return _unavailable(
        f"The package index at {found[1]} asks for a user name and a password; {NOTHING_CHANGED}. Put them into ~/.netrc or "
        "pip's configuration. `pydock trust NAME` gives them to an environment that was not made here.",
        [],
    )


def _packages_failure(text: str, target: BuildTarget | None) -> errors.PackagesUnavailable | None:
    """Return the error if an installer says that it cannot install, None if it says nothing known."""
    found = BAD_HASH.search(text)
    if found:
        sentence = (
            f"The file of '{found[1] or found[2]}' in the package index does not have the hash that the requirements "
            f"name; {NOTHING_CHANGED}. If you trust the file, correct the hash."
        )
        return _unavailable(
            sentence,
            [line for line in _explanation(text) if re.search(r"sha\d+|Got|Expected|Computed", line)],
        )
    found = NOT_BUILT.search(text)
    missing = find_missing(text) if found else None
    if found and (missing or not NO_INDEX.search(text)):
        return _not_built(text, found, missing, target)
    refused = NO_INDEX.search(text)
    if refused:
        hint = (
            "Its certificate is signed by an unknown authority. Set PYDOCK_CA_BUNDLE=/path/to/ca.pem to your "
            "organisation's CA bundle."
            if BAD_CERTIFICATE.search(text)
            else "Check the network, the proxy variables and the index (`pydock config` shows what is used)."
        )
        reasons = [line for line in _explanation(text) if not line.startswith("Could not find a version")]
        reasons = reasons or [refused[0]]
        return _unavailable(f"The package index cannot be reached; {NOTHING_CHANGED}. {hint}", reasons)
    for known in NOT_FOUND:
        found = known.pattern.search(text)
        if found:
            sentence = known.sentence.format(found[1].rstrip(","), nothing=NOTHING_CHANGED)
            return _unavailable(sentence, _explanation(text), errors.VersionsUnavailable)
    if CONFLICT.search(text):
        sentence = f"No set of packages meets all requirements; {NOTHING_CHANGED}. Change a version, or leave a package out."
        # pip prints the causes on stdout and the error on stderr, in any order
        causes = [f"  {line.strip()}" for line in CAUSE_OF_CONFLICT.findall(text)]
        return _unavailable(sentence, causes or _explanation(text), errors.VersionsUnavailable)
    return None


def _not_built(
    text: str, found: re.Match[str], missing: Missing | None, target: BuildTarget | None
) -> errors.PackagesUnavailable:
    names = [group for group in found.groups()[:3] if group]
    collected = SDIST.findall(text[: found.start()])
    name = (names or collected[-1:] or ["a package"])[0].strip("`,")
    failed = f"Package '{name}' has no wheel for this Python, and building it from its sources failed"
    if missing:
        sentence = f"{failed}, because {missing.name} is missing in the image; {NOTHING_CHANGED}. {missing.cure(target)}"
        return _unavailable(sentence, [without_own_files(missing.line)])
    lines = [without_own_files(line.strip()) for line in text.splitlines()]
    decisive = [line for line in lines if ERROR_LINE.search(line) and not NOT_DECISIVE.match(line)]
    hints = [line for line in lines if line.startswith("hint: ") and not NOISE.match(line)]
    return _unavailable(
        f"{failed}; {NOTHING_CHANGED}. Try another version of it.",
        [*decisive[-3:], *hints],
        errors.VersionsUnavailable,
    )


def _system_failure(text: str, target: BuildTarget | None) -> errors.PackagesUnavailable:
    failure = system_failure(text, target)
    sentence = f"{failure.sentence}; {NOTHING_CHANGED}. {failure.advice}".rstrip()
    return _unavailable(sentence, [without_own_files(line) for line in failure.lines])


def _unavailable(
    sentence: str,
    reasons: Sequence[str],
    kind: type[errors.PackagesUnavailable] = errors.PackagesUnavailable,
) -> errors.PackagesUnavailable:
    lines = [sentence, *dict.fromkeys(map(_shortened, reasons))]
    if len(lines) > MAX_REASONS + 1:
        left = len(lines) - MAX_REASONS
        lines = [*lines[: MAX_REASONS - 3], f"… ({left} more lines)", *lines[-3:]]
    return kind("\n".join(lines))


def _shortened(line: str) -> str:
    """Leave out the middle of a very long line, such as all versions of a package."""
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE // 2]} … {line[-MAX_LINE // 2 :]}"


def _explanation(text: str) -> list[str]:
    """Return the installer's last explanation, without what our sentence says already, and without our files."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if EXPLANATION.match(line)]
    if not starts:
        starts = [max(len(lines) - MAX_LINES, 0)]
    start = starts[-1]
    while start - 1 in starts:  # several in a row are one
        start -= 1
    kept = [line for line in lines[start:] if line.strip() and not NOISE.match(line)]
    kept = [without_own_files(MARK.sub("", line)).rstrip() for line in kept]
    margin = min((len(line) - len(line.lstrip()) for line in kept if line[:1] == " "), default=0)
    return [f"  {line[margin:]}" if line[:1] == " " else line for line in kept]


def _lines(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _repeated_lines(messages: Sequence[str]) -> list[str]:
    """Return what BuildKit repeats between dashes: the last output of the step that failed."""
    sections = re.findall(r"^------\n > .*?\n(.*?)^------$", "\n".join(messages), re.MULTILINE | re.DOTALL)
    return [re.sub(r"^\d+\.\d+ ?", "", line) for line in sections[-1].splitlines()] if sections else []
