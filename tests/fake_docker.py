"""A stand-in for the docker client: it keeps its images in a JSON file and writes down every call.

Started by a two-line script named `docker`, first on PATH, with an isolated interpreter; standard library only.
The folder FAKE_DOCKER holds `state.json` and `calls.jsonl`. What it is to fail at, and where it is to wait, is
told by variables:

    FAKE_DOCKER_FAIL   "COMMAND:FAILURE", words of FAILURES below; "*" stands for every command
    FAKE_DOCKER_PAUSE  "COMMAND" or "COMMAND:after": wait there, once, until somebody ends us or removes `pause`
    FAKE_DOCKER_EXIT   the exit code of `docker run`'s command
    FAKE_DOCKER_EDIT   a file to append a line to during a build, as a user would meanwhile
    FAKE_DOCKER_INFO   what `docker info --format` answers
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import signal
import sys
import time

TYPE_CHECKING = False  # importing typing would cost every call a third more
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

HOME = os.environ.get("FAKE_DOCKER", "")
CREATED = "2024-02-29 12:00:00 +0000 UTC"
FROZEN = "/usr/local/share/requirements.txt"
BASES = r"(?:python:3\.\d+(?:\.\d+)?(?:-slim|-alpine)?|debian:12|mirror\.example/python:3\.12)"

# What there is to install: versions, oldest first, and what each package needs.
INDEX: dict[str, tuple[list[str], list[str]]] = {
    "numpy": (["1.26.0", "2.0.0", "2.1.0"], []),
    "pandas": (["2.1.0", "2.2.0", "2.2.1"], ["numpy", "python-dateutil"]),
    "python-dateutil": (["2.8.0", "2.9.0"], ["six"]),
    "six": (["1.15.0", "1.16.0"], []),
    "scipy": (["1.10.0", "1.11.0", "1.12.0"], ["numpy"]),
    "requests": (["2.30.0", "2.31.0"], []),
    "oldnumpy": (["1.0.0"], ["numpy<2"]),
    "setuptools": (["70.0.0"], []),
}

DAEMON_DOWN = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)
FORBIDDEN = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
    'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.45/images/json": dial unix /var/run/docker.sock: connect: '
    "permission denied"
)
NO_BUILDX = (
    "ERROR: BuildKit is enabled but the buildx component is missing or broken.\n"
    "       Install the buildx component to build images with BuildKit:\n"
    "       https://docs.docker.com/go/buildx/"
)
DISK_FULL = (
    "ERROR: failed to solve: failed to prepare extraction snapshot: write "
    "/var/lib/docker/tmp/x: no space left on device"
)
UNREACHABLE = (
    "ERROR: failed to solve: {base}: failed to resolve source metadata for docker.io/library/{base}: failed to do "
    'request: Head "https://registry.example/v2/library/python/manifests/3.12": dial tcp: lookup registry.example '
    "on 192.0.2.1:53: no such host"
)
UNKNOWN_BASE = """\
#2 [internal] load metadata for docker.io/library/{base}
#2 ERROR: docker.io/library/{base}: not found
------
 > [internal] load metadata for docker.io/library/{base}:
------
dockerfile:6
--------------------
   4 |     ARG REPOSITORY=python
   6 | >>> FROM ${{REPOSITORY}}:${{VERSION}}
--------------------
ERROR: failed to solve: {base}: failed to resolve source metadata for docker.io/library/{base}: docker.io/library/{base}: not found"""
STEP = """\
#6 [2/2] RUN --mount=type=cache,id=pydock,target=/var/cache/pydock     set -eu
#6 ERROR: process "/bin/sh -c set -eu" did not complete successfully: exit code: 1
------
 > [2/2] RUN --mount=type=cache,id=pydock,target=/var/cache/pydock     set -eu:
{words}
------
dockerfile:25
--------------------
  25 | >>> RUN --mount=type=bind,source=requirements.txt,target=/run/requirements.txt
