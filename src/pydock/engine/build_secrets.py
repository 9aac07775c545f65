"""What an installation needs to reach the package index from inside a build, and where this machine keeps it.

All of it goes in as BuildKit secrets (https://docs.docker.com/build/building/secrets/), so that none of it is
in a layer, in the history or in a command line; a build elsewhere, without them, works all the same. In steps of our
own, CA certificates, which are no secret, are a mounted file of the build context (`build_steps` says why).
"""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.argv import csv_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydock.settings import Settings

NONE = "none"
MAX_SECRET = 500 * 1024  # bytes; BuildKit refuses more
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# https://docs.docker.com/build/building/variables/#proxy-arguments
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
# The options of pip that say where packages come from: https://pip.pypa.io/en/stable/cli/pip_install/
PIP_LISTS = ("extra-index-url", "find-links", "trusted-host")
PIP_TEXTS = ("index-url", "no-index", "timeout", "retries")


class Network(NamedTuple):
    """Arguments for `docker build`: secrets, the variables that feed them, and proxies to inherit."""

    secrets: dict[str, str]  # the argument of `--secret` by its id
    variables: dict[str, str]
    proxies: list[str]
    ca_bundle: str
    pip_configs: list[str]
    netrc: str


def describe_network(settings: Settings, environ: Mapping[str, str] | None = None) -> Network:
    """Return what this machine passes into builds; raises `BadSetting` for a file that is not there."""
    environ = os.environ if environ is None else environ
    configs, options = read_pip_options(settings.pip_config, environ)
    ca_bundle = _ca_bundle(settings.ca_bundle, environ, options)
    netrc = _netrc(settings.netrc, environ)
    texts = {"pip.conf": pip_conf(options), "uv.toml": uv_toml(options)}
    texts = {name: text for name, text in texts.items() if text}
    names = {name: f"PYDOCK_SECRET_{name.upper().replace('.', '_')}" for name in texts}
    variables = {names[name]: text for name, text in texts.items()}
    secrets = {name: f"id={name},env={variable}" for name, variable in names.items()}
    for name, path in (("ca.pem", ca_bundle), ("netrc", netrc)):
        if path:
            secrets[name] = csv_record(f"id={name}", f"src={path}")
    proxies = [name for upper in PROXY_VARIABLES for name in (upper, upper.lower()) if environ.get(name)]
    return Network(secrets, variables, proxies, ca_bundle, configs, netrc)


def read_pip_options(setting: str, environ: Mapping[str, str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return pip's configuration files that exist, and the options that say where packages come from.

    The order is pip's: global, user, site, PIP_CONFIG_FILE, PIP_* variables; the later wins
    (https://pip.pypa.io/en/stable/topics/configuration/). Folders of this machine are left out: a build does
    not see them.
    """
    if setting == NONE:
        return [], {}
    if setting:
        files = [_existing(setting, "pip_config")]
    elif environ.get("PIP_CONFIG_FILE") == os.devnull:
        files = []
    else:
        files = [path for path in _pip_config_files(environ) if os.path.isfile(path)]
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
    """Return a pip.conf with these options, empty where there is nothing to say."""
    lines = [f"{name} = {options[name][0]}" for name in PIP_TEXTS if options.get(name)]
    lines += [f"{name} =\n    " + "\n    ".join(options[name]) for name in PIP_LISTS if options.get(name)]
    return "[global]\n" + "\n".join(lines) + "\n" if lines else ""


def uv_toml(options: Mapping[str, list[str]]) -> str:
    """Return the same for uv, which reads no pip.conf (https://docs.astral.sh/uv/reference/settings/)."""
    lines = []
    if options.get("index-url"):
        lines.append(f"index-url = {json.dumps(options['index-url'][0])}")
    for ours, theirs in (
        ("extra-index-url", "extra-index-url"),
        ("find-links", "find-links"),
        ("trusted-host", "allow-insecure-host"),
    ):
        if options.get(ours):
            lines.append(f"{theirs} = {json.dumps(options[ours])}")
    if options.get("extra-index-url"):  # pip takes the best version of all indexes
        lines.append('index-strategy = "unsafe-best-match"')
    if options.get("no-index", ["false"])[0].lower() in {"1", "true", "yes", "on"}:
        lines.append("no-index = true")
    return "\n".join(lines) + "\n" if lines else ""


def _pip_config_files(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME") or os.path.expanduser("~")
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
        yield os.path.join(folder, "pip", "pip.conf")
    if sys.platform == "darwin":
        yield "/Library/Application Support/pip/pip.conf"
    yield "/etc/pip.conf"
    yield os.path.join(home, ".pip", "pip.conf")
    if sys.platform == "darwin":
        yield os.path.join(home, "Library", "Application Support", "pip", "pip.conf")
    yield os.path.join(config, "pip", "pip.conf")
    yield os.path.join(sys.prefix, "pip.conf")
    if environ.get("PIP_CONFIG_FILE"):
        yield environ["PIP_CONFIG_FILE"]


def _read_pip_config(path: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise errors.BadSetting(
            f"The pip configuration {path} cannot be read: {reason}. Mend it, or set PYDOCK_PIP_CONFIG=none."
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
            f"Setting '{setting}' names {path}, which is no file. Mend it, or say 'none'."
        )
    return path


def _small_enough(path: str) -> str:
    if os.path.getsize(path) > MAX_SECRET:
        raise errors.BadSetting(
            f"The CA bundle {path} is larger than {MAX_SECRET // 1024} KiB, the most that a build takes as a secret. "
            "Name a smaller one with PYDOCK_CA_BUNDLE (your organisation's own CA is enough with the common ones)."
        )
    return path


def _is_remote(word: str) -> bool:
    return bool(re.match(r"https?://", word))
