"""The user name and ids that an image is built for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock.environments.caller import Caller, current_caller, unix_name


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
def test_unix_name(text: str, name: str) -> None:
    assert unix_name(text) == name


@given(st.text())
def test_unix_name_is_always_valid(text: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", unix_name(text))


def test_caller_has_the_ids_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 494230618)
    monkeypatch.setattr("os.getgid", lambda: 20)
    assert current_caller("Me.Too") == Caller("me_too", 494230618, 20)
    assert current_caller() == Caller("user494230618", 494230618, 20)  # no passwd entry


def test_caller_has_the_name_of_the_passwd_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert current_caller().name == "root"