--------------------
ERROR: failed to solve: process "/bin/sh -c set -eu" did not complete successfully: exit code: 1"""
NOT_FOUND = (
    "0.512   x No solution found when resolving dependencies:\n"
    "0.512   `-> Because {name} was not found in the package registry and you require {name}, we can conclude\n"
    "0.512       that your requirements are unsatisfiable."
)
CONFLICT = (
    "0.612   x No solution found when resolving dependencies:\n"
    "0.612   `-> Because oldnumpy==1.0.0 depends on numpy<2 and you require oldnumpy, we can conclude that your\n"
    "0.612       requirements are unsatisfiable."
)
INDEX_DOWN = (
    "1.204 error: Failed to fetch: `https://index.example/simple/pandas/`\n"
    "1.204   Caused by: error sending request for url (https://index.example/simple/pandas/)\n"
    "1.204   Caused by: dns error: failed to lookup address information: Temporary failure in name resolution"
)
BAD_CERTIFICATE = (
    "1.204 error: Failed to fetch: `https://index.example/simple/pandas/`\n"
    "1.204   Caused by: invalid peer certificate: UnknownIssuer"
)
BROKEN_STEP = "0.104 /bin/sh: 1: frobnicate: not found"

FAILURES = {
    "daemon-down": DAEMON_DOWN,
    "forbidden": FORBIDDEN,
    "no-buildx": NO_BUILDX,
    "disk-full": DISK_FULL,
    "registry-unreachable": UNREACHABLE.format(base="python:3.12"),
    "index-down": STEP.format(words=INDEX_DOWN),
    "bad-certificate": STEP.format(words=BAD_CERTIFICATE),
    "conflict": STEP.format(words=CONFLICT),
    "broken-step": STEP.format(words=BROKEN_STEP),
    "mystery": "Error response from daemon: the flux capacitor is empty",
}


class State:
    """The engine's images and containers, as they are on the disk."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.images: dict[str, dict[str, Any]] = raw["images"]  # by id, oldest first
        self.containers: dict[str, list[str]] = raw["containers"]  # name -> image id, name of the image
        self.count: int = raw["count"]

    def find(self, reference: str) -> str:
        for image, facts in self.images.items():
            if reference in facts["tags"] or reference == image:
                return image
        return ""

    def tag(self, image: str, tag: str) -> None:
        for facts in self.images.values():
            if tag in facts["tags"]:
                facts["tags"].remove(tag)
        self.images[image]["tags"].append(tag)


def main() -> None:
    argv = sys.argv[1:]
    command = argv[0] if argv else "help"
    _record(argv)
    wish, _, failure = os.environ.get("FAKE_DOCKER_FAIL", "").partition(":")
    if wish in {command, "*"}:
        _fail(FAILURES[failure])
    pause, _, after = os.environ.get("FAKE_DOCKER_PAUSE", "").partition(":")
    if pause == command and not after:
        _pause(command)
    answer = COMMANDS[command](argv[1:])
    if pause == command and after:
        _pause(command)
    sys.exit(answer)


