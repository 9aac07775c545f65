"""What an installation needs to reach the package index from inside a build, and where this machine keeps it.

All of it is passed as BuildKit secrets (https://docs.docker.com/build/building/secrets/), so that none of it is in a
layer, in the history or on a command line. A build elsewhere, without them, works too.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import re
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pydock import errors
from pydock.credentials import redact, register_address, register_secret
from pydock.engine.argv import csv_record
from pydock.engine.build_context import file_as_shell
from pydock.engine.configuration import CA_VARIABLES, NONE, PROXY_VARIABLES, pip_config_files
from pydock.environments.temporary import temporary_folder, write
from pydock.settings import find_user_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydock.settings import Settings

MAX_SECRET = 500 * 1024  # bytes; BuildKit refuses more
CA_BUNDLE, NETRC, PIP_CONF, UV_TOML = "ca.pem", "netrc", "pip.conf", "uv.toml"
# The options of pip that say where packages come from: https://pip.pypa.io/en/stable/cli/pip_install/
PIP_LISTS = ("extra-index-url", "find-links", "trusted-host")
PIP_TEXTS = ("index-url", "no-index", "timeout", "retries")
# Up to the last @ of a word, because a password that is not encoded may contain anything.
CREDENTIALS = re.compile(r"://[^\s]*@")
# Comments of our pip.conf, which inside/installer.sh reads: settings for uv, and variables for requirement lines.
UV_PREFIX = "# uv: "
VARIABLE_PREFIX = "# env: "
# Variables that would break the installer, or let a requirements file choose what runs.
RESERVED = re.compile(r"PATH|HOME|PWD|IFS|ENV|BASH_ENV|TMPDIR|\d.*|LD_.*|PYTHON.*|GIT_.*SSH.*")


class Network(NamedTuple):
    """What this machine passes into builds."""

    texts: dict[str, str]  # secrets that pydock writes: id -> content
    files: dict[str, str]  # secrets that are files of this machine: id -> path
    proxies: dict[str, str]  # variable -> value
    pip_configs: list[str]  # the configuration files that were read
    variables: Mapping[str, str] = MappingProxyType({})  # of requirement lines

    @property
    def secret_texts(self) -> dict[str, str]:
        """The texts, with the variables as comments of pip.conf, which inside/installer.sh sets for the installer alone.

        So every dockerfile that mounts pip.conf gets them, whatever their names are.
        """
        if not self.variables:
            return self.texts
        lines = [f"{VARIABLE_PREFIX}{name}={value}\n" for name, value in self.variables.items()]
        return {**self.texts, PIP_CONF: "".join([self.texts.get(PIP_CONF, "[global]\n"), *lines])}

    @property
    def ca_bundle(self) -> str:
        return self.files.get(CA_BUNDLE, "")

    @property
    def netrc(self) -> str:
        return self.files.get(NETRC, "")

    def credentials(self) -> list[str]:
        """Return what of this has credentials, in words; what an index's address has only in its path is not known."""
        found = [f"the netrc file {self.netrc}"] if self.netrc else []
        if any(CREDENTIALS.search(text) for text in self.texts.values()):
            found.append("the credentials in pip's configuration")
        if any("@" in value for value in self.proxies.values()):
            found.append("the credentials of the proxy")
        if self.variables:
            found.append(f"the variables {', '.join(sorted(self.variables))}")
        return found

    def without_credentials(self) -> Network:
        """Return the same without the netrc file, and with addresses that have no user and no password.

        The addresses stay, because without its own index an installer would take a package of the same name from PyPI.
        """
        return self._replace(
            texts={name: CREDENTIALS.sub("://", text) for name, text in self.texts.items()},
            files={name: path for name, path in self.files.items() if name != NETRC},
            proxies={
                name: value if "@" not in value else _without_userinfo(value)
                for name, value in self.proxies.items()
            },
        )

    def without_ca_bundle(self) -> Network:
        """Return the same, for a step that gets the CA bundle in its build context."""
        return self._replace(files={name: path for name, path in self.files.items() if name != CA_BUNDLE})


