"""Requirements files: several of them, constraints, encodings, hashes, and the text of requirements.txt."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.packages import requirement_files, requirements
from pydock.packages.pins import pinned_text
from pydock.packages.requirement_files import parse_files, parse_text
from pydock.packages.requirements import for_installer, parse_specifiers, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ZERO, ONE = "0" * 64, "1" * 64


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_files(folder: Path) -> None:
    (folder / "a.txt").write_text("six\n")
    (folder / "b.txt").write_text("numpy  # fast\n--pre\n")
    lines = parse_files(["a.txt", "b.txt"])
    assert to_text(lines) == "six\nnumpy  # fast\n--pre\n"
    assert for_installer(lines) == "six\nnumpy\n--pre\n"


def test_missing_first_file(folder: Path) -> None:
    (folder / "b.txt").write_text("numpy\n")
    with pytest.raises(errors.BadRequirements, match=r"Requirements file not found: a\.txt"):
        parse_files(["a.txt", "b.txt"])


def test_constraints_are_recorded_as_comments(folder: Path) -> None:
    (folder / "a.txt").write_text("-c d/c.txt\nsix\n")
    (folder / "d").mkdir()
    (folder / "d" / "c.txt").write_text(
        "# bounds\nnumpy<2  # old\n-r more.txt\n--index-url https://index.example\n"
    )
    (folder / "d" / "more.txt").write_text("pandas[excel]==2.2\n")
    (folder / "extra.txt").write_text("scipy>=1\n")
    lines = parse_files(["a.txt"], ["extra.txt"])
    recorded = "# constraint: numpy<2\n# constraint: pandas[excel]==2.2\nsix\n# constraint: scipy>=1\n"
    assert to_text(lines) == recorded
    assert for_installer(lines) == "six\n"
    assert parse_text(recorded, "requirements.in") == lines
    assert [line.requirement for line in requirements.bounds(lines)] == ["numpy<2", "pandas==2.2", "scipy>=1"]
    assert requirements.merge(lines, lines) == lines


@pytest.mark.parametrize(
    "line", ["x @ https://code.example/x.whl", "git+https://code.example/x", "-e git+https://code.example/x"]
)
def test_a_constraint_is_no_address(folder: Path, line: str) -> None:
    (folder / "c.txt").write_text(f"six<2\n{line}\n")
    with pytest.raises(errors.BadRequirements, match="is an address, not a version bound"):
        parse_files([], ["c.txt"])


def test_a_comment_that_only_looks_like_a_constraint() -> None:
    [line] = parse_text("# constraint: see the wiki\n", "requirements.in")
    assert not line.is_constraint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"six==1 --hash=sha256:{ZERO}\nnumpy\n", "'numpy' has no hash"),
        ("--require-hashes\nsix==1\n", "'six==1' has no hash"),
        ("-r 'x\n", "Check the quotes"),
        ("--no-index six\n", "'six' does not belong to an option"),
    ],
)
def test_invalid_file(folder: Path, text: str, words: str) -> None:
    (folder / "a.txt").write_text(text)
    with pytest.raises(errors.BadRequirements, match=words):
        parse_files(["a.txt"])


@pytest.mark.parametrize("option", ["-r x.txt", "-c x.txt", "--requirement=x.txt"])
def test_own_files_include_no_others(option: str) -> None:
    with pytest.raises(errors.BadRequirements, match="is not supported in an environment's own files"):
        parse_text(f"{option}\n", "requirements.in")


@pytest.mark.parametrize(
    "content",
    [
        "six  # é\n".encode(),
        b"\xef\xbb\xbf" + "six  # é\n".encode(),
        "six  # é\r\n".encode("utf-16"),
        "six  # é\n".encode("utf-32"),
        b"\xfe\xff" + "six  # é\n".encode("utf-16-be"),
    ],
)
def test_encodings(folder: Path, content: bytes) -> None:
    (folder / "a.txt").write_bytes(content)
    assert to_text(parse_files(["a.txt"])) == "six  # é\n"


@pytest.mark.parametrize(
    ("first", "encoding"),
    [("# -*- coding: latin-1 -*-", "latin-1"), ("# vim: set fileencoding=cp1252 :", "cp1252")],
)
def test_declared_encoding(folder: Path, first: str, encoding: str) -> None:
    (folder / "a.txt").write_bytes(f"{first}\nsix  # é\n".encode(encoding))
    assert to_text(parse_files(["a.txt"])) == f"{first}\nsix  # é\n"


@pytest.mark.parametrize("content", [b"# caf\xe9\n", b"# coding: nonsense\nsix\n", b"\xff\xfes"])
def test_text_that_cannot_be_read(folder: Path, content: bytes) -> None:
    (folder / "a.txt").write_bytes(content)
    with pytest.raises(errors.BadRequirements, match="is not valid text"):
        parse_files(["a.txt"])


@pytest.fixture
def address() -> Iterator[str]:
    pages = {"/d/a.txt": b"six\n-r b.txt\n", "/d/b.txt": b"numpy\n"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/d"
        server.shutdown()
        thread.join()


def test_file_at_an_address(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (folder / "a.txt").write_text(f"-r {address}/a.txt\n")
    assert to_text(parse_files(["a.txt"])) == to_text(parse_files([f"{address}/a.txt"])) == "six\nnumpy\n"
    with pytest.raises(errors.BadRequirements, match=r"Cannot read http://127.0.0.1:\d+/d/none\.txt: .*404"):
        parse_files([f"{address}/none.txt"])
    with pytest.raises(errors.UsageError, match="has a password") as caught:
        parse_files(["https://me:hunter2@code.example/a.txt"])
    assert "hunter2" not in caught.value.message


def test_for_installer_has_one_option_per_line() -> None:
    text = f'--only-bin a,b --pre  # x\nsix==1 --hash sha256:{ZERO} -C "a=b c"\n-e git+https://code.example/y#egg=y\n'
    assert for_installer(parse_text(text, "f")) == (
        f"--only-binary a\n--only-binary b\n--pre\nsix==1 --hash=sha256:{ZERO} '--config-settings=a=b c'\n"
        "git+https://code.example/y#egg=y\n"
    )


def test_names_of_addresses_come_from_the_installer() -> None:
    address = "git+https://code.example/x.git@v1"
    lines = [
        *parse_text(f"-e {address}\n{address}  # mine\n", "f"),
        *parse_specifiers(["https://code.example/y.tar.gz"]),
    ]
    pins = parse_text(
        "x @ git+https://code.example/x.git@0123456789\ny @ https://code.example/y.tar.gz#sha256=00\nz==1\n",
        "f",
    )
    named = requirements.with_names(lines, pins)
    assert [line.name for line in named] == ["x", "x", "y"]
    assert to_text(named) == f"x @ {address}\nx @ {address}  # mine\ny @ https://code.example/y.tar.gz\n"
    assert requirements.remove(named, ["x", "y"]) == []
    assert requirements.with_names(named, pins) == named


def test_pinned_text() -> None:
    listed = "Six_X==1.0\npip==24.0\nsetuptools==70.0\nwheel==0.43\nlocal @ file:///src\n-e /src\n# needed: setuptools\n"
    assert pinned_text(listed, parse_text("--pre --no-binary a,b\nsix-x\n--pre\n", "f")) == (
        "--pre\n--no-binary a\n--no-binary b\nsetuptools==70.0\nsix-x==1.0\n"
    )
    assert pinned_text(listed, parse_text("pip==24.0\n", "f")) == "pip==24.0\nsetuptools==70.0\nsix-x==1.0\n"


def test_pins_have_hashes_if_a_requirement_has() -> None:
    listed = f"a==1 \\\n    --hash=sha256:{ZERO} \\\n    --hash=sha256:{ONE}\nb==2 --hash=sha256:{ONE}\n"
    requested = parse_text(f"b==2 --hash=sha256:{ZERO}\na\n", "f")
    assert pinned_text(listed, requested) == (
        f"a==1 \\\n    --hash=sha256:{ZERO} \\\n    --hash=sha256:{ONE}\nb==2 \\\n    --hash=sha256:{ZERO}\n"
    )
    assert pinned_text(listed, parse_text("a\nb\n", "f")) == "a==1\nb==2\n"
    assert requirement_files.parse_text(pinned_text(listed, requested), "f")[1].hashes == [f"sha256:{ZERO}"]


def test_pinned_text_leaves_out_what_lacks_something() -> None:
    listed = "Broken_One==1.0\nsix==1.0\n# conflicted: broken-one\n"
    assert pinned_text(listed, parse_text("six\n", "f")) == "six==1.0\n"
    assert pinned_text(listed, parse_text("six\nbroken.one\n", "f")) == "broken-one==1.0\nsix==1.0\n"
