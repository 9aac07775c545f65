"""A step of pydock's own on an environment's image: a rendered dockerfile, programs, and the files they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine.build_context import INSTALLER, build_context
from pydock.engine.build_secrets import CA_BUNDLE, UV_TOML
from pydock.environments.environment import DOCKERFILE
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.settings import Settings


def build_step(
    images: Images,
    settings: Settings,
    environment: Environment,
    template: str,
    program: str,
    inputs: Mapping[str, str],
    *,
    tags: Sequence[str] = (),
    output: str = "",
    **values: Any,
) -> None:
    """Build the template, in which `program` reads the `inputs` (file name -> text).

    Tags the image, or writes what it contains to the folder `output`. Raises `BadSetting` if the CA bundle cannot be
    read.

    If a step mounts a secret, BuildKit 0.13 to 0.15 (Docker 26 to 27.1) reads the whole root file system first:
    https://github.com/moby/buildkit/pull/5251. That takes half a second for a plain Python, and more for a larger image.
    So only secrets that exist are mounted, and the CA certificates, which are not secret, are in the build context.
    """
    network = images.network(environment, "\n".join(inputs.values()))
    secrets = [name for name in (*network.secret_texts, *network.files) if name not in {CA_BUNDLE, UV_TOML}]
    dockerfile = render(template, settings.templates, secrets=secrets, program=program, **values)
    texts = {DOCKERFILE: dockerfile, "installer": f"{settings.installer}\n", **inputs}
    certificates = {CA_BUNDLE: network.ca_bundle} if network.ca_bundle else {}
    try:
        with build_context((program, "needed_tools.py", *INSTALLER), texts, certificates) as context:
            images.build_step(
                context.folder, network.without_ca_bundle(), context.as_shell, tags=tags, output=output
            )
    except FileNotFoundError as error:
        raise errors.BadSetting(f"{error.filename} was removed while it was read. Try again.") from error
