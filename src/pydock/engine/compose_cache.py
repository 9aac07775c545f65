"""What an environment's docker-compose.yml adds to `docker run`, as it was read before.

`compose.py` reads the file with Compose, which takes 0.1 s or more, and keeps the result here, with a digest of everything that
went in. Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.named_tuple import NamedTuple
from pydock.engine.argv import passes_environment
from pydock.engine.endpoint import network_exists
from pydock.environments.content import digest
from pydock.settings import find_user_home
from pydock.trust import hex_digest, is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

COMPOSE_FILE = "docker-compose.yml"
OVERRIDE_FILE = "docker-compose.override.yml"  # Compose reads it too
OTHER_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml")  # that Compose prefers, or else reads
VERSION = "1"  # of the format below
END = "\0"  # of a word
# The variables that pydock gives Compose itself, because bash does not export them.
IDS = ("UID", "GID", "USER")
# The client's plugin folders: https://github.com/docker/cli/blob/master/cli-plugins/manager/manager_unix.go
PLUGIN = "docker-compose"
PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
ABSENT = "-"
INSTALL_COMPOSE = (
    "Install the package docker-compose-plugin (from Docker's repository), docker-compose-v2 (Ubuntu) or docker-compose "
    "(Debian 13 or newer)."
)


class ComposeOptions(NamedTuple):
    """What a docker-compose.yml adds to a run, and what must be there for it."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()  # of this machine, which are mounted or read
    networks: tuple[str, ...] = ()
    digest: str = ""  # of the file and all that went in; "" without a file

    def beside(self, run_options: Sequence[str]) -> ComposeOptions:
        """Return the same without networks if the user's own options choose one, because Docker would join both."""
        if not any(word.partition("=")[0] in {"--network", "--net"} for word in run_options):
            return self
        words = self.options
        kept = [
            word
            for number, word in enumerate(words)
            if word != "--network" and (not number or words[number - 1] != "--network")
        ]
        return self._replace(options=tuple(kept), networks=())


def known_compose(
    settings: Settings, environment: Environment, environ: Mapping[str, str] | None = None
) -> ComposeOptions:
    """Return what the environment's docker-compose.yml adds to a run; nothing if it has none.

    Raises `ComposeNotRead` if Compose has to read the file first, or if something that it names is missing.
    """
    environ = os.environ if environ is None else environ
    if not has_compose_file(environment):
        return ComposeOptions()
    key = entry_key(settings, environment)
    try:
        text = _read_private(entry_path(key, environ))
        version, *parts = _lists(text)
        inputs, options, paths, networks = parts
        if version != (VERSION,) or not _are_unchanged(inputs, environment, environ):
            raise errors.ComposeNotRead(f"{environment.path(COMPOSE_FILE)} has changed since it was read.")
    except (OSError, ValueError) as error:
        raise errors.ComposeNotRead(f"{environment.path(COMPOSE_FILE)} has not been read.") from error
    content = hex_digest(text.encode("utf-8", "surrogateescape"))
    found = ComposeOptions(options, paths, networks, content)
    check_ready(settings, found)
    return found


def check_ready(settings: Settings, found: ComposeOptions) -> None:
    """Raise `ComposeNotRead` if a path or a network is missing."""
    for path in found.paths:
        if not os.path.exists(path):
            raise errors.ComposeNotRead(f"{path} does not exist.")
    for network in found.networks:
        if not network_exists(settings, network):
            raise errors.ComposeNotRead(f"Network {network} does not exist.")


def with_file_instead(argv: Sequence[str], image: str, options: Sequence[str]) -> list[str]:
    """Return a `docker run` in which the file's `options` replace pydock's own; the command, after the image, stays.

    Docker would refuse two mounts in one place. The file's working directory counts unless it is in a mount of the folder
    where the user is: then the command starts in the user's place there, so that `cd tests; pydock run ds pytest` works.
    """
    argv = list(argv)
    mounts: dict[
        str, tuple[int, str]
    ] = {}  # place in the container -> number of the word, folder of this machine
    dropped: set[int] = set()
    here = ""  # the folder of this machine where the command starts without the file
    own, of_file = _workdirs(argv, image, options)
    for number in range(1, argv.index(image)):
        if number == own:
            here = _folder_of(argv[own], mounts)
        source, place = _mount(argv[number]) if argv[number - 1] == "--mount" else ("", "")
        if place in mounts:
            dropped |= {mounts[place][0] - 1, mounts[place][0]}
        if place:
            mounts[place] = (number, source)
    if of_file and here:
        for place, (_, source) in mounts.items():
            if source and is_inside(argv[of_file], place) and is_inside(here, source):
                argv[of_file] = os.path.normpath(os.path.join(place, os.path.relpath(here, source)))
                break
    return [word for number, word in enumerate(argv) if number not in dropped]


def _workdirs(argv: Sequence[str], image: str, options: Sequence[str]) -> tuple[int, int]:
    """Return the numbers of the words that are pydock's own and the file's working directory; 0 if it has none."""
    end = list(argv).index(image)
    found = [number for number in range(1, end) if argv[number - 1] == "--workdir"]
    return found[0] if found else 0, found[1] if len(found) > 1 and "--workdir" in options else 0


