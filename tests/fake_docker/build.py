"""The fake `docker build`.

Of a dockerfile it reads the instructions ARG, FROM and USER, and the line `# pydock step: PROGRAM`. What to install is in
the files of the build context, as it is for the real programs.
"""

from __future__ import annotations

import os
import re
import sys

from .index import resolve
from .messages import build_output, fail, message
from .state import locked_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .state import State

WITH_VALUE = {
    "--file",
    "--tag",
    "--build-context",
    "--build-arg",
    "--label",
    "--secret",
    "--output",
    "--builder",
    "--network",
    "--add-host",
    "--progress",
}
SWITCHES = {"--no-cache", "--pull", "--provenance=false", "--sbom=false"}
TOOLS = "pydock--tools:"
# The images of the fake registry.
REGISTRY = re.compile(r"python:3\.\d+(\.\d+)?(-slim|-alpine)?|debian:12|mirror\.example/python:3\.12")


class Build:
    """One `docker build`, read from its arguments."""

    def __init__(self, argv: list[str]) -> None:
        self.options: dict[str, list[str]] = {}
        self.switches: set[str] = set()
        words = iter(argv[:-1])
        for word in words:
            if word in WITH_VALUE:
                self.options.setdefault(word, []).append(next(words))
            elif word in SWITCHES:
                self.switches.add(word)
            else:
                fail(f"unknown flag: {word}")
        self.context = argv[-1]
        with open(self.options["--file"][0], encoding="utf-8", errors="surrogateescape") as file:
            self.dockerfile = file.read()
        self.arguments = {
            name: value if given else os.environ.get(name, "")
            for name, given, value in (word.partition("=") for word in self.options.get("--build-arg", []))
        }

    def as_record(self) -> dict[str, Any]:
        named = dict(option.split("=", 1) for option in self.options.get("--build-context", []))
        return {
            "dockerfile": self.dockerfile,
            "context": _files(self.context),
            "named_contexts": {name: _named_context(value) for name, value in named.items()},
            "secrets": dict(_secret(option) for option in self.options.get("--secret", [])),
        }

    def run(self) -> int:
        self._print_output()
        if "FAKE_DOCKER_EDIT" in os.environ:
            with open(os.environ["FAKE_DOCKER_EDIT"], "a", encoding="utf-8") as file:
                file.write("# edited during the build\n")
        program = re.search(r"^# pydock step: (\S+)", self.dockerfile)
        with locked_state() as state:
            base = self._base()
            parent = state.find(base)
            if has_tools(base):
                self._copy_tools()
                return 0
            if not parent and not REGISTRY.fullmatch(base):
                fail(message("base-image-not-found").replace("python:9.9", base))
            if program and program[1] == "resolve.sh":
                self._resolve()
            elif program and program[1] == "fetch_uv.sh":
                pass  # as if Python were too old for uv
            else:
                installed = state.images[parent]["installed"] if parent else []
                self._make_image(state, base, self._install(installed) if program else self._install_all())
        return 0

    def _print_output(self) -> None:
        """Print what BuildKit would, or what FAKE_DOCKER_OUTPUT names; before buildx 0.13, there was no rawjson."""
        chosen = self.options.get("--progress", [os.environ.get("BUILDKIT_PROGRESS", "auto")])[-1]
        old = os.environ.get("FAKE_DOCKER_OLD", "")
        if chosen not in {"auto", "plain", "rawjson"} or (chosen == "rawjson" and old == "refuses"):
            fail(f"ERROR: invalid progress mode {chosen}")
        name = os.environ.get("FAKE_DOCKER_OUTPUT", "")
        if name:
            text = build_output(name)
            sys.stderr.write(text)
            if "ERROR: failed to solve" in text:
                sys.exit(1)
        elif chosen == "rawjson" and not old:
            step = '"name": "[internal] load build definition from dockerfile"'
            print(
                f'{{\n  "vertexes": [\n    {{"digest": "sha256:1", {step}, "started": "2024-02-29"}}\n  ]\n}}',
                file=sys.stderr,
            )
        else:
            print("#1 [internal] load build definition from dockerfile", file=sys.stderr)

    def _install_all(self) -> list[str]:
        """Return what an environment's dockerfile installs."""
        return resolve(self._lines("requirements.txt"), [])

    def _install(self, installed: list[str]) -> list[str]:
        """Return what increment.sh leaves installed."""
        changed = resolve(self._lines("wanted.txt"), installed)
        names = {_name(line) for line in changed}
        return sorted([line for line in installed if _name(line) not in names] + changed)

    def _resolve(self) -> None:
        """Write what resolve.sh chooses."""
        lines = resolve(
            self._lines("requested.txt"), self._lines("installed.txt"), self._lines("upgrade-names.txt")
        )
        folder = _fields(self.options["--output"][0])["dest"]
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "requirements.txt"), "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def _copy_tools(self) -> None:
        """Write the files of the tools image."""
        folder = _fields(self.options["--output"][0])["dest"]
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "uv"), "w", encoding="utf-8"):
            pass

    def _make_image(self, state: State, base: str, installed: list[str]) -> None:
        import hashlib
        import json

        labels = dict(word.split("=", 1) for word in self.options.get("--label", []))
        lists = [*self._lines("apt.txt"), *self._lines("apk.txt")]
        system = [word for line in lists for word in line.partition("#")[0].split()]
        parts: list[Any] = [base, self.dockerfile, installed, self.arguments, labels, system]
        if self.switches & {"--no-cache", "--pull"}:
            state.count += 1
            parts.append(state.count)
        identifier = f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
        parent = state.find(base)
        lower = state.images[parent]["layers"] if parent else [f"sha256:{base}"]
        users = re.findall(r"^USER (.+)$", self.dockerfile, re.MULTILINE)
        state.images[identifier] = {
            "tags": state.images.pop(identifier, {"tags": []})["tags"],
            "labels": labels,
            "installed": installed,
            "layers": [*lower, f"sha256:layer-{len(lower)}-{identifier[7:19]}"],
            "user": self._expanded(users[-1]) if users else "",
            "base": base,
            "system": system or (state.images[parent].get("system", []) if parent else []),
        }
        for tag in self.options.get("--tag", []):
            state.tag(identifier, tag)

    def _base(self) -> str:
        stages = re.findall(r"^FROM (\S+)", self.dockerfile, re.MULTILINE)
        return self._expanded([stage for stage in stages if stage != "scratch"][-1])

    def _expanded(self, text: str) -> str:
        """Replace `$NAME` and `${NAME}` by the values of the build arguments."""
        instructions = re.findall(r"^ARG (.+)$", self.dockerfile, re.MULTILINE)
        values = dict(word.split("=", 1) for line in instructions for word in line.split() if "=" in word)
        values.update({name: value for name, value in self.arguments.items() if name in values})
        return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], text)

    def _lines(self, name: str) -> list[str]:
        """Return the lines of a file in the build context; a missing one has none."""
        path = os.path.join(self.context, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line for line in file.read().splitlines() if line.strip()]