class BuildArguments(NamedTuple):
    """How a `docker build` gets the secrets and the proxies."""

    secrets: list[str]  # arguments of --secret
    variables: dict[str, str]  # what the client's environment must have
    inherited: list[str]  # build arguments that the client takes from its environment
    arguments: dict[str, str]  # build arguments with values
    as_shell: str  # shell commands that set the variables, or write the files, without credentials


def describe_network(
    settings: Settings, environ: Mapping[str, str] | None = None, *, requirements: str = ""
) -> Network:
    """Return what this machine passes into builds.

    `requirements` is the text of the requirements files of the build, for the values of their variables. Raises
    `BadSetting` for a file that does not exist or an address that is malformed, and `VariableNotSet`. Everything secret
    is registered, so that no message shows it.
    """
    environ = os.environ if environ is None else environ
    configs, options = read_pip_options(settings.pip_config, environ)
    variables = variable_values(requirements, environ)
    texts = {PIP_CONF: pip_conf(options), UV_TOML: uv_toml(options)}
    paths = {
        CA_BUNDLE: _ca_bundle(settings.ca_bundle, environ, options),
        NETRC: _netrc(settings.netrc, environ),
    }
    proxies = {
        name: environ[name]
        for upper in PROXY_VARIABLES
        for name in (upper, upper.lower())
        if environ.get(name)
    }
    secret = _names_of_secrets(requirements)
    in_secret_places = [value for name, value in variables.items() if name in secret]
    _register_secrets(options, [*variables.values()], in_secret_places, paths[NETRC], proxies)
    return Network(
        {name: text for name, text in texts.items() if text},
        {name: path for name, path in paths.items() if path},
        proxies,
        configs,
        variables,
    )


@contextlib.contextmanager
def build_arguments(network: Network, *, by_environment: bool) -> Iterator[BuildArguments]:
    """Yield the arguments that pass the secrets and proxies to a build.

    A client that gets our environment reads them there. Any other, such as `sudo docker`, reads secrets from files in a
    private temporary folder, and gets proxies by value; raises `BadSetting` if a proxy has a password, which would be
    visible in the list of processes.
    """
    files = [csv_record(f"id={name}", f"src={path}") for name, path in network.files.items()]
    if by_environment:
        names = {name: f"PYDOCK_SECRET_{name.upper().replace('.', '_')}" for name in network.secret_texts}
        secrets = [f"id={name},env={variable}" for name, variable in names.items()]
        variables = {names[name]: text for name, text in network.secret_texts.items()}
        yield BuildArguments([*secrets, *files], variables, list(network.proxies), {}, _exports(variables))
        return
    _refuse_proxy_password(network.proxies)
    with temporary_folder() as folder:
        for name, text in network.secret_texts.items():
            path = os.path.join(folder, name)
            write(path, text.encode(errors="surrogateescape"))
            files.append(csv_record(f"id={name}", f"src={path}"))
        as_shell = _files_as_shell(folder, network.secret_texts)
        yield BuildArguments(files, {}, [], dict(network.proxies), as_shell)