def build(argv: list[str]) -> int:
    options = _options(argv)
    context = argv[-1]
    with open(options["--file"][0], encoding="utf-8", errors="surrogateescape") as file:
        dockerfile = file.read()
    print("#1 [internal] load build definition from dockerfile", file=sys.stderr)
    if "FAKE_DOCKER_EDIT" in os.environ:
        with open(os.environ["FAKE_DOCKER_EDIT"], "a", encoding="utf-8") as file:
            file.write("# edited meanwhile\n")
    arguments = dict(word.split("=", 1) for word in options.get("--build-arg", []) if "=" in word)
    base = _base(dockerfile, arguments)
    with _state() as state:
        parent = state.find(base)
        if not parent and not re.fullmatch(BASES, base):
            _fail(UNKNOWN_BASE.format(base=base))
        installed = list(state.images[parent]["installed"]) if parent else []
        if "--output" in options:
            words = _words(dockerfile, "/tmp/requirements.in")
            kept = _words(dockerfile, "/resolved/requirements.txt")
            destination = options["--output"][0].split("dest=")[1].rstrip('"')
            upgraded = re.search(r"--no-annotate (.*?) +\\$", dockerfile, re.MULTILINE)
            resolved = _resolve(words, kept, shlex.split(upgraded.group(1)) if upgraded else [])
            with open(os.path.join(destination, "requirements.txt"), "w", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in resolved))
            return 0
        if " asked.txt" in dockerfile:
            changed = _resolve(_words(dockerfile, "asked.txt"), installed, [])
            names = {_name(line) for line in changed}
            installed = sorted([line for line in installed if _name(line) not in names] + changed)
        else:
            with (
                contextlib.suppress(FileNotFoundError),
                open(os.path.join(context, "requirements.txt")) as file,
            ):
                installed = _resolve(file.read().splitlines(), [], [])
        labels = dict(word.split("=", 1) for word in options.get("--label", []))
        parts: list[object] = [base, dockerfile, installed, arguments, labels]
        if "--no-cache" in argv or "--pull" in argv:
            state.count += 1
            parts.append(state.count)
        import hashlib

        image = f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
        bottom = state.images[parent]["layers"] if parent else [f"sha256:{base}"]
        before = state.images.pop(image, {"tags": []})
        user = re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)
        state.images[image] = {
            "tags": before["tags"],
            "labels": labels,
            "installed": installed,
            "layers": [*bottom, f"sha256:layer-{len(bottom)}-{image[7:19]}"],
            "user": user[-1].replace("${USER}", arguments.get("USER", "")) if user else "",
            "base": base,
        }
        for tag in options.get("--tag", []):
            state.tag(image, tag)
    return 0


def image(argv: list[str]) -> int:
    words = argv[1:]
    template = ""
    if words[0] == "--format":
        template, words = words[1], words[2:]
    with _state() as state:
        known = [(word, state.find(word)) for word in words]
        found = [_inspected(image, state.images[image]) for _, image in known if image]
    if template:
        for facts in found:
            print(facts["Id"])
    else:
        print(json.dumps(found, indent=4))
    missing = [word for word, image in known if not image]
    for word in missing:
        print(f"Error response from daemon: No such image: {word}", file=sys.stderr)
    return 1 if missing else 0


def images(argv: list[str]) -> int:
    reference = argv[argv.index("--filter") + 1].partition("=")[2]
    pattern = re.compile(re.escape(reference).replace(r"\*", "[^/]*"))
    with _state() as state:
        for identifier, facts in reversed(list(state.images.items())):
            for tag in facts["tags"]:
                repository, _, name = tag.rpartition(":")
                if pattern.fullmatch(tag) or pattern.fullmatch(repository):
                    row = {"Repository": repository, "Tag": name, "ID": identifier, "CreatedAt": CREATED}
                    print(json.dumps({**row, "Size": "123MB"}))
    return 0


def tag(argv: list[str]) -> int:
    with _state() as state:
        found = state.find(argv[0])
        if not found:
            _fail(f"Error response from daemon: No such image: {argv[0]}")
        state.tag(found, argv[1])
    return 0


def rmi(argv: list[str]) -> int:
    failed = False
    for word in argv:
        with _state() as state:
            found = state.find(word)
            if not found:
                print(f"Error response from daemon: No such image: {word}", file=sys.stderr)
                failed = True
                continue
            tags = state.images[found]["tags"]
            if len(tags) <= 1:
                if found in {image for image, _ in state.containers.values()}:
                    print(
                        f'Error response from daemon: conflict: unable to remove repository reference "{word}" (must '
                        f"force) - container 0123456789ab is using its referenced image {found[7:19]}",
                        file=sys.stderr,
                    )
                    failed = True
                    continue
                del state.images[found]
                print(f"Deleted: {found}")
            else:
                tags.remove(word)
                print(f"Untagged: {word}")
    return 1 if failed else 0


