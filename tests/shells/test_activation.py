"""`pydock activate` in real shells: what a session finds while an environment is active, and afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pydock.engine.python_description import Description
from pydock.environments.caller import Caller
from pydock.environments.environment import Environment
from pydock.environments.facade import Facade, quoted
from pydock.environments.shells import quoted_for_fish
from pydock.exports import facade
from pydock.rendering import render
from pydock.settings import Home

from .conftest import require

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = Description("3.12.4", "/usr/local/bin/python3.12", ("python", "python3"), {}, ())
ODD = 'a folder\'s $(touch hurt) `touch hurt` "%d" ; \\'
SHELLS = ("sh", "bash", "zsh")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Facade:
    """Return a facade in a folder with an odd name, whose programs call a recording pydock."""
    caller = Caller("me", 1000, 1000)
    environment = Environment("ds", str(tmp_path), "0123abcd", "0123abcd", "pydock-", caller, {})
    made = Facade(str(tmp_path / ODD / "0123abcd-ds"), "ds")
    monkeypatch.setattr(
        facade, "own_command", lambda: [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
    )
    facade.write_programs(made, environment, Home(str(tmp_path / ODD / ".pydock"), "local", ""), DESCRIPTION)
    return made


def run(shell: str, script: str, folder: Path, **variables: str) -> str:
    """Run a script in a shell that begins with an empty environment; return what it printed."""
    require(shell)
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    done = subprocess.run(
        [shell, *options, "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def activation(made: Facade) -> str:
    return f". {quoted(made.programs + '/activate')}"


@pytest.mark.parametrize("shell", SHELLS)
def test_activation_and_deactivation(shell: str, made: Facade, tmp_path: Path) -> None:
    script = f"""
        set -eu
        PS1='$ '; before=$PATH
        {activation(made)}
        printf '%s\\n' "$VIRTUAL_ENV" "$VIRTUAL_ENV_PROMPT" "$PS1" "${{PATH%%:*}}" "${{PYTHONHOME-unset}}"
        python 'a  b' '' '$HOME'
        deactivate
        printf '%s\\n' "${{VIRTUAL_ENV-unset}}" "${{VIRTUAL_ENV_PROMPT-unset}}" "$PS1" "$PYTHONHOME"
        [ "$PATH" = "$before" ]; [ "$(command -v deactivate)" != deactivate ] && echo no deactivate
    """
    assert run(shell, script, tmp_path, PYTHONHOME="/somewhere").splitlines() == [
        *(made.folder, "ds", "(ds) $ ", made.programs, "unset"),
        "['run', '--activated', 'ds', 'python', 'a  b', '', '$HOME']",
        *("unset", "unset", "$ ", "/somewhere"),
        "no deactivate",
    ]
    assert not (tmp_path / "hurt").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_prompt_is_not_exported_and_can_stay(shell: str, made: Facade, tmp_path: Path) -> None:
    script = f"PS1='$ '; {activation(made)}; env | grep -c ^PS1= || true; deactivate; VIRTUAL_ENV_DISABLE_PROMPT=1; {activation(made)}; printf %s \"$PS1\""
    assert run(shell, script, tmp_path) == "0\n$ "


@pytest.mark.parametrize("shell", SHELLS)
def test_activating_twice_is_activating_once(shell: str, made: Facade, tmp_path: Path) -> None:
    script = f'PS1=\'$ \'; before=$PATH; {activation(made)}; {activation(made)}; echo "$PS1"; deactivate; echo "$PS1"; [ "$PATH" = "$before" ]'
    assert run(shell, script, tmp_path) == "(ds) $ \n$ \n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_virtualenv_and_an_environment_replace_each_other(shell: str, made: Facade, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    other = f". {tmp_path}/venv/bin/activate"
    for first, second, prompt in (
        (other, activation(made), "(ds) $ "),
        (activation(made), other, "(venv) $ "),
    ):
        script = f'PS1=\'$ \'; before=$PATH; {first}; {second}; echo "$PS1"; deactivate; echo "$PS1"; [ "$PATH" = "$before" ]; echo "${{VIRTUAL_ENV-unset}}"'
        assert run(shell, script, tmp_path) == f"{prompt}\n$ \nunset\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_conda_is_deactivated_first(shell: str, made: Facade, tmp_path: Path) -> None:
    script = f"set -eu; conda() {{ echo conda $*; return 1; }}; {activation(made)}"
    assert run(shell, script, tmp_path, CONDA_PREFIX="/opt/conda", CONDA_SHLVL="1") == "conda deactivate\n"


def test_activation_that_is_not_sourced(made: Facade) -> None:
    done = subprocess.run(["bash", f"{made.programs}/activate"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.partition(":")[0]) == (33, "Source this file instead of running it")


def test_fish(made: Facade, tmp_path: Path) -> None:
    script = f"""
        set before $PATH
        function fish_prompt; echo "before $status"; end
        source {quoted_for_fish(made.programs + "/activate.fish")}
        source {quoted_for_fish(made.programs + "/activate.fish")}
        echo $VIRTUAL_ENV; echo $PATH[1]; false; fish_prompt; python 'a  b' ''
        deactivate
        test "$PATH" = (string join : $before); and echo same; set -q VIRTUAL_ENV; or echo unset; fish_prompt; functions -q deactivate; or echo gone
    """
    assert run("fish", script, tmp_path).splitlines() == [
        *(made.folder, made.programs, "(ds) before 1", "['run', '--activated', 'ds', 'python', 'a  b', '']"),
        *("same", "unset", "before 0", "gone"),
    ]
    assert not (tmp_path / "hurt").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_hook(shell: str, tmp_path: Path) -> None:
    """With the function, `pydock activate ds` activates; everything else goes to the program, and failures are failures."""
    program = tmp_path / "bin" / "pydock"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"    'activate ds --shell {shell}' | '--global activate ds --shell {shell}')\n"
        f"        echo \"{'set -g X ' if shell == 'fish' else 'X='}'a  b'\" ;;\n"
        "    'activate nosuch '*) echo false; exit 3 ;;\n"
        '    *) printf "<%s>" "$@"; exit 7 ;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    (tmp_path / "hook").write_text(render("shell_hook.j2", hook=shell))
    status = "$status" if shell == "fish" else "$?"
    unset = "set -e X" if shell == "fish" else "unset X"
    script = f"""
        source ./hook
        pydock run ds "a  b" activate; echo {status}
        pydock activate --help; echo
        pydock activate ds --shell sh; echo
        pydock activate nosuch; echo {status}
        pydock activate ds; echo "$X"; {unset}
        pydock --global activate ds; echo "$X"
    """
    path = f"{program.parent}:{os.environ['PATH']}"
    assert run(shell, script, tmp_path, PATH=path).splitlines() == [
        "<run><ds><a  b><activate>7",
        "<activate><--help>",
        "<activate><ds><--shell><sh>",
        "3",
        "a  b",
        "a  b",
    ]


def test_direnv_layout(tmp_path: Path) -> None:
    """direnv is bash, with a function PATH_add of its own."""
    program = tmp_path / "pydock"
    program.write_text("#!/bin/sh\necho \"export VIRTUAL_ENV='/v'; PATH_add '/v/bin'\"\n")
    program.chmod(0o755)
    hook = render("shell_hook.j2", hook="direnv")
    script = f'PATH_add() {{ echo "add $1"; }}\n{hook}\nlayout_pydock ds; echo $VIRTUAL_ENV'
    assert run("bash", script, tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}") == "add /v/bin\n/v\n"
