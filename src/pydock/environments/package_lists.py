"""The lists of system packages, apt.txt (Debian, Ubuntu) and apk.txt (Alpine), and the dockerfile's step that installs them.

A list has names, one or more in a line; `#` begins a comment. That is the format of Binder's apt.txt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments.content import APK, APT, DOCKERFILE, PACKAGE_LISTS
from pydock.environments.dockerfile import parse_dockerfile
from pydock.environments.files import read_if_exists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydock.environments.environment import Environment

# What apt and apk are given. No word begins with a sign, so none is an option, a path or a pattern; apt would remove `name-`,
# and apk would read a file `name.apk`.
WORDS = {
    APT: re.compile(
        r"(?P<name>[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?)(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*|/[A-Za-z][A-Za-z0-9.-]*)?(?<!-)"
    ),
    APK: re.compile(
        r"(?!.*\.apk)(?P<name>[A-Za-z0-9][A-Za-z0-9+._:-]*)(?:@[a-z0-9]+)?(?:(?:[<>~]=?|=)[A-Za-z0-9][A-Za-z0-9._-]*)?(?<!-)"
    ),
}
EXAMPLES = {APT: "git, libpq-dev=15.8-0+deb12u1 or curl/stable", APK: "git, libpq-dev=16.4-r0 or 'curl>8'"}
MAX_SIZE = 1 << 20  # bytes
# The instruction of pydock's dockerfile that the step is put before, with the comment above it.
PACKAGES_BLOCK = re.compile(r"^(?:#[^\n]*\n)*COPY requirements\.txt /usr/local/share/\n", re.MULTILINE)
USER = re.compile(r"^USER (.+)$", re.MULTILINE | re.IGNORECASE)
ROOT = {"0", "0:0", "root", "root:root"}


def split_words(values: Iterable[str]) -> list[str]:
    """Return the words of the option `--system`, which commas and blanks separate.

    Raises `UsageError` for a word that can be in no list, and if there is none.
    """
    words = list(dict.fromkeys(word for value in values for word in re.split(r"[,\s]+", value) if word))
    if not words:
        raise errors.UsageError("--system needs the name of a package, for example `--system libpq-dev,git`.")
    for word in words:
        if not any(pattern.fullmatch(word) for pattern in WORDS.values()):
            raise errors.UsageError(_invalid(word, APT))
    return words


def check_words(words: Iterable[str], file: str) -> None:
    """Raise `UsageError` for a word that cannot be in this list."""
    for word in words:
        if not WORDS[file].fullmatch(word):
            raise errors.UsageError(_invalid(word, file))


def read_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the words of a list, each with the number of its line."""
    for number, line in enumerate(text.split("\n"), 1):
        # As in the dockerfile: nothing is read after a carriage return, and only blanks and tabs separate words.
        for word in re.findall(r"[^ \t]+", re.split(r"[#\r]", line)[0]):
            yield number, word


def merged(text: str, words: Sequence[str], file: str) -> str:
    """Return the list with these words added, or in place of other versions of the same packages."""
    new = {_name(word, file): word for word in words}
    lines = []
    for line in text.split("\n"):
        listed, comment = re.findall(r"^[^#\r]*|.+", line) if re.search("[#\r]", line) else (line, "")
        parts = [new.pop(_name(part, file), part) for part in re.split(r"([ \t]+)", listed)]
        lines.append("".join(parts) + comment)
    if lines[-1] == "":
        lines.pop()
    return "".join(f"{line}\n" for line in [*lines, *new.values()])


def installed_list(dockerfile: str) -> str:
    """Return the name of the list that a dockerfile uses, "" if it uses none."""
    text = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    return next((file for file in PACKAGE_LISTS if re.search(rf"(?<![\w.-]){re.escape(file)}\b", text)), "")


def likely_list(dockerfile: str, build_arguments: Mapping[str, str]) -> str:
    """Return the name of the list that a dockerfile uses, or that fits the name of its base image."""
    base = parse_dockerfile(dockerfile, build_arguments).base_image
    return installed_list(dockerfile) or (APK if "alpine" in base else APT)


def check_lists(environment: Environment) -> str:
    """Check the list that the environment's dockerfile installs; return the name of one that it does not use, else "".

    Raises `PydockError` if the list does not exist, and `UsageError` if it has an invalid word. A step that somebody else
    wrote may read another format.
    """
    dockerfile = read_if_exists(environment.path(DOCKERFILE)).decode(errors="replace")
    used = installed_list(dockerfile)
    if used and f"target=/run/{used}" in dockerfile:
        check_text(read_list(environment, used), environment.path(used), used)
    texts = {file: read_if_exists(environment.path(file)) for file in PACKAGE_LISTS if not used}
    return next((file for file, text in texts.items() if text.strip()), "")


def read_list(environment: Environment, file: str) -> str:
    """Return the text of a list; raises `PydockError` if there is none."""
    path = environment.path(file)
    try:
        content = errors.read_file(path, limit=MAX_SIZE, hint="It should list system packages.")
    except FileNotFoundError as error:
        raise errors.PydockError(
            f"{path} does not exist, and the dockerfile installs the system packages that it lists. Make it (`touch {path}` "
            "for none), or remove the step from the dockerfile."
        ) from error
    return content.decode(errors="replace")


def listed_packages(environment: Environment) -> tuple[str, list[str]]:
    """Return the name of the list that the environment's dockerfile installs, "" for none, and its words."""
    name = installed_list(read_if_exists(environment.path(DOCKERFILE)).decode(errors="replace"))
    text = read_if_exists(environment.path(name)).decode(errors="replace") if name else ""
    return name, [word for _, word in read_words(text)]


def check_text(text: str, path: str, file: str) -> None:
    """Raise `UsageError` if a list has an invalid word."""
    for number, word in read_words(text):
        if not WORDS[file].fullmatch(word):
            raise errors.UsageError(f"{path}, line {number}: {_invalid(word, file)}")


def with_step(dockerfile: str, step: str, place: str) -> str:
    """Return the dockerfile with the step that installs a list, before the packages; `place` is its name in messages.

    Raises `PydockError` with the lines to add if the dockerfile is not as pydock writes it.
    """
    found = list(PACKAGES_BLOCK.finditer(dockerfile))
    before = dockerfile[: found[0].start()] if len(found) == 1 else ""
    users = USER.findall(before)
    if before and (not users or users[-1].strip() in ROOT):
        return f"{before}{step}\n{dockerfile[found[0].start() :]}"
    raise errors.PydockError(
        f"{place} is not as pydock writes it, so pydock does not know where to install system packages; nothing was changed. "
        f"Add these lines to it, where the user is root and before the packages, and try again:\n\n{step.rstrip()}"
    )


def _name(word: str, file: str) -> str:
    found = WORDS[file].fullmatch(word)
    return found["name"] if found else word


def _invalid(word: str, file: str) -> str:
    return f"Invalid system package '{word}'. Use a name such as {EXAMPLES[file]}."
