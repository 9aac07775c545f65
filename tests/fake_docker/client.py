"""The fake docker client: it keeps images and containers in a JSON file, and records every call.

A script named `docker` that is first on PATH calls `main` in an isolated interpreter; standard library only, with few
imports, because most tests start it several times. The folder FAKE_DOCKER has `state.json` and `calls.jsonl`.

    FAKE_DOCKER_FAIL   "COMMAND:MESSAGE": fail with tests/recorded/MESSAGE.txt; COMMAND "*" is every command
    FAKE_DOCKER_PAUSE  "COMMAND", "COMMAND:after" or "run:started": wait there, once, until a signal or `resume`
    FAKE_DOCKER_EXIT   the exit code of the command in `docker run`
    FAKE_DOCKER_OUTPUT a file of tests/recorded/builds: what every build prints; with an error in it, builds fail
    FAKE_DOCKER_OLD    "ignores" or "refuses": what a client before buildx 0.13 does with `--progress rawjson`
    FAKE_DOCKER_TOOLS  "missing": there is no tools image, and its uv is not available; without it, every tools image exists
    FAKE_DOCKER_NETWORKS  the names of the networks that exist
    FAKE_DOCKER_INFO   JSON, whose values replace those that `docker info` prints
    FAKE_DOCKER_INDEX  what the package index answers to the container of `pydock doctor`: a status, or an error
    FAKE_DOCKER_SIZES  what the container of `pydock info` prints
    FAKE_DOCKER_PROBE  JSON, whose values replace those that this container prints
    FAKE_DOCKER_EDIT   a file to append a line to during a build, as a user could
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time

from .build import Build, has_tools
from .messages import fail, message
from .state import HOME, locked_state

TYPE_CHECKING = False  # importing typing would make every call slower
if TYPE_CHECKING:
    from typing import Any

CREATED = "2024-02-29 12:00:00 +0000 UTC"
TOOLS_ID = "sha256:" + "70015" * 12 + "0000"
TOOLS: dict[str, Any] = {"labels": {"pydock.tools": "0"}, "user": "", "layers": ["sha256:tools"]}
INSTALLED_LIST = "/usr/local/share/requirements.txt"
# What there is only in images of Alpine, and only in those of Debian.
PACKAGE_MANAGERS = {"/etc/apk/repositories": True, "/etc/apt/apt.conf.d": False}


def main() -> None:
    argv = sys.argv[1:]
    command = argv[0]
    made = Build(argv[1:]) if command == "build" else None
    _record(argv, made)
    failing, _, name = os.environ.get("FAKE_DOCKER_FAIL", "").partition(":")
    if failing in {command, "*"}:
        fail(message(name))
    _pause_at(command)
    code = made.run() if made else COMMANDS[command](argv[1:])
    _pause_at(f"{command}:after")
    sys.exit(code)


def image(argv: list[str]) -> int:
    """Inspect images; with --format, print only their ids."""
    only_ids = argv[1] == "--format"
    references = argv[3:] if only_ids else argv[1:]
    with locked_state() as state:
        found = {reference: state.find(reference) for reference in references}
        inspected = [_inspected(image, state.images[image]) for image in found.values() if image]
    for reference in filter(has_tools, references):
        found[reference] = TOOLS_ID
        inspected.append(_inspected(TOOLS_ID, {**TOOLS, "tags": [reference]}))
    print("\n".join(row["Id"] for row in inspected) if only_ids else json.dumps(inspected))
    return _failures([_no_such_image(reference) for reference, image in found.items() if not image])


def images(argv: list[str]) -> int:
    """List the images that match any of the references, or that have the label."""
    filters = [argv[index + 1].partition("=") for index, word in enumerate(argv) if word == "--filter"]
    patterns = [
        re.compile(re.escape(value).replace(r"\*", "[^/]*"))
        for name, _, value in filters
        if name == "reference"
    ]
    labels = [value for name, _, value in filters if name == "label"]
    with locked_state() as state:
        for identifier, facts in reversed(list(state.images.items())):
            if not all(label in facts["labels"] for label in labels):
                continue
            for tag in facts["tags"]:
                repository, _, name = tag.rpartition(":")
                if not patterns or any(
                    pattern.fullmatch(tag) or pattern.fullmatch(repository) for pattern in patterns
                ):
                    row = {"Repository": repository, "Tag": name, "ID": identifier}
                    print(json.dumps({**row, "CreatedAt": CREATED, "Size": "123MB"}))
    return 0


def history(argv: list[str]) -> int:
    """List the layers of an image: of 1 MB each, and one that is empty."""
    with locked_state() as state:
        found = state.find(argv[-1]) or fail(_no_such_image(argv[-1]))
        for size in ("0B", *("1MB" for _ in state.images[found]["layers"])):
            print(json.dumps({"ID": "<missing>", "Size": size}))
    return 0


def tag(argv: list[str]) -> int:
    with locked_state() as state:
        found = state.find(argv[0]) or fail(_no_such_image(argv[0]))
        state.tag(found, argv[1])
    return 0


def rmi(argv: list[str]) -> int:
    errors = []
    for reference in argv:
        with locked_state() as state:
            found = state.find(reference)
            tags = state.images[found]["tags"] if found else []
            if not found:
                errors.append(_no_such_image(reference))
            elif len(tags) > 1:
                tags.remove(reference)
                print(f"Untagged: {reference}")
            elif found in {image for image, _ in state.containers.values()}:
                errors.append(message("image-in-use").replace("pydock-ds:latest", reference))
            else:
                del state.images[found]
                print(f"Deleted: {found}")
    return _failures(errors)


def create(argv: list[str]) -> int:
    name, reference = argv[argv.index("--name") + 1], argv[-2]
    with locked_state() as state:
        if name in state.containers:
            fail(message("container-name-in-use").replace("ds-read", name))
        found = state.find(reference) or fail(_no_such_image(reference))
        state.containers[name] = [found, reference]
    print("0123456789ab" * 5)
    return 0


def cp(argv: list[str]) -> int:
    """Write a file of a container to stdout, as a tar archive.

    There are the list of installed packages, and for the question which package manager an image has, one empty file.
    """
    import io
    import tarfile

    name, _, path = argv[0].partition(":")
    with locked_state() as state:
        image = state.images[state.containers[name][0]]
    installed, is_alpine = image["installed"], "alpine" in image["layers"][0]
    if path != INSTALLED_LIST and PACKAGE_MANAGERS.get(path) is not is_alpine:
        fail(f"Error response from daemon: Could not find the file {path} in container {name}")
    content = "".join(f"{line}\n" for line in [*installed, "pip==24.0"]).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(os.path.basename(path))
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    sys.stdout.buffer.write(archive.getvalue())
    return 0


def rm(argv: list[str]) -> int:
    with locked_state() as state:
        if "--force" not in argv and len(state.containers.get(argv[-1], [])) > 2:
            fail(message("container-running").replace("ds-read", argv[-1]))
        if not state.containers.pop(argv[-1], None):
            fail(message("container-not-found").replace("ds-read", argv[-1]))
    return 0


def kill(argv: list[str]) -> int:
    """Send a signal to the program of a container, which is the client that runs it."""
    name = argv[-1]
    with locked_state() as state:
        process = state.containers.get(name, [])[2:]
    if not process:
        fail(message("container-not-found").replace("ds-read", name))
    os.kill(int(process[0]), getattr(signal, argv[argv.index("--signal") + 1]))
    return 0


def container(argv: list[str]) -> int:
    """Inspect a container."""
    with locked_state() as state:
        return (
            0
            if argv[-1] in state.containers
            else fail(message("container-not-found").replace("ds-read", argv[-1]))
        )


def volume(argv: list[str]) -> int:
    """Inspect or remove a volume: a file in the folder `volumes`."""
    path = os.path.join(HOME, "volumes", argv[-1])
    if not os.path.exists(path):
        print(f"Error response from daemon: get {argv[-1]}: no such volume", file=sys.stderr)
        return 1
    if argv[0] == "rm":
        os.unlink(path)
    print(argv[-1])
    return 0


def info(argv: list[str]) -> int:
    """Print the security options, or all that FAKE_DOCKER_INFO does not replace."""
    options = ["name=seccomp,profile=builtin", "name=cgroupns"]
    if "SecurityOptions" in argv[-1]:
        print(json.dumps(options))
        return 0
    plugins = [{"Name": "buildx", "Version": "v0.14.0"}, {"Name": "compose", "Version": "v2.27.0"}]
    known = {
        "ClientInfo": {"Version": "27.0.0", "Plugins": plugins},
        "ServerVersion": "27.0.1",
        "Driver": "overlay2",
        "OperatingSystem": "Linux",
        "SecurityOptions": options,
        "DockerRootDir": "/nowhere",
    }
    print(json.dumps({**known, **json.loads(os.environ.get("FAKE_DOCKER_INFO", "{}"))}))
    return 0


def ps(argv: list[str]) -> int:
    """List the containers of images, and of images that are built on them, like docker's filter `ancestor`.

    With `--quiet`, list the containers with a label. With the filter `status=created`, list the containers that never ran.
    """
    if "--quiet" in argv:
        label = argv[-1].removeprefix("label=")
        with locked_state() as state:
            print(*(name for name, facts in state.containers.items() if label in facts), sep="\n")
        return 0
    template = argv[argv.index("--format") + 1]
    labels = [word.partition("=")[2] for word in argv if word.startswith("label=com.docker.compose.")]
    if labels:
        for row in _companions():
            if any(labels[0] in (word, word.partition("=")[0]) for word in row["Labels"].split(",")):
                print(json.dumps(row))
        return 0
    names = [word.partition("=")[2] for word in argv if word.startswith("name=")]
    if names:
        return _print_named(names[0], template)
    if "status=created" in argv:
        with locked_state() as state:
            for name in state.containers:
                print(template.replace("{{.Names}}", name).replace("{{.CreatedAt}}", CREATED))
        return 0
    return _print_built_on(
        [word.partition("=")[2] for word in argv if word.startswith("ancestor=")], template
    )


def _print_built_on(ancestors: list[str], template: str) -> int:
    with locked_state() as state:
        lower = [state.images[image]["layers"] for image in ancestors if image in state.images]
        for name, (image, reference, *_) in state.containers.items():
            layers = state.images[image]["layers"]
            if any(layers[: len(below)] == below for below in lower):
                print(template.replace("{{.Names}}", name).replace("{{.Image}}", reference))
    return 0


def _measure(argv: list[str]) -> int:
    """Print what inside/package_sizes.py does: a package of n letters has n MB. FAKE_DOCKER_SIZES replaces it."""
    with locked_state() as state:
        found = next(state.find(word) for word in argv if state.find(word))
        names = [line.partition("==")[0] for line in state.images[found]["installed"]]
    sizes = {name: len(name) * 1_000_000 for name in names}
    print(os.environ.get("FAKE_DOCKER_SIZES", json.dumps({"python": "3.12.7", "sizes": sizes})))
    return int(os.environ.get("FAKE_DOCKER_EXIT", "0"))


def _probe(argv: list[str]) -> int:
    """Do what inside/probe.py does in a container; the index answers with FAKE_DOCKER_INDEX (a status, or an error)."""
    request = json.loads(sys.stdin.buffer.read().decode())
    with open(os.path.join(HOME, "probe.json"), "w", encoding="utf-8") as file:
        json.dump(request, file)
    mounts = [argv[index + 1] for index, word in enumerate(argv) if word == "--mount"]
    if mounts and request["file"]:
        source = mounts[0].partition("source=")[2].partition(",target=")[0].strip('"')
        with open(os.path.join(source, os.path.basename(request["file"])), "w", encoding="utf-8") as file:
            file.write(request["text"])
    says = os.environ.get("FAKE_DOCKER_INDEX", "200")
    status, error = (int(says), "") if says.isdigit() else (0, says)
    index = {"address": "https://index.example", "status": status, "error": error, "kind": ""}
    known = {
        "uid": os.getuid(),
        "unwritten": "",
        "free": 50_000_000_000,
        "size": 100_000_000_000,
        "indexes": [index],
    }
    print(json.dumps({**known, **json.loads(os.environ.get("FAKE_DOCKER_PROBE", "{}"))}))
    return int(os.environ.get("FAKE_DOCKER_EXIT", "0"))


def _print_named(pattern: str, template: str) -> int:
    """Print the containers whose name fits; an image is shown by its id if the container's tag is not its tag any more."""
    with locked_state() as state:
        for name, (image, reference, *_) in state.containers.items():
            tags = state.images[image]["tags"] if image in state.images else []
            shown = reference if reference in tags else image.removeprefix("sha256:")[:12]
            if re.search(pattern, name):
                print(template.replace("{{.Names}}", name).replace("{{.Image}}", shown))
    return 0


