"""`__main__` of the single file: unpacks the program once, compiled, and starts it from there.

Python runs a zip slowly, because it keeps no bytecode of what is in there. So the first start unpacks everything
into `~/.cache/pydock/<content>-<Python>`, or into a private temporary folder where there is no cache to write to. Later
starts find it without this file: `start.py`.

Valid for Python 2.7 too, so that an old Python can be told in a sentence; hence the types in comments.
"""
# ruff: noqa: ANN001, ANN201, UP031, UP036

import sys

if sys.version_info < (3, 9):
    sys.exit(
        "pydock needs Python 3.9 or newer, and this is Python %s (%s). "
        "Start it with a newer one: python3.12 %s" % (sys.version.split()[0], sys.executable, sys.argv[0])
    )

import os

import preloaded
from start import DAY, age, cache_folder, is_private, run, unpacked_name

VERSION = "unbuilt"  # build.py writes it
UNUSED = 30 * DAY
# Their templates and scripts are read as files.
NEED_FILES = {
    "activate",
    "build",
    "completion",
    "copy",
    "create",
    "doctor",
    "expose",
    "info",
    "install",
    "outdated",
    "pip",
    "shell-hook",
    "uninstall",
    "up",
    "update",
}


def main():
    # type: () -> None
    """Answer `--version` at once; else run pydock on `sys.argv`."""
    if sys.argv[1:] == ["--version"]:
        print("pydock " + VERSION)
        return
    archive = os.path.dirname(os.path.abspath(__file__))
    try:
        place = find_unpacked() or unpack_somewhere(archive)
    except KeyboardInterrupt:
        sys.exit(130)
    if place:
        sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != archive]
        run(place)
        return
    stay_in_place(archive)
    from pydock.__main__ import main as pydock

    pydock()


def find_unpacked():
    # type: () -> str
    """Return the folder that an earlier start has unpacked into, "" if there is none."""
    folder = cache_folder()
    place = os.path.join(folder, unpacked_name())
    return place if folder and is_private(folder) and is_there(place) else ""


def unpack_somewhere(archive):
    # type: (str) -> str
    """Return a folder with the program unpacked, "" if there is nowhere to write."""
    import contextlib

    for find_folder in (made_cache_folder, temporary_folder):
        with contextlib.suppress(OSError):
            place = os.path.join(find_folder(), unpacked_name())
            return place if is_there(place) else unpack(archive, place)
    return ""


def stay_in_place(archive):
    # type: (str) -> None
    """Let the program run from within the archive, as far as it can."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command in NEED_FILES:
        sys.exit(
            "pydock finds no folder that it can unpack itself into, neither a cache nor a temporary one. "
            "Name one that you can write to: XDG_CACHE_HOME=/some/folder pydock ..."
        )
    sys.path.append(os.path.join(archive, "invoke", "vendor"))  # where settings files find their YAML


def made_cache_folder():
    # type: () -> str
    """Return the cache folder, made if need be and cleaned; raises `OSError` if it cannot be ours."""
    folder = cache_folder()
    if not folder:
        raise OSError("neither XDG_CACHE_HOME nor HOME")
    if os.geteuid() == 0 and os.stat(existing_part(folder)).st_uid != 0:
        raise OSError("root by sudo must not leave folders in a user's home that the user cannot write to")
    os.makedirs(folder, 0o700, exist_ok=True)
    if not is_private(folder):
        raise OSError("others could put their program there")
    remove_unused(folder)
    return folder


def existing_part(path):
    # type: (str) -> str
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def temporary_folder():
    # type: () -> str
    """Return a temporary folder that is nobody else's, an earlier one if it is not older than a day.

    Those who clean temporary folders remove files one by one, so an old one may have holes.
    """
    import shutil
    import tempfile

    prefix = "pydock-%d-" % os.geteuid()
    parent = tempfile.gettempdir()
    for name in sorted(os.listdir(parent)):
        folder = os.path.join(parent, name)
        if not name.startswith(prefix) or not is_private(folder):
            continue
        if age(folder) < DAY:
            return folder
        if age(folder) > UNUSED:
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=prefix, dir=parent)


def is_there(place):
    # type: (str) -> bool
    """Return whether `place` is there; if so, mark it once a day as used, so that nobody cleans it away."""
    try:
        if age(place) < DAY:
            return True
        lock = locked(os.path.dirname(place))
        try:
            os.utime(place)
        finally:
            os.close(lock)
    except OSError:
        pass
    return os.path.isdir(place)


def remove_unused(folder):
    # type: (str) -> None
    """Remove the versions that nobody has started for a month."""
    import re
    import shutil

    lock = locked(folder)
    try:
        for name in os.listdir(folder):
            place = os.path.join(folder, name)
            if re.match("[0-9a-f]{16}-", name) and age(place) > UNUSED:
                dying = place if place.endswith(".dying") else place + ".dying"
                os.rename(place, dying)  # what is half removed must not be found
                shutil.rmtree(dying, ignore_errors=True)
    except OSError:
        pass  # cleaning can wait
    finally:
        os.close(lock)


def locked(folder):
    # type: (str) -> int
    """Return a descriptor that holds the lock on `folder` until it is closed."""
    import contextlib
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):  # some network file systems know no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def unpack(archive, place):
    # type: (str, str) -> str
    """Unpack into a folder beside `place`, then give it the name; of two that do so at once, one wins for both."""
    import shutil
    import tempfile
    import zipfile
    import zlib

    work = tempfile.mkdtemp(prefix=os.path.basename(place) + ".", dir=os.path.dirname(place))
    try:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(work, [name for name in packed.namelist() if name != "__main__.py"])
        compile_all(work, place)
        preloaded.keep_modules(work)
        os.rename(work, place)
    except (zipfile.BadZipFile, zlib.error) as error:
        sys.exit("%s is damaged (%s). Download it again." % (archive, error))
    except OSError:
        if not os.path.isdir(place):
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


def compile_all(folder, place):
    # type: (str, str) -> None
    """Compile what is in `folder` so that it is valid in `place`, for good: nothing there ever changes."""
    import compileall
    import py_compile
    import warnings

    sys.pycache_prefix = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compileall.compile_dir(
            folder,
            ddir=place,
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main()
