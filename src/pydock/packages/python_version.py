"""Which Python a project asks for: `.python-version`, else `requires-python` of pyproject.toml."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pydock import errors, trust
from pydock.packages.toml_files import read_toml, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHON_VERSION = ".python-version"
PYPROJECT = "pyproject.toml"
# The stable releases of Python, newest first. `requires-python` chooses one of them.
STABLE = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "3.7", "3.6")
LATEST_PATCH = "99"  # the tag `3.12` is the newest 3.12.x
PROJECT_MARKS = (".git", ".pydock")
MAX_SIZE = 1 << 16  # bytes
HINT = "Fix it, or give the version: `pydock create NAME 3.12`."
# 3.12, 3.12.4, 312, cpython@3.12, python3.12: what pyenv and uv read. uv also writes cpython-3.12.4-linux-x86_64-gnu.
VERSION = re.compile(r"(?:(?:c?python|cp|py)[=@:-]?)?([23])(?:\.?(\d+))?(?:\.(\d+))?(?:-[a-z]\w*-[\w-]+)?")


class Choice(NamedTuple):
    """A version of Python (a tag of the image `python`), and what chose it: `as PATH says`."""

    version: str
    reason: str


def project_python(folder: str, user_home: str, safe_folders: Sequence[str] = ()) -> Choice | None:
    """Return the Python that the project around `folder` asks for, None if it does not say.

    Both files are searched from the folder upwards, until the folder that has `.git` or `.pydock`, and never above the
    user's home. Raises `BadProject` if a version cannot be read, and `UnsafePath` for a file that others can change.
    """
    folders = list(_search_path(folder, user_home))
    for place in folders:
        path = os.path.join(place, PYTHON_VERSION)
        if os.path.isfile(path):
            trust.check_owner(path, safe_folders)
            return Choice(_read_python_version(path), f"as {path} says")
    for place in folders:
        path = os.path.join(place, PYPROJECT)
        if os.path.isfile(path):
            trust.check_owner(path, safe_folders)
            choice = required_python(path)
            if choice:
                return choice
    return None


def required_python(path: str) -> Choice | None:
    """Return what `requires-python` of a pyproject.toml chooses, None if it has none; raises `BadProject`."""
    required = table(read_toml(path), "project").get("requires-python")
    if required is None:
        return None
    return Choice(
        newest_python(required, path), f"the newest that requires-python = {required!r} in {path} allows"
    )


def newest_python(required: object, path: str, hint: str = HINT) -> str:
    """Return the newest stable Python that a specifier allows; `path` is the file that has it. Raises `BadProject`."""
    try:
        specifier = SpecifierSet(required if isinstance(required, str) else "invalid")
    except InvalidSpecifier as error:
        raise errors.BadProject(
            f"{path}: the Python version {required!r} is not a specifier such as '>=3.10'. {hint}"
        ) from error
    for minor in STABLE:
        if specifier.contains(f"{minor}.{LATEST_PATCH}"):
            return minor
    for clause in specifier:  # ==3.12.4
        if clause.operator == "==" and specifier.contains(clause.version):
            return clause.version
    raise errors.BadProject(f"{path}: no Python from {STABLE[-1]} to {STABLE[0]} fits {required!r}. {hint}")


def _read_python_version(path: str) -> str:
    """Return the version of the first line that is not a comment, as pyenv and uv do."""
    try:
        text = errors.read_file(path, errors.BadProject, limit=MAX_SIZE).decode()
    except UnicodeDecodeError as error:
        raise errors.BadProject(f"{path} is not valid UTF-8: {error}. Fix it, or remove it.") from error
    words = [line.partition("#")[0].strip() for line in text.splitlines()]
    written = next(filter(None, words), "")
    if written[:1] in set("<>=!~"):
        return newest_python(written, path)
    word = next(iter(written.split()), "")
    found = VERSION.fullmatch(word)
    if not found:
        what = f"'{word}' is not a version of CPython" if word else "there is no version in it"
        raise errors.BadProject(
            f"{path}: {what} such as 3.12 or 3.12.4. Fix it, or give the version: `pydock create NAME 3.12`; other "
            "Pythons are images of their own: `pydock create NAME --base pypy:3.10`."
        )
    return ".".join(part for part in found.groups() if part)


def _search_path(folder: str, user_home: str) -> Iterator[str]:
    """Yield the folder and those above it, up to the project's, or the user's home."""
    end = os.path.realpath(user_home) if user_home else ""
    while True:
        yield folder
        above = os.path.dirname(folder)
        is_project = any(os.path.lexists(os.path.join(folder, mark)) for mark in PROJECT_MARKS)
        if is_project or above == folder or os.path.realpath(folder) == end:
            return
        folder = above