def run(argv: list[str]) -> int:
    """Copy stdin to stdout, and exit with FAKE_DOCKER_EXIT; the container exists meanwhile."""
    if "-S" in argv:
        return _probe(argv) if "--interactive" in argv else _measure(argv)
    name = argv[argv.index("--name") + 1]
    labels = [argv[index + 1] for index, word in enumerate(argv) if word == "--label"]
    with locked_state() as state:
        place = next((index for index, word in enumerate(argv) if state.find(word)), None)
        if place is None:
            print(f"docker: {_no_such_image(argv[-1])}.", file=sys.stderr)
            return 125
        state.containers[name] = [state.find(argv[place]), argv[place], str(os.getpid()), *labels]
    _pause_at("run:started")
    if "--interactive" in argv[:place] and not os.isatty(0):
        sys.stdout.buffer.write(sys.stdin.buffer.read())
    if argv[-3] == "-c" and argv[-1] in {"editable", "wheel"}:
        _print_wheel(argv[argv.index("--workdir") + 1], argv[-1])
    if "import csv" in argv[-1] or (len(argv) > 1 and "import csv" in argv[-2]):  # inside/describe_python.py
        _describe_python(argv)
    sys.stdout.flush()
    with locked_state() as state:
        state.containers.pop(name, None)
    return int(os.environ.get("FAKE_DOCKER_EXIT", "0"))


