"""Credentials in text: found as installers find addresses, refused or masked, and never shown.

An address is found the way pip and uv find one, and a little more generously: schemes in any case (`HTTPS://`,
`git+https://`), no scheme (`//user@host`), one slash, quotes, comments. What counts as a credential:

- a user name or password, unless it is `${VARIABLE}`, which installers replace from their environment
  (https://pip.pypa.io/en/stable/reference/requirements-file-format/#using-environment-variables). A plain user name may
  stand before a `${VARIABLE}` password, and the user name of an SSH address is none;
- the value of a query parameter whose name is in `TOKEN_NAMES` or ends with one of `TOKEN_ENDINGS`.

A password may contain any sign, so where an address can be read in two ways, the longer credential is assumed.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "****"
ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]{0,30}):/{2,}|(?:https?|ftps?):/?|(?<![\w.~%/)}-])/{2,}|(?<=-[if])/{2,})"
    r"(?P<authority>[^\s/?#]*)(?P<rest>\S*)",
    re.IGNORECASE | re.ASCII,
)
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")  # pip's and uv's syntax; they leave $VARIABLE and ${lower} alone
PARAMETER = re.compile(r"[?&#;]([\w.%~-]+)=([^\s&#]*)", re.ASCII)
# Names of query parameters, in lower case and with "-" for "_".
TOKEN_NAMES = {"auth", "authorization", "jwt", "key", "pass", "passwd", "pwd", "sig"}
TOKEN_ENDINGS = (
    "token",  # access_token, private_token, job_token, X-Amz-Security-Token
    "signature",  # X-Amz-Signature, X-Goog-Signature
    "credential",  # X-Amz-Credential, X-Goog-Credential
    "credentials",
    "password",
    "secret",
    "apikey",
    "api-key",
    "accesskey",
    "access-key",
    "accesskeyid",  # AWSAccessKeyId
)
SSH = ("ssh", "sftp")  # git+ssh, bzr+sftp
# What services let their tokens begin with; such a word is no user name, even before a ${VARIABLE}.
TOKEN_BEGINNINGS = (
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "pypi-",
    "dckr_pat_",
    "hf_",
)
NO_PASSWORDS = {"", "x-oauth-basic"}  # what stands for the password where the user name is the token
USER_NAME = re.compile(r"[\w.%+@~-]*", re.ASCII)
STARS = re.compile(r"\*+")
HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d*)?", re.ASCII | re.IGNORECASE)
PORT = re.compile(r"\d*|\$\{[A-Z0-9_]+\}", re.ASCII)
ESCAPE = re.compile(r"%[0-9A-F]{2}")
LONG_NAME = 12  # characters from which a user name without a password may be a token
SHORTEST = 4  # characters of a secret that is masked wherever it is; shorter ones are in too many words


class Credential(NamedTuple):
    """Where a credential is in a text, and the host that it is for; "" if that is not certain."""

    start: int
    end: int
    host: str


def find_credentials(text: str) -> list[Credential]:
    """Return the credentials in the addresses of a text."""
    found = []
    position = 0
    while address := ADDRESS.search(text, position):
        position = max(address.end("authority"), address.start() + 1)
        end = _end_of_userinfo(text, address)
        if end:
            certain = end < address.end("authority")
            host = HOST.match(text, end + 1) if certain else None
            found.append(Credential(address.start("authority"), end, host[0] if host else ""))
            position = max(position, end)
    for parameter in PARAMETER.finditer(text):
        value = parameter[2].strip("\"'),.;>")
        if (
            value
            and _is_token_name(parameter[1])
            and not VARIABLE.fullmatch(value)
            and not STARS.fullmatch(value)
        ):
            found.append(Credential(*parameter.span(2), _host_before(text, parameter.start())))
    return found


def redact(text: str) -> str:
    """Return the text with `****` for every registered secret and for every credential in an address."""
    if _secrets:
        text = _registered().sub(MASK, text)
    if "/" not in text and "=" not in text and ":" not in text:
        return text
    parts = []
    position = 0
    for start, end, _ in sorted(find_credentials(text)):
        if end > position:
            parts += [text[position : max(start, position)], MASK]
            position = end
    return "".join([*parts, text[position:]])


def register_secret(value: str) -> None:
    """Let `redact` mask this value from now on, as it is and as it is written in addresses and JSON."""
    if len(value) < SHORTEST:
        return
    forms = {value, quote(value, safe=""), quote(value), unquote(value), json.dumps(value)[1:-1]}
    forms |= {ESCAPE.sub(lambda found: found[0].lower(), form) for form in forms}
    if not forms <= _secrets:
        _secrets.update(forms)
        _pattern.clear()


def register_address(address: str) -> None:
    """Let `redact` mask what is secret in the address of an index or a proxy, which may be malformed."""
    whole = address if "//" in address else f"//{address}"
    for start, end, _ in find_credentials(whole):
        text = whole[start:end]
        password = text.partition(":")[2]
        if password or len(text) >= LONG_NAME:
            register_secret(text)
            register_secret(password)
            register_secret(base64.b64encode(unquote(text).encode()).decode())  # in an HTTP header


def register_options(words: Sequence[str]) -> None:
    """Let `redact` mask the values of variables in options: `--env API_TOKEN=…`, `--build-arg=PASSWORD=…`."""
    for word in words:
        name, _, value = word.partition("=")
        if name.startswith("-"):
            name, _, value = value.partition("=")
        if value and _is_token_name(name):
            register_secret(value)


def secrets() -> frozenset[str]:
    """Return every form of every registered secret."""
    return frozenset(_secrets)


def forget_secrets() -> None:
    """Forget what was registered, for tests."""
    _secrets.clear()
    _pattern.clear()


_secrets: set[str] = set()
_pattern: list[re.Pattern[str]] = []  # the pattern of _secrets, while it is up to date


def _registered() -> re.Pattern[str]:
    if not _pattern:
        longest_first = sorted((form for form in _secrets if len(form) >= SHORTEST), key=len, reverse=True)
        _pattern.append(re.compile("|".join(map(re.escape, longest_first))))
    return _pattern[0]


def _end_of_userinfo(text: str, address: re.Match[str]) -> int:
    """Return where a user name or password that is a credential ends, 0 if there is none.

    It is assumed to end at the last "@" of the word, because a password may contain any sign. A revision of a
    repository (`git+https://user@host/project@v1`) is told apart by the project, which must come before it.
    """
    scheme, authority, rest = (address["scheme"] or "").lower(), address["authority"], address["rest"]
    userinfo, at, _ = authority.rpartition("@")
    if at:
        if _is_harmless(userinfo, scheme):
            return 0
        before, _, revision = rest.rpartition("@")
        if "+" in scheme and "/" in before and "@" not in before and "/" not in revision.partition("#")[0]:
            return address.start("authority") + len(userinfo)
        return text.rindex("@", address.start("authority"), address.end())
    name, _, port = authority.rpartition(":")
    line = text[address.end("authority") :].partition("\n")[0]
    if name and not authority.endswith("]") and not PORT.fullmatch(port):
        malformed = "@" in line  # the password has a "#", "/", "?" or a blank
    elif rest.startswith(("#", "?")):
        malformed = "@" in rest
    else:  # digits and a "/" look like a port
        malformed = bool(name) and "." not in name and "[" not in name and "+" not in scheme and "@" in rest
        malformed = malformed and name.lower() != "localhost"
    if not malformed:
        return 0
    end = address.end() if "@" in rest else address.end("authority") + len(line)
    return text.rindex("@", address.end("authority"), end)


def _is_harmless(userinfo: str, scheme: str) -> bool:
    user, colon, password = userinfo.partition(":")
    if STARS.fullmatch(password) or STARS.fullmatch(userinfo):  # masked already
        return True
    if VARIABLE.fullmatch(password):
        named = USER_NAME.fullmatch(user) and not user.lower().startswith(TOKEN_BEGINNINGS)
        return bool(named or VARIABLE.fullmatch(user))
    if VARIABLE.fullmatch(user) or not user:
        return password in NO_PASSWORDS and (bool(user) or not password)
    return not colon and scheme.rpartition("+")[2] in SSH and bool(USER_NAME.fullmatch(user))


def _is_token_name(name: str) -> bool:
    name = unquote(name).lower().replace("_", "-")
    return name in TOKEN_NAMES or name.endswith(TOKEN_ENDINGS)


def _host_before(text: str, position: int) -> str:
    """Return the host of the address that ends there, "" if it is not certain."""
    before = re.split(r"\s", text[:position])[-1]
    found = None
    for address in ADDRESS.finditer(before):
        found = address
    if not found or before.count("@"):
        return ""
    host = HOST.fullmatch(found["authority"])
    return host[0] if host else ""
