"""The names of pydock's own files in what installers print; they mean nothing to the user."""

from __future__ import annotations

import re

OWN_FILES = (
    (re.compile(r"-r \S+ \(line \d+\)(?=,| and )"), "the requirements"),
    (re.compile(r" \(from (?:[^()]*->)?-r \S+ \(line \d+\)\)"), ""),
    (re.compile(r"->-r \S+ \(line \d+\)"), ""),
    (re.compile(r"/root/\.cache/uv/builds-v0/\.tmp\w+/|/tmp/tmp\.\w+/pip-[\w-]+/"), ""),
    (re.compile(r"/usr/local/share/requirements\.txt"), "requirements.txt"),
    (
        re.compile(
            r"(?:/(?:pydock|requirements)/)?\b(?:wanted|requested|constraints|installed|upgrade-lines)\.txt"
        ),
        "the requirements",
    ),
    (re.compile(r"/pydock/[\w.-]+|\bstep\.dockerfile(?:\.j2)?"), "pydock's step"),
)


def without_own_files(line: str) -> str:
    """Return the line without these names."""
    for pattern, text in OWN_FILES:
        line = pattern.sub(text, line)
    return line
