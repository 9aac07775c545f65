"""What a pyproject.toml requires: dependencies and extras (PEP 621), and dependency groups (PEP 735).

https://packaging.python.org/en/latest/specifications/pyproject-toml/ and
https://packaging.python.org/en/latest/specifications/dependency-groups/
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pydock import errors
from pydock.packages.declared_requirements import (
    comment,
    declared_requirement,
    requirement_list,
    warn_of_indexes,
)
from pydock.packages.toml_files import read_toml, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.packages.requirements import Line

PYPROJECT = "pyproject.toml"
OLD_FILES = ("setup.py", "setup.cfg")
# Where a package comes from, if not from an index by its name alone, in [tool.poetry.dependencies].
POETRY_SOURCES = {"git", "path", "url", "file", "source"}


def project_requirements(path: str, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> list[Line]:
    """Return the requirements of a pyproject.toml as lines of a requirements file, with comments that say where they are from.

    Raises `BadProject`: for what cannot be read without running the project's build backend, it names the command that
    exports it.
    """
    if os.path.isdir(path):
        path = os.path.join(path, PYPROJECT)
    if os.path.basename(path) != PYPROJECT:
        raise errors.BadProject(_other_file(path, extras))
    try:
        project = Project(path, read_toml(path))
    except FileNotFoundError as error:
        [old, *_] = [*_old_files(path), ""]
        raise errors.BadProject(
            f"{path} not found. " + (_export_old(old, extras) if old else "Name the file of a project.")
        ) from error
    return project.requirements(extras, groups)


class Project:
    """The tables of one pyproject.toml."""

    def __init__(self, path: str, tables: dict[str, Any]) -> None:
        self._path = path
        self._tables = tables
        self._project = table(tables, "project")
        self._name = canonicalize_name(str(self._project.get("name", "")))
        self._extras = self._normalized(
            "optional-dependencies", table(self._project, "optional-dependencies")
        )
        self._groups = self._normalized("dependency-groups", table(tables, "dependency-groups"))

    def requirements(self, extras: Sequence[str], groups: Sequence[str]) -> list[Line]:
        """Return the dependencies, and those of these extras and groups, with a comment before each part."""
        self._refuse_unreadable(extras, groups)
        warn_of_indexes(self._tables, self._path)
        parts = {"": self._dependencies()}
        parts.update({f", extra {extra}": self._extra(extra, ()) for extra in extras})
        parts.update({f", group {group}": self._group(group, ()) for group in groups})
        lines: list[Line] = []
        for part, found in parts.items():
            self._refuse_other_sources(found, extras, groups)
            new = [line for line in dict.fromkeys(found) if line not in lines]
            lines += [comment(f"from {self._path}{part}"), *new] if new else []
        return lines

    def _dependencies(self) -> list[Line]:
        return self._expanded(self._project.get("dependencies", []), "project.dependencies", ())

    def _extra(self, name: str, seen: tuple[str, ...]) -> list[Line]:
        key = self._known("extra", name, self._extras)
        if key in seen:
            return []
        place = f"project.optional-dependencies.{key}"
        return self._expanded(self._extras[key], place, (*seen, key))

    def _expanded(self, values: object, place: str, seen: tuple[str, ...]) -> list[Line]:
        """Return the requirements; the project's own name (`all = ["name[a,b]"]`) is replaced by what its extras require."""
        found: list[Line] = []
        place = f"{self._path}, {place}"
        for value in requirement_list(values, place):
            found += self._with_own_extras(declared_requirement(value, place), place, seen)
        return found

    def _with_own_extras(self, line: Line, place: str, seen: tuple[str, ...]) -> list[Line]:
        if not self._name or line.name != self._name:
            return [line]
        requirement = Requirement(line.requirement)
        if requirement.marker:
            raise errors.BadProject(
                f"{place}: '{line.requirement}' is the project itself with a marker, which is not supported. Name its extra "
                "with --extra."
            )
        return [found for extra in sorted(requirement.extras) for found in self._extra(extra, seen)]

    def _group(self, name: str, seen: tuple[str, ...]) -> list[Line]:
        key = self._known("group", name, self._groups)
        if key in seen:
            cycle = " → ".join([*seen[seen.index(key) :], key])
            raise errors.BadProject(
                f"{self._path}: dependency groups include each other: {cycle}. Remove one `include-group`."
            )
        place = f"{self._path}, dependency-groups.{key}"
        found: list[Line] = []
        for value in requirement_list(self._groups[key], place):
            if not isinstance(value, dict):
                found += self._with_own_extras(declared_requirement(value, place), place, ())
            elif set(value) == {"include-group"} and isinstance(value["include-group"], str):
                found += self._group(value["include-group"], (*seen, key))
            else:
                raise errors.BadProject(
                    f"{place}: {value!a} is neither a requirement nor {{include-group = '…'}}. Fix it."
                )
        return found

    def _normalized(self, kind: str, tables: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, values in tables.items():
            key = canonicalize_name(name)
            if key in found:
                raise errors.BadProject(f"{self._path}, {kind}: '{key}' is there twice. Rename one of them.")
            found[key] = values
        return found

    def _known(self, kind: str, name: str, tables: Mapping[str, Any]) -> str:
        key = canonicalize_name(name)
        if key in tables:
            return key
        hint = errors.did_you_mean(name, tables)
        if not hint:
            hint = f" It has: {', '.join(tables)}." if tables else f" It has no {kind}s."
        raise errors.BadProject(f"{self._path} has no {kind} '{name}'.{hint}")

    def _refuse_unreadable(self, extras: Sequence[str], groups: Sequence[str]) -> None:
        """Raise `BadProject` for dependencies that are not in the file, or only in a tool's own form."""
        declared = self._project.get("dynamic")
        dynamic = declared if isinstance(declared, list) else []
        poetry = table(self._tables, "tool", "poetry")
        in_poetry = [
            name
            for name in groups
            if canonicalize_name(name) not in self._groups and name in table(poetry, "group")
        ]
        if in_poetry or ("dependencies" in poetry and "dependencies" not in self._project):
            raise errors.BadProject(
                f"{self._path} has its dependencies in the form of Poetry, which only Poetry reads. Run "
                f"`{_in_folder(self._path)}{_poetry_export(extras, groups)}` (it needs the plugin poetry-plugin-export), "
                "then `pydock create NAME -r requirements.txt`."
            )
        if "dependencies" in dynamic or (extras and "optional-dependencies" in dynamic):
            raise errors.BadProject(self._dynamic(extras, groups))
        if not self._project and not (groups and self._groups):
            [old, *_] = [*_old_files(self._path), ""]
            raise errors.BadProject(
                f"{self._path} has no table [project], so it names no dependencies. "
                + (_export_old(old, extras) if old else "Write them there, or use -r FILE.")
            )

    def _dynamic(self, extras: Sequence[str], groups: Sequence[str]) -> str:
        start = f"{self._path} has dynamic dependencies: the project's build backend computes them"
        files = table(self._tables, "tool", "setuptools", "dynamic", "dependencies").get("file")
        if isinstance(files, str):
            files = [files]
        if isinstance(files, list) and files and not extras and not groups:
            folder = os.path.dirname(self._path)
            options = " ".join(f"-r {shlex.quote(os.path.join(folder, str(file)))}" for file in files)
            return f"{start} from {', '.join(map(str, files))}. Run `pydock create NAME {options}`."
        return f"{start}. {_uv_compile(self._path, extras, groups)}"

    def _refuse_other_sources(
        self, lines: Sequence[Line], extras: Sequence[str], groups: Sequence[str]
    ) -> None:
        """Raise `BadProject` for a package that comes from elsewhere than an index: its name there may be anybody's."""
        by_uv = {canonicalize_name(name) for name in table(self._tables, "tool", "uv", "sources")}
        by_poetry = {
            canonicalize_name(name)
            for name, value in table(self._tables, "tool", "poetry", "dependencies").items()
            if isinstance(value, dict) and POETRY_SOURCES & set(value)
        }
        for line in lines:
            if line.name in by_uv:
                command = _uv_export(extras, groups)
                where = "[tool.uv.sources]"
            elif line.name in by_poetry:
                command = _poetry_export(extras, groups)
                where = "[tool.poetry.dependencies]"
            else:
                continue
            raise errors.BadProject(
                f"{self._path} takes '{line.name}' from elsewhere than the index ({where}). Run "
                f"`{_in_folder(self._path)}{command}`, then `pydock create NAME -r requirements.txt`."
            )


def _other_file(path: str, extras: Sequence[str]) -> str:
    if os.path.basename(path) in OLD_FILES:
        return f"--from reads pyproject.toml. {_export_old(path, extras)}"
    return f"--from reads pyproject.toml, and not {path}. A requirements file is installed with -r."


def _old_files(path: str) -> list[str]:
    """Return the setup.py and setup.cfg in the folder of a file."""
    files = [os.path.join(os.path.dirname(path), name) for name in OLD_FILES]
    return [file for file in files if os.path.isfile(file)]


def _export_old(path: str, extras: Sequence[str]) -> str:
    return (
        f"{path} has its dependencies in a program or in the form of setuptools. {_uv_compile(path, extras)}"
    )


def _uv_compile(path: str, extras: Sequence[str], groups: Sequence[str] = ()) -> str:
    options = _options("--extra", extras) + _options("--group", groups)
    command = f"uv pip compile {shlex.quote(path)}{options} --output-file requirements.txt"
    return f"Run `{command}`, then `pydock create NAME -r requirements.txt`."


def _uv_export(extras: Sequence[str], groups: Sequence[str]) -> str:
    options = _options("--extra", extras) + _options("--group", groups)
    return (
        "uv export --format requirements-txt --no-hashes --no-emit-project --no-default-groups"
        f"{options} > requirements.txt"
    )


def _poetry_export(extras: Sequence[str], groups: Sequence[str]) -> str:
    options = _options("--extras", extras) + _options("--with", groups)
    return f"poetry export --format requirements.txt{options} --output requirements.txt"


def _options(name: str, values: Sequence[str]) -> str:
    return "".join(f" {name} {shlex.quote(value)}" for value in values)


def _in_folder(path: str) -> str:
    folder = os.path.dirname(path)
    return f"cd {shlex.quote(folder)} && " if folder else ""
