"""What a run gets of the machine that it is started on, so that a program finds what it would find outside.

The user's names and home, umask, groups, time zone, CA certificates, proxies and pip's configuration. None of it is in an
image: it is options of `docker run`, and shell commands that run in the container before the program. What the user's own
`run_options` set is left alone.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.named_tuple import NamedTuple
from pydock.engine.argv import csv_record, has_option, passes_environment
from pydock.engine.configuration import CA_VARIABLES, NONE, PROXY_VARIABLES, pip_config_files
from pydock.engine.endpoint import engine_endpoint
from pydock.engine.variables import language_script, passed_variables
from pydock.settings import find_user_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

# What OpenSSL and Python, requests, curl, pip, Node.js and Git read.
CA_VARIABLES_INSIDE = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
# pip's variables that say where packages come from: https://pip.pypa.io/en/stable/topics/configuration/
PIP_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_NO_INDEX",
    "PIP_TIMEOUT",
    "PIP_RETRIES",
)
CA_FILE = "/run/pydock/ca.pem"
PIP_FILE = "/run/pydock/pip.conf"
USUAL_UMASK = 0o022  # of every container: runc's default
ZONES = "/usr/share/zoneinfo"
UTC = ("", "UTC", "UTC0", "Etc/UTC", "Universal", "Zulu")
CERT = "# cert = "  # begins the line of our pip.conf that has pip's option `cert`


class Surroundings(NamedTuple):
    """Options of `docker run`, and the shell commands (each ends with `; `) that run before the program."""

    options: tuple[str, ...] = ()
    script: str = ""


def describe_surroundings(
    settings: Settings,
    environment: Environment,
    environ: Mapping[str, str] | None = None,
    *,
    credentials: bool | None = None,
    given: Sequence[str] = (),
) -> Surroundings:
    """Return what a run of this environment gets; raises `BadSetting` if the CA bundle of the settings does not exist.

    Without `credentials`, proxies and indexes that have a user name or a password are left out. None: as in builds, they
    are given to environments that the user made or trusted here. The variables that `given` options of `docker run` set are
    left alone, like those of the user's `run_options`.
    """
    environ = dict(os.environ if environ is None else environ)  # os.environ decodes a value each time
    pip_file, cert = pip_file_for_runs(settings.pip_config, environ)
    has_pip_password = "@" in _text(pip_file)
    if credentials is None:
        has_any = has_pip_password or _has_credentials(environ)
        credentials = not has_any or _is_own(settings, environment)
    if has_pip_password and not credentials:
        pip_file = ""
    own = names_set((*settings.run_options, *given))
    name = environment.caller.name
    options = [f"--group-add={group}" for group in _groups(settings.engine, environ)]
    memory = _half_of_memory()
    if memory and not has_option(settings.run_options, "--shm-size", "--ipc"):
        options.append(
            f"--shm-size={memory}m"
        )  # as on any Linux; Docker's 64 MB end programs with a bus error
    variables: dict[str, str | None] = {"HOME": f"/home/{name}", "USER": name, "LOGNAME": name}
    zone, rule = local_zone(environ)
    if zone:
        variables["TZ"] = zone
    variables.update(passed_variables(settings, environ))
    variables.update(_passed_on(settings, environ, credentials=credentials))
    mounts, paths = _network_files(pip_file, find_ca_bundle(settings.ca_bundle, environ, cert))
    variables.update(paths)
    for variable, value in variables.items():
        if variable not in own:
            options += ["--env", variable if value is None else f"{variable}={value}"]
    script = "" if "PATH" in own else 'PATH="$HOME/.local/bin:$PATH"; '
    script += language_script(environ, own)
    umask = _umask()
    if umask != USUAL_UMASK:
        script += f"umask {umask:04o}; "
    if rule and "TZ" not in own:  # an image without tzdata would take the zone's name for UTC
        script += f"test -e '{ZONES}/{zone}' || TZ='{rule}'; "
    return Surroundings((*options, *mounts), script)


def _has_credentials(environ: Mapping[str, str]) -> bool:
    names = (*PROXY_VARIABLES, *(name.lower() for name in PROXY_VARIABLES), *PIP_VARIABLES)
    return any("@" in environ.get(name, "") for name in names)


def _is_own(settings: Settings, environment: Environment) -> bool:
    from pydock.environments.origin import is_own  # imports json, which most runs do not need

    return is_own(settings, environment)


def _passed_on(settings: Settings, environ: Mapping[str, str], *, credentials: bool) -> dict[str, str | None]:
    """Return the caller's variables that a run gets; None: the client takes the value from its own environment.

    A client that does not get our environment has the values on its command line, so none with a password is passed.
    """
    names = [name for upper in PROXY_VARIABLES for name in (upper, upper.lower())]
    if not settings.pip_config:
        names += PIP_VARIABLES
    by_name = passes_environment(settings.engine)
    found = {name: environ[name] for name in names if environ.get(name)}
    return {
        name: None if by_name else value
        for name, value in found.items()
        if "@" not in value or (by_name and credentials)
    }


def _network_files(pip_file: str, bundle: str) -> tuple[list[str], dict[str, str]]:
    """Return the mounts of pip's configuration and of the CA bundle, and the variables that name them."""
    mounts: list[str] = []
    variables: dict[str, str] = {}
    if pip_file:
        mounts += _mount(pip_file, PIP_FILE)
        variables["PIP_CONFIG_FILE"] = PIP_FILE
    if bundle:
        mounts += _mount(bundle, CA_FILE)
        variables.update(dict.fromkeys(CA_VARIABLES_INSIDE, CA_FILE))
    return mounts, variables


