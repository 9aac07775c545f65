"""Record that packages are links to projects: `pip list` shows their places, and `pip freeze` lists them as `-e PLACE`.

    mark_editable.py FILE    each line: the package's name, a tab, the project's folder

Both installers record the wheel that they were given instead. Direct URL origins:
https://packaging.python.org/en/latest/specifications/direct-url/. Runs in the environment's Python, 3.7 or newer.
"""

import base64
import csv
import hashlib
import io
import json
import os
import re
import sys
from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD, ORIGIN = "RECORD", "direct_url.json"


def normalized(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def metadata_folders(name: str) -> "Iterator[str]":
    """Yield the `.dist-info` folders of a package."""
    for place in sys.path:
        if os.path.isdir(place):
            for entry in os.listdir(place):
                if entry.endswith(".dist-info") and normalized(entry.split("-")[0]) == name:
                    yield os.path.join(place, entry)


def mark(folder: str, project: str) -> None:
    """Write the origin of a package, and its digest into the record of its files."""
    origin = {"url": "file://" + quote(project), "dir_info": {"editable": True}}
    content = json.dumps(origin).encode()
    with open(os.path.join(folder, ORIGIN), "wb") as file:
        file.write(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    own = f"{os.path.basename(folder)}/{ORIGIN}"
    path = os.path.join(folder, RECORD)
    with open(path, newline="") as text:
        rows = [row for row in csv.reader(text) if row and row[0] != own]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([*rows, [own, f"sha256={digest}", str(len(content))]])
    with open(path, "w", newline="") as text:
        text.write(written.getvalue())


def main(file: str) -> None:
    with open(file, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            name, _, project = line.rstrip("\n").partition("\t")
            for folder in metadata_folders(name):
                mark(folder, project)


if __name__ == "__main__":
    main(sys.argv[1])