def _describe_python(argv: list[str]) -> None:
    """Print what inside/describe_python.py does, or FAKE_DOCKER_PYTHON; the image has `ruff`, and one module to copy."""
    found = {
        "version": "3.12.4",
        "executable": "/usr/local/bin/python3.12",
        "programs": ["python", "python3"],
        "scripts": {
            "ruff": ["/usr/local/bin/ruff", "ruff"],
            "helper": ["/usr/local/bin/helper", "dependency"],
        },
        "packages": [],
    }
    print(os.environ.get("FAKE_DOCKER_PYTHON", json.dumps(found)))
    if "--mount" in argv:
        folder = argv[argv.index("--mount") + 1].split("source=")[1].split(",")[0]
        with open(os.path.join(folder, "module.py"), "w", encoding="utf-8") as file:
            file.write("x = 1\n")


EMPTY_ZIP = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="


def _print_wheel(project: str, kind: str) -> None:
    """Print what inside/build_wheel.py does, or FAKE_DOCKER_WHEEL; the package is named like the folder.

    Only a wheel that is not editable has the project's modules.
    """
    content = EMPTY_ZIP if kind == "editable" else _zipped(project)
    name = f"{os.path.basename(project)}-1.0-py3-none-any.whl"
    print(os.environ.get("FAKE_DOCKER_WHEEL", f"{name}\n{content}"))
    print(os.environ.get("FAKE_DOCKER_SAYS", "the build backend talks"), file=sys.stderr)


