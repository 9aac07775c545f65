"""A step of pydock's own on an image: a rendered dockerfile, the programs of `inside/`, and the files they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine.build_context import build_context
from pydock.engine.build_secrets import CA_BUNDLE, UV_TOML
from pydock.environments.content import WHEELS
from pydock.environments.environment import DOCKERFILE
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.build_context import BuildContext
    from pydock.engine.images import Images
    from pydock.environments.environment import Environment

TEMPLATE = "step.dockerfile.j2"


def build_step(
    images: Images,
    environment: Environment,
    programs: BuildContext,
    program: str,
    inputs: Mapping[str, str],
    *,
    tags: Sequence[str] = (),
    output: str = "",
    templates: str = "",
    copies: Mapping[str, str] | None = None,
    **values: Any,
) -> None:
    """Build the template, in which `program`, one of the `programs`, reads the `inputs` (file name -> text).

    `copies` are other files that it reads (file name -> path).
    Tags the image, or writes what it contains to the folder `output`. Raises `BadSetting` if the CA bundle cannot be
    read.

    If a step mounts a secret, BuildKit 0.13 to 0.15 (Docker 26 to 27.1) reads the whole root file system first:
    https://github.com/moby/buildkit/pull/5251. That takes half a second for a plain Python, and more for a larger image.
    So only secrets that exist are mounted, and the CA certificates, which are not secret, are in the build context.
    """
    network = images.network(environment, "\n".join(inputs.values()))
    secrets = [name for name in (*network.secret_texts, *network.files) if name not in {CA_BUNDLE, UV_TOML}]
    wheels = any(name.startswith(f"{WHEELS}/") for name in copies or {})
    dockerfile = render(TEMPLATE, templates, secrets=secrets, program=program, wheels=wheels, **values)
    files = {**(copies or {}), **({CA_BUNDLE: network.ca_bundle} if network.ca_bundle else {})}
    try:
        with build_context((), {DOCKERFILE: dockerfile, **inputs}, files) as context:
            images.build_step(
                environment, context, programs, network.without_ca_bundle(), tags=tags, output=output
            )
    except FileNotFoundError as error:
        raise errors.BadSetting(f"{error.filename} was removed while it was read. Try again.") from error
