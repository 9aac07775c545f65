"""The wheels of local projects, in the folder `wheels` of an environment.

requirements.txt names each with its SHA-256, `name @ file:///run/wheels/DIGEST/FILE#sha256=…`, and the dockerfile mounts the
folder there for the step that installs the packages. So requirements.txt still says everything that is installed, the rename of
it is still the commit, and a wheel that nothing names does no harm: the digest of the environment leaves the folder out.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.environments import descriptors
from pydock.environments.content import WHEELS, WHEELS_NEW, WHEELS_README
from pydock.trust import hex_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

TARGET = "/run/wheels"  # where the dockerfile mounts the folder
README = """The wheels of local projects that this environment has installed; requirements.txt names them.
pydock writes them. Keep this folder together with the dockerfile, also if it is empty.
"""
MOUNTED = f"target={TARGET}"
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl")
WHEEL_PATH = re.compile(rf"{WHEELS}/[0-9a-f]{{16}}/{FILE.pattern}")
ADDRESS = re.compile(
    rf"file://{TARGET}/(?P<digest>[0-9a-f]{{16}})/(?P<file>{FILE.pattern})#sha256=(?P<sha256>(?P=digest)[0-9a-f]{{48}})"
)


class StoredWheel(NamedTuple):
    """A wheel of the folder: its file's name, and its SHA-256 in hex."""

    file: str
    sha256: str

    @property
    def path(self) -> str:
        """The path in the environment's folder. Each content has another, so a new wheel never replaces one."""
        return f"{WHEELS}/{self.sha256[:16]}/{self.file}"

    @property
    def address(self) -> str:
        """The address in requirements.txt, which both installers check."""
        return f"file://{TARGET}/{self.sha256[:16]}/{self.file}#sha256={self.sha256}"

    @property
    def version(self) -> str:
        return self.file.split("-")[1] if "-" in self.file else ""


def parse_requirement(requirement: str) -> StoredWheel | None:
    """Return the wheel that a requirement of requirements.txt names, None if it names something else."""
    found = ADDRESS.fullmatch(requirement.partition(" @ ")[2].strip())
    return StoredWheel(found["file"], found["sha256"]) if found else None


def named_in(text: str) -> list[StoredWheel]:
    """Return the wheels that the text of a requirements.txt names, each once."""
    return [*dict.fromkeys(StoredWheel(found["file"], found["sha256"]) for found in ADDRESS.finditer(text))]


def is_intact(folder: str, wheel: StoredWheel) -> bool:
    """Return whether the environment's folder has the wheel as it was stored."""
    try:
        with _opened(folder, wheel) as file:
            return hex_digest(file.read()) == wheel.sha256
    except (OSError, errors.PydockError):
        return False


def check_folder(folder: str) -> None:
    """Raise `UnsafePath` if pydock cannot keep wheels in an environment's folder, because something else has the name."""
    place = os.path.join(folder, WHEELS)
    with descriptors.opened(folder) as handle:
        if not descriptors.status(handle, WHEELS):
            return
        try:
            below = os.open(WHEELS, descriptors.FOLDER, dir_fd=handle)
        except OSError as error:
            raise errors.UnsafePath(
                f"{place} is a symbolic link, or not a folder that can be read, and pydock would keep wheels there. Nothing was "
                "changed. Rename it or remove it."
            ) from error
        try:
            names = set(os.listdir(below))
        finally:
            os.close(below)
    if not names or WHEELS_README in {f"{WHEELS}/{name}" for name in names} or all(map(_is_digest, names)):
        return
    raise errors.UnsafePath(
        f"{place} is a folder of your own, and pydock would keep wheels there. Nothing was changed. Rename it, also in the "
        "dockerfile."
    )