def _zipped(project: str) -> str:
    import base64
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(os.listdir(project)):
            if name.endswith(".py"):
                with open(os.path.join(project, name), encoding="utf-8") as file:
                    archive.writestr(zipfile.ZipInfo(name), file.read())
    return base64.b64encode(made.getvalue()).decode()


def network(argv: list[str]) -> int:
    """Create or inspect a network; those of FAKE_DOCKER_NETWORKS exist."""
    with open(os.path.join(HOME, "networks"), "a+", encoding="utf-8") as file:
        if argv[0] == "create":
            file.write(f"{argv[-1]} ")
        file.seek(0)
        exist = f"{file.read()} {os.environ.get('FAKE_DOCKER_NETWORKS', '')}".split()
    if argv[-1] in exist:
        print("0123456789ab")
        return 0
    return _failures([f"Error response from daemon: network {argv[-1]} not found"])


def compose(argv: list[str]) -> int:
    """Do what Compose does to containers: `up` services, `down` all of the project, `logs`."""
    if argv[0] == "version":
        print("2.27.0")
        return 0
    project = argv[argv.index("--project-name") + 1]
    rows = _companions()
    if "up" in argv:
        with open(argv[argv.index("--file") + 1], encoding="utf-8") as file:
            content = file.read()
        with open(os.path.join(HOME, "compose-up.json"), "w", encoding="utf-8") as file:
            file.write(content)
        folder = argv[argv.index("--project-directory") + 1]
        for service in argv[argv.index("--wait") + 1 :]:
            labels = {"project": project, "project.working_dir": folder, "service": service}
            text = ",".join(f"com.docker.compose.{name}={value}" for name, value in labels.items())
            facts = {
                "ID": f"{service}0123",
                "State": "running",
                "Status": "Up 1 second (healthy)",
                "Ports": "",
            }
            rows.append({**facts, "Labels": text})
    elif "down" in argv:
        rows = [row for row in rows if f"com.docker.compose.project={project}," not in row["Labels"]]
    else:
        print(f"log of {project}: {argv[-1]}")
        return int(os.environ.get("FAKE_DOCKER_EXIT", "0"))
    _write_companions(rows)
    return 0


