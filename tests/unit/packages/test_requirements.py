"""Requirement specifiers and requirements files: reading, refusing and writing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pydock import errors
from pydock.packages import requirement_files, requirements
from pydock.packages.requirement_files import parse_text
from pydock.packages.requirements import Line, parse_specifiers, to_text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pandas", "pandas"),
        ("Pandas", "pandas"),
        ("ruamel.yaml_x", "ruamel-yaml-x"),
        ("pandas[excel,Plot]", "pandas"),
        ("pandas==2.2.0", "pandas"),
        ("scipy>=1.11,<2,!=1.12.1", "scipy"),
        ("scipy ~= 1.11", "scipy"),
        ("tomli>=2 ; python_version < '3.11'", "tomli"),
        ("pip @ https://code.example/pip.whl", "pip"),
        ("x @ git+https://code.example/x@v1", "x"),
        ("git+https://code.example/x.git@v1#egg=My_X", "my-x"),
        ("hg+https://code.example/x#subdirectory=a&egg=x", "x"),
        ("git+ssh://git@code.example/x.git", "git+ssh://git@code.example/x.git"),
        ("https://code.example/x-1.0-py3-none-any.whl", "x"),
        ("  six  ", "six"),
    ],
)
def test_parse_specifier(text: str, name: str) -> None:
    assert requirements.parse_specifier(text) == Line(text.strip(), name, text.strip())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("./pkg", "is a local path"),
        ("../pkg", "is a local path"),
        ("/abs/pkg.whl", "is a local path"),
        ("~/pkg", "is a local path"),
        (".", "is a local path"),
        ("file:///pkg.whl", "is a local path"),
        ("C:\\pkg", "is a local path"),
        ("-e .", "is a local path"),
        ("--pre", "'--pre' is an option, not a package. Write it into a requirements file"),
        ("pandas=2", "Use for example 'pandas', 'pandas>=2,<3'"),
        ("pandas>=", "Invalid requirement specifier"),
        ("two words", "Invalid requirement specifier"),
        ("$(touch x)", "Invalid requirement specifier"),
        ("", "Invalid requirement specifier"),
        ("pandas[excel", "Invalid requirement specifier"),
        ("x @ https://me:hunter2@code.example/x", "The address at code.example has a password or a token"),
        ("git+https://me:hunter2@code.example/x", "has a password"),
        ("https://me:hunter2@code.example/x.whl", "or write ${VARIABLE} in its place"),
    ],
)
def test_invalid_specifier(text: str, words: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        requirements.parse_specifier(text)
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.code == 2


def test_variable_is_not_a_password() -> None:
    text = "x @ https://me:${TOKEN}@code.example/x"
    assert requirements.parse_specifier(text).name == "x"


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["a", "b>=1"], ["a", "b>=1"]),
        ("a b>=1", ["a", "b>=1"]),
        ("a >= 1 ; python_version > '3'", ["a >= 1 ; python_version > '3'"]),
        ("a >= 1\nb < 2\n\n", ["a >= 1", "b < 2"]),
        ("a\n", ["a"]),
        ("", []),
        ("  ", []),
        ([], []),
    ],
)
def test_parse_specifiers(words: list[str] | str, texts: list[str]) -> None:
    assert [line.text for line in parse_specifiers(words)] == texts


FILE = """\
\ufeff# direct dependencies
pandas>=2  # tables

scipy \\
    >=1.11, \\
    <2
