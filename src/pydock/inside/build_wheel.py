"""Build the wheel of a project in the working directory, and print its file name and its content in base64.

    python3 -c "$(cat build_wheel.py)" (editable | wheel)

An editable wheel has no modules, only a link to them; it is built in the project's folder. Any other wheel is built from a copy,
because setuptools leaves files in the folder, and puts old ones of its folder `build` into the wheel. The project's build backend makes both: PEP 517
(https://peps.python.org/pep-0517/) and PEP 660 (https://peps.python.org/pep-0660/). It runs in a virtual environment with
what it requires, which pip installs. Everything else that is printed goes to stderr.

Runs in the environment's Python, which may be as old as 3.6.
"""

import base64
import contextlib
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# For a project without a table `build-system`: PEP 517, "Source trees".
REQUIRES = ["setuptools>=40.8.0"]
BACKEND = "setuptools.build_meta:__legacy__"
# Of Python 3.11 and newer, of pip, and of an old pip.
TOML_READERS = ("tomllib", "pip._vendor.tomli", "pip._vendor.toml")
# Folders of a project that no wheel has, and that may be large.
MADE = {".pydock", ".venv", "venv", ".tox", ".nox", "node_modules", "__pycache__"}
MAX_SIZE = 256 << 20  # bytes of a wheel
SEPARATE_PYTHON = (22, 3)  # the first pip with the option --python
# Calls a hook of the backend: python -c HOOK CALL RESULT
HOOK = """
import importlib, json, os, sys
call, place = json.loads(sys.argv[1]), sys.argv[2]  # backends change sys.argv
sys.path[:0] = [os.path.join(os.getcwd(), path) for path in call["path"]]
module, _, attributes = call["backend"].partition(":")
backend = importlib.import_module(module)
for attribute in filter(None, attributes.split(".")):
    backend = getattr(backend, attribute)
hook = getattr(backend, call["hook"], None)
result = hook(*call["arguments"]) if hook else None
with open(place, "w") as file:
    json.dump([hook is not None, result], file)
"""


def build_system() -> "dict[str, Any]":
    """Return the table `build-system` of pyproject.toml; empty without one."""
    if not os.path.exists("pyproject.toml"):
        return {}
    with open("pyproject.toml", "rb") as file:
        text = file.read().decode("utf-8")
    if not re.search(r"^\s*\[\s*build-system\s*\]", text, re.MULTILINE):
        return {}
    found = parse_toml(text)["build-system"]
    return dict(found) if "requires" in found else {}


def parse_toml(text: str) -> "dict[str, Any]":
    for name in TOML_READERS:
        with contextlib.suppress(ImportError):
            return dict(importlib.import_module(name).loads(text))
    sys.exit("This Python has no reader for pyproject.toml. Use Python 3.11 or newer, or a newer pip.")


def run(argv: "list[str]") -> None:
    """Run a program; exit with its code if it fails."""
    code = subprocess.call(argv, stdout=2)
    if code:
        sys.exit(code)


class Backend:
    """A project's build backend, in a virtual environment."""

    def __init__(self, folder: str) -> None:
        system = build_system()
        self._result = os.path.join(folder, "result")
        self._environment = os.path.join(folder, "environment")
        self._python = os.path.join(self._environment, "bin", "python")
        self._pip = [sys.executable, "-m", "pip", "--python", self._python]
        self._call = {
            "backend": system.get("build-backend") or BACKEND,
            "path": system.get("backend-path", []),
        }
        os.environ["PATH"] = os.path.dirname(self._python) + os.pathsep + os.environ["PATH"]
        separate = pip_version() >= SEPARATE_PYTHON
        run([sys.executable, "-m", "venv", *(["--without-pip"] if separate else []), self._environment])
        if not separate:
            self._pip = [self._python, "-m", "pip"]
        self.install(system.get("requires", REQUIRES))

    def install(self, requirements: "list[str]") -> None:
        if requirements:
            run(
                [
                    *self._pip,
                    "install",
                    "--quiet",
                    "--no-compile",
                    "--disable-pip-version-check",
                    *requirements,
                ]
            )

    def hook(self, name: str, *arguments: "Any") -> "Any":
        """Return what a hook of the backend returns; exit if it fails, or if the backend needs it and has none."""
        call = dict(self._call, hook=name, arguments=arguments)
        code = subprocess.call([self._python, "-c", HOOK, json.dumps(call), self._result], stdout=2)
        if code:
            name_missing_compiler()
            sys.exit(code)
        with open(self._result) as file:
            exists, result = json.load(file)
        if not exists and name == "build_editable":
            sys.exit(
                "The build backend {} cannot make editable installations (PEP 660). Use a newer version of it; setuptools "
                "can since version 64, which needs Python 3.7.".format(self._call["backend"])
            )
        return result


def name_missing_compiler() -> None:
    """Say that there is no compiler. A setup.py that tries again without its extension hides that, and setuptools fails then."""
    compiler = (sysconfig.get_config_var("CC") or "gcc").split()[0]
    if not shutil.which(compiler):
        print(f"missing compiler: {compiler}", file=sys.stderr)


def pip_version() -> "tuple[int, ...]":
    from pip import __version__

    return tuple(map(int, re.findall(r"\d+", __version__)[:2]))


def copy_project(copy: str) -> None:
    """Copy the project in the working directory, without what is made from it, and go there."""

    def made(folder: str, names: "list[str]") -> "list[str]":
        left = [name for name in names if name in MADE and folder == "."]
        # setuptools has `lib` there, and `bdist.linux-x86_64`; a project may have a package of this name
        if folder == "." and any(re.match(r"lib|bdist\.|temp\.", name) for name in listed("build")):
            left.append("build")
        special = [name for name in names if not is_ordinary(os.path.join(folder, name))]
        return left + special

    shutil.copytree(".", copy, symlinks=True, ignore=made)
    os.chdir(copy)


def listed(folder: str) -> "list[str]":
    return os.listdir(folder) if os.path.isdir(folder) else []


def is_ordinary(path: str) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def main(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "wheel":
            # The same files make the same wheel: https://reproducible-builds.org/docs/source-date-epoch/
            os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")
            copy_project(os.path.join(folder, os.path.basename(os.getcwd()) or "project"))
        backend = Backend(folder)
        backend.install(backend.hook("get_requires_for_build_" + kind, None) or [])
        name = backend.hook("build_" + kind, folder, None)
        path = os.path.join(folder, os.path.basename(name))
        if os.path.getsize(path) > MAX_SIZE:
            sys.exit(f"The wheel has {os.path.getsize(path) >> 20} MB, and {MAX_SIZE >> 20} MB is the limit.")
        with open(path, "rb") as file:
            content = base64.b64encode(file.read()).decode("ascii")
    sys.stdout.write(f"{os.path.basename(name)}\n{content}\n")


if __name__ == "__main__":
    main(sys.argv[1])