def _folder_of(place: str, mounts: Mapping[str, tuple[int, str]]) -> str:
    """Return the folder of this machine that is at a place of the container; "" if none is."""
    around = [mounted for mounted, (_, source) in mounts.items() if source and is_inside(place, mounted)]
    if not around:
        return ""
    nearest = max(around, key=len)
    return os.path.normpath(os.path.join(mounts[nearest][1], os.path.relpath(place, nearest)))


def _mount(record: str) -> tuple[str, str]:
    """Return source and target of `--mount`'s value, which is a CSV record; the source of a bind mount only."""
    fields = record.split(",")
    if '"' in record:
        import csv  # for paths with commas

        [fields] = csv.reader([record])
    values = dict(field.partition("=")[::2] for field in fields)
    return values.get("source", "") if values.get("type") == "bind" else "", values.get("target", "")


def has_compose_file(environment: Environment) -> bool:
    """Return whether the environment has a docker-compose.yml, or something else of that name."""
    try:
        os.lstat(environment.path(COMPOSE_FILE))
    except OSError:
        return False
    return True


def entry_key(settings: Settings, environment: Environment) -> str:
    """Return what names the environment's entry among those of this user."""
    by_name = "by name" if passes_environment(settings.engine) else "by value"
    return digest([environment.folder, environment.name, environment.alias, by_name])[:16]


def cache_folder(environ: Mapping[str, str]) -> str:
    base = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(find_user_home(environ) or "/nonexistent", ".cache")
    return os.path.join(base, "pydock")


def entry_path(key: str, environ: Mapping[str, str]) -> str:
    return os.path.join(cache_folder(environ), f"compose-{key}")


def write_entry(
    settings: Settings,
    environment: Environment,
    inputs: Sequence[str],
    found: ComposeOptions,
    environ: Mapping[str, str],
) -> ComposeOptions:
    """Keep what was read, if it can be written, and return it with its digest; `inputs` are what `state_of_file`, `state_by_time` and `state_of_variable` return."""
    import contextlib  # only after a reading

    lists = [(VERSION,), inputs, found.options, found.paths, found.networks]
    words = [word for one in lists for word in (str(len(one)), *one)]
    text = END.join(words)
    with contextlib.suppress(OSError):  # the next run reads the file again
        write_private(entry_path(entry_key(settings, environment), environ), text)
    return found._replace(digest=hex_digest(text.encode("utf-8", "surrogateescape")))


def state_of_file(path: str) -> str:
    """Return a line that is different after every change of a small file."""
    try:
        state = hex_digest(errors.read_file(path))
    except (OSError, errors.PydockError):
        state = ABSENT
    return f"file {state} {path}"


def state_by_time(path: str) -> str:
    """Return a line that is different after every change of a file, which may be large."""
    try:
        found = os.stat(path)
    except OSError:
        return f"stat {ABSENT} {path}"
    return f"stat {found.st_mtime_ns}.{found.st_size}.{found.st_ino} {path}"


def state_of_link(path: str) -> str:
    """Return a line that is different if the path leads elsewhere: a mount that was harmless may be so no longer."""
    return f"link {hex_digest(os.path.realpath(path).encode('utf-8', 'surrogateescape'))} {path}"


def state_of_variable(name: str, environment: Environment, environ: Mapping[str, str]) -> str:
    """Return a line that is different for every value of a variable, without the value."""
    value = compose_variables(environment, environ).get(name)
    state = ABSENT if value is None else hex_digest(value.encode("utf-8", "surrogateescape"))
    return f"variable {state} {name}"


def compose_variables(environment: Environment, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's variables for Compose, with the ids that the image has."""
    caller = environment.caller
    return {**environ, "UID": str(caller.uid), "GID": str(caller.gid), "USER": caller.name}


def plugin_paths(environ: Mapping[str, str]) -> list[str]:
    """Return where the docker client looks for Compose, first one first."""
    own = environ.get("DOCKER_CONFIG") or os.path.join(find_user_home(environ) or "/nonexistent", ".docker")
    return [os.path.join(folder, PLUGIN) for folder in (os.path.join(own, "cli-plugins"), *PLUGIN_FOLDERS)]


def _are_unchanged(inputs: Sequence[str], environment: Environment, environ: Mapping[str, str]) -> bool:
    for line in inputs:
        kind, _, name = line.split(" ", 2)
        if kind == "file":
            now = state_of_file(name)
        elif kind == "stat":
            now = state_by_time(name)
        elif kind == "link":
            now = state_of_link(name)
        else:
            now = state_of_variable(name, environment, environ)
        if now != line:
            return False
    return bool(inputs)


def _lists(text: str) -> list[tuple[str, ...]]:
    """Return the lists of words of an entry; each is written as its length and its words."""
    words = text.split(END)
    found = []
    while words:
        count = int(words.pop(0))
        found.append(tuple(words[:count]))
        words = words[count:]
    return found


def _read_private(path: str) -> str:
    """Return the text of a file that only this user can change; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, encoding="utf-8", errors="surrogateescape", newline="") as file:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise PermissionError(path)
        return file.read()


def write_private(path: str, text: str) -> None:
    """Write a file that only this user can read, in one step; raises `OSError`."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.urandom(6).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