def names_set(options: Sequence[str]) -> set[str]:
    """Return the names of the variables that the user's options of `docker run` set."""
    names: set[str] = set()
    words = iter(options)
    for word in words:
        option, equals, value = word.partition("=")
        if option[:2] == "-e" and not option.startswith("--"):  # -eNAME=VALUE
            option, value = "--env", word[2:].removeprefix("=") or next(words, "")
        elif option in {"--env", "--env-file"} and not equals:
            value = next(words, "")
        if option == "--env":
            names.add(value.partition("=")[0])
        elif option == "--env-file":
            names.update(line.partition("=")[0].strip() for line in _text(value).splitlines())
    return names


def local_zone(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the caller's time zone as TZ names it, and the same as a rule of POSIX; "" for UTC or unknown.

    The rule is the last line of the zone's file (RFC 8536, 3.3).
    """
    zone = environ.get("TZ", "").removeprefix(":")
    if not zone:
        path = os.path.realpath("/etc/localtime")
        zone = path.partition("/zoneinfo/")[2]
    if zone in UTC or not all(sign.isascii() and (sign.isalnum() or sign in "/_+-,.<>:") for sign in zone):
        return "", ""
    lines = [] if zone.startswith("/") or ".." in zone else _text(os.path.join(ZONES, zone)).splitlines()
    rule = lines[-1] if lines else ""
    return zone, rule if rule.isascii() and rule.isprintable() and "'" not in rule else ""


def find_ca_bundle(setting: str, environ: Mapping[str, str], cert: str = "") -> str:
    """Return the real path of the CA bundle, "" if there is none; raises `BadSetting` if that of the settings is missing.

    `cert` is the option of pip's configuration. The order is that of builds.
    """
    if setting == NONE:
        return ""
    if setting:
        path = os.path.abspath(os.path.expanduser(setting))
        if not os.path.isfile(path):
            raise errors.BadSetting(
                f"Setting 'ca_bundle' is {path}, which is not a file. Correct it, or use 'none'."
            )
        return os.path.realpath(path)
    for path in [*(environ.get(name, "") for name in CA_VARIABLES), cert]:
        if path and os.path.isfile(path):
            return os.path.realpath(path)
    return ""


def pip_file_for_runs(setting: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return a file that has the indexes of pip's configuration, and pip's option `cert`; "" where there is none.

    The file is private (mode 0600) in the user's cache folder, and is named after the state of the configuration files,
    so that only the first run after a change parses them. Whatever cannot be read counts as no configuration: the error
    would be pip's to report.
    """
    if setting == NONE or environ.get("PIP_CONFIG_FILE") == os.devnull:
        return "", ""
    paths = [os.path.abspath(os.path.expanduser(setting))] if setting else pip_config_files(environ)
    states = [
        f"{path}\n{status.st_mtime_ns}\n{status.st_size}\n{status.st_ino}" for path, status in _files(paths)
    ]
    if not states:
        return "", ""
    from pydock.environments.content import digest

    home = find_user_home(environ)
    cache = os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "pydock")
    path = os.path.join(cache, f"pip-{digest([setting, *states])[:16]}.conf")
    text = _own_text(path)
    if text is None:
        try:
            text = _write_pip_file(path, setting, environ)
        except (errors.PydockError, OSError):
            return "", ""
    first, _, rest = text.partition("\n")
    return path if rest else "", first.removeprefix(CERT)


def _write_pip_file(path: str, setting: str, environ: Mapping[str, str]) -> str:
    from pydock.engine.build_secrets import pip_conf, read_pip_options

    files_only = {name: value for name, value in environ.items() if not name.startswith("PIP_")}
    if "PIP_CONFIG_FILE" in environ:
        files_only["PIP_CONFIG_FILE"] = environ["PIP_CONFIG_FILE"]
    _, options = read_pip_options(setting, files_only)
    text = f"{CERT}{' '.join(options.get('cert', []))}\n{pip_conf(options)}"
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
    _remove_unused(folder, os.path.basename(path))
    return text


def _remove_unused(folder: str, keep: str) -> None:
    """Remove the files of earlier configurations, which no run has used for a day."""
    import time

    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("pip-") and name != keep and os.stat(path).st_mtime < time.time() - 86400:
            os.unlink(path)


def _own_text(path: str) -> str | None:
    """Return the text of a file that is ours, None if there is none; note that it is used."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, encoding="utf-8") as file:
            if os.fstat(descriptor).st_uid != os.getuid():
                return None
            os.utime(descriptor)
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def _files(paths: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    for path in paths:
        if os.path.isfile(path):
            try:
                yield path, os.stat(path)
            except OSError:  # removed meanwhile
                continue


def _groups(client: Sequence[str], environ: Mapping[str, str]) -> list[int]:
    """Return the caller's supplementary groups; none on a rootless engine, whose group numbers are others."""
    endpoint = engine_endpoint(environ) if client[-1].endswith("docker") else ""
    if endpoint.startswith("unix:///run/user/"):
        return []
    return sorted(set(os.getgroups()) - {os.getgid()})


def _mount(source: str, target: str) -> list[str]:
    return ["--mount", csv_record("type=bind", f"source={source}", f"target={target}", "readonly")]


def _half_of_memory() -> int:
    """Return half of this machine's memory in MiB, 0 if the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 21
    except (OSError, ValueError):
        return 0


def _umask() -> int:
    umask = os.umask(0o077)  # there is no other way to read it
    os.umask(umask)
    return umask


def _text(path: str) -> str:
    """Return the file's text as far as it is text, "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (OSError, ValueError):
        return ""
