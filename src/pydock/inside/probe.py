"""Look what a container can do: write a file in a mounted folder, and reach the package indexes.

    python3 -I -S -c "$(cat probe.py)" < request

The request is JSON on stdin, because it may have passwords: `file` and `text` (what to write where), `pip_conf`, `netrc` and `ca`
(the contents of files), `seconds` (how long an index may take). The answer is a line of JSON.

Runs in an image's Python, which may be as old as 3.6. `-S` leaves out the packages of the image, which could read the request.
Many images have no bytecode of the standard library, so every import costs; what is not always needed is imported there.
"""

import json
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection, which would take the password along."""

    def redirect_request(self, *_: "Any") -> None:
        return None


def written(path: str, text: str) -> str:
    """Write a file; return why it could not be written, "" if it was."""
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError as error:
        return error.strerror or "it failed"
    return ""


def default_index() -> str:
    """Return the index that pip takes if none is configured, "" without pip. Importing pip would take 0.1 s."""
    for folder in (
        os.path.join(os.path.dirname(os.__file__), name) for name in ("site-packages", "dist-packages")
    ):
        try:
            with open(
                os.path.join(folder, "pip", "_internal", "models", "index.py"), encoding="utf-8"
            ) as file:
                address = (
                    file.read().partition("\nPyPI = PackageIndex(")[2].partition('"')[2].partition('"')[0]
                )
        except OSError:
            continue
        if address:
            return address.rstrip("/") + "/simple"
    return default_index_of_bundled_pip()


def default_index_of_bundled_pip() -> str:
    """Return the index of the pip that Python brings in its module ensurepip, "" if it brings none."""
    import glob

    sys.path[:0] = glob.glob(os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled", "pip-*.whl"))
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        return ""
    return str(PyPI.simple_url)


def addresses(pip_conf: str) -> "tuple[list[str], set[str]]":
    """Return the addresses that an installation asks, and the hosts whose certificates do not count."""
    if not pip_conf:
        index = default_index()
        return [index + "/pip/"] if index else [], set()
    import configparser

    parser = configparser.RawConfigParser()
    parser.read_string(pip_conf)
    options = dict(parser.items("global")) if parser.has_section("global") else {}
    found = options.get("find-links", "").split()
    if options.get("no-index", "").lower() not in {"1", "true", "yes", "on"}:
        indexes = [options.get("index-url") or default_index(), *options.get("extra-index-url", "").split()]
        found += [index.rstrip("/") + "/pip/" for index in indexes if index]
    return found, set(options.get("trusted-host", "").split())


def password_of(address: str, netrc_text: str) -> "tuple[str, str] | None":
    """Return user and password for an address: its own, or those of the netrc file."""
    parts = urlsplit(address)
    if parts.username is not None:
        return unquote(parts.username), unquote(parts.password or "")
    if not netrc_text:
        return None
    import netrc
    import tempfile

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(netrc_text)
        file.flush()
        try:
            found = netrc.netrc(file.name).authenticators(parts.hostname or "")
        except netrc.NetrcParseError:
            return None
    return (found[0], found[2] or "") if found else None


def ask(address: str, request: "dict[str, Any]", trusted: "set[str]", answer: "dict[str, Any]") -> None:
    """Ask for the head of a page; put the status and the error into the answer."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    try:
        context = ssl.create_default_context(cadata=request["ca"] or None)
        if trusted & {host, parts.hostname}:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirect)
        page = urllib.request.Request(parts._replace(netloc=host).geturl(), method="HEAD")  # noqa: S310
        user = password_of(address, request["netrc"])
        if user:
            import base64

            word = base64.b64encode(":".join(user).encode()).decode()
            page.add_unredirected_header("Authorization", "Basic " + word)
        answer["status"] = opener.open(page, timeout=request["seconds"]).status
        answer["error"] = ""
    except urllib.error.HTTPError as error:
        answer["status"], answer["error"] = error.code, ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        reason = getattr(error, "reason", None) or error
        answer["error"] = str(getattr(reason, "strerror", None) or reason)
        answer["kind"] = type(reason).__name__


def main() -> None:
    request = json.loads(sys.stdin.buffer.read().decode())
    disk = os.statvfs("/")
    answer = {
        "uid": os.getuid(),
        "unwritten": written(request["file"], request["text"]) if request["file"] else "",
        "free": disk.f_bavail * disk.f_frsize,
        "size": disk.f_blocks * disk.f_frsize,
        "indexes": [],
    }  # type: dict[str, Any]
    found, trusted = addresses(request["pip_conf"])
    threads = []
    for address in dict.fromkeys(found):
        parts = urlsplit(address)
        shown = "{}://{}".format(parts.scheme, parts.netloc.rpartition("@")[2])
        one = {"address": shown, "status": 0, "error": "no answer", "kind": ""}
        answer["indexes"].append(one)
        threads.append(threading.Thread(target=ask, args=(address, request, trusted, one), daemon=True))
        threads[-1].start()
    end = time.time() + request["seconds"]
    for thread in threads:
        thread.join(max(0.0, end - time.time()))
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a thread may still wait for a name server


if __name__ == "__main__":
    main()
