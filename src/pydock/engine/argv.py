"""Every command line that pydock hands to the engine, built by pure functions.

Each takes the engine's client as a list of words (`["docker"]`, `["sudo", "docker"]`) and returns an argv.
Imported by every `pydock run`, so nothing heavy is imported here.
"""

from __future__ import annotations

import os

from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environments.environment import Environment

Client = tuple[str, ...]

LABEL = "pydock.version"  # on every image, for `docker images --filter label=pydock.version`

# Nobody types these in a row, so that ctrl-p reaches the program (moby's default swallows it).
DETACH_KEYS = "ctrl-^,ctrl-@,ctrl-_"

# bash where there is one; the argument is a shell line because only the container knows.
DEFAULT_SHELL = ("sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi")


# The options of `docker run` that take no value and can stand behind one dash.
SHORT_SWITCHES = set("ditPq")


class Terminal(NamedTuple):
    """What our own streams are, which decides what the container gets."""

    stdin_open: bool
    interactive: bool
    selinux: bool = False


def run_command(
    client: Client,
    image: str,
    environment: Environment,
    container: str,
    folder: str,
    command: Sequence[str],
    terminal: Terminal,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the `docker run` that executes `command` with `folder` mounted in the user's home.

    `-i` whenever stdin is open, `-t` only between terminals; `--mount`, because `-v` breaks paths at colons.
    """
    target = f"/home/{environment.caller.name}/{os.path.basename(folder) or 'root'}"
    argv = [*client, "run", "--rm", "--init", "--pull", "never", "--name", container]
    if terminal.stdin_open:
        argv.append("--interactive")
    if terminal.interactive:
        argv += ["--tty", "--env", "TERM", "--detach-keys", DETACH_KEYS]
    if terminal.selinux:  # relabelling the caller's files instead would lock others out: moby/moby#30934
        argv += ["--security-opt", "label=disable"]
    argv += ["--hostname", environment.name.replace(".", "-").replace("_", "-")[:63]]
    argv += ["--mount", csv_record("type=bind", f"source={folder}", f"target={target}"), "--workdir", target]
    if not detaches(options) and not any(option.startswith("--log-") for option in options):
        # The log would go with the container, and nobody could read it; writing it takes 150 times as long as the
        # output of short lines, and space on the disk.
        argv += ["--log-driver", "none"]
    return [*argv, *options, image, *command]


def detaches(options: Sequence[str]) -> bool:
    """Return whether the user's own options leave the container to itself: `--detach`, `-d`, `-dit`, `--detach=true`."""
    for option in options:
        name, _, value = option.partition("=")
        short = name.startswith("-") and "d" in name and set(name[1:]) <= SHORT_SWITCHES
        if (short or name == "--detach") and value.lower() not in {"false", "f", "0"}:
            return True
    return False


def shell_command(shell: str) -> list[str]:
    return [shell] if shell else list(DEFAULT_SHELL)


def build_image(
    client: Client,
    context: str,
    dockerfile: str,
    *,
    tags: Sequence[str] = (),
    arguments: Mapping[str, str] | None = None,
    inherited: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    output: str = "",
    no_cache: bool = False,
    pull: bool = False,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the `docker build` of a context folder; `-` stands for a dockerfile on stdin.

    `inherited` names variables whose values the client takes from its own environment, so that a proxy's
    password is in no command line; `secrets` are `id=…,src=…` or `id=…,env=…`.
    """
    argv = [*client, "build", "--file", dockerfile]
    for tag in tags:
        argv += ["--tag", tag]
    for name, value in sorted((arguments or {}).items()):
        argv += ["--build-arg", f"{name}={value}"]
    for name in inherited:
        argv += ["--build-arg", name]
    for name, value in sorted((labels or {}).items()):
        argv += ["--label", f"{name}={value}"]
    for secret in secrets:
        argv += ["--secret", secret]
    if output:
        argv += ["--output", csv_record("type=local", f"dest={output}")]
    if no_cache:
        argv.append("--no-cache")
    if pull:
        argv.append("--pull")
    return [*argv, *options, context]


def inspect_images(client: Client, images: Sequence[str]) -> list[str]:
    return [*client, "image", "inspect", *images]


def image_exists(client: Client, image: str) -> list[str]:
    return [*client, "image", "inspect", "--format", "{{.Id}}", image]


def list_images(client: Client, reference: str) -> list[str]:
    """Return the command that lists images, newest first, a JSON object a line."""
    return [*client, "images", "--no-trunc", "--filter", f"reference={reference}", "--format", "{{json .}}"]


def tag_image(client: Client, image: str, tag: str) -> list[str]:
    return [*client, "tag", image, tag]


def remove_images(client: Client, images: Sequence[str]) -> list[str]:
    return [*client, "rmi", *images]


def create_container(client: Client, image: str, name: str) -> list[str]:
    return [*client, "create", "--pull", "never", "--network", "none", "--name", name, image, "true"]


def list_containers(client: Client, images: Sequence[str]) -> list[str]:
    """Return the command that lists containers of the images, running or not: the name of the image, their own."""
    argv = [*client, "ps", "--all", "--format", "{{.Image}} {{.Names}}"]
    for image in images:
        argv += ["--filter", f"ancestor={image}"]
    return argv


def copy_from_container(client: Client, container: str, path: str) -> list[str]:
    return [*client, "cp", f"{container}:{path}", "-"]


def remove_container(client: Client, container: str) -> list[str]:
    return [*client, "rm", "--force", container]


def security_options(client: Client) -> list[str]:
    """Return the question whether the engine is rootless, in the words of docker or of podman."""
    if client and os.path.basename(client[-1]).startswith("podman"):
        return [*client, "info", "--format", "{{if .Host.Security.Rootless}}name=rootless{{end}}"]
    return [*client, "info", "--format", "{{json .SecurityOptions}}"]


def csv_record(*fields: str) -> str:
    """Return one CSV record, as `--mount` and `--output` take it; RFC 4180 quoting where a field needs it."""
    return ",".join(
        '"' + field.replace('"', '""') + '"' if any(sign in field for sign in ',"\n') else field
        for field in fields
    )
