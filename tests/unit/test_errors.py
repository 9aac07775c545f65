"""Exit codes of errors, and the hint for a misspelled word."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.errors import PydockError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PydockError)
}


@pytest.mark.parametrize("name", ERRORS)
def test_exit_code(name: str) -> None:
    kind = ERRORS[name]
    expected = (
        125
        if issubclass(kind, errors.EngineError)
        else 2
        if issubclass(kind, errors.UsageError)
        else 130
        if issubclass(kind, errors.Interrupted)
        else 1
    )
    assert kind("m").code == expected
    assert str(kind("m")) == kind("m").message == "m"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("instal", " Did you mean 'install' or 'uninstall'?"),
        ("shel", " Did you mean 'shell'?"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_did_you_mean(word: str, hint: str) -> None:
    assert did_you_mean(word, iter(["install", "uninstall", "shell", "run"])) == hint


def test_read_file_names_the_path_in_every_error(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with pytest.raises(FileNotFoundError) as missing:
        errors.read_file(f"{folder}/none")
    assert missing.value.filename == f"{folder}/none"
    with pytest.raises(errors.BadTemplate) as unreadable:
        errors.read_file(folder, errors.BadTemplate, "Try again.")
    assert unreadable.value.message == f"Cannot read {folder}: Is a directory. Try again."
