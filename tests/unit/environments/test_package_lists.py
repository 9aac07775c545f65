"""apt.txt and apk.txt: what is a word of them, what is refused, and the dockerfile's step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.environments.caller import Caller
from pydock.environments.content import APK, APT, content_digest
from pydock.environments.package_lists import (
    check_text,
    check_words,
    installed_list,
    likely_list,
    merged,
    read_words,
    split_words,
    with_step,
)
from pydock.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = render(
    "dockerfile.j2", base="", repository="python", version="3.12", caller=Caller("me", 1000, 1000)
)
STEP = render("system.dockerfile.j2", file=APT)
APT_WORDS = [
    "git",
    "g++",
    "libstdc++-12-dev",
    "libpq-dev=15.8-0+deb12u1",
    "bc=1:1.07~rc1",
    "curl/stable",
    "curl/bookworm-backports",
    "libc6:i386",
    "0ad",
]
APK_WORDS = [
    "git",
    "R-dev",
    "py3-pip",
    "libpq-dev=16.4-r0",
    "curl>8",
    "curl>=8.0",
    "nodejs~20",
    "x@edge",
    "so:libm.so.6",
]
HOSTILE = [
    "-y",
    "--allow-unauthenticated",
    "-oAPT::Update::Pre-Invoke::=id",
    "git-",
    "git=1-",
    "./git",
    "/tmp/evil.deb",
    "../evil.apk",
    "evil.apk",
    "$(id)",
    "`id`",
    "git;id",
    "git|id",
    "git&id",
    "'git'",
    '"git"',
    "git\\",
    "lib*",
    "?name(git)",
    "~ngit",
    "task^",
    "git\u00a0-y",
    "git\u2028-y",
    "git\x0b-y",
    "git\x00",
    "!git",
    ".hidden",
    "git>",
    "git=",
    "g\u0456t",
]


@pytest.mark.parametrize(
    ("file", "word"), [(APT, word) for word in APT_WORDS] + [(APK, word) for word in APK_WORDS]
)
def test_valid_words(file: str, word: str) -> None:
    check_words([word], file)
    check_text(f"# comment -y\n\n  {word}\tgit # -y\n", "/place", file)
    assert split_words([word]) == [word]


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_refused(word: str) -> None:
    for file in (APT, APK):
        if file == APT and word == "evil.apk":  # a name like others, for apt
            continue
        with pytest.raises(errors.UsageError, match="Invalid system package"):
            check_words([word], file)
        with pytest.raises(errors.UsageError, match="/place, line 3: Invalid system package"):
            check_text(f"git\n\ncurl {word}\n", "/place", file)


def test_words_of_the_option_are_split_at_commas_and_blanks() -> None:
    assert split_words(["git,curl", " bc  tree\n", "git"]) == ["git", "curl", "bc", "tree"]


@pytest.mark.parametrize("values", [[""], [","], [" ", "\n"]])
def test_option_without_words(values: list[str]) -> None:
    with pytest.raises(errors.UsageError, match="--system needs the name of a package"):
        split_words(values)


@pytest.mark.parametrize("value", ["git,-y", "git;id", "lib*", "$HOME"])
def test_option_with_an_invalid_word(value: str) -> None:
    with pytest.raises(errors.UsageError, match="Invalid system package"):
        split_words([value])


def test_read_words() -> None:
    text = "# why\ngit curl # two\n\nbc\r\ntree\r-y\n"
    assert list(read_words(text)) == [(2, "git"), (2, "curl"), (4, "bc"), (5, "tree")]


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("", ["git"], "git\n"),
        ("git", ["curl"], "git\ncurl\n"),
        ("# why\ngit  # for VCS\n\n", ["curl", "git"], "# why\ngit  # for VCS\n\ncurl\n"),
        ("git curl=8 # two\n", ["curl=9"], "git curl=9 # two\n"),
        ("git=1\n", ["git"], "git\n"),
        ("libc6:i386\n", ["libc6"], "libc6:i386\nlibc6\n"),
        ("git\r\n", ["curl"], "git\r\ncurl\n"),
        ("#git\n", ["git"], "#git\ngit\n"),
    ],
)
def test_merged(before: str, words: list[str], after: str) -> None:
    assert merged(before, words, APT) == after
    assert merged(after, words, APT) == after


def test_step_is_added_before_the_packages() -> None:
    changed = with_step(DOCKERFILE, STEP, "/place")
    before, after = DOCKERFILE.split("# The packages;")
    assert changed == f"{before}{STEP}\n# The packages;{after}"
    assert installed_list(DOCKERFILE) == ""
    assert installed_list(changed) == APT
    assert installed_list(with_step(DOCKERFILE, render("system.dockerfile.j2", file=APK), "")) == APK


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.12\n",
        "",
        DOCKERFILE + DOCKERFILE,
        DOCKERFILE.replace("USER 0:0", "USER app"),
        DOCKERFILE.replace("COPY requirements.txt", "COPY --chmod=644 requirements.txt"),
    ],
)
def test_step_is_not_added_to_another_dockerfile(dockerfile: str) -> None:
    with pytest.raises(errors.PydockError) as caught:
        with_step(dockerfile, STEP, "/place/dockerfile")
    assert "/place/dockerfile is not as pydock writes it" in caught.value.message
    assert "nothing was changed" in caught.value.message
    assert caught.value.message.endswith(f"\n\n{STEP.rstrip()}")


@pytest.mark.parametrize(
    ("dockerfile", "file"),
    [
        ("COPY apt.txt /tmp/\n", APT),
        ("RUN --mount=type=bind,source=apk.txt,target=/x cat /x\n", APK),
        ("# apt.txt\n", ""),
        ("COPY my-apt.txt captapt.txt /\n", ""),
    ],
)
def test_installed_list(dockerfile: str, file: str) -> None:
    assert installed_list(dockerfile) == file


def test_likely_list() -> None:
    assert likely_list(DOCKERFILE, {}) == APT
    assert likely_list(DOCKERFILE.replace("VERSION=3.12", "VERSION=3.12-alpine"), {}) == APK
    assert likely_list(with_step(DOCKERFILE, STEP, ""), {"REPOSITORY": "alpine-python"}) == APT
    assert likely_list(DOCKERFILE, {"REPOSITORY": "alpine-python"}) == APK


def test_list_is_part_of_the_digest_if_the_dockerfile_uses_it(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").write_text(DOCKERFILE)
    (tmp_path / "requirements.txt").write_text("")
    first = content_digest(str(tmp_path), {})
    (tmp_path / "apt.txt").write_text("git\n")
    assert content_digest(str(tmp_path), {}) == first
    (tmp_path / "dockerfile").write_text(with_step(DOCKERFILE, STEP, ""))
    seen = {first, content_digest(str(tmp_path), {})}
    (tmp_path / "apt.txt").write_text("git\ncurl\n")
    seen.add(content_digest(str(tmp_path), {}))
    (tmp_path / "apt.txt").unlink()
    seen.add(content_digest(str(tmp_path), {}))
    assert len(seen) == 4
    (tmp_path / ".apt.txt.0123456789abcdef").write_text("")
    assert content_digest(str(tmp_path), {}) in seen