def read_pip_options(setting: str, environ: Mapping[str, str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return pip's configuration files that exist, and the options that say where packages come from.

    The order is pip's: global, user, site, PIP_CONFIG_FILE, PIP_* variables; the later wins
    (https://pip.pypa.io/en/stable/topics/configuration/). Folders of this machine are left out, because a build does
    not see them.
    """
    if setting == NONE:
        return [], {}
    if setting:
        files = [_existing(setting, "pip_config")]
    elif environ.get("PIP_CONFIG_FILE") == os.devnull:
        files = []
    else:
        files = [path for path in pip_config_files(environ) if os.path.isfile(path)]
    options: dict[str, list[str]] = {}
    sources: dict[str, str] = {}
    for path in files:
        for name, value in _read_pip_config(path):
            options[name] = value.split()
            sources[name] = path
    if not setting:
        for variable, name, words in _pip_variables(environ):
            options[name] = words
            sources[name] = variable
    for name in ("index-url", "extra-index-url", "find-links"):
        options[name] = [word for word in options.get(name, []) if _is_remote(word)]
        for word in options[name]:
            _check_address(word, f"{name} ({sources[name]})")
    return files, {name: words for name, words in options.items() if words}


def _pip_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str, list[str]]]:
    for name in (*PIP_LISTS, *PIP_TEXTS, "cert", "constraint"):
        variable = f"PIP_{name.upper().replace('-', '_')}"
        words = environ.get(variable, "").split()
        if words:
            yield variable, name, words


def variable_values(requirements: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables that requirement lines name as pip and uv expect them, `${NAME}`.

    Raises `VariableNotSet` for a variable without a value, which pip and uv would leave as it is, and `BadRequirements`
    for one that the build must not get from here.
    """
    values = {}
    for name in variable_names(requirements):
        if RESERVED.fullmatch(name):
            raise errors.BadRequirements(
                f"A requirement uses ${{{name}}}, a variable that has a meaning of its own in the build. Use another name."
            )
        values[name] = environ.get(name, "")
        if not values[name]:
            raise errors.VariableNotSet(
                f"A requirement uses ${{{name}}}, and the environment variable {name} is not set. Set it and try again; "
                "it is passed to the installer as a build secret."
            )
        if not values[name].isprintable():
            raise errors.VariableNotSet(
                f"A requirement uses ${{{name}}}, and the value of {name} has a line break or another control character. "
                "Set it to a value without."
            )
    return values


def variable_names(requirements: str) -> list[str]:
    """Return the names of the variables in requirement lines, comments excepted."""
    lines = [re.sub(r"(?:^|\s)#.*$", "", line) for line in requirements.splitlines()]
    return sorted({name for line in lines for name in re.findall(r"\$\{([A-Z0-9_]+)\}", line)})


def _names_of_secrets(requirements: str) -> list[str]:
    """Return the names of the variables that may be secret: all but those that stand for a host."""
    return variable_names(re.sub(r"(?:(?<=//)|(?<=@))\$\{[A-Z0-9_]+\}(?=[/:\s]|$)", "", requirements))


def pip_conf(options: Mapping[str, list[str]]) -> str:
    """Return a pip.conf with these options, "" if there are none. Its comments hold the same for uv."""
    lines = [f"{name} = {options[name][0]}" for name in PIP_TEXTS if options.get(name)]
    lines += [f"{name} =\n    " + "\n    ".join(options[name]) for name in PIP_LISTS if options.get(name)]
    if not lines:
        return ""
    for_uv = [f"{UV_PREFIX}{line}" for line in uv_toml(options).splitlines()]
    return "\n".join(["[global]", *lines, *for_uv, ""])


def uv_toml(options: Mapping[str, list[str]]) -> str:
    """Return the same for uv, which does not read pip.conf (https://docs.astral.sh/uv/reference/settings/)."""
    lines = []
    if options.get("index-url"):
        lines.append(f"index-url = {json.dumps(options['index-url'][0])}")
    for of_pip, of_uv in (
        ("extra-index-url", "extra-index-url"),
        ("find-links", "find-links"),
        ("trusted-host", "allow-insecure-host"),
    ):
        if options.get(of_pip):
            lines.append(f"{of_uv} = {json.dumps(options[of_pip])}")
    if options.get("extra-index-url"):  # pip takes the best version of all indexes
        lines.append('index-strategy = "unsafe-best-match"')
    if options.get("no-index", ["false"])[0].lower() in {"1", "true", "yes", "on"}:
        lines.append("no-index = true")
    return "\n".join(lines) + "\n" if lines else ""


def _without_userinfo(proxy: str) -> str:
    scheme, separator, _ = proxy.rpartition("@")[0].partition("://")
    return f"{scheme if separator else 'http'}://{proxy.rpartition('@')[2]}"


def _exports(variables: Mapping[str, str]) -> str:
    """Return shell commands that set the variables; one with credentials is named, but not shown."""
    return "\n".join(
        f"# {name} has credentials and is not shown."
        if _has_credentials(text)
        else f"export {name}={shlex.quote(text)}"
        for name, text in variables.items()
    )


def _files_as_shell(folder: str, texts: Mapping[str, str]) -> str:
    """Return shell commands that write the files; one with credentials is named, but not shown."""
    lines = [f"mkdir -p -m 700 {shlex.quote(folder)}"] if texts else []
    for name, text in texts.items():
        path = os.path.join(folder, name)
        if _has_credentials(text):
            lines.append(f"# {path} has credentials and is not shown.")
        else:
            lines.append(file_as_shell(path, text))
    return "\n".join(lines)


def _has_credentials(text: str) -> bool:
    return VARIABLE_PREFIX in text or redact(text) != text


def _refuse_proxy_password(proxies: Mapping[str, str]) -> None:
    for name, value in proxies.items():
        if "@" in value:
            raise errors.BadSetting(
                f"{name} has a password, and the engine's client (setting 'engine') does not get environment variables, "
                "so the password would be visible on its command line. Use `docker` directly (add the user to the group "
                "docker), or configure the proxy in the client's own config.json "
                "(https://docs.docker.com/engine/cli/proxy/) and unset the variable."
            )


def _read_pip_config(path: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise errors.BadSetting(
            f"Cannot read pip's configuration {path}: {_problem(error)}. Fix it, or set PYDOCK_PIP_CONFIG=none."
        ) from error
    for section in ("global", "install"):
        if parser.has_section(section):
            for name, value in parser.items(section):
                yield name.replace("_", "-"), value


def _problem(error: Exception) -> str:
    """Return what is wrong, without the text of the file, which may have a password in it."""
    if isinstance(error, OSError):
        return errors.reason(error)
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} is not in a section; put [global] before it"
    if isinstance(error, configparser.ParsingError):
        return f"line {error.errors[0][0]} is not of the form `name = value`"
    if isinstance(error, (configparser.DuplicateOptionError, configparser.DuplicateSectionError)):
        return f"line {error.lineno} repeats an earlier one"
    return "it is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else type(error).__name__


def _check_address(address: str, source: str) -> None:
    """Raise `BadSetting` for an address that no installer understands; their own messages would show its password."""
    try:
        parts = urlsplit(address)
        found = bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:  # a bad port, or a bad IPv6 address
        found = False
    if not found:
        raise errors.BadSetting(
            f"The address in {source} is malformed (it is not shown, because it may have a password). Check host and "
            "port; in a user name or password, write %23 for '#', %2F for '/', %3F for '?' and %40 for '@'."
        )


def _register_secrets(
    options: Mapping[str, list[str]],
    values: Sequence[str],
    secret: Sequence[str],
    netrc: str,
    proxies: Mapping[str, str],
) -> None:
    for address in [word for name in ("index-url", *PIP_LISTS) for word in options.get(name, [])]:
        register_address(address)
    for name, value in proxies.items():
        if name.upper() != "NO_PROXY":
            register_address(value)
    for value in values:  # the variable may be a whole address
        register_address(value)
    for value in secret:
        if "://" not in value:
            register_secret(value)
    if netrc:
        with contextlib.suppress(OSError):
            text = errors.read_file(netrc).decode(errors="replace")
            for word in re.findall(r"(?:^|\s)password\s+(\"[^\"]*\"|\S+)", text):
                register_secret(word.strip('"'))


def _ca_bundle(setting: str, environ: Mapping[str, str], options: Mapping[str, list[str]]) -> str:
    if setting == NONE:
        return ""
    if setting:
        return _small_enough(_existing(setting, "ca_bundle"))
    candidates = [environ.get(name, "") for name in CA_VARIABLES] + options.get("cert", [])
    for path in candidates:
        if path and os.path.isfile(path):
            return _small_enough(path)
    return ""


def _netrc(setting: str, environ: Mapping[str, str]) -> str:
    if setting == NONE:
        return ""
    if setting:
        return _existing(setting, "netrc")
    path = environ.get("NETRC") or os.path.join(find_user_home(environ), ".netrc")
    return path if os.path.isfile(path) else ""


def _existing(path: str, setting: str) -> str:
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise errors.BadSetting(
            f"Setting '{setting}' is {path}, which is not a file. Correct it, or use 'none'."
        )
    return path


def _small_enough(path: str) -> str:
    if os.path.getsize(path) > MAX_SECRET:
        raise errors.BadSetting(
            f"The CA bundle {path} is larger than {MAX_SECRET // 1024} KiB, the limit of a build secret. Set "
            "PYDOCK_CA_BUNDLE to a smaller file, for example your organisation's CA and the common ones."
        )
    return path


def _is_remote(word: str) -> bool:
    return bool(re.match(r"https?://", word, re.IGNORECASE))
