"""Write `${NAME}` in place of the values of variables into what an installer recorded: direct_url.json.

    forget_values.py START

Packages that were installed since the file START was written keep the address that they came from, with the values of its
query parameters (https://packaging.python.org/en/latest/specifications/direct-url/, which allows `${NAME}`). Runs with
the image's own Python, 3.6 or newer.
"""

# ruff: noqa: UP006, UP031, UP035 - Python 3.6

import base64
import glob
import hashlib
import json
import os
import sys
import sysconfig
from typing import List, Set, Tuple
from urllib.parse import quote

PREFIX = "# env: "  # as pydock writes them into pip.conf
SHORTEST = 4  # characters of a value that is looked for


def main(start: str, config: str = "/etc/pip.conf") -> None:
    values = read_values(config)
    if not values:
        return
    began = os.stat(start).st_mtime
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for path in glob.glob(os.path.join(glob.escape(folder), "*.dist-info", "direct_url.json")):
            if os.stat(path).st_ctime >= began:
                forget(path, values)


def read_values(config: str) -> List[Tuple[str, str]]:
    """Return (value, variable) pairs, longest value first, each in every form that an address can have."""
    try:
        with open(config, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line[len(PREFIX) :].rstrip("\n") for line in file if line.startswith(PREFIX)]
    except FileNotFoundError:
        return []
    pairs: Set[Tuple[str, str]] = set()
    for name, _, value in (line.partition("=") for line in lines):
        quoted = [quote(value, safe=safe, errors="surrogateescape") for safe in ("", "/", "/:@!$&'()*+,;=")]
        pairs.update((form, "${%s}" % name) for form in [value, *quoted] if len(form) >= SHORTEST)
    return sorted(pairs, key=lambda pair: (-len(pair[0]), pair))


def forget(path: str, values: List[Tuple[str, str]]) -> None:
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    url = content.get("url", "")
    scheme, slashes, rest = url.partition("://")
    host, slash, rest = rest.partition("/")
    for value, variable in values:
        rest = rest.replace(value, variable)
        if "@" in host:
            userinfo, _, name = host.rpartition("@")
            host = userinfo.replace(value, variable) + "@" + name
    content["url"] = scheme + slashes + host + slash + rest
    if content["url"] == url:
        return
    text = json.dumps(content).encode()
    with open(path, "wb") as file:
        file.write(text)
    correct_record(path, text)


def correct_record(path: str, text: bytes) -> None:
    """Write the file's new digest and size into RECORD."""
    record = os.path.join(os.path.dirname(path), "RECORD")
    name = "/".join(path.split(os.sep)[-2:])
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
    with open(record, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines(True)
    for index, line in enumerate(lines):
        if line.startswith(name + ","):
            lines[index] = "%s,sha256=%s,%d%s" % (name, digest, len(text), line[len(line.rstrip("\r\n")) :])
    with open(record, "w", encoding="utf-8", newline="") as file:
        file.write("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
