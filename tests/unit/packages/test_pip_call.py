"""The command line of pip."""

from __future__ import annotations

import pytest

from pydock import errors
from pydock.packages import pip_call


@pytest.mark.parametrize(
    ("words", "command", "others"),
    [
        ("", "", ""),
        ("--version", "", "--version"),
        ("install x", "install", "x"),
        ("-q install x", "install", "-q x"),
        ("--timeout 3 install x", "install", "--timeout 3 x"),
        ("--timeout=3 install x", "install", "--timeout=3 x"),
        ("--isolated list -o", "list", "--isolated -o"),
    ],
)
def test_command_of(words: str, command: str, others: str) -> None:
    assert pip_call.command_of(words.split()) == (command, others.split())


def test_everything_that_install_takes() -> None:
    words = "a -r x --requirem y -cz -e . b[c] -U --upgrade-strategy only-if-needed --pre -i u --no-binary :all: -qqv --no-compile"
    found = pip_call.read_install([*words.split(), "--retries", "3", "--progress-bar=off", "--", "-z"], "ds")
    assert found == pip_call.Install(
        packages=["a", "b[c]", "-z"],
        requirement=["x", "y"],
        constraint=["z"],
        editable=["."],
        upgrade=True,
        options=[("--pre", ""), ("--index-url", "u"), ("--no-binary", ":all:")],
        not_heeded=["--no-compile", "--retries"],
    )


@pytest.mark.parametrize("names", [*pip_call.REFUSED, *pip_call.REFUSED_WITH_VALUE])
def test_refused_options_are_named_with_what_to_type_instead(names: tuple[str, ...]) -> None:
    for name in names:
        with pytest.raises(errors.UsageError) as raised:
            pip_call.read_install(["x", name, *(["v"] if names in pip_call.REFUSED_WITH_VALUE else [])], "ds")
        assert raised.value.message.startswith(f"Option {names[0]} of `pip install` is not supported. ")
        assert "NAME" not in raised.value.message
        assert "ARGUMENTS" not in raised.value.message


@pytest.mark.parametrize("words", [["--nosuch"], ["-r"], ["-t"], ["-y", "x"]])
def test_unknown_and_incomplete_options(words: list[str]) -> None:
    with pytest.raises(errors.UsageError):
        pip_call.read_install(words, "ds")


def test_uninstall() -> None:
    assert pip_call.read_uninstall(["-y", "a", "-r", "f", "b"], "ds") == pip_call.Uninstall(["a", "b"], ["f"])
