"""Lock files and environment files of other tools, read as the requirements files that they stand for.

What is simple and safe to read is: pylock.toml (https://packaging.python.org/en/latest/specifications/pylock-toml/),
Pipfile.lock, and the pip part of conda's environment.yml. The others are refused with the command that exports them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydock import errors
from pydock._speed.yaml import import_yaml
from pydock.messages import say, warn
from pydock.packages.declared_requirements import declared_requirement
from pydock.packages.pip_format import HASH
from pydock.packages.remote_files import is_address
from pydock.packages.toml_files import parse_toml, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HASHES = re.compile(r"(?:sha256|sha384|sha512):[0-9a-f]{64,128}")  # those that pip accepts
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")
# What a marker of a lock file can ask for, and one of a requirements file cannot.
SELECTIONS = re.compile(r"\b(?:extras|dependency_groups)\b")
UV_EXPORT = "uv export --format requirements-txt --no-emit-project > requirements.txt"
PIPENV_EXPORT = "pipenv requirements > requirements.txt"
# How the tools themselves write what only they read.
EXPORTS = {
    "uv.lock": UV_EXPORT,
    "poetry.lock": "poetry export --format requirements.txt --output requirements.txt",
    "pdm.lock": "pdm export --format requirements --output requirements.txt",
    "Pipfile": PIPENV_EXPORT,
    "setup.py": "uv pip compile setup.py --output-file requirements.txt",
    "setup.cfg": "uv pip compile setup.cfg --output-file requirements.txt",
}
YAML_ENDINGS = (".yml", ".yaml")
# conda's packages that an image has anyway.
OF_IMAGE = {"python", "pip"}


def as_requirements(path: str, text: str) -> str:
    """Return the text of the requirements file that a file stands for; any other text as it is.

    The file's name tells what it is. Raises `BadRequirements` if it cannot be read, and for files that only another tool
    reads.
    """
    name = os.path.basename(urlsplit(path).path if is_address(path) else path)
    read = _reader(name)
    if read:
        return "".join(f"{line}\n" for line in read(path, text))
    if name in EXPORTS:
        plugin = " (it needs the plugin poetry-plugin-export)" if name == "poetry.lock" else ""
        raise errors.BadRequirements(
            f"{path} is not a requirements file. Run `{_in_folder(path)}{EXPORTS[name]}`{plugin}, and use "
            "`-r requirements.txt`."
        )
    if name == "pyproject.toml":
        raise errors.BadRequirements(
            f"{path} is not a requirements file. `pydock create NAME --from {shlex.quote(path)}` installs what it requires."
        )
    if name.endswith(".py"):
        raise errors.BadRequirements(
            f"{path} is a Python file, and not a requirements file. `pydock run {shlex.quote(path)}` runs a script in the "
            "environment that it asks for."
        )
    if name.endswith((".lock", ".toml")):
        raise errors.BadRequirements(
            f"{path} is a file of another tool, and not a requirements file. Let that tool export a requirements.txt."
        )
    return text


def _reader(name: str) -> Callable[[str, str], Iterable[str]] | None:
    if PYLOCK.fullmatch(name):
        return _pylock
    if name == "Pipfile.lock":
        return _pipfile_lock
    return _conda if name.endswith(YAML_ENDINGS) else None


def _pylock(path: str, text: str) -> Iterable[str]:
    tables = parse_toml(text, path)
    version = str(tables.get("lock-version", ""))
    if not version.startswith("1."):
        raise errors.BadRequirements(
            f"{path} has the lock-version {version!a}, and pydock reads 1.x. Let the tool that wrote it export a "
            "requirements.txt."
        )
    for package in _tables(tables.get("packages", []), f"{path}, packages"):
        yield _pylock_entry(package, path)


def _pylock_entry(package: dict[str, Any], path: str) -> str:
    name = _name(package.get("name"), f"{path}, packages")
    place = f"{path}, package {name}"
    marker = package.get("marker", "")
    if SELECTIONS.search(str(marker)):
        raise errors.BadRequirements(
            f"{place}: it is installed for some extras or dependency groups only, which -r cannot choose. Let the tool "
            f"that wrote the file export a requirements.txt of those that you need; for uv: `{UV_EXPORT}`."
        )
    archive = table(package, "archive")
    if archive.get("url"):
        return _entry(f"{name} @ {archive['url']}", marker, _hashes_of([archive]), place)
    files = [table(package, "sdist"), *_tables(package.get("wheels", []), place)]
    if "version" not in package or not any(files):
        kind = next((kind for kind in ("vcs", "directory", "archive") if kind in package), "unknown")
        raise errors.BadRequirements(
            f"{place}: its source ('{kind}') is not an index. Let the tool that wrote the file export a "
            f"requirements.txt without it; for uv: `{UV_EXPORT}`."
        )
    return _entry(f"{name}=={package['version']}", marker, _hashes_of(filter(None, files)), place)


def _hashes_of(files: Iterable[dict[str, Any]]) -> list[str]:
    found = [f"{name}:{value}" for file in files for name, value in table(file, "hashes").items()]
    return [text for text in found if HASHES.fullmatch(text)]


def _pipfile_lock(path: str, text: str) -> Iterable[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.BadRequirements(
            f"{path} is not valid JSON: {error}. `pipenv lock` writes it again."
        ) from error
    values = values if isinstance(values, dict) else {}
    packages, others = table(values, "default"), table(values, "develop")
    for name in packages:
        yield _pipfile_entry(name, table(packages, name), path)
    left_out = sorted(set(others) - set(packages))
    if left_out:
        say(
            f"{path}: its packages for development ({len(left_out)}) are left out; "
            "`pipenv requirements --dev > requirements.txt` exports all."
        )


def _pipfile_entry(name: str, package: dict[str, Any], path: str) -> str:
    place = f"{path}, package {_name(name, path)}"
    version, extras, hashes = package.get("version"), package.get("extras", []), package.get("hashes", [])
    if not isinstance(version, str) or not isinstance(extras, list) or not isinstance(hashes, list):
        raise errors.BadRequirements(
            f"{place}: it does not come from an index. Run `{_in_folder(path)}{PIPENV_EXPORT}`, and use "
            "`-r requirements.txt`."
        )
    names = f"[{','.join(_name(extra, place) for extra in extras)}]" if extras else ""
    known = [text for text in hashes if isinstance(text, str) and HASHES.fullmatch(text)]
    return _entry(f"{name}{names}{version}", package.get("markers", ""), known, place)


def _entry(specifier: str, marker: object, hashes: Sequence[str], place: str) -> str:
    """Return the line of a package, in the form that pip-compile writes. Raises `BadRequirements`."""
    line = declared_requirement(f"{specifier} ; {marker}" if marker else specifier, place)
    if not hashes:
        raise errors.BadRequirements(
            f"{place}: it has no hash that pip knows (sha256). Let the tool that wrote the file write it again."
        )
    return " \\\n    ".join([line.requirement, *(f"{HASH}={value}" for value in dict.fromkeys(hashes))])


def _conda(path: str, text: str) -> Iterable[str]:
    yaml = import_yaml()
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise errors.BadRequirements(f"{path}{place} is not valid YAML. Fix the file.") from error
    dependencies = values.get("dependencies") if isinstance(values, dict) else None
    if not isinstance(dependencies, list):
        raise errors.BadRequirements(
            f"{path} is not an environment file of conda: it has no list `dependencies`. Use a requirements file."
        )
    of_conda = [word for word in dependencies if isinstance(word, str) and _conda_name(word) not in OF_IMAGE]
    lines: list[object] = []
    for part in dependencies:
        listed = part.get("pip") if isinstance(part, dict) else None
        lines += listed if isinstance(listed, list) else []
    for line in lines:
        if not isinstance(line, str) or len(line.splitlines()) != 1:
            raise errors.BadRequirements(f"{path}, pip: {line!a} is not a line of a requirements file.")
    if not lines:
        name = values.get("name")
        chosen = f"-n {shlex.quote(name)} " if isinstance(name, str) else ""
        raise errors.BadRequirements(
            f"{path} has packages of conda only, which pydock does not install. If they are on the package index too, "
            f"run `conda run {chosen}pip list --format=freeze > requirements.txt`, and use `-r requirements.txt`."
        )
    if of_conda:
        warn(
            f"{path}: pydock installs the pip part. Packages of conda are not installed: {', '.join(of_conda)}. "
            "`pydock install NAME PACKAGE` installs those that the package index has too."
        )
    return [str(line) for line in lines]


def _conda_name(specifier: str) -> str:
    """Return the package's name in `conda-forge::numpy>=1.26`."""
    return re.split(r"[\s=<>!~\[]", specifier.rpartition("::")[2].strip(), maxsplit=1)[0].lower()


def _tables(values: object, place: str) -> list[dict[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise errors.BadRequirements(
            f"{place} is not a list of tables. Let the tool that wrote the file write it again."
        )
    return values


def _name(value: object, place: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise errors.BadRequirements(f"{place}: {value!a} is not the name of a package.")
    return value


def _in_folder(path: str) -> str:
    folder = os.path.dirname(path)
    return f"cd {shlex.quote(folder)} && " if folder and not is_address(path) else ""
