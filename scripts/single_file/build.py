"""Builds dist/pydock: the whole tool, dependencies included, in one executable file (`make dist`).

The file is a zip behind three lines of shell. What goes in is the wheel of this checkout and its dependencies, in the
versions that requirements/single-file.txt locks; the same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import io
import os
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from preloaded import NAMES

CHECKOUT = Path(__file__).resolve().parents[2]
LOCK = CHECKOUT / "requirements" / "single-file.txt"
OLDEST_PYTHON = "3.9"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name

# Compiled speedups fit one Python only (MarkupSafe does without); the rest is of no use at run time.
STRIPPED = ("*.so", "*.pyd", "*.c", "*.pyi", "*.pyc", "bin/*", "*/tests/*")
# invoke asks for its own version; the licences want to be passed on.
KEPT_OF_DIST_INFO = ("*/METADATA", "*/licenses/*", "*/LICENSE*", "*/COPYING*")

Contents = dict[str, bytes]


def main() -> None:
    """Build, and say what came out."""
    parser = argparse.ArgumentParser(description="Build the single file.")
    parser.add_argument("folder", nargs="?", default=CHECKOUT / "dist", type=Path, help="default: dist")
    folder: Path = parser.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="pydock-dist-") as work:
        stage = Path(work, "stage")
        install(build_wheel(Path(work, "wheel")), stage)
        contents = {**collect(stage), NAMES: modules_of_run(stage)}
    version = version_of(contents)
    contents = add_programs(contents, version)
    packed = beginning(version, contents["start.py"]) + pack(contents)
    digest = hashlib.sha256(packed).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "pydock", packed, 0o755)
    write(folder / "pydock.sha256", f"{digest}  pydock\n".encode(), 0o644)
    print(f"{folder / 'pydock'}: pydock {version}, {len(packed):,} bytes, SHA-256 {digest}")


def build_wheel(folder: Path) -> Path:
    """Return the wheel of this checkout, built into `folder`; nothing is left in the checkout."""
    quietly("build", "--no-isolation", "--wheel", "--outdir", str(folder), str(CHECKOUT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, stage: Path) -> None:
    """Install the wheel and the locked dependencies into `stage`, as the oldest Python would get them."""
    install_into = (
        "pip", "install", "--no-compile", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps",
        "--python-version", OLDEST_PYTHON, "--target", str(stage),
    )  # fmt: skip
    quietly(*install_into, "--require-hashes", "--requirement", str(LOCK))
    quietly(*install_into, str(wheel))


def collect(stage: Path) -> Contents:
    """Return what of the stage goes into the file, by its path."""
    paths = (path for path in stage.rglob("*") if path.is_file())
    named = ((path.relative_to(stage).as_posix(), path) for path in paths)
    return {name: path.read_bytes() for name, path in sorted(named) if belongs(name)}


def belongs(name: str) -> bool:
    if name.split("/", 1)[0].endswith(".dist-info"):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in KEPT_OF_DIST_INFO)
    return not any(fnmatch.fnmatchcase(name, pattern) for pattern in STRIPPED)


# Prints the modules of pydock that `run` imports, each after those that it needs.
MODULES_OF_RUN = """\
import sys
from importlib.machinery import SourceFileLoader

sys.path.insert(0, sys.argv[1])
execute = SourceFileLoader.exec_module

def exec_module(loader, module):
    execute(loader, module)
    if module.__name__.partition(".")[0] == "pydock":
        print(module.__name__)

SourceFileLoader.exec_module = exec_module
import pydock.__main__, pydock.cli.fast_run
"""


def modules_of_run(stage: Path) -> bytes:
    """Return the names of these modules, one per line, as `preloaded.py` reads them."""
    command = [sys.executable, "-I", "-S", "-B", "-c", MODULES_OF_RUN, str(stage)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def version_of(contents: Contents) -> str:
    """Return pydock's version, as its wheel says."""
    (metadata,) = (
        text for name, text in contents.items() if re.match(r"pydock_env-[^/]*\.dist-info/METADATA", name)
    )
    found = re.search(rb"^Version: (\S+)$", metadata, re.MULTILINE)
    if found is None:
        raise SystemExit("The wheel's METADATA names no version.")
    return found[1].decode()


def add_programs(contents: Contents, version: str) -> Contents:
    """Return the contents with the programs of this folder in front, which know the version and what they will find."""
    folder = Path(__file__).parent
    main, start, preloaded = (
        (folder / name).read_text(encoding="utf-8") for name in ("main.py", "start.py", "preloaded.py")
    )
    contents = {"preloaded.py": preloaded.encode(), **contents}
    digest = digest_of({**contents, "__main__.py": main.encode(), "start.py": start.encode()})
    return {
        "__main__.py": filled(main, "VERSION", version).encode(),
        "start.py": filled(start, "CONTENT", digest).encode(),
        **contents,
    }


def filled(source: str, name: str, value: str) -> str:
    """Return the source with `name = "unbuilt"` given its value."""
    before, unbuilt, after = source.partition(f'\n{name} = "unbuilt"')
    if not unbuilt:
        raise SystemExit(f"No program in scripts/single_file has a line for {name}.")
    return f'{before}\n{name} = "{value}"{after}'


def digest_of(contents: Contents) -> str:
    """Return 16 hex digits that stand for these names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{len(name)}:{name}{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


LEAVE_FACADES = """\
case $PATH in */.pydock/venvs/*)
    set -f; IFS=:; kept=
    for place in $PATH; do case $place in */.pydock/venvs/*) ;; *) kept=$kept:$place ;; esac; done
    PATH=${kept#:} ;;
esac
"""


# Runs the text between the marks in the file that is its first argument. `exports/facade.py` has these words too.
START = 'import sys; exec(open(sys.argv[1], "rb").read(16384).split(b"\\n# start\\n")[1])'


def beginning(version: str, start: bytes) -> bytes:
    """Return what stands before the zip. The second line is how the install scripts know the file as pydock's.

    The shell starts Python without `site`: that takes time, with some packages 50 ms and more, and everything is in here.
    `env -S`, which could do so too, is not everywhere. In an activated shell the first `python3` on PATH is that of an
    environment, which would start in a container.
    """
    return (
        (
            "#!/bin/sh\n"
            f"# pydock {version}, the whole tool in one file: a zip that Python runs. https://github.com/apiad/pydock\n"
            f"{LEAVE_FACADES}"
            f'exec python3 -S -c \'{START}\' "$0" "$@"\n'
            "# start\n"
        ).encode()
        + start
        + b"# start\n"
    )


def pack(contents: Contents) -> bytes:
    """Return the zip.

    Its offsets count from its own beginning, so that it stays valid behind a shebang of any length.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    return packed.getvalue()


def write(path: Path, content: bytes, mode: int) -> None:
    """Write the file as a whole or not at all, with this very mode."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.chmod(mode)
    os.replace(new, path)


def quietly(module: str, *arguments: str) -> None:
    """Run a module of this Python; show what it said if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{result.stdout}\n{module} failed with exit code {result.returncode}.")


if __name__ == "__main__":
    main()
