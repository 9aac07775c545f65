"""The named build context `pydock`: the programs of `inside/` with uv, in an image that no build can write to.

Anything that a build can write to, such as a cache mount, can be forged by a package's setup.py, and by a repository's
dockerfile. So uv comes from an image of pydock's own, which is mounted read-only. It is built once per engine and
version of pydock: a step on the environment's base image downloads uv's wheels, pydock itself compares their SHA-256 with
`uv.txt` (the base image may be anybody's) and unpacks them, and the image is made of these files alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import stat
import tempfile
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from pydock import __version__, errors, messages
from pydock.engine import argv as docker
from pydock.engine import build_context as build_contexts
from pydock.engine.build_context import BuildContext, build_context
from pydock.engine.endpoint import image_exists
from pydock.environments.environment import DOCKERFILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydock.engine.client import Engine
    from pydock.settings import Settings

PROGRAMS = ("pip", "increment.sh", "resolve.sh", "installer.sh", "compile_bytecode.py")
FETCH = "fetch_uv.sh"
PINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uv.txt")
IMAGE_DOCKERFILE = "FROM scratch\nCOPY . /\n"
# No environment has this name, because names do not begin with "-". And nobody can publish it: a name without a slash is
# one of Docker's own official images.
REPOSITORY = "pydock--tools"
LABEL = "pydock.tools"  # for `docker images --filter label=pydock.tools`

WHEEL = re.compile(
    r"uv-[^-]+-py3-none-(?:manylinux_\d+_\d+_\w+\.many|musl)linux(?:\d+|_\d+_\d+)_([a-z]\w+)\.whl"
)
BINARY = re.compile(r"uv-[^/]+\.data/scripts/uv")


class Fetch(NamedTuple):
    """What the step that downloads uv is built from, and the folder it writes the wheels to."""

    programs: BuildContext
    pins: str
    output: str


@contextlib.contextmanager
def tools_context(
    engine: Engine,
    settings: Settings,
    fetch: Callable[[Fetch], None],
    *,
    uv: bool = True,
    pull: bool = False,
) -> Iterator[BuildContext]:
    """Yield the named context: the image with uv, or without uv a temporary folder with the same programs.

    The image is made if the engine does not have it; `fetch` builds the step that downloads uv. If that fails (the index
    has no uv for this machine, or does not answer), pip installs. `uv` says whether anything is to be installed at all.

    With `pull`, BuildKit asks the registry for the image too, which does not have it. So it is copied to a folder.
    """
    if uv and settings.installer == "uv":
        image = f"{REPOSITORY}:{tools_digest()}"
        if image_exists(settings, image) or _make(engine, image, fetch):
            if pull:
                with _copy(engine, image) as copied:
                    yield copied
            else:
                yield BuildContext(f"docker-image://{image}", "")
            return
    with build_context(PROGRAMS, {"installer": f"{settings.installer}\n"}) as made:
        yield made


@contextlib.contextmanager
def _copy(engine: Engine, image: str) -> Iterator[BuildContext]:
    """Yield a temporary folder with the files of the image."""
    copy = tempfile.TemporaryDirectory(prefix="pydock-")
    with copy as folder, build_context((), {DOCKERFILE: f"FROM {image}\n"}) as content:
        argv = docker.build_image(
            engine.client,
            content.folder,
            os.path.join(content.folder, DOCKERFILE),
            output=folder,
            options=engine.build_options,
        )
        engine.build(argv, {}, content.as_shell)
        yield BuildContext(folder, "")


def tools_digest() -> str:
    """Return sixteen hex digits that stand for everything that goes into the image."""
    found = hashlib.sha256(IMAGE_DOCKERFILE.encode())
    for path in (*(os.path.join(build_contexts.PROGRAMS, name) for name in PROGRAMS), PINS):
        content = errors.read_file(path)
        found.update(f"{os.path.basename(path)} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]


def _make(engine: Engine, image: str, fetch: Callable[[Fetch], None]) -> bool:
    """Make the image; return whether there is one now."""
    pins = errors.read_file(PINS).decode()
    texts = {DOCKERFILE: IMAGE_DOCKERFILE, "installer": "uv\n"}
    with tempfile.TemporaryDirectory(prefix="pydock-") as wheels, build_context(PROGRAMS, texts) as content:
        try:
            with build_context((FETCH, "installer.sh"), {"installer": "pip\n"}) as programs:
                fetch(Fetch(programs, pins, wheels))
            if not engine.dry and not unpack(wheels, content.folder, pins):
                return False
        except errors.Interrupted:
            raise
        except (errors.BuildFailed, errors.PackagesUnavailable) as error:
            reason = " ".join(error.message.splitlines()[-1:])
            messages.warn(f"uv could not be downloaded, so pip installs, which takes longer: {reason}")
            return False
        except errors.EngineError:
            return False  # the build that follows fails in the same way, and says why
        engine.build(
            docker.build_image(
                engine.client,
                content.folder,
                os.path.join(content.folder, DOCKERFILE),
                tags=[image],
                labels={LABEL: __version__},
                options=engine.build_options,
            ),
            {},
            f"{content.as_shell}\n{unpack_as_shell(wheels, content.folder, pins)}",
        )
    return True


def unpack(wheels: str, folder: str, pins: str) -> bool:
    """Unpack each wheel's uv to `folder`/uv-MACHINE[-musl]; return whether there was any.

    Raises `BuildFailed` if a file is not one of those in `pins`.
    """
    allowed = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", pins))
    found = False
    for name in sorted(os.listdir(wheels)):
        path = os.path.join(wheels, name)
        # An image can put anything here, a link to a file of ours too.
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise errors.BuildFailed(f"{name} is not a file.")
        digest = hashlib.sha256(errors.read_file(path)).hexdigest()
        if digest not in allowed:
            raise errors.BuildFailed(
                f"{name} is not the file that this pydock expects: its SHA-256 is {digest}."
            )
        wheel = WHEEL.fullmatch(name)
        if wheel:
            _extract(path, os.path.join(folder, f"uv-{wheel[1]}{'-musl' if 'musl' in name else ''}"))
            found = True
    return found


def _extract(wheel: str, target: str) -> None:
    with zipfile.ZipFile(wheel) as archive, open(target, "wb") as file:
        (member,) = (name for name in archive.namelist() if BINARY.fullmatch(name))
        file.write(archive.read(member))
    os.chmod(target, 0o755)  # noqa: S103 - a program


def unpack_as_shell(wheels: str, folder: str, pins: str) -> str:
    """Return shell commands that do what `unpack` does, for `--echo` and `--dry`."""
    hashes = "|".join(re.findall(r"--hash=sha256:([0-9a-f]{64})", pins))
    return "\n".join(
        [
            f"for wheel in {shlex.quote(wheels)}/*.whl; do",
            f"  sha256sum \"$wheel\" | grep -qE '^({hashes}) ' || continue",
            "  machine=$(echo \"$wheel\" | sed 's/.*[0-9]_\\([a-z].*\\)[.]whl/\\1/')",
            "  case $wheel in *musllinux*) machine=$machine-musl ;; esac",
            '  python3 -m zipfile -e "$wheel" "$wheel.d"',
            f'  install -m 755 "$wheel.d"/*.data/scripts/uv {shlex.quote(folder)}/uv-"$machine"',
            "done",
        ]
    )
