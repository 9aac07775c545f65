"""Print the version of Python, and how many bytes each installed package takes, as JSON.

    python3 -I -S -c "$(cat package_sizes.py)"

A package's files are those of its RECORD (https://packaging.python.org/en/latest/specifications/recording-installed-packages/)
and their bytecode, which RECORD may not have.

Runs in an image's Python, which may be as old as 3.6.
"""

import csv
import glob
import json
import os
import site
import sys


def size_of(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def name_of(info: str) -> str:
    """Return the package's name: that of its metadata, or else of the folder."""
    try:
        with open(os.path.join(info, "METADATA"), encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.lower().startswith("name:"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return os.path.basename(info).partition("-")[0]


def package_size(info: str) -> int:
    """Return the bytes of the files that are in a package's RECORD, and of their bytecode."""
    parent = os.path.dirname(info)
    try:
        with open(os.path.join(info, "RECORD"), encoding="utf-8", errors="replace", newline="") as file:
            paths = {os.path.normpath(os.path.join(parent, row[0])) for row in csv.reader(file) if row}
    except (OSError, csv.Error):
        return 0
    sources = {os.path.splitext(path)[0] for path in paths if path.endswith(".py")}
    for folder in {os.path.dirname(path) for path in sources}:
        cache = os.path.join(folder, "__pycache__")
        if os.path.isdir(cache):
            for name in os.listdir(cache):
                if os.path.join(folder, name.partition(".")[0]) in sources:
                    paths.add(os.path.join(cache, name))
    return sum(map(size_of, paths))


def package_sizes(folders: "list[str]") -> "dict[str, int]":
    """Return the sizes of the packages in these folders by name."""
    found: dict[str, int] = {}
    for folder in folders:
        for info in sorted(glob.glob(os.path.join(glob.escape(folder), "*.dist-info"))):
            found.setdefault(name_of(info), package_size(info))
    return found


def main() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    answer = {"python": version, "sizes": package_sizes(site.getsitepackages())}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
