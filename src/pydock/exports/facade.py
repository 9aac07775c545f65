"""Writes the facade of an environment: what `pydock activate` puts on PATH, and what a container has in its place.

Here the programs are shell scripts that call pydock; in the container they are links to the image's programs, at the same
paths. So `sys.prefix` and `sys.executable` are the same on both sides, and tools that write such a path down find it
again. The files are those of a virtual environment (PEP 405).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import sys
import zipfile
from typing import TYPE_CHECKING

import pydock
from pydock import __version__, errors, trust
from pydock.engine.python_description import Description, describe_python
from pydock.environments.facade import Facade, facade_of, quoted, remove_tree
from pydock.environments.shells import quoted_for_fish
from pydock.rendering import render
from pydock.settings import project_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment
    from pydock.settings import Home, Settings

# What Python runs with `-c`, to start a single file (scripts/single_file/build.py has these words too), and a package.
START_SINGLE_FILE = 'import sys; exec(open(sys.argv[1], "rb").read(16384).split(b"\\n# start\\n")[1])'
START_PACKAGE = (
    "import sys; sys.path.append(sys.argv.pop(1)); from pydock.__main__ import main; main(needs_site=True)"
)
MADE_BY = "# Made by pydock, which replaces this file."
PIP = ("pip", "pip3")


def make_facade(engine: Engine, settings: Settings, environment: Environment, image: str) -> Facade:
    """Write the facade of an environment for this image, unless it is there already; return where it is.

    Raises `PydockError` if it cannot be written, or if the image's Python does not answer.
    """
    facade = facade_of(environment)
    made_of = _made_of(settings, environment, image)
    if _read(facade.record) == made_of:
        return facade
    try:
        os.makedirs(facade.owner, mode=0o700, exist_ok=True)
        os.chmod(facade.owner, 0o700)
        trust.check_owner(facade.owner)
        with (
            _locked(facade.owner),
            _packages_folder(facade, wanted=settings.host_packages == "true") as packages,
        ):
            description = describe_python(engine, environment, image, packages)
            write_programs(facade, environment, settings.home, description)
            write_inside(facade, description)
            replace_packages(facade, description, packages)
            write_file(facade.record, made_of)
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {error.filename or facade.owner}: {error.strerror}. Check its permissions and the free space."
        ) from error
    return facade


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Let one command at a time write a facade."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def size_of_folder(folder: str) -> int:
    """Return the bytes of all files in a folder, without what is behind symbolic links."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # removed meanwhile
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def wrapper(
    environment: Environment, home: Home, command: str, *, inside: str = "", has_modules: bool = False
) -> str:
    """Return the text of the script that runs a command of the environment.

    `inside` is the program to run instead in the environment's own container. With `has_modules`, `-m pip` is pydock's.
    """
    where = f"environment '{environment.name}' of {project_folder(home.folder)}"
    words = ["run", "--activated", environment.name, command]
    if command in PIP:
        words = ["pip", environment.name]
    return render(
        "wrapper.sh.j2",
        title=_comment(f"`{command}` of the {where}."),
        identity=environment.identity,
        inside=quoted(inside) if inside else "",
        variables=f"PYDOCK_HOME={quoted(home.folder)} PYDOCK_MODE="
        if home.mode == "local"
        else "PYDOCK_MODE=global",
        name=environment.name,
        has_modules=has_modules,
        pydock=" ".join(map(quoted, own_command())),
        words=" ".join([*words[:-1], quoted(words[-1])]),
    )


def own_command() -> list[str]:
    """Return the words that start this pydock from anywhere, whatever PATH and Python's variables are."""
    # A virtual environment's python is a link; its name says which packages there are.
    python = [os.path.abspath(sys.executable), "-IS", "-c"]  # `site` would take a third of the time
    program = os.path.abspath(sys.argv[0]) if sys.argv[0] else ""
    if os.path.isfile(program) and zipfile.is_zipfile(program):  # the single file, under any name
        return [*python, START_SINGLE_FILE, program]
    return [*python, START_PACKAGE, os.path.dirname(os.path.dirname(os.path.abspath(pydock.__file__)))]


def _made_of(settings: Settings, environment: Environment, image: str) -> str:
    """Return what a facade depends on."""
    home = settings.home
    return json.dumps(
        [
            __version__,
            image,
            own_command(),
            home.folder,
            home.mode,
            settings.host_packages,
            environment.folder,
        ]
    )


def write_programs(facade: Facade, environment: Environment, home: Home, description: Description) -> None:
    """Write what is on PATH, and pyvenv.cfg beside it."""
    files: dict[str, tuple[str, int]] = {}
    for name in (*description.programs, *PIP, *description.scripts):
        inside, has_modules = f"{facade.programs}/{name}", name in description.programs
        files[name] = (wrapper(environment, home, name, inside=inside, has_modules=has_modules), 0o755)
    # pydock's single file starts the first `python3` on PATH, which is one of these scripts.
    files["pydock"] = (f'#!/bin/sh\n{MADE_BY}\nexec {" ".join(map(quoted, own_command()))} "$@"\n', 0o755)
    values = {
        "name": environment.name,
        "folder": quoted(facade.folder),
        "fish_folder": quoted_for_fish(facade.folder),
    }
    files["activate"] = (render("activate.sh.j2", **values), 0o644)
    files["activate.fish"] = (render("activate.fish.j2", **values), 0o644)
    _write_files(facade.programs, files)
    write_file(os.path.join(facade.folder, "pyvenv.cfg"), _configuration(facade, description))


