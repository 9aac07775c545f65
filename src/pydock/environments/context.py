"""Which files of a folder Docker would send to the engine for a build.

BuildKit transfers only the paths that the dockerfile copies or mounts, without those that .dockerignore excludes
(https://docs.docker.com/build/concepts/context/). Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNCERTAIN = set("$*?[\\\"'")  # a path with one of these depends on more than the text


def copied_paths(dockerfile: str) -> set[str] | None:
    """Return the paths that COPY, ADD and bind mounts take from the build context; None if it may be any path.

    https://docs.docker.com/reference/dockerfile/
    """
    paths: set[str] = set()
    for line in _instructions(dockerfile):
        word, _, rest = line.partition(" ")
        instruction = word.upper()
        if instruction == "#":  # a parser directive, such as another syntax
            return None
        if instruction == "ONBUILD" or "<<" in rest:
            return None
        flags, words = _flags(rest)
        if instruction in {"COPY", "ADD"}:
            found = _sources(instruction, flags, words)
        elif instruction == "RUN":
            found = _mounted(flags)
        else:
            continue
        for path in found:
            if not path or UNCERTAIN & set(path):
                return None
            clean = os.path.normpath(path).lstrip("/")
            if clean in {"", "."} or clean.startswith(".."):
                return None
            paths.add(clean)
    return paths


def sent_paths(folder: str, dockerfile: str) -> Iterator[str]:
    """Yield the relative path of every file, link and directory that Docker would send, each once, sorted by name.

    Raises `OSError` for a directory that cannot be read.
    """
    paths = copied_paths(dockerfile)
    excluded, has_exceptions = _ignore_rules(folder)
    if paths is None:
        yield from _walk(folder, "", excluded, has_exceptions=has_exceptions)
        return
    done: set[str] = set()
    todo = sorted(paths)
    while todo:
        path = todo.pop(0)
        if path in done or not os.path.lexists(os.path.join(folder, path)):
            continue
        done.add(path)
        yield path
        full = os.path.join(folder, path)
        if os.path.islink(full):  # COPY follows a link that it names
            target = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(full)))
            if not target.startswith(("..", "/")):
                todo.append(target)
        elif os.path.isdir(full):
            for below in _walk(folder, path, excluded, has_exceptions=has_exceptions):
                if below not in done:
                    done.add(below)
                    yield below


def _instructions(dockerfile: str) -> Iterator[str]:
    """Yield each instruction on one line; a parser directive as `# …`."""
    pending = ""
    started = False
    for raw in dockerfile.splitlines():
        line = raw.strip()
        if line.startswith("#"):
            name, equals, _ = line[1:].partition("=")
            if not started and equals and name.strip().lower() in {"syntax", "escape"}:
                yield "# directive"
            continue
        if not line:
            continue
        started = True
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        yield " ".join((pending + line).split())
        pending = ""
    if pending:
        yield " ".join(pending.split())


def _flags(rest: str) -> tuple[list[str], list[str]]:
    words = rest.split()
    count = 0
    while count < len(words) and words[count].startswith("--"):
        count += 1
    return words[:count], words[count:]


def _sources(instruction: str, flags: list[str], words: list[str]) -> list[str]:
    """Return the sources of a COPY or ADD; [""] if they are not plain words."""
    if any(flag.startswith("--from=") for flag in flags):
        return []
    if not words or words[0].startswith("["):
        return [""]
    remote = ("http://", "https://", "git@", "ssh://", "git://")
    return [word for word in words[:-1] if instruction == "COPY" or not word.startswith(remote)]


def _mounted(flags: list[str]) -> list[str]:
    """Return the sources of a RUN's bind mounts from the context; [""] for the whole context."""
    found = []
    for flag in flags:
        if not flag.startswith("--mount="):
            continue
        options = {
            name.lower(): value
            for name, _, value in (part.partition("=") for part in flag[len("--mount=") :].split(","))
        }
        if options.get("type", "bind") == "bind" and "from" not in options:
            found.append(options.get("source") or options.get("src") or "")
    return found


def _walk(folder: str, below: str, excluded: Callable[[str], bool], *, has_exceptions: bool) -> Iterator[str]:
    with os.scandir(os.path.join(folder, below)) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for entry in children:
        path = f"{below}/{entry.name}" if below else entry.name
        left_out = excluded(path)
        if not left_out:
            yield path
        if entry.is_dir(follow_symlinks=False) and (has_exceptions or not left_out):
            yield from _walk(folder, path, excluded, has_exceptions=has_exceptions)


def _ignore_rules(folder: str) -> tuple[Callable[[str], bool], bool]:
    """Return whether a path is excluded, as a function, and whether there are exceptions (`!`)."""
    for name in ("dockerfile.dockerignore", ".dockerignore"):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            from pydock.environments.dockerignore import excludes  # needs `re`, and is rarely there

            return excludes(path)
    return (lambda _: False), False