def _name(pin: str) -> str:
    return re.split("==| @ ", pin)[0]


def has_tools(reference: str) -> bool:
    """Return whether the reference is to a tools image, and these exist."""
    return reference.startswith(TOOLS) and os.environ.get("FAKE_DOCKER_TOOLS") != "missing"


def _named_context(value: str) -> dict[str, dict[str, str]]:
    """Return the files of a folder, or the name of an image."""
    scheme, separator, image = value.partition("://")
    if not separator:
        return _files(value)
    if scheme != "docker-image" or not has_tools(image):
        fail(f"ERROR: failed to solve: {image}: not found")
    return {"image": {"text": image}}


def _files(folder: str) -> dict[str, dict[str, str]]:
    """Return the files of a folder: their texts and modes."""
    names = sorted(os.listdir(folder))
    for parent, _, below in os.walk(os.path.join(folder, "wheels")):
        names += [os.path.relpath(os.path.join(parent, name), folder) for name in below]
    return {name: _file(os.path.join(folder, name)) for name in names}


def _file(path: str) -> dict[str, str]:
    if not os.path.isfile(path):
        return {}
    if os.path.isdir(path):
        return {}
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return {"text": file.read(), "mode": f"{os.stat(path).st_mode & 0o777:o}"}


def _secret(option: str) -> tuple[str, dict[str, str]]:
    fields = _fields(option)
    if "env" in fields:
        return fields["id"], {"text": os.environ[fields["env"]]}
    if not os.path.exists(fields["src"]):
        fail(f"ERROR: failed to stat {fields['src']}: stat {fields['src']}: no such file or directory")
    return fields["id"], _file(fields["src"])


def _fields(option: str) -> dict[str, str]:
    """Read one CSV record of `name=value` fields."""
    import csv

    return dict(field.split("=", 1) for field in next(csv.reader([option])))