def _write_files(folder: str, files: Mapping[str, tuple[str, int]]) -> None:
    """Write the files of a folder, and remove all others; programs that are used meanwhile are whole at any time."""
    os.makedirs(folder, exist_ok=True)
    for name, (text, mode) in files.items():
        write_file(os.path.join(folder, name), text, mode)
    for name in set(os.listdir(folder)) - set(files):
        os.unlink(os.path.join(folder, name))


def write_inside(facade: Facade, description: Description) -> None:
    """Write the folder that containers have; in its place, because those that run have it already."""
    library = os.path.join(facade.inside, "lib")
    packages = os.path.join(library, f"python{description.short_version}", "site-packages")
    for version in set(_entries(library)) - {f"python{description.short_version}"}:
        remove_tree(os.path.join(library, version))
    os.makedirs(packages, exist_ok=True)
    links = dict.fromkeys(description.programs or ("python3",), description.executable)
    links.update((name, script.path) for name, script in description.scripts.items())
    _write_links(os.path.join(facade.inside, "bin"), links)
    path = os.path.join(packages, "pydock.pth")
    if description.packages:
        write_file(
            path, "".join(f"import site; site.addsitedir({folder!r})\n" for folder in description.packages)
        )
    elif os.path.lexists(path):
        os.unlink(path)
    write_file(os.path.join(facade.inside, "pyvenv.cfg"), _configuration(facade, description))


def _write_links(folder: str, links: Mapping[str, str]) -> None:
    """Make a folder's symbolic links, and remove all others."""
    os.makedirs(folder, exist_ok=True)
    for name, target in links.items():
        path = os.path.join(folder, name)
        if os.path.islink(path) and os.readlink(path) == target:
            continue
        new = f"{path}.new.{os.getpid()}"
        os.symlink(target, new)
        os.replace(new, path)
    for name in set(os.listdir(folder)) - set(links):
        os.unlink(os.path.join(folder, name))


def _configuration(facade: Facade, description: Description) -> str:
    """Return the text of pyvenv.cfg (PEP 405); `prompt` is what editors and prompts show."""
    return (
        f"home = {os.path.dirname(description.executable)}\n"
        f"include-system-site-packages = {str(not description.packages).lower()}\n"
        f"version = {description.version}\n"
        f"prompt = {facade.name}\n"
    )


@contextlib.contextmanager
def _packages_folder(facade: Facade, *, wanted: bool) -> Iterator[str]:
    """Yield a new folder for a copy of the packages, "" if none is wanted; what is still there at the end is removed."""
    if not wanted:
        yield ""
        return
    folder = os.path.join(facade.owner, ".packages")
    remove_tree(folder)  # a killed command may have left it
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        remove_tree(folder)


def replace_packages(facade: Facade, description: Description, packages: str) -> None:
    """Put a copy of the packages where editors and type checkers look for them."""
    parent = os.path.join(facade.folder, "lib")
    for version in _entries(parent):
        if not packages or version != f"python{description.short_version}":
            remove_tree(os.path.join(parent, version))
    if packages:
        _make_harmless(packages)
        target = os.path.join(parent, f"python{description.short_version}", "site-packages")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _swap(packages, target)


def _make_harmless(folder: str) -> None:
    """Leave only files and folders that can be read and do nothing: the image's programs wrote them.

    Lines of `.pth` files that Python would run are for the environment's Python, and not for one of this machine.
    """
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(place, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISDIR(mode):
                os.chmod(path, 0o700)
            elif not stat.S_ISREG(mode) or (name.endswith(".pth") and _runs_code(path)):
                os.unlink(path)
            else:
                os.chmod(path, 0o444)
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(place, name))]


def _runs_code(path: str) -> bool:
    with open(path, "rb") as file:
        return any(line.lstrip().startswith((b"import ", b"import\t")) for line in file)


def _swap(new: str, place: str) -> None:
    """Put a folder in the place of another, which is removed."""
    old = f"{place}.old"
    remove_tree(old)
    if os.path.lexists(place):
        os.rename(place, old)
    os.rename(new, place)
    remove_tree(old)


def write_file(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file and its folder, unless they are as they should be; a reader never sees a part of it."""
    if _read(path) == text and stat.S_IMODE(os.stat(path).st_mode) == mode:
        return
    new = f"{path}.new.{os.getpid()}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode),
        "w",
        encoding="utf-8",
        errors="surrogateescape",
    ) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    os.replace(new, path)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def _entries(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def _comment(text: str) -> str:
    """Return a text as it can be in one line of a comment."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
