"""Every command line that pydock gives to the engine's client, built by pure functions.

Each takes the client as a tuple of words (`("docker",)`, `("sudo", "docker")`) and returns an argv list. Imported by
every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.places import Places
    from pydock.environments.environment import Environment

Client = tuple[str, ...]

# On every image; containers inherit them.
VERSION_LABEL = "pydock.version"
ARGUMENTS_LABEL = "pydock.arguments"  # the build arguments, as NAME=VALUE words

RUN_LABEL = "pydock.run"  # on a container whose name is the user's: which run it belongs to

TOOLS_LABEL = "pydock.tools"  # on the tools image: the version of pydock that made it

# Docker's default, ctrl-p ctrl-q, would keep ctrl-p from the program. Nobody types these three by accident.
DETACH_KEYS = "ctrl-^,ctrl-@,ctrl-_"

SHELL = "/bin/sh"  # not the first `sh` on PATH, which may be a package's script
# bash if the image has it. A shell finds out, because only the container knows.
DEFAULT_SHELL = (SHELL, "-c", f"if command -v bash >/dev/null 2>&1; then exec bash; else exec {SHELL}; fi")

# The one-letter options of `docker run` that take no value and can be combined: `-dit`.
SHORT_SWITCHES = set("ditPq")


# Shells that stop and continue their own jobs.
SHELLS = {"ash", "bash", "dash", "elvish", "fish", "ksh", "mksh", "nu", "sh", "tcsh", "xonsh", "yash", "zsh"}

# A program that stops itself cannot be continued: neither its parent in the container nor the client notices. So Ctrl-Z
# has no effect: not as a key of the terminal, and not as a signal that a program sends itself.
NO_STOPPING = "trap '' TSTP; stty susp undef 2>/dev/null; "


class Terminal(NamedTuple):
    """What pydock's own standard streams are; it decides which streams the container gets."""

    stdin_open: bool
    interactive: bool
    selinux: bool = False


def run_command(
    client: Client,
    image: str,
    environment: Environment,
    container: str,
    places: Places,
    command: Sequence[str],
    terminal: Terminal,
    options: Sequence[str] = (),
    surrounding_options: Sequence[str] = (),
    script: str = "",
) -> list[str]:
    """Return the `docker run` that executes `command` with folders of this machine in their `places`.

    `-i` if stdin is open, `-t` only between terminals; `--mount`, because `-v` splits paths at colons. The base image's
    entry point is not used, because `command` is what runs. pydock delivers signals itself (`engine/foreground.py`).
    `script` are shell commands that run in the container before `command`.
    """
    argv = [*client, "run", "--rm", "--init", "--pull", "never", "--name", container]
    argv += ["--sig-proxy=false", "--entrypoint", ""]
    if terminal.stdin_open:
        argv.append("--interactive")
    if terminal.interactive:
        argv += ["--tty", "--detach-keys", DETACH_KEYS]
    if terminal.selinux:  # relabelling the caller's files would lock out other programs: moby/moby#30934
        argv += ["--security-opt", "label=disable"]
    argv += ["--hostname", environment.name.replace(".", "-").replace("_", "-")[:63]]
    for inside, source in places.mounts.items():
        argv += ["--mount", csv_record("type=bind", f"source={source}", f"target={inside}")]
    argv += ["--workdir", places.start]
    if not detaches(options) and not any(option.startswith("--log-") for option in options):
        # The log is removed with the container, so nobody can read it. Writing it makes a program that prints many
        # short lines about 150 times slower, and takes disk space.
        argv += ["--log-driver", "none"]
    argv += surrounding_options
    own_entry_point = any(option.partition("=")[0] == "--entrypoint" for option in options)
    if terminal.interactive and not controls_jobs(command):
        script = NO_STOPPING + script
    if script and not own_entry_point:
        command = [SHELL, "-c", f'{script}exec "$@"', "sh", *command]
    return [*argv, *options, image, *command]


def controls_jobs(command: Sequence[str]) -> bool:
    """Return whether the command is an interactive shell, which handles Ctrl-Z itself: `bash`, `zsh -l`."""
    if tuple(command) == DEFAULT_SHELL:
        return True
    name, *arguments = command
    is_shell = os.path.basename(name) in SHELLS
    return is_shell and all(
        word[:1] in {"-", "+"} and (word.startswith("--") or "c" not in word) for word in arguments
    )


def check_command(name: str, call: str = "pydock ") -> str:
    """Return shell commands that end with our message if the next command cannot be started: code 127, or 126.

    They fork nothing, so they cost a run less than a millisecond. `name` is the environment's, `call` how the user calls
    pydock's commands.
    """
    run = f"\\`{call}run {name} python"
    return (
        'case $1 in */*) test -f "$1" && test -x "$1";; *) command -v -- "$1";; esac >/dev/null 2>&1 || { '
        'case $1 in */*) test -e "$1";; *) false;; esac && { '
        f"""printf "'%s' is not an executable file. For a script: {run} %s\\`.\\n" "$1" "$1" >&2; exit 126; }}; """
        f"""printf "Command '%s' not found in environment '{name}'. For a script: {run} FILE\\`; """
        f"""for the command of a package: \\`{call}install {name} PACKAGE\\`.\\n" "$1" >&2; exit 127; }}; """
    )


