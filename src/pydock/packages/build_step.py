"""A step of our own on an environment's image: a rendered dockerfile, and its build context for the while."""

from __future__ import annotations

import os
import shlex
import tempfile
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine.build_secrets import describe_network
from pydock.environments.environment import DOCKERFILE
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.images import Images
    from pydock.settings import Settings

# Files that such steps run inside; an environment's own dockerfile needs none.
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inside")
CERTIFICATES = "ca.pem"


def build_step(
    images: Images,
    settings: Settings,
    template: str,
    *,
    tags: Sequence[str] = (),
    output: str = "",
    scripts: Sequence[str] = (),
    **values: Any,
) -> None:
    """Build the template, filled with the values; tag the image, or write what it holds to the folder `output`.

    `scripts` names the files of `SCRIPTS` that the step runs. Raises `BadSetting` if the CA bundle cannot be read.

    Where a step mounts a secret, BuildKit 0.13 to 0.15 (Docker 26 to 27.1) reads the whole root file system:
    https://github.com/moby/buildkit/pull/5251. That is half a second for a bare Python, and grows with the image. So
    only those secrets are mounted that are there, and CA certificates, which are none, come with the context.
    """
    network = describe_network(settings)
    open_files = {CERTIFICATES: network.ca_bundle} if network.ca_bundle else {}
    secrets = {name: secret for name, secret in network.secrets.items() if name not in open_files}
    copied = {name: os.path.join(SCRIPTS, name) for name in scripts}
    copied.update(open_files)
    dockerfile = render(
        template,
        settings.templates,
        secrets=list(secrets),
        open_files=list(open_files),
        installer=settings.installer,
        **values,
    )
    contents = {name: _read(path) for name, path in copied.items()}
    contents[DOCKERFILE] = dockerfile.encode(errors="surrogateescape")
    # A file: through stdin, docker takes a twentieth of a second longer.
    with tempfile.TemporaryDirectory(prefix="pydock-") as context:
        for name, content in contents.items():
            with open(os.path.join(context, name), "wb") as file:
                file.write(content)
        images.build_context(
            context,
            tags=tags,
            output=output,
            network=network._replace(secrets=secrets),
            made_by=_as_shell(context, copied, dockerfile),
        )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise errors.BadSetting(
            f"{path} cannot be read: {error.strerror}. Mend it, or set PYDOCK_CA_BUNDLE to another file."
        ) from error


def _as_shell(context: str, copied: Mapping[str, str], dockerfile: str) -> str:
    """Return the shell lines that would make the build context, for `--echo` and `--dry`."""
    place = shlex.quote(context)
    copies = [f"cp {shlex.quote(source)} {place}/{name}" for name, source in copied.items()]
    written = f"cat > {place}/{DOCKERFILE} <<'DOCKERFILE'\n{dockerfile.rstrip()}\nDOCKERFILE"
    return "\n".join([f"mkdir -p {place}", *copies, written])
