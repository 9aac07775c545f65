"""Names and versions: what is taken, what is refused and with which hint, and what a user is called inside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock import errors
from pydock.environments import caller
from pydock.environments.environment import check_name
from pydock.environments.names import check_base, check_version
from pydock.errors import did_you_mean


@pytest.mark.parametrize("name", ["a", "ds", "py3.8", "a-b_c.d", "0", "x" * 64])
def test_a_good_name_is_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("DataScience", "datascience"),
        ("data science", "data-science"),
        ("data--science", "data-science"),
        ("a._b", "a_b"),
        ("-x-", "x"),
        (".hidden", "hidden"),
        ("../etc", "etc"),
        ("a/b", "a-b"),
        ("ds\n", "ds"),
        ("naïve", "na-ve"),
        ("x" * 65, "x" * 64),
        ("y" * 63 + "-z", "y" * 63),
        ("", "datascience"),
        ("☃", "datascience"),
    ],
)
def test_a_bad_name_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        check_name(name)
    assert f"'{near}'." in caught.value.message
    assert check_name(near) == near


@given(st.text())
def test_every_hint_is_a_name(name: str) -> None:
    try:
        check_name(name)
    except errors.UsageError as error:
        found = re.search(r"(?:Try|Try a word like) '(.*)'\.$", error.message)
        assert found is not None
        assert check_name(found.group(1))


@pytest.mark.parametrize("version", ["3.8", "3.12-slim", "3", "latest", "3.13-rc_1", "x" * 128])
def test_a_good_version_is_taken(version: str) -> None:
    assert check_version(version) == version


@pytest.mark.parametrize(
    ("version", "near"),
    [
        ("3 12", "3-12"),
        (".3", "3"),
        ("-3.8", "3.8"),
        ("3.8\n", "3.8"),
        ("3.8; rm", "3.8-rm"),
        (">=3.8", "3.8"),
        ("", "3.12"),
        ("☃", "3.12"),
        ("x" * 129, "x" * 128),
    ],
)
def test_a_bad_version_is_refused_with_the_nearest(version: str, near: str) -> None:
    with pytest.raises(errors.UsageError, match=re.escape(f"Try '{near}'.")):
        check_version(version)


@pytest.mark.parametrize(
    "base",
    [
        "debian",
        "debian:12",
        "quay.io/team/python:3.12",
        "localhost:5000/a/b__c--d.e:X",
        f"python@sha256:{'a' * 64}",
    ],
)
def test_a_good_base_is_taken(base: str) -> None:
    assert check_base(base) == base


@pytest.mark.parametrize(
    "base", ["", "Debian", "debian:", "debian 12", "-x", "a//b", "a:b:c", "x@sha256:1", "a\nb"]
)
def test_a_bad_base_is_refused(base: str) -> None:
    with pytest.raises(errors.UsageError, match="cannot be an image's name"):
        check_base(base)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("me", "me"),
        ("John.Doe@corp", "john_doe_corp"),
        ("CORP\\john", "corp_john"),
        ("", "u"),
        ("42", "u42"),
        ("-x-", "x"),
        ("_apt", "_apt"),
        ("jürgen", "j_rgen"),
        ("☃", "_"),
        ("x" * 40, "x" * 32),
        ("7" + "x" * 40, "u7" + "x" * 30),
    ],
)
def test_a_unix_name(text: str, name: str) -> None:
    assert caller.unix_name(text) == name


@given(st.text())
def test_every_unix_name_is_one(text: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", caller.unix_name(text))


def test_the_caller_is_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 494230618)
    monkeypatch.setattr("os.getgid", lambda: 20)
    assert caller.current_caller("Me.Too") == caller.Caller("me_too", 494230618, 20)
    assert caller.current_caller() == caller.Caller("user494230618", 494230618, 20)


def test_root_stays_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert caller.current_caller().name == "root"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("instal", " Did you mean 'install' or 'uninstall'?"),
        ("shel", " Did you mean 'shell'?"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_nearest(word: str, hint: str) -> None:
    assert did_you_mean(word, iter(["install", "uninstall", "shell", "run"])) == hint