def passes_environment(client: Client) -> bool:
    """Return whether the client gets our environment variables; `sudo docker` and other wrappers may not."""
    return os.path.basename(client[0]) == "docker"


def detaches(options: Sequence[str]) -> bool:
    """Return whether the user's options run the container in the background: `-d`, `--detach`."""
    for option in options:
        name, _, value = option.partition("=")
        short = name.startswith("-") and "d" in name and set(name[1:]) <= SHORT_SWITCHES
        if (short or name == "--detach") and value.lower() not in {"false", "f", "0"}:
            return True
    return False


def has_option(options: Sequence[str], *names: str) -> bool:
    """Return whether one of these options is among those of `docker run`: `--ipc host`, `--ipc=host`."""
    return any(word.partition("=")[0] in names for word in options)


def shell_command(shell: str) -> list[str]:
    """Return the command that starts `shell`, or the default shell if it is ""."""
    return [shell] if shell else list(DEFAULT_SHELL)


def build_image(
    client: Client,
    context: str,
    dockerfile: str,
    *,
    tags: Sequence[str] = (),
    contexts: Mapping[str, str] | None = None,
    arguments: Mapping[str, str] | None = None,
    inherited: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    output: str = "",
    no_cache: bool = False,
    pull: bool = False,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the `docker build` of a context folder.

    `contexts` are named build contexts. `inherited` names build arguments whose values the client takes from its own
    environment, so that a proxy's password is not on the command line. `secrets` are `id=…,src=…` or `id=…,env=…`.
    """
    argv = [*client, "build", "--file", dockerfile]
    for tag in tags:
        argv += ["--tag", tag]
    for name, value in sorted((contexts or {}).items()):
        argv += ["--build-context", f"{name}={value}"]
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
    """Return the command that prints what the engine knows of the images, as JSON."""
    return [*client, "image", "inspect", *images]


def image_exists(client: Client, image: str) -> list[str]:
    """Return the command that succeeds if the image exists."""
    return [*client, "image", "inspect", "--format", "{{.Id}}", image]


def list_images(client: Client, references: Sequence[str] = (), label: str = VERSION_LABEL) -> list[str]:
    """Return the command that lists the images with that label, newest first, one JSON object per line.

    With `references`, it lists the images that match one of these patterns.
    """
    argv = [*client, "images", "--no-trunc"]
    for reference in references:
        argv += ["--filter", f"reference={reference}"]
    if not references:
        argv += ["--filter", f"label={label}"]
    return [*argv, "--format", "{{json .}}"]


def tag_image(client: Client, image: str, tag: str) -> list[str]:
    return [*client, "tag", image, tag]


def remove_images(client: Client, images: Sequence[str]) -> list[str]:
    return [*client, "rmi", *images]


def create_container(client: Client, image: str, name: str) -> list[str]:
    """Return the command that creates a container without starting it, to copy files from."""
    return [*client, "create", "--pull", "never", "--network", "none", "--name", name, image, "true"]


def describe_python(
    client: Client, container: str, image: str, program: str, folder: str = "", *, selinux: bool = False
) -> list[str]:
    """Return the command that runs `inside/describe_python.py` in an image, which copies its packages to `folder`."""
    argv = [*client, "run", "--rm", "--pull", "never", "--network", "none", "--name", container]
    argv += ["--entrypoint", "", "--workdir", "/"]
    if selinux and folder:
        argv += ["--security-opt", "label=disable"]
    if folder:
        argv += ["--mount", csv_record("type=bind", f"source={folder}", "target=/run/pydock/copy")]
    return [*argv, image, "python3", "-I", "-c", program, *(["/run/pydock/copy"] if folder else [])]


def list_containers(client: Client, images: Sequence[str]) -> list[str]:
    """Return the command that lists the images' containers, running or not: image name, container name."""
    argv = [*client, "ps", "--all", "--format", "{{.Image}} {{.Names}}"]
    for image in images:
        argv += ["--filter", f"ancestor={image}"]
    return argv


def system_information(client: Client) -> list[str]:
    """Return the command that prints what the client and the engine say of themselves, as JSON."""
    return [*client, "info", "--format", "{{json .}}"]


def probe_container(
    client: Client,
    image: str,
    container: str,
    program: str,
    *,
    user: str,
    mounts: Mapping[str, str],
    options: Sequence[str] = (),
    selinux: bool = False,
) -> list[str]:
    """Return the `docker run` of a Python program that reads a request from stdin, without the packages of the image."""
    argv = [*client, "run", "--rm", "--interactive", "--pull", "never", "--name", container]
    argv += [
        "--label",
        VERSION_LABEL,
        "--log-driver",
        "none",
        "--entrypoint",
        "",
        "--user",
        user,
        "--workdir",
        "/",
    ]
    if selinux:
        argv += ["--security-opt", "label=disable"]
    for inside, source in mounts.items():
        argv += ["--mount", csv_record("type=bind", f"source={source}", f"target={inside}")]
    return [*argv, *options, image, "python3", "-I", "-S", "-c", program]


def measuring_container(client: Client, image: str, container: str, program: str) -> list[str]:
    """Return the `docker run` of a Python program that sees nothing but the image, and not its packages."""
    argv = [*client, "run", "--rm", "--pull", "never", "--network", "none", "--name", container]
    argv += ["--log-driver", "none", "--entrypoint", "", "--workdir", "/"]
    return [*argv, image, "python3", "-I", "-S", "-c", program]


def image_history(client: Client, image: str) -> list[str]:
    """Return the command that lists the layers of an image, highest first, one JSON object per line."""
    return [*client, "history", "--no-trunc", "--format", "{{json .}}", image]


def list_running(client: Client, environment: str) -> list[str]:
    """Return the command that lists the running containers of environments of that name: image, container name."""
    name = environment.replace(".", "\\.")
    filters = ["--filter", f"name=^{name}-(warm-)?[0-9a-f]{{12}}$", "--filter", f"label={VERSION_LABEL}"]
    return [*client, "ps", *filters, "--format", "{{.Image}} {{.Names}}"]


def list_labelled_containers(client: Client, label: str) -> list[str]:
    """Return the command that prints the names of the containers with that label."""
    return [*client, "ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}"]


def list_unstarted_containers(client: Client) -> list[str]:
    """Return the command that lists the containers of pydock's images that never started: time of creation, name."""
    template = "{{.CreatedAt}}\t{{.Names}}"
    filters = ["--filter", "status=created", "--filter", f"label={VERSION_LABEL}"]
    return [*client, "ps", "--all", *filters, "--format", template]


def list_containers_of_run(client: Client, label: str) -> list[str]:
    """Return the command that prints the ids of the containers with that label."""
    return [*client, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}"]


def container_exists(client: Client, container: str) -> list[str]:
    """Return the command that succeeds if the container exists."""
    return [*client, "container", "inspect", "--format", "{{.Id}}", container]


def volume_exists(client: Client, volume: str) -> list[str]:
    """Return the command that prints a volume's name, and fails if there is none."""
    return [*client, "volume", "inspect", "--format", "{{.Name}}", volume]


def remove_volume(client: Client, volume: str) -> list[str]:
    return [*client, "volume", "rm", volume]


def copy_from_container(client: Client, container: str, path: str) -> list[str]:
    """Return the command that writes a file of the container to stdout, as a tar archive."""
    return [*client, "cp", f"{container}:{path}", "-"]


def compose(
    client: Client, project: str, words: Sequence[str], *, file: str = "", folder: str = ""
) -> list[str]:
    """Return a `docker compose` of a project, with its file, or by the labels of its containers alone."""
    argv = [*client, "compose", "--project-name", project]
    if folder:
        argv += ["--project-directory", folder]
    if file:
        argv += ["--file", file]
    return [*argv, *words]


def compose_version(client: Client) -> list[str]:
    """Return the command that prints the version of Compose, and fails if the client has no such plugin."""
    return [*client, "compose", "version", "--short"]


def list_services(client: Client, label: str) -> list[str]:
    """Return the command that lists the containers that Compose made and that have this label, one JSON object per line."""
    return [*client, "ps", "--all", "--filter", f"label={label}", "--format", "{{json .}}"]


def create_network(client: Client, network: str, labels: Mapping[str, str]) -> list[str]:
    """Return the command that creates a network."""
    argv = [*client, "network", "create"]
    for name, value in sorted(labels.items()):
        argv += ["--label", f"{name}={value}"]
    return [*argv, network]


def inspect_network(client: Client, network: str) -> list[str]:
    """Return the command that succeeds if the network exists."""
    return [*client, "network", "inspect", "--format", "{{.Id}}", network]


def kill_container(client: Client, container: str, number: str) -> list[str]:
    """Return the command that sends a signal to the container's program."""
    return [*client, "kill", "--signal", number, container]


def remove_container(client: Client, *containers: str) -> list[str]:
    """Return the command that removes containers, and kills those that run."""
    return [*client, "rm", "--force", *containers]


def remove_stopped_container(client: Client, container: str) -> list[str]:
    """Return the command that removes a container, and fails if it runs."""
    return [*client, "rm", container]


def security_options(client: Client) -> list[str]:
    """Return the command that prints the engine's security options, "name=rootless" among them if it is rootless."""
    return [*client, "info", "--format", "{{json .SecurityOptions}}"]


def csv_record(*fields: str) -> str:
    """Return one CSV record, as `--mount` and `--output` take it, with quotes where a field needs them (RFC 4180)."""
    return ",".join(
        '"' + field.replace('"', '""') + '"' if any(sign in field for sign in ',"\n') else field
        for field in fields
    )
