"""The named build context `pydock`: the programs of `inside/` with uv, in an image that no build can write to.

Whatever a build can write to, such as a cache mount, can be forged by a package's setup.py, and by a repository's
dockerfile. So uv comes from an image of pydock's own, which is mounted read-only. It is made once for each engine,
platform and version of pydock: a step on the environment's image downloads uv's wheel; pydock itself compares its SHA-256
with `uv.txt`, because that image may be anybody's, and unpacks it; the image is made of these files alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import re
import shlex
import stat
import zipfile
from typing import TYPE_CHECKING

from pydock import __version__, errors, messages
from pydock.engine import argv as docker
from pydock.engine import build_context as build_contexts
from pydock.engine.build_context import BuildContext, build_context
from pydock.engine.build_step import build_step
from pydock.environments.environment import DOCKERFILE
from pydock.environments.temporary import temporary_folder, write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

PROGRAMS = (
    "pip",
    "increment.sh",
    "link.sh",
    "resolve.sh",
    "installer.sh",
    "compile_bytecode.py",
    "forget_values.py",
    "mark_editable.py",
    "needed_tools.py",
    "rewrite_plugins.py",
)
FETCH = "fetch_uv.sh"
PINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uv.txt")
IMAGE_DOCKERFILE = "FROM scratch\nCOPY . /\n"
# No environment has this name, because names do not begin with "-". And nobody can publish it: a name without a slash is
# one of Docker's own official images.
REPOSITORY = "pydock--tools"
TAG = re.compile(re.escape(REPOSITORY) + ":[0-9a-f]{16}")
BINARY = re.compile(r"uv-[^/]+\.data/scripts/uv")
MAX_WHEEL = 200 << 20  # bytes


class Tools:
    """The tools image of one engine, for the platform that is built for."""

    def __init__(self, engine: Engine, settings: Settings, images: Images) -> None:
        self._engine = engine
        self._settings = settings
        self._images = images
        environ: Mapping[str, str] = os.environ if engine.passes_environment else {}
        self._platform = platform(settings.build_options, environ)
        self._was_found = False

    @functools.cached_property
    def image(self) -> str:
        return f"{REPOSITORY}:{tools_digest(self._platform)}"

    def note(self, found: Collection[str]) -> None:
        """Note whether the image is among these tags, so that it need not be asked for."""
        self._was_found = self.image in found

    @contextlib.contextmanager
    def context(
        self, environment: Environment, image: str = "", *, uv: bool = True, pull: bool = False
    ) -> Iterator[BuildContext]:
        """Yield the named context: the tools image, or without uv a temporary folder with the same programs.

        Makes the tools image if the engine does not have it. uv's wheel is downloaded by a step on `image`, or if it is
        "" on the environment's base image. If that fails (the index has no uv for this machine, or does not answer), pip
        installs. `uv` says whether anything is to be installed at all.

        With `pull`, BuildKit asks the registry for the image too, which does not have it. So it is copied to a folder.
        """
        if not (
            uv and self._settings.installer == "uv" and (self._exists() or self._make(environment, image))
        ):
            with build_context(PROGRAMS, {"installer": f"{self._settings.installer}\n"}) as made:
                yield made
            return
        try:
            if pull:
                with self._copy() as copied:
                    yield copied
            else:
                yield BuildContext(f"docker-image://{self.image}", "")
        except errors.EngineError as error:
            if self._engine.dry or self._exists():
                raise
            raise errors.ImageMissing(
                f"The image {self.image} was removed while it was in use. Try again."
            ) from error

    def _exists(self) -> bool:
        if self._was_found:
            self._was_found = False  # asked again, it may be gone
            return True
        return self._images.inspect(self.image) is not None

    def _make(self, environment: Environment, image: str) -> bool:
        """Make the image; return whether there is one now."""
        pins = errors.read_file(PINS).decode()
        texts = {DOCKERFILE: IMAGE_DOCKERFILE, "installer": "uv\n"}
        with temporary_folder() as wheels, build_context(PROGRAMS, texts) as content:
            try:
                self._fetch(environment, image or environment.dockerfile().base_image, pins, wheels)
                if not self._engine.dry and not unpack(wheels, content.folder, pins):
                    return False  # this Python is too old for uv
            except (errors.BuildFailed, errors.PackagesUnavailable) as error:
                reason = error.message.splitlines()[0]
                messages.warn(
                    f"uv could not be downloaded, so pip installs, which takes longer: {reason} "
                    "The setting `installer: pip` uses pip without trying."
                )
                return False
            except errors.Interrupted:
                raise
            except errors.EngineError:
                return False  # the build that follows fails in the same way, and says why
            self._build(
                content.folder,
                f"{content.as_shell}\n{unpack_as_shell(wheels, content.folder, pins)}",
                tags=[self.image],
                labels={docker.TOOLS_LABEL: __version__},
            )
        self._remove_older()
        return True

    def _fetch(self, environment: Environment, image: str, pins: str, wheels: str) -> None:
        """Write uv's wheel to a folder. The user's own templates have no part in it."""
        if not image:
            raise errors.BuildFailed("The base image is not known.")
        with build_context((FETCH, "installer.sh"), {"installer": "pip\n"}) as programs:
            build_step(
                self._images,
                environment,
                programs,
                FETCH,
                {os.path.basename(PINS): pins},
                output=wheels,
                image=image,
                uid=None,
                user="",
                resolved="/wheels",
                timestamp=0,
            )

    @contextlib.contextmanager
    def _copy(self) -> Iterator[BuildContext]:
        """Yield a temporary folder with the files of the image."""
        with temporary_folder() as folder, build_context((), {DOCKERFILE: f"FROM {self.image}\n"}) as content:
            self._build(content.folder, content.as_shell, output=folder)
            yield BuildContext(folder, "")

    def _build(
        self,
        context: str,
        as_shell: str,
        *,
        tags: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        output: str = "",
    ) -> None:
        chosen = ["--platform", self._platform] if self._platform else []
        argv = docker.build_image(
            self._engine.client,
            context,
            os.path.join(context, DOCKERFILE),
            tags=tags,
            labels=labels,
            output=output,
            options=[*self._engine.build_options, *chosen],
        )
        self._engine.build(argv, {}, as_shell)

    def unused(self, *, environments: bool) -> list[str]:
        """Return the tools images that this version of pydock does not need; those of newer versions stay.

        `environments` says whether the engine has any environment's image. If not, no tools image is needed.
        """
        found = self._all()
        if environments:
            found = {
                tag: version
                for tag, version in found.items()
                if tag != self.image and (version == __version__ or _is_older(version))
            }
        return sorted(found)

    def _remove_older(self) -> None:
        """Remove those of older versions only, so that two versions in use do not remove each other's for ever."""
        if not self._engine.dry:
            self._images.remove([tag for tag, version in self._all().items() if _is_older(version)])

    def _all(self) -> dict[str, str]:
        """Return all tools images, and the version of pydock that made each."""
        listed = [image.tag for image in self._images.listed(label=docker.TOOLS_LABEL)]
        found = self._images.inspect_all([tag for tag in listed if TAG.fullmatch(tag)])
        return {
            tag: image.labels.get(docker.TOOLS_LABEL, "")
            for image in found
            for tag in image.tags
            if TAG.fullmatch(tag)
        }


