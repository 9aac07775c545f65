"""Say where the image's Python is and which console scripts its packages have; copy the packages for editors to read.

    python3 -I describe_python.py [FOLDER]

Prints one line of JSON. With FOLDER, the sources of all packages are copied there; compiled modules become empty files.
Runs in the environment's Python, 3.6 or newer.
"""

import csv
import json
import os
import re
import stat
import sys
import sysconfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE_FOLDERS = ("site-packages", "dist-packages")
# What editors and type checkers read. Of compiled modules they only want to know that they exist.
SOURCES = (".py", ".pyi", ".pth", "py.typed")
COMPILED = (".so", ".pyd")
METADATA = (".dist-info", ".egg-info")
SCRIPT_GROUPS = ("[console_scripts]", "[gui_scripts]")


def package_folders() -> "list[str]":
    return [
        place for place in sys.path if os.path.basename(place) in PACKAGE_FOLDERS and os.path.isdir(place)
    ]


def scripts_of(folder: str, scripts: str) -> "Iterator[tuple[str, str]]":
    """Yield the files that the packages of a folder have put into the folder for scripts: their names, and the package's."""
    for entry in os.listdir(folder):
        metadata = os.path.join(folder, entry)
        package = re.sub("[-_.]+", "-", entry.split("-")[0]).lower()
        if entry.endswith(".dist-info"):
            for row in csv.reader(lines(os.path.join(metadata, "RECORD"))):
                path = os.path.normpath(os.path.join(folder, row[0])) if row else ""
                if os.path.dirname(path) == scripts:
                    yield os.path.basename(path), package
        if entry.endswith(METADATA):
            section = ""
            for line in lines(os.path.join(metadata, "entry_points.txt")):
                section = line.strip() if line.startswith("[") else section
                if section in SCRIPT_GROUPS and "=" in line:
                    yield line.partition("=")[0].strip(), package


def lines(path: str) -> "list[str]":
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def describe() -> "dict[str, object]":
    scripts = sysconfig.get_path("scripts")
    found = {name: package for folder in package_folders() for name, package in scripts_of(folder, scripts)}
    executable = os.path.realpath(sys.executable)
    own = os.path.dirname(sys.executable)
    is_virtual = sys.prefix != sys.base_prefix
    return {
        "version": ".".join(map(str, sys.version_info[:3])),
        "executable": executable,
        "programs": [
            name
            for name in ("python", "python3", "python" + ".".join(map(str, sys.version_info[:2])))
            if is_program(os.path.join(own, name))
        ],
        "scripts": {
            name: [os.path.join(scripts, name), package]
            for name, package in sorted(found.items())
            if is_program(os.path.join(scripts, name))
        },
        # of a virtual environment in the image, whose packages another one does not see
        "packages": package_folders() if is_virtual else [],
    }


def copy_packages(target: str) -> None:
    """Copy what editors read, without symbolic links; a file that an earlier folder has wins, as it does for imports."""
    for place in package_folders():
        for folder, folders, files in os.walk(place):
            folders[:] = [name for name in folders if is_copied(os.path.join(folder, name))]
            is_metadata = folder.endswith(METADATA)
            copied = [name for name in files if is_metadata or name.endswith(SOURCES + COMPILED)]
            copy = os.path.join(target, os.path.relpath(folder, place))
            if copied:
                os.makedirs(copy, exist_ok=True)
            for name in copied:
                source, destination = os.path.join(folder, name), os.path.join(copy, name)
                if stat.S_ISREG(os.lstat(source).st_mode) and not os.path.exists(destination):
                    copy_file(os.devnull if name.endswith(COMPILED) else source, destination)


def is_copied(folder: str) -> bool:
    return os.path.basename(folder) != "__pycache__" and not os.path.islink(folder)


def copy_file(source: str, destination: str) -> None:
    try:
        with open(source, "rb") as file, open(destination, "wb") as copy:
            copy.write(file.read())
    except PermissionError:  # for root only, so programs here cannot read it either
        return
    except OSError as error:
        sys.exit("Cannot write the copy of the packages: " + str(error.strerror) + ".")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        copy_packages(sys.argv[1])
    print(json.dumps(describe()))
