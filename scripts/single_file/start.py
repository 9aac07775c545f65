"""The first lines of Python in the single file: start the program from where an earlier start has unpacked it.

build.py writes this text before the zip, where Python reads it as it is: opening a zip and compiling `main.py` would make
every start about 15 ms slower. What is not unpacked yet, or not for certain, is left to `main.py`, which imports this too.

Valid for Python 2.7, so that `main.py` can tell an old Python in a sentence; hence the types in comments.
"""
# ruff: noqa: ANN001, ANN201, E402, UP031

import sys

# `python3 -c` puts the working directory first, where there may be an `os.py`.
sys.path[:] = [place for place in sys.path if place]

import os
import stat
import time

CONTENT = "unbuilt"  # build.py writes it
DAY = 24 * 60 * 60


def start():
    # type: () -> None
    """Run pydock on `sys.argv`, in which the single file's path is the first argument."""
    del sys.argv[0]  # the `-c`
    place = find_unpacked() if sys.version_info >= (3, 9) else ""
    if place:
        run(place)
    else:
        import runpy

        runpy.run_path(os.path.abspath(sys.argv[0]), run_name="__main__")


def run(place):
    # type: (str) -> None
    """Run pydock from `place`; it is imported before anything that PYTHONPATH names."""
    sys.pycache_prefix = None  # our bytecode lies beside its source, whatever PYTHONPYCACHEPREFIX says
    sys.path.insert(0, place)
    import preloaded

    preloaded.import_modules(place)
    from pydock.__main__ import main

    main()


def find_unpacked():
    # type: () -> str
    """Return the folder that has been unpacked and is marked as used today, "" if there is none."""
    folder = cache_folder()
    place = os.path.join(folder, unpacked_name())
    try:
        return place if folder and is_private(folder) and age(place) < DAY else ""
    except OSError:
        return ""


def unpacked_name():
    # type: () -> str
    return "%s-%s" % (CONTENT, sys.implementation.cache_tag)


def cache_folder():
    # type: () -> str
    """Return the user's folder for unpacked versions, there or not; "" for a user who has no home.

    A relative XDG_CACHE_HOME does not count: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(cache):
        return os.path.join(cache, "pydock")
    home = os.environ.get("HOME", "")
    return os.path.join(home, ".cache", "pydock") if os.path.isabs(home) and os.path.isdir(home) else ""


def is_private(folder):
    # type: (str) -> bool
    """Return whether this is a folder of ours that nobody else can write to; what is run must lie in such."""
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def age(path):
    # type: (str) -> float
    return time.time() - os.stat(path).st_mtime


if __name__ == "__main__":
    start()
