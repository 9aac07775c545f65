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
import tempfile
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pydock import errors
from pydock.engine.argv import csv_record
from pydock.engine.surroundings import CA_VARIABLES, NONE, PROXY_VARIABLES, pip_config_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydock.settings import Settings

MAX_SECRET = 500 * 1024  # bytes; BuildKit refuses more
CA_BUNDLE, NETRC, PIP_CONF, UV_TOML = "ca.pem", "netrc", "pip.conf", "uv.toml"
# The options of pip that say where packages come from: https://pip.pypa.io/en/stable/cli/pip_install/
PIP_LISTS = ("extra-index-url", "find-links", "trusted-host")
PIP_TEXTS = ("index-url", "no-index", "timeout", "retries")
UV_PREFIX = "# uv: "  # marks the lines of our pip.conf that are for uv


class Network(NamedTuple):
    """What this machine passes into builds."""

    texts: dict[str, str]  # secrets that pydock writes: id -> content
    files: dict[str, str]  # secrets that are files of this machine: id -> path
    proxies: dict[str, str]  # variable -> value
    pip_configs: list[str]  # the configuration files that were read

    @property
    def ca_bundle(self) -> str:
        return self.files.get(CA_BUNDLE, "")

    @property
    def netrc(self) -> str:
        return self.files.get(NETRC, "")

    def without_ca_bundle(self) -> Network:
        """Return the same, for a step that gets the CA bundle in its build context."""
        return self._replace(files={name: path for name, path in self.files.items() if name != CA_BUNDLE})


class BuildArguments(NamedTuple):
    """How a `docker build` gets the secrets and the proxies."""

    secrets: list[str]  # arguments of --secret
    variables: dict[str, str]  # what the client's environment must have
    inherited: list[str]  # build arguments that the client takes from its environment
    arguments: dict[str, str]  # build arguments with values
    as_shell: str  # shell commands that set what of the variables may be shown


def describe_network(settings: Settings, environ: Mapping[str, str] | None = None) -> Network:
    """Return what this machine passes into builds; raises `BadSetting` for a file that does not exist."""
    environ = os.environ if environ is None else environ
    configs, options = read_pip_options(settings.pip_config, environ)
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
    return Network(
        {name: text for name, text in texts.items() if text},
        {name: path for name, path in paths.items() if path},
        proxies,
        configs,
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
        names = {name: f"PYDOCK_SECRET_{name.upper().replace('.', '_')}" for name in network.texts}
        secrets = [f"id={name},env={variable}" for name, variable in names.items()]
        variables = {names[name]: text for name, text in network.texts.items()}
        yield BuildArguments([*secrets, *files], variables, list(network.proxies), {}, _exports(variables))
        return
    _refuse_proxy_password(network.proxies)
    with tempfile.TemporaryDirectory(prefix="pydock-") as folder:  # mode 0700
        for name, text in network.texts.items():
            path = os.path.join(folder, name)
            with open(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
            files.append(csv_record(f"id={name}", f"src={path}"))
        yield BuildArguments(files, {}, [], dict(network.proxies), "")


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
    for path in files:
        for name, value in _read_pip_config(path):
            options[name] = value.split()
    if not setting:
        for name in (*PIP_LISTS, *PIP_TEXTS, "cert"):
            words = environ.get(f"PIP_{name.upper().replace('-', '_')}", "").split()
            if words:
                options[name] = words
    for name in ("index-url", *PIP_LISTS):
        options[name] = [word for word in options.get(name, []) if name == "trusted-host" or _is_remote(word)]
    return files, {name: words for name, words in options.items() if words}


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


def _exports(variables: Mapping[str, str]) -> str:
    """Return shell commands that set the variables; one with credentials is named, but not shown."""
    lines = []
    for name, text in variables.items():
        if re.search(r"://[^/\s\"]*@", text):
            lines.append(f"# {name} has credentials and is not shown.")
        else:
            lines.append(f"export {name}={shlex.quote(text)}")
    return "\n".join(lines)


def _refuse_proxy_password(proxies: Mapping[str, str]) -> None:
    for name, value in proxies.items():
        if "@" in urlsplit(value if "://" in value else f"http://{value}").netloc:
            raise errors.BadSetting(
                f"{name} has a password, and the engine's client (setting 'engine') does not get environment variables, "
                "so the password would be visible on its command line. Use `docker` directly (add the user to the group "
                "docker), or configure the proxy in the client's own config.json "
                "(https://docs.docker.com/engine/cli/proxy/) and unset the variable."
            )


def _read_pip_config(path: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise errors.BadSetting(
            f"Cannot read pip's configuration {path}: {reason}. Fix it, or set PYDOCK_PIP_CONFIG=none."
        ) from error
    for section in ("global", "install"):
        if parser.has_section(section):
            for name, value in parser.items(section):
                yield name.replace("_", "-"), value


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
    path = environ.get("NETRC") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".netrc")
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
    return bool(re.match(r"https?://", word))