def create(argv: list[str]) -> int:
    name = argv[argv.index("--name") + 1]
    with _state() as state:
        if name in state.containers:
            _fail(
                f'Error response from daemon: Conflict. The container name "/{name}" is already in use by container '
                '"0123456789ab". You have to remove (or rename) that container to be able to reuse that name.'
            )
        found = state.find(argv[-2])
        if not found:
            _fail(f"Error response from daemon: No such image: {argv[-2]}")
        state.containers[name] = [found, argv[-2]]
    print("0123456789ab" * 5)
    return 0


def cp(argv: list[str]) -> int:
    name, _, path = argv[0].partition(":")
    with _state() as state:
        installed = state.images[state.containers[name][0]]["installed"]
    text = "".join(f"{line}\n" for line in [*installed, "pip==24.0"]) if path == FROZEN else ""
    import io
    import tarfile

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo(os.path.basename(path))
        info.size = len(text.encode())
        tar.addfile(info, io.BytesIO(text.encode()))
    sys.stdout.buffer.write(archive.getvalue())
    return 0


def rm(argv: list[str]) -> int:
    with _state() as state:
        if argv[-1] not in state.containers:
            _fail(f"Error response from daemon: No such container: {argv[-1]}")
        del state.containers[argv[-1]]
    return 0


def info(_: list[str]) -> int:
    print(os.environ.get("FAKE_DOCKER_INFO", '["name=seccomp,profile=builtin","name=cgroupns"]'))
    return 0


def ps(argv: list[str]) -> int:
    """List containers of an image, and of those that are built on it, as docker's filter `ancestor` does."""
    template = argv[argv.index("--format") + 1]
    asked = [word.partition("=")[2] for word in argv if word.startswith("ancestor=")]
    with _state() as state:
        for name, (image, reference) in state.containers.items():
            layers = state.images[image]["layers"]
            bottoms = [state.images[other]["layers"] for other in asked if other in state.images]
            if any(layers[: len(bottom)] == bottom for bottom in bottoms):
                print(template.replace("{{.Names}}", name).replace("{{.Image}}", reference))
    return 0


def run(argv: list[str]) -> int:
    """Give stdin back on stdout, and end as it is told; a container is there meanwhile."""
    name = argv[argv.index("--name") + 1]
    with _state() as state:
        place = next((index for index, word in enumerate(argv) if state.find(word)), None)
        if place is None:
            print(f"docker: Error response from daemon: No such image: {argv[-1]}.", file=sys.stderr)
            return 125
        state.containers[name] = [state.find(argv[place]), argv[place]]
    if os.environ.get("FAKE_DOCKER_PAUSE") == "in-run":
        _pause("run")
    if "--interactive" in argv[:place] and not os.isatty(0):
        sys.stdout.buffer.write(sys.stdin.buffer.read())
    sys.stdout.flush()
    with _state() as state:
        state.containers.pop(name, None)
    return int(os.environ.get("FAKE_DOCKER_EXIT", "0"))


COMMANDS = {
    "build": build,
    "image": image,
    "images": images,
    "tag": tag,
    "rmi": rmi,
    "create": create,
    "cp": cp,
    "rm": rm,
    "ps": ps,
    "info": info,
    "run": run,
}


def _options(argv: list[str]) -> dict[str, list[str]]:
    """Return the options of a build that take a value."""
    taking = {"--file", "--tag", "--build-arg", "--label", "--secret", "--output"}
    found: dict[str, list[str]] = {}
    for word, value in zip(argv, argv[1:]):
        if word in taking:
            found.setdefault(word, []).append(value)
    return found


def _base(dockerfile: str, arguments: dict[str, str]) -> str:
    values = dict(re.findall(r"^ARG (\w+)=(.*)$", dockerfile, re.MULTILINE))
    values.update(arguments)
    first = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)[0]
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found.group(1)], first)


def _words(dockerfile: str, path: str) -> list[str]:
    found = re.search(rf"printf '%s\\n' (.*) > {re.escape(path)};", dockerfile)
    return [word for word in shlex.split(found.group(1)) if word] if found else []


