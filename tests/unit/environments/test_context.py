"""Which files Docker would send, and the digest of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable

import pytest

from pydock.environments import dockerignore, file_digests
from pydock.environments.content import content_digest
from pydock.environments.context import copied_paths, sent_paths

if TYPE_CHECKING:
    from pathlib import Path

COPIES_REQUIREMENTS = "FROM python:3.12\nCOPY requirements.txt /\n"
COPIES_ALL = "FROM python:3.12\nCOPY . /\n"


@pytest.mark.parametrize(
    ("dockerfile", "paths"),
    [
        ("FROM python:3.12\n", set()),
        (COPIES_REQUIREMENTS, {"requirements.txt"}),
        ("from python\ncopy requirements.txt ./src/ /x/\n", {"requirements.txt", "src"}),
        ("COPY --chown=1:1 --link a b /x/", {"a", "b"}),
        ("COPY /a /x", {"a"}),
        ("COPY ./a/../b /x", {"b"}),
        ("COPY a \\\n  # a comment\n  b \\\n  /x/", {"a", "b"}),
        ("COPY --from=other a /x", set()),
        ("ADD https://example.org/x.tar a /x/", {"a"}),
        ("RUN --mount=type=bind,source=a,target=/a true", {"a"}),
        ("RUN --mount=source=a,target=/a true", {"a"}),
        ("RUN --mount=type=bind,src=a/b,target=/a --mount=type=cache,target=/c true", {"a/b"}),
        ("RUN --mount=type=bind,from=pydock,target=/p true", set()),
        ("RUN --mount=type=secret,id=x true", set()),
        ("# a comment\n# COPY a /x\nCOPY b /x", {"b"}),
        # Whatever depends on more than the text may be any path.
        (COPIES_ALL, None),
        ("COPY ./ /x", None),
        ("COPY a/.. /x", None),
        ("COPY ../a /x", None),
        ("ARG A=b\nCOPY $A /x", None),
        ("COPY a* /x/", None),
        ("COPY a[bc] /x/", None),
        ('COPY ["a b", "/x"]', None),
        ("COPY <<EOF /x\nhello\nEOF", None),
        ("RUN --mount=type=bind,target=/a true", None),
        ('RUN --mount=type=bind,"source=a b",target=/a true', None),
        ("ONBUILD COPY a /x", None),
        ("# syntax=docker/dockerfile:1\nCOPY a /x", None),
        ("# escape=`\nCOPY a /x", None),
        ("#Syntax = x\nCOPY a /x", None),
    ],
)
def test_copied_paths(dockerfile: str, paths: set[str] | None) -> None:
    assert copied_paths(dockerfile) == paths


def test_an_assignment_in_a_later_comment_is_not_a_directive() -> None:
    assert copied_paths("FROM python\n# syntax=x\nCOPY a /x") == {"a"}


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("a", "a", True),
        ("a", "a/b", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./a", "a", True),
        ("*", "a/b", True),
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "b/a.pyc", False),
        ("*/*.pyc", "b/a.pyc", True),
        ("**/*.pyc", "a.pyc", True),
        ("**/*.pyc", "c/b/a.pyc", True),
        ("**", "a/b", True),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a?", "ab", True),
        ("a?", "a/", False),
        ("[ab]", "b", True),
        ("[^ab]", "b", False),
        ("[a-c].txt", "b.txt", True),
        ("a.b", "axb", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("# a", "# a", False),
        ("*\n!a", "a", False),
        ("*\n!a", "b", True),
        ("!a\n*", "a", True),
        ("d\n!d/keep", "d/keep", False),
        ("d\n!d/keep", "d/other", True),
        ("(a", "(a", True),
    ],
)
def test_dockerignore_rules(tmp_path: Path, pattern: str, path: str, excluded: bool) -> None:
    (tmp_path / ".dockerignore").write_text(f"\n  {pattern}\n" if not pattern.startswith("#") else pattern)
    rule, has_exceptions = dockerignore.excludes(str(tmp_path / ".dockerignore"))
    assert rule(path) is excluded
    assert has_exceptions is ("!" in pattern)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ds"
    (made / "src").mkdir(parents=True)
    (made / "dockerfile").write_text(COPIES_ALL)
    (made / "requirements.txt").write_text("six==1.16.0\n")
    (made / "requirements.in").write_text("six\n")
    (made / "src" / "code.py").write_text("x = 1\n")
    (made / "src" / ".hidden").write_text("h\n")
    (made / "link").symlink_to("src")
    return made


def test_all_files_are_sent_if_the_dockerfile_copies_the_folder(folder: Path) -> None:
    assert list(sent_paths(str(folder), COPIES_ALL)) == [
        "dockerfile",
        "link",
        "requirements.in",
        "requirements.txt",
        "src",
        "src/.hidden",
        "src/code.py",
    ]


def test_only_copied_files_are_sent_otherwise(folder: Path) -> None:
    assert list(sent_paths(str(folder), COPIES_REQUIREMENTS)) == ["requirements.txt"]
    assert list(sent_paths(str(folder), "COPY src /x")) == ["src", "src/.hidden", "src/code.py"]
    assert list(sent_paths(str(folder), "COPY link /x")) == ["link", "src", "src/.hidden", "src/code.py"]
    assert list(sent_paths(str(folder), "COPY nowhere /x")) == []


def test_a_dockerignore_for_the_dockerfile_comes_first(folder: Path) -> None:
    (folder / ".dockerignore").write_text("link\n")
    (folder / "dockerfile.dockerignore").write_text("src\n")
    paths = list(sent_paths(str(folder), COPIES_ALL))
    assert "link" in paths
    assert "src/code.py" not in paths


def point_link_elsewhere(link: Path) -> None:
    link.unlink()
    link.symlink_to("other")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "src" / "code.py").write_text("x = 2\n"),
    "hidden file": lambda folder: (folder / "src" / ".hidden").write_text("i\n"),
    "mode": lambda folder: (folder / "src" / "code.py").chmod(0o755),
    "link target": lambda folder: point_link_elsewhere(folder / "link"),
    "new file": lambda folder: (folder / "src" / "new").write_text(""),
    "new folder": lambda folder: (folder / "empty").mkdir(),
    "rename": lambda folder: (folder / "src" / "code.py").rename(folder / "src" / "kode.py"),
    "dockerfile": lambda folder: (folder / "dockerfile").write_text(COPIES_ALL + "ENV A=1\n"),
    "requirements": lambda folder: (folder / "requirements.txt").write_text("six==1.17.0\n"),
    "backup that is sent": lambda folder: (folder / "dockerfile~").write_text(""),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "time": lambda folder: os.utime(folder / "src" / "code.py", (1, 1)),
    "requests": lambda folder: (folder / "requirements.in").write_text("six>=1\n"),
    "compose file": lambda folder: (folder / "docker-compose.yml").write_text("services: {}\n"),
    "pending commit": lambda folder: (folder / ".requirements.in.0123456789abcdef").write_text(""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_what_is_sent_change_the_digest(folder: Path, change: str) -> None:
    before = content_digest(str(folder), {})
    CHANGES[change](folder)
    assert content_digest(str(folder), {}) != before


@pytest.mark.parametrize("change", NO_CHANGES)
def test_other_changes_do_not_change_the_digest(folder: Path, change: str) -> None:
    before = content_digest(str(folder), {})
    NO_CHANGES[change](folder)
    assert content_digest(str(folder), {}) == before


def test_files_that_are_not_sent_do_not_count(folder: Path) -> None:
    (folder / "dockerfile").write_text(COPIES_REQUIREMENTS)
    before = content_digest(str(folder), {})
    (folder / "dockerfile~").write_text("backup")
    (folder / "src" / "code.py").write_text("x = 2\n")
    assert content_digest(str(folder), {}) == before
    (folder / "dockerfile").write_text(COPIES_ALL)
    (folder / ".dockerignore").write_text("src\n*~\n")
    before = content_digest(str(folder), {})
    (folder / "dockerfile~").write_text("another backup")
    (folder / "src" / "code.py").write_text("x = 3\n")
    assert content_digest(str(folder), {}) == before


def test_build_arguments_count(folder: Path) -> None:
    assert content_digest(str(folder), {"UID": "1"}) != content_digest(str(folder), {"UID": "2"})


@pytest.mark.parametrize("exists", [True, False])
def test_planned_requirements_have_the_digest_of_the_file_when_it_is_written(
    folder: Path, exists: bool
) -> None:
    if not exists:
        (folder / "requirements.txt").unlink()
    planned = content_digest(str(folder), {}, b"six==1.17.0\n")
    (folder / "requirements.txt").write_text("six==1.17.0\n")
    assert content_digest(str(folder), {}) == planned


@pytest.fixture
def large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "LARGE", 10)
    path = tmp_path / "large file"
    path.write_bytes(b"0123456789abc")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def digest_of(path: Path) -> str:
    return file_digests.file_digest(str(path), path.lstat())


def test_a_large_file_is_read_once(large_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digests, "SETTLED", -1e12)  # the change of the inode is recent
    first = digest_of(large_file)
    assert first == file_digests.bytes_digest(large_file.read_bytes())
    monkeypatch.setattr(file_digests, "_read", lambda _: pytest.fail("read again"))
    assert digest_of(large_file) == first


def test_a_changed_large_file_is_read_again(large_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digests, "SETTLED", -1e12)
    first = digest_of(large_file)
    large_file.write_bytes(b"0123456789abd")
    os.utime(
        large_file, (1_600_000_000, 1_600_000_000)
    )  # same size and time; the inode's change time differs
    assert digest_of(large_file) != first


def test_a_file_that_has_just_changed_is_not_remembered(large_file: Path, tmp_path: Path) -> None:
    digest_of(large_file)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("trouble", ["file in the way", "no home", "foreign link"])
def test_a_store_that_cannot_be_used_is_not_an_error(
    large_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(file_digests, "SETTLED", -1e12)
    if trouble == "file in the way":
        (tmp_path / "cache").write_text("")
    elif trouble == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.delenv("HOME")
    else:
        (tmp_path / "cache" / "pydock").mkdir(parents=True)
        (tmp_path / "cache" / "pydock" / "digests").symlink_to(tmp_path / "victim")
    assert digest_of(large_file) == file_digests.bytes_digest(large_file.read_bytes())
    assert not (tmp_path / "victim").exists()


def test_the_store_does_not_grow_without_limit(large_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digests, "SETTLED", -1e12)
    monkeypatch.setattr(file_digests, "MAX_STORE", 1000)
    for number in range(50):
        os.utime(large_file, (number, number))
        digest_of(large_file)
    store = large_file.parent / "cache" / "pydock" / "digests"
    assert store.stat().st_size < 1500


def test_many_files_are_read_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "SETTLED", -1e12)
    monkeypatch.setattr("pydock.environments.content.MANY", 3)
    before = content_digest(str(folder), {})
    monkeypatch.setattr("pydock.environments.content._read_all", lambda *_: pytest.fail("read again"))
    assert content_digest(str(folder), {}) == before
    planned = content_digest(str(folder), {}, b"six==1.17.0\n")
    assert planned != before
    monkeypatch.undo()
    (folder / "requirements.txt").write_text("six==1.17.0\n")
    assert content_digest(str(folder), {}) == planned
