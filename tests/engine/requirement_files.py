"""Requirement files of many shapes, and what pip makes of them: the packages that it installs, or REFUSED.

`INDEX`, `OTHER_INDEX` and `HOST` stand for the test's index; `WHEEL` for the address of example 1.0, and `HASH_…` for the
SHA-256 of a wheel of `example`. Every case has a file `r.txt`.
"""

from __future__ import annotations

from typing import NamedTuple

REFUSED = None
BOM = b"\xef\xbb\xbf"


class Case(NamedTuple):
    files: dict[str, bytes]
    installed: list[str] | None


def text(content: str, installed: str | None, **others: str) -> Case:
    files = {"r.txt": content, **{f"{name}.txt": other for name, other in others.items()}}
    return Case(
        {name: value.encode() for name, value in files.items()},
        None if installed is None else installed.split(),
    )


HASHED = "example==1.0 --hash=sha256:HASH_1\n"
# What names, versions, extras, markers, comments and continued lines mean.
LINES = {
    # names and versions
    "name": text("example\n", "example==2.0"),
    "name in capitals": text("Example\n", "example==2.0"),
    "no line end": text("example", "example==2.0"),
    "blanks around": text("   example  \n\n\t\n", "example==2.0"),
    "exact": text("example==1.0\n", "example==1.0"),
    "range": text("example>=1,<2\n", "example==1.1"),
    "blanks in a range": text("example >= 1 , < 2\n", "example==1.1"),
    "parentheses": text("example (<2)\n", "example==1.1"),
    "compatible": text("example~=1.0\n", "example==1.1"),
    "wildcard": text("example==1.*\n", "example==1.1"),
    "excluded": text("example!=2.0\n", "example==1.1"),
    "two bounds": text("example>=1\nexample<2\n", "example==1.1"),
    "twice": text("example\nexample\n", "example==2.0"),
    "dots and underscores": text("dotted.name_x\n", "dotted-name-x==1.0"),
    "conflict": text("example==1.0\nexample==2.0\n", REFUSED),
    "unknown package": text("no-such-package\n", REFUSED),
    "unknown version": text("example==9\n", REFUSED),
    "one equals sign": text("example=1.0\n", REFUSED),
    "two names": text("example other\n", REFUSED),
    "empty": text("", ""),
    "only comments": text("# nothing\n\n  # more\n", ""),
    # dependencies, extras, markers
    "dependency": text("needs\n", "needs==1.0 example==1.1"),
    "dependency and bound": text("needs\nexample<1.1\n", "needs==1.0 example==1.0"),
    "dependency conflict": text("needs\nexample>=2\n", REFUSED),
    "extra": text("extras[x]\n", "extras==1.0 example==2.0"),
    "two extras": text("extras[x,y]\n", "extras==1.0 example==2.0 other==1.0"),
    "extras on two lines": text("extras[x]\nextras[y]\n", "extras==1.0 example==2.0 other==1.0"),
    "extra with a blank": text("extras [x]\n", "extras==1.0 example==2.0"),
    "marker that holds": text("example; python_version >= '3'\n", "example==2.0"),
    "marker that does not": text('example; sys_platform == "win32"\nother\n', "other==1.0"),
    "semicolon without a marker": text("example; # note\n", "example==2.0"),
    # comments and continued lines
    "comment at the end": text("example<2  # old\n", "example==1.1"),
    "number sign without a blank": text("example<2# old\n", REFUSED),
    "tab before a comment": text("example<2\t# old\n", "example==1.1"),
    "continued": text("example \\\n  <2\n", "example==1.1"),
    "continued to the end": text("example<2 \\\n", "example==1.1"),
    "continued in a comment": text("# x \\\nexample\n", "example==2.0"),
    "comment in a continued line": text("example \\\n# x\nother\n", "example==2.0 other==1.0"),
}
# What files, options, hashes and addresses mean.
FILES = {
    # encodings
    "byte order mark": Case({"r.txt": BOM + b"example\n"}, ["example==2.0"]),
    "utf-16": Case({"r.txt": "example\r\nother\r\n".encode("utf-16")}, ["example==2.0", "other==1.0"]),
    "line ends of Windows": text("example<2\r\nother\r\n", "example==1.1 other==1.0"),
    "declared latin-1": Case(
        {"r.txt": "# -*- coding: latin-1 -*-\nexample  # é\n".encode("latin-1")}, ["example==2.0"]
    ),
    # other files
    "included": text("-r more.txt\n", "example==2.0", more="example\n"),
    "included without a blank": text("-rmore.txt\n", "example==2.0", more="example\n"),
    "included, long": text("--requirement=more.txt\n", "example==2.0", more="example\n"),
    "included, with a comment": text("-r more.txt\t# more\n", "example==2.0", more="example\n"),
    "included, in quotes": Case({"r.txt": b'-r "x y.txt"\n', "x y.txt": b"example\n"}, ["example==2.0"]),
    "included in a folder": Case(
        {"r.txt": b"-r d/a.txt\n", "d/a.txt": b"-r b.txt\n", "d/b.txt": b"other\n"}, ["other==1.0"]
    ),
    "included, missing": text("-r nothing.txt\n", REFUSED),
    "constraint": text("-c more.txt\nexample\n", "example==1.1", more="example<2\nother==7\n"),
    "constraint of a dependency": text(
        "-c more.txt\nneeds\n", "needs==1.0 example==1.0", more="example==1.0\n"
    ),
    "constraint that conflicts": text("-c more.txt\nneeds\n", REFUSED, more="example==2.0\n"),
    # options
    "pre-releases": text("--pre\nexample\n", "example==3.0rc1"),
    "pre-release of one package": text("example>=3.0rc1\n", "example==3.0rc1"),
    "extra index": text("--extra-index-url OTHER_INDEX\nexample\n", "example==4.0"),
    "extra indexes": text(
        "--extra-index-url OTHER_INDEX\n--extra-index-url INDEX\nexample\n", "example==4.0"
    ),
    "extra index, abbreviated": text("--extra-index=OTHER_INDEX\nexample\n", "example==4.0"),
    "index": text("-i OTHER_INDEX\nexample\n", "example==4.0"),
    "several options": text("--pre --only-binary :all:\nexample\n", "example==3.0rc1"),
    "only binary of two": text("--only-binary example,other\nexample\nother\n", "example==2.0 other==1.0"),
    "no binary": text("--no-binary example\nexample\n", REFUSED),
    "prefer binary": text("--prefer-binary\nexample\n", "example==2.0"),
    "trusted host": text("--trusted-host HOST\nexample\n", "example==2.0"),
    "unknown option": text("--frobnicate\nexample\n", REFUSED),
    "option without a value": text("--index-url\nexample\n", REFUSED),
    # hashes
    "hash": text(HASHED, "example==1.0"),
    "hashes on continued lines": text(
        f"example==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:HASH_1\n", "example==1.0"
    ),
    "wrong hash": text(f"example==1.0 --hash=sha256:{'0' * 64}\n", REFUSED),
    "hash and none": text(f"{HASHED}other==1.0\n", REFUSED),
    "hashes required": text("--require-hashes\nexample==1.0\n", REFUSED),
    # addresses
    "wheel": text("WHEEL\n", "example==1.0"),
    "wheel with a digest": text("WHEEL#sha256=HASH_1\n", "example==1.0"),
    "wheel with a wrong digest": text(f"WHEEL#sha256={'0' * 64}\n", REFUSED),
    "name at an address": text("example @ WHEEL\n", "example==1.0"),
    "wheel with a marker": text('WHEEL ; python_version >= "3"\n', "example==1.0"),
    "missing wheel": text("INDEXmissing-1.0-py3-none-any.whl\n", REFUSED),
    # size
    "long": text("".join(f"# {'x' * 150} {number}\n" for number in range(400)) + "example\n", "example==2.0"),
    "one long line": text(
        "example==1.0 --hash=sha256:HASH_1"
        + "".join(f" --hash=sha256:{number:064x}" for number in range(700))
        + "\n",
        "example==1.0",
    ),
}
CASES = {**LINES, **FILES}