def platform(options: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the platform that builds are for (`linux/arm64`), "" for the engine's own."""
    found = environ.get("DOCKER_DEFAULT_PLATFORM", "")
    for option, following in zip(options, [*options[1:], ""]):
        if option == "--platform":
            found = following
        elif option.startswith("--platform="):
            found = option.partition("=")[2]
    return found


def tools_digest(platform: str = "") -> str:
    """Return sixteen hex digits that stand for everything that goes into the image."""
    found = hashlib.sha256(f"{IMAGE_DOCKERFILE}{platform}\n".encode())
    for path in (*(os.path.join(build_contexts.PROGRAMS, name) for name in PROGRAMS), PINS):
        content = errors.read_file(path)
        found.update(f"{os.path.basename(path)} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]


def _is_older(version: str) -> bool:
    from packaging.version import InvalidVersion, Version  # only needed to tidy up

    try:
        return Version(version) < Version(__version__)
    except InvalidVersion:
        return True


def unpack(wheels: str, folder: str, pins: str) -> bool:
    """Unpack the uv of the wheel in `wheels` to `folder`; return whether there was a wheel.

    Raises `BuildFailed` if a file is not one of those in `pins`.
    """
    names = os.listdir(wheels)
    if len(names) > 1:
        raise errors.BuildFailed("More than one file was downloaded.")
    for name in names:
        wheel = _read_pinned(os.path.join(wheels, name), pins)
        try:
            with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
                (member,) = (member for member in archive.namelist() if BINARY.fullmatch(member))
                program = archive.read(member)
        except (zipfile.BadZipFile, ValueError) as error:  # uv's sources, or its wheel for Windows
            raise errors.BuildFailed(f"{name!r} is not a wheel with uv for Linux.") from error
        write(os.path.join(folder, "uv"), program, 0o755)
    return bool(names)


def _read_pinned(path: str, pins: str) -> bytes:
    name = os.path.basename(path)
    if not stat.S_ISREG(os.lstat(path).st_mode):  # a link could name any file of this machine
        raise errors.BuildFailed(f"{name!r} is not a file.")
    content = errors.read_file(path, errors.BuildFailed, "", limit=MAX_WHEEL)
    found = hashlib.sha256(content).hexdigest()
    if found not in pinned_hashes(pins):
        raise errors.BuildFailed(
            f"{name!r} is not the file that this pydock expects: its SHA-256 is {found}."
        )
    return content


def pinned_hashes(pins: str) -> list[str]:
    """Return the SHA-256 digests of a requirements file."""
    return re.findall(r"--hash=sha256:([0-9a-f]{64})", pins)


def unpack_as_shell(wheels: str, folder: str, pins: str) -> str:
    """Return shell commands that do what `unpack` does, for `--echo` and `--dry`."""
    return "\n".join(
        [
            f"for wheel in {shlex.quote(wheels)}/*.whl; do",
            f"  sha256sum \"$wheel\" | grep -qE '^({'|'.join(pinned_hashes(pins))}) ' || exit",
            '  python3 -m zipfile -e "$wheel" "$wheel.d"',
            f'  install -m 755 "$wheel.d"/*.data/scripts/uv {shlex.quote(os.path.join(folder, "uv"))}',
            "done",
        ]
    )