-r more/below.txt  # and these
--extra-index-url https://index.example/simple
-e git+https://code.example/x#egg=x
https://code.example/y.whl#sha256=cccc
"""


def test_parse_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "below.txt").write_text("numpy\n-r again.txt\n")
    (tmp_path / "more" / "again.txt").write_text("requests\n")
    (tmp_path / "reqs.txt").write_text(FILE, encoding="utf-8")
    lines = requirement_files.parse_files([str(tmp_path / "reqs.txt")])
    address = "https://code.example/y.whl#sha256=cccc"
    assert lines == [
        Line("# direct dependencies"),
        Line("pandas>=2  # tables", "pandas", "pandas>=2"),
        Line(""),
        Line("scipy \\\n    >=1.11, \\\n    <2", "scipy", "scipy     >=1.11,     <2"),
        Line("numpy", "numpy", "numpy"),
        Line("requests", "requests", "requests"),
        Line(
            "--extra-index-url https://index.example/simple",
            options=(("--extra-index-url", "https://index.example/simple"),),
        ),
        Line("-e git+https://code.example/x#egg=x", "x", "git+https://code.example/x#egg=x"),
        Line(address, address, address),
    ]
    assert requirements.options(lines) == lines[6:7]
    assert requirements.names(lines[:5]) == ["pandas", "scipy", "numpy"]


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("six\npandas=2\n", 2, "Invalid requirement specifier 'pandas=2'"),
        ("\n\n./pkg\n", 3, "neither a folder nor a wheel"),
        ("a\nb \\\n >=\n", 2, "Invalid requirement specifier"),
        ("-e ./pkg\n", 1, "folder ./pkg not found"),
        ("--editable=..\n", 1, "so it is not a Python project"),
        ("-e x.txt --pre\n", 1, "other options are not supported"),
        ("-e ftp://x\n", 1, "neither a path nor the address of a repository"),
        ("--frobnicate\n", 1, "option '--frobnicate' is not supported"),
        ("--use-pep517\n", 1, "option '--use-pep517' is not supported"),
        ("six --pre\n", 1, "option '--pre' is not supported in this place"),
        ("--index-url\n", 1, "--index-url option requires 1 argument"),
        ("-i 'x\n", 1, "Check the quotes"),
        ("x @ file:///croot/x/work\n", 1, "is a local path"),
        ("six\n-i https://me:hunter2@index.example\n", 2, "has a password"),
        ("x @ https://me:hunter2@code.example/x\n", 1, "has a password"),
    ],
)
def test_invalid_line_is_reported_with_file_and_line(
    tmp_path: Path, text: str, number: int, words: str
) -> None:
    path = tmp_path / "reqs.txt"
    path.write_text(text)
    with pytest.raises(errors.BadRequirements) as caught:
        requirement_files.parse_files([str(path)])
    assert caught.value.message.startswith(f"{path}, line {number}: ")
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message


def test_invalid_line_of_included_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("six\n--requirement=b.txt\n")
    (tmp_path / "b.txt").write_text("\nnot good\n")
    with pytest.raises(errors.BadRequirements, match=r"b\.txt, line 2"):
        requirement_files.parse_files([str(tmp_path / "a.txt")])


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(errors.BadRequirements, match="Requirements file not found: "):
        requirement_files.parse_files([str(tmp_path / "none.txt")])
    (tmp_path / "latin.txt").write_bytes(b"# caf\xe9\n")
    with pytest.raises(errors.BadRequirements, match="is not valid text"):
        requirement_files.parse_files([str(tmp_path / "latin.txt")])
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("-ra.txt\n")
    with pytest.raises(errors.BadRequirements, match="includes itself"):
        requirement_files.parse_files([str(tmp_path / "a.txt")])


def test_file_may_be_included_twice(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("six\n")
    assert [line.name for line in requirement_files.parse_files([str(tmp_path / "a.txt")])] == ["six", "six"]


@pytest.mark.parametrize("text", ["", "six\n", "-e .\n./wheels/x.whl\n--odd\n# x\n/abs\n"])
def test_check_file_accepts_options_and_paths(tmp_path: Path, text: str) -> None:
    path = tmp_path / "requirements.txt"
    requirement_files.check_file(str(path))
    path.write_text(text)
    requirement_files.check_file(str(path))


def test_check_file_refuses_invalid_lines(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("six\n<<<<<<< HEAD\n")
    with pytest.raises(errors.BadRequirements, match=r"requirements\.txt, line 2"):
        requirement_files.check_file(str(path))


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        ("# one\nb\n\na>=1  # low\n", ["c"], "# one\nb\n\na>=1  # low\nc\n"),
        ("a>=1\nb\n", ["a>=2"], "a>=2\nb\n"),
        ("a>=1\n", ["a"], "a>=1\n"),
        ("a>=1\n", ["A"], "a>=1\n"),
        ("a>=1\n", ["a[x]"], "a[x]>=1\n"),
        ("a<2  # old\n", ["A[y,x]"], "A[x,y]<2  # old\n"),
        ("a[x]\n", ["a>=0.30"], "a[x]>=0.30\n"),
        ("a[x]>=1\n", ["a"], "a[x]>=1\n"),
        ("a[x]>=1\n", ["a[x]"], "a[x]>=1\n"),
        ("a[x]>=1\n", ["a[x] >= 2"], "a[x] >= 2\n"),
        ("a @ https://code.example/a.whl\n", ["a>=1"], "a>=1\n"),
        ("a  # note\n", ["a"], "a  # note\n"),
        ("", ["a", "a==1"], "a==1\n"),
        ("x.y\n", ["X_Y==1"], "X_Y==1\n"),
        (
            "",
            ["a<2;python_version<'3'", "a>=2;python_version>='3'"],
            "a<2;python_version<'3'\na>=2;python_version>='3'\n",
        ),
        ("b\na==1\nc\n", ["a>1", "a<3"], "b\na>1\na<3\nc\n"),
        ("a>1\nb\na<3\n", ["a==2"], "a==2\nb\n"),
        ("a>1\nb\na<3\n", ["a"], "a>1\nb\na<3\n"),
    ],
)
def test_merge(before: str, added: list[str], after: str) -> None:
    merged = requirements.merge(parse_text(before, "f"), parse_specifiers(added))
    assert to_text(merged) == after


def test_merge_keeps_options_and_comments_once() -> None:
    lines = parse_text("--pre\n# x\na\n", "f")
    assert requirements.merge(lines, parse_text("# x\n--pre\n--no-binary b\n", "f")) == [
        *lines,
        Line("--no-binary b", options=(("--no-binary", "b"),)),
    ]


def test_wheel_url_is_removed_by_package_name() -> None:
    [line] = parse_specifiers(["https://code.example/a%2Bb/My_Pkg-1.0-py3-none-any.whl"])
    assert requirements.remove([line], ["my-pkg"]) == []
    assert [line.name for line in parse_specifiers(["https://code.example/x.whl"])] == [
        "https://code.example/x.whl"
    ]


def test_remove() -> None:
    lines = parse_text("# x\na>=1\nb\n", "f")
    assert to_text(requirements.remove(lines, ["a", "c"])) == "# x\nb\n"


def test_bounds_have_no_extras_and_urls() -> None:
    text = "a\nb>=1 # low\nc[x]<2;python_version>'3'\nd @ https://code.example/d\ngit+https://e\n--pre\n# f\ng[x]\n"
    assert [line.text for line in requirements.bounds(parse_text(text, "f"))] == [
        "b>=1",
        'c<2; python_version > "3"',
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("Pandas ruamel.yaml", ["pandas", "ruamel-yaml"]),
        (["A_b"], ["a-b"]),
        ("", []),
        ("a\nb\n", ["a", "b"]),
    ],
)
def test_package_names(words: list[str] | str, names: list[str]) -> None:
    assert requirements.package_names(words) == names


@pytest.mark.parametrize("word", ["a>=1", "a[x]", "-a", "a-", "*", "./a", "https://x"])
def test_invalid_package_name(word: str) -> None:
    with pytest.raises(errors.UsageError, match="Invalid package name"):
        requirements.package_names([word])


# Generated requirement lines: names, extras, versions, markers, comments, spaces.
NAMES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"(?:>=|<=|==|!=|<|>)[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}", fullmatch=True)
COMMENTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=10)


@st.composite
def specifiers(draw: st.DrawFn) -> str:
    text = draw(NAMES)
    extras = draw(st.lists(NAMES, max_size=2))
    if extras:
        text += f"[{','.join(extras)}]"
    text += draw(st.sampled_from(["", " "])) + ",".join(draw(st.lists(VERSIONS, max_size=3)))
    return text.strip() + draw(st.sampled_from(["", "; python_version < '3.11'", ' ; os_name == "posix"']))


@st.composite
def written_lines(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["specifier", "comment", "blank", "option"]))
    if kind == "specifier":
        comment = draw(st.none() | COMMENTS)
        return draw(specifiers()) + (f"  # {comment}".rstrip() if comment is not None else "")
    if kind == "comment":
        return f"# {draw(COMMENTS)}".rstrip()
    return "" if kind == "blank" else "--extra-index-url https://index.example/simple"


@given(st.lists(written_lines(), max_size=8))
def test_text_round_trip(texts: list[str]) -> None:
    lines = parse_text("".join(f"{text}\n" for text in texts), "f")
    assert [line.text for line in lines] == texts
    assert parse_text(to_text(lines), "f") == lines


@given(st.lists(specifiers(), max_size=5))
def test_words_and_lines_are_parsed_alike(texts: list[str]) -> None:
    lines = parse_specifiers(texts)
    assert parse_specifiers("".join(f"{text}\n" for text in texts)) == lines
    assert requirements.parse_specifiers(to_text(lines)) == lines


@given(st.lists(written_lines(), max_size=5), st.lists(specifiers(), max_size=5))
def test_merge_keeps_every_package(texts: list[str], added: list[str]) -> None:
    before = parse_text("".join(f"{text}\n" for text in texts), "f")
    lines = parse_specifiers(added)
    merged = requirements.merge(before, lines)
    assert {line.name for line in merged} == {line.name for line in [*before, *lines]}
    assert [line for line in merged if not line.name] == [line for line in before if not line.name]
    assert requirements.merge(merged, lines) == merged


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(errors.UsageError):
        line = requirements.parse_specifier(text)
        assert line.text == text.strip()
        assert line.name == canonicalize_name(line.name) or "://" in line.name or "+" in line.name
        assert line.requirement == line.text