def write(folder: str, wheels: Mapping[StoredWheel, str]) -> None:
    """Write wheels, with the path of the file to copy, into an environment's folder; raises `PydockError`.

    The folder `wheels` appears with its README, which Git keeps even if there are no wheels. The dockerfile needs the folder.
    """
    check_folder(folder)
    try:
        with descriptors.opened(folder) as handle:
            _make_folder(handle)
            with _below(handle, WHEELS) as store:
                if not descriptors.status(store, os.path.basename(WHEELS_README)):
                    descriptors.write(store, os.path.basename(WHEELS_README), README)
                for wheel, source in wheels.items():
                    if not is_intact(folder, wheel):
                        _write_wheel(store, wheel, errors.read_file(source))
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {os.path.join(folder, WHEELS)}: {error.strerror}. Check its permissions and the free space."
        ) from error


def remove_others(folder: str, needed: Iterable[StoredWheel], *, mounted: bool) -> None:
    """Remove the wheels that are not needed any more, and what a killed command left; as far as possible.

    The folder itself stays if the dockerfile has it `mounted`.
    """
    kept = {wheel.path for wheel in needed}
    with contextlib.suppress(OSError, errors.PydockError), descriptors.opened(folder) as handle:
        _remove(handle, WHEELS_NEW)
        with _below(handle, WHEELS) as store:
            for name in os.listdir(store):
                if _is_digest(name) and not any(path.startswith(f"{WHEELS}/{name}/") for path in kept):
                    _remove(store, name)
                elif _is_digest(name):
                    with _below(store, name) as below:
                        for file in os.listdir(below):
                            if f"{WHEELS}/{name}/{file}" not in kept:
                                _remove(below, file)
            unused = not mounted and os.listdir(store) == [os.path.basename(WHEELS_README)]
        if unused:
            _remove(handle, WHEELS)


def missing_message(folder: str, requirements: str, name: str) -> str:
    """Return what to say if a wheel that requirements.txt names is missing or changed, "" if all are as they were."""
    for wheel in named_in(requirements):
        if not is_intact(folder, wheel):
            state = "was changed" if os.path.lexists(os.path.join(folder, wheel.path)) else "is missing"
            return (
                f"{os.path.join(folder, wheel.path)} {state}, and requirements.txt names it. Put it back, or run "
                f"`pydock update {name}`, which builds the wheels of local projects again."
            )
    return ""


def _is_digest(name: str) -> bool:
    return re.fullmatch("[0-9a-f]{16}", name) is not None


def _make_folder(folder: int) -> None:
    """Make the folder for wheels in such a way that it has its README from the beginning."""
    if descriptors.status(folder, WHEELS):
        return
    _remove(folder, WHEELS_NEW)
    os.mkdir(WHEELS_NEW, dir_fd=folder)
    with _below(folder, WHEELS_NEW) as new:
        descriptors.write(new, os.path.basename(WHEELS_README), README)
    os.rename(WHEELS_NEW, WHEELS, src_dir_fd=folder, dst_dir_fd=folder)


def _write_wheel(store: int, wheel: StoredWheel, content: bytes) -> None:
    name = wheel.sha256[:16]
    found = descriptors.status(store, name)
    if found and not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=store)
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=store)
    with _below(store, name) as folder:
        _remove(folder, wheel.file)  # a killed command, or somebody else, may have left it
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(wheel.file, flags, 0o666, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def _below(folder: int, name: str) -> Iterator[int]:
    handle = os.open(name, descriptors.FOLDER, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _opened(folder: str, wheel: StoredWheel) -> Iterator[BinaryIO]:
    """Yield the wheel's file, opened through no symbolic link."""
    with descriptors.opened(os.path.join(os.path.realpath(folder), os.path.dirname(wheel.path))) as handle:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(wheel.file, flags, dir_fd=handle), "rb") as file:
            yield file


def _remove(folder: int, name: str) -> None:
    """Remove a folder with its contents; a file or a link is removed itself."""
    found = descriptors.status(folder, name)
    if found is None:
        return
    with contextlib.suppress(NotADirectoryError), _below(folder, name) as below:
        descriptors.remove_contents(below)
        os.rmdir(name, dir_fd=folder)
        return
    os.unlink(name, dir_fd=folder)