def _companions() -> list[dict[str, Any]]:
    try:
        with open(os.path.join(HOME, "companions.json"), encoding="utf-8") as file:
            found: list[dict[str, Any]] = json.load(file)
            return found
    except FileNotFoundError:
        return []


def _write_companions(rows: list[dict[str, Any]]) -> None:
    with open(os.path.join(HOME, "companions.json"), "w", encoding="utf-8") as file:
        json.dump(rows, file)


COMMANDS = {
    "compose": compose,
    "network": network,
    "image": image,
    "images": images,
    "history": history,
    "tag": tag,
    "rmi": rmi,
    "create": create,
    "cp": cp,
    "rm": rm,
    "ps": ps,
    "container": container,
    "volume": volume,
    "info": info,
    "kill": kill,
    "run": run,
}


def _inspected(identifier: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": identifier,
        "RepoTags": facts["tags"],
        "Created": "2024-02-29T12:00:00.123456789Z",
        "Size": 123456789,
        "Config": {"User": facts["user"], "Labels": facts["labels"]},
        "RootFS": {"Type": "layers", "Layers": facts["layers"]},
    }


def _failures(errors: list[str]) -> int:
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _no_such_image(reference: str) -> str:
    return message("image-not-found").replace("pydock-ds:latest", reference)


def _record(argv: list[str], made: Build | None) -> None:
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PYDOCK_SECRET_", "BUILDX_", "DOCKER_", "HTTP", "NO_PROXY", "PASSED_"))
    }
    call = {"argv": argv, "variables": variables, **(made.as_record() if made else {})}
    # One write, because some calls run side by side.
    file = os.open(os.path.join(HOME, "calls.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{json.dumps(call)}\n".encode())
    os.close(file)


def _pause_at(point: str) -> None:
    """If this is the point to pause at, wait until the test removes the file `pause.now`; only once per test."""
    path = os.path.join(HOME, "pause")
    if os.environ.get("FAKE_DOCKER_PAUSE") != point or os.path.exists(f"{path}.done"):
        return

    def end(number: int, _: object) -> None:
        if point.startswith("run"):
            os._exit(128 + number)
        fail(message("build-canceled"))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    os.rename(path, f"{path}.now")
    while os.path.exists(f"{path}.now"):
        time.sleep(0.01)
    with open(f"{path}.done", "w", encoding="utf-8"):
        pass
