"""After a program has failed: the project's symbolic links that lead to where its container had nothing.

Imported only after failures.
"""

from __future__ import annotations

import os
import shlex
import sys

from pydock.environments.linked import hides_nothing
from pydock.trust import is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydock.environments.workspace import Workspace

MAX_ENTRIES = 2000  # of a folder
MAX_NOTES = 3
SIGNALLED = 128  # exit codes from here on are signals


def print_links(code: int, workspace: Workspace, argv: Sequence[str]) -> None:
    """Print a line for each link that leads out of the mounts of `argv`, if that may be why a program failed."""
    if not 0 < code < SIGNALLED:
        return
    for note in outside_links(workspace, argv)[:MAX_NOTES]:
        print(note, file=sys.stderr)


def outside_links(workspace: Workspace, argv: Sequence[str]) -> list[str]:
    """Return a sentence for each link in the working directory, in the project, and in the words of `argv`."""
    places = list(_places(argv))
    notes = {}
    for link in _links(workspace, argv):
        target = os.path.realpath(link)
        if not os.path.exists(target) or not hides_nothing(target) or is_inside(target, workspace.root):
            continue
        if not any(is_inside(target, place) for place in places) and f"{link}{target}".isprintable():
            mount = shlex.quote(f"{target}:{target}")
            name = os.path.relpath(link, workspace.folder)
            notes[name] = (
                f"pydock: '{name}' is a link to {target}, which is not in the container. `-v {mount}` before NAME mounts "
                "it, setting 'mounts' does for every run."
            )
    return list(notes.values())


def _links(workspace: Workspace, argv: Sequence[str]) -> Iterator[str]:
    """Yield the absolute paths of the links."""
    for word in argv:
        path = os.path.join(workspace.folder, word)
        if "/" in word and is_inside(os.path.normpath(path), workspace.root):
            names = os.path.relpath(path, workspace.root).split("/")
            yield from _only_links(os.path.join(workspace.root, *names[: n + 1]) for n in range(len(names)))
    for folder in dict.fromkeys((workspace.folder, workspace.root)):
        try:
            names = sorted(os.listdir(folder))[:MAX_ENTRIES]
        except OSError:
            continue
        yield from _only_links(os.path.join(folder, name) for name in names)


def _only_links(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        try:
            is_link = os.path.islink(path)
        except ValueError:  # a NUL in a word
            continue
        if is_link:
            yield path


def _places(argv: Sequence[str]) -> Iterator[str]:
    """Yield the places in the container where something is mounted."""
    for option, value in zip(argv, argv[1:]):
        if option == "--mount":
            field = next((part for part in value.split(",") if "target=" in part), "")
            yield field.strip('"').removeprefix("target=")
        elif option in {"-v", "--volume"}:
            yield value.split(":")[1] if ":" in value else value
