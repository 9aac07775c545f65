"""A step of our own on an environment's image: a rendered dockerfile, and its build context for the while."""

from __future__ import annotations

import os
import shlex
import tempfile
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.environment import DOCKERFILE
from pydock.network import describe_network
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.images import Images
    from pydock.settings import Settings

# Files that such a step needs inside; an environment's own dockerfile needs none.
FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "build_context")
COMPILER = "compile_bytecode.py"
CERTIFICATES = "ca.pem"


def build_step(
    images: Images,
    settings: Settings,
    template: str,
    *,
    tags: Sequence[str] = (),
    output: str = "",
    **values: Any,
) -> None:
    """Build the template, filled with the values; tag the image, or write what it holds to the folder `output`.

    Where a step mounts a secret, BuildKit 0.13 to 0.15 (Docker 26 to 27.1) reads the whole root file system:
    https://github.com/moby/buildkit/pull/5251. That is half a second for a bare Python, and grows with the image. So
    only those secrets are mounted that are there, and CA certificates, which are none, come with the context.
    """
    network = describe_network(settings)
    open_files = {CERTIFICATES: _read(network.ca_bundle)} if network.ca_bundle else {}
    secrets = {name: secret for name, secret in network.secrets.items() if name not in open_files}
    dockerfile = render(
        template,
        settings.templates,
        secrets=list(secrets),
        open_files=list(open_files),
        installer=settings.installer,
        **values,
    )
    contents = {COMPILER: _read(os.path.join(FILES, COMPILER)), **open_files, DOCKERFILE: dockerfile}
    # A file: through stdin, docker takes a twentieth of a second longer.
    with tempfile.TemporaryDirectory(prefix="pydock-") as context:
        for name, text in contents.items():
            with open(os.path.join(context, name), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
        images.build_context(
            context,
            tags=tags,
            output=output,
            network=network._replace(secrets=secrets),
            made_by=_as_shell(context, network.ca_bundle, contents),
        )


def _as_shell(context: str, ca_bundle: str, contents: dict[str, str]) -> str:
    """Return the shell lines that would make the build context, for `--echo` and `--dry`."""
    place = shlex.quote(context)
    copied = {COMPILER: os.path.join(FILES, COMPILER), CERTIFICATES: ca_bundle}
    lines = [f"mkdir -p {place}"]
    for name, text in contents.items():
        if name in copied:
            lines.append(f"cp {shlex.quote(copied[name])} {place}/{name}")
        else:
            lines.append(f"cat > {place}/{name} <<'DOCKERFILE'\n{text.rstrip()}\nDOCKERFILE")
    return "\n".join(lines)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise errors.BadSetting(
            f"{path} cannot be read: {error.strerror}. Mend it, or set PYDOCK_CA_BUNDLE to another file."
        ) from error
