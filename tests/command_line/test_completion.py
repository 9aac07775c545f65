"""`pydock completion`; tests/shells has what its scripts do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.commands.completion import script_for
from pydock.commands.namespace import ALL_COMMANDS
from pydock.environments.shells import SHELLS

if TYPE_CHECKING:
    from .conftest import Machine


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(machine: Machine, shell: str) -> None:
    ended = machine.ok("completion", shell)
    assert (ended.out, ended.err) == (script_for(shell, ALL_COMMANDS), "")
    assert machine.ok("completion", SHELL=f"/usr/local/bin/{shell}").out == ended.out
    assert machine.calls() == []


def test_own_templates_change_nothing(machine: Machine) -> None:
    (machine.home / "own").mkdir()
    (machine.home / "own" / "completion.bash.j2").write_text("mine")
    assert machine.ok("completion", "bash", PYDOCK_TEMPLATES="~/own").out == script_for("bash", ALL_COMMANDS)


@pytest.mark.parametrize(
    ("words", "login", "message"),
    [
        (
            ["fishy"],
            "/bin/bash",
            "There is no completion for 'fishy'. Did you mean 'fish'? Use bash, zsh or fish.\n",
        ),
        (["powershell"], "/bin/bash", "There is no completion for 'powershell'. Use bash, zsh or fish.\n"),
        (
            [],
            "/bin/dash",
            "It is not known which shell you use. Name it: `pydock completion bash` (or zsh, fish).\n",
        ),
    ],
)
def test_an_unknown_shell(machine: Machine, words: list[str], login: str, message: str) -> None:
    ended = machine.pydock("completion", *words, SHELL=login)
    assert (ended.code, ended.out, ended.err) == (2, "", message)
