"""Where this machine keeps what installers need: certificates, proxies, pip's configuration.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import sys

from pydock.settings import find_user_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NONE = "none"
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# https://docs.docker.com/build/building/variables/#proxy-arguments
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


def pip_config_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths where pip looks for its configuration, the later wins.

    https://pip.pypa.io/en/stable/topics/configuration/
    """
    home = find_user_home(environ)
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
