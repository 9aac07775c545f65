"""Errors that no command expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from pydock import __version__
from pydock.cli import program
from pydock.cli.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable

CALL = Call(frozenset(), "envs", [])


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Return a function that runs a command which raises an error, and returns the exit code."""

    def run(error: BaseException) -> int:
        def fail(_: Call) -> NoReturn:
            raise error

        monkeypatch.setattr("signal.signal", lambda *_: None)
        monkeypatch.setattr(program, "_run", fail)
        return program.run_program(CALL)

    return run


def test_internal_error_asks_for_a_report(
    capsys: pytest.CaptureFixture[str], fail_with: Callable[[BaseException], int]
) -> None:
    assert fail_with(ZeroDivisionError()) == program.EXIT_BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Internal error. Please report it")
    assert f"pydock {__version__}, Python 3." in err
    assert "ZeroDivisionError" in err


def test_ctrl_c_prints_a_message(
    capsys: pytest.CaptureFixture[str], fail_with: Callable[[BaseException], int]
) -> None:
    assert fail_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "Interrupted; nothing was changed.\n"


def test_broken_pipe_is_left_to_main(fail_with: Callable[[BaseException], int]) -> None:
    with pytest.raises(BrokenPipeError):
        fail_with(BrokenPipeError())