def _resolve(words: list[str], installed: list[str], upgrade: list[str]) -> list[str]:
    """Return pins for what is asked for, with all that it needs; what is installed stays where it may."""
    kept = {_name(line): line.partition("==")[2] for line in installed}
    bounds: dict[str, list[str]] = {}
    pins = {}
    todo = [word.partition(";")[0].partition("#")[0].strip() for word in words]
    todo = [word for word in todo if word and not word.startswith("-")]
    for word in todo:  # grows as packages bring along others
        if "://" in word:
            pins[word] = word if " @ " in word else f"fromurl @ {word}"
            continue
        name = _name(word)
        if name not in INDEX:
            _fail(STEP.format(words=NOT_FOUND.format(name=name)))
        specifier = re.sub(r"\[.*?\]", "", word)[len(name) :].strip()
        bounds.setdefault(name, []).extend(part.strip() for part in specifier.split(",") if part.strip())
        upgraded = "--upgrade" in upgrade or f"--upgrade-package={name}" in upgrade
        versions, needs = INDEX[name]
        fitting = [version for version in versions if all(_fits(version, bound) for bound in bounds[name])]
        if not fitting:
            _fail(STEP.format(words=CONFLICT))
        stays = kept.get(name) in fitting and not upgraded
        pins[name] = f"{name}=={kept[name] if stays else fitting[-1]}"
        todo.extend(needs)
    return sorted(pins.values())


def _fits(version: str, bound: str) -> bool:
    found = re.fullmatch(r"(==|>=|<=|<|>|~=|!=)\s*([\d.]+)", bound)
    if not found:
        return True
    sign, other = found.groups()
    mine, theirs = _numbers(version), _numbers(other)
    return {
        "==": mine == theirs,
        "!=": mine != theirs,
        ">=": mine >= theirs,
        "~=": mine >= theirs,
        "<=": mine <= theirs,
        ">": mine > theirs,
        "<": mine < theirs,
    }[sign]


def _numbers(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    return numbers + [0] * (4 - len(numbers))


def _name(word: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", word)
    return re.sub(r"[-_.]+", "-", found.group(0)).lower() if found else word


def _inspected(identifier: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": identifier,
        "RepoTags": facts["tags"],
        "Created": "2024-02-29T12:00:00.123456789Z",
        "Size": 123456789,
        "Config": {
            "User": facts["user"],
            "Labels": facts["labels"],
        },
        "RootFS": {"Type": "layers", "Layers": facts["layers"]},
    }


@contextlib.contextmanager
def _state() -> Iterator[State]:
    """Read the state, and write it once the block is done; one process at a time."""
    path = os.path.join(HOME, "state.json")
    with open(os.path.join(HOME, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        raw: dict[str, Any] = {"images": {}, "containers": {}, "count": 0}
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            raw = json.load(file)
        state = State(raw)
        yield state
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(vars(state), file, indent=1)
        os.replace(f"{path}.new", path)


def _record(argv: list[str]) -> None:
    beginnings = ("PYDOCK_SECRET_", "BUILDX_", "DOCKER_", "HTTP", "NO_PROXY")
    variables = {name: value for name, value in os.environ.items() if name.startswith(beginnings)}
    dockerfile = ""
    if argv[:1] == ["build"]:
        with open(argv[argv.index("--file") + 1], encoding="utf-8", errors="surrogateescape") as file:
            dockerfile = file.read()
    line = json.dumps({"argv": argv, "dockerfile": dockerfile, "variables": variables, "folder": os.getcwd()})
    with open(os.path.join(HOME, "calls.jsonl"), "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _pause(command: str) -> None:
    """Wait, once, until the file `pause` is removed; a real client ends on a signal."""
    path = os.path.join(HOME, "pause")
    if os.path.exists(f"{path}.done"):
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number) if command == "run" else _cancelled())
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    os.rename(path, f"{path}.now")
    while os.path.exists(f"{path}.now"):
        time.sleep(0.01)
    with open(f"{path}.done", "w"):
        pass


def _cancelled() -> NoReturn:
    _fail("ERROR: failed to solve: Canceled: context canceled")


def _fail(words: str) -> NoReturn:
    print(words, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
