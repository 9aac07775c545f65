"""What Tab offers in bash, zsh and fish; that it starts no program and runs nothing that a folder is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pydock.commands.completion import script_for
from pydock.commands.namespace import ALL_COMMANDS

from .conftest import Shell, require

if TYPE_CHECKING:
    from .conftest import Home

README = Path(__file__).parents[2] / "README.md"
REQUESTED = """\
# what is wanted
pandas>=2
  Pillow  # images
numpy[extra] ; python_version > '3'
yarl @ https://files.example/yarl.whl
-r other.txt
--hash=sha256:0
./libs/a
libs/b
https://files.example/c.zip
wheel-1.0-py3-none-any.whl
"""
HOSTILE = [
    "$(touch evil)",
    "`touch evil`",
    "a;touch evil",
    "a && touch evil",
    "a\ntouch evil\n",
    "*",
    "-x",
    "a'b",
    'a"b',
]


@pytest.fixture(autouse=True)
def environments(home: Home) -> None:
    home.add_environment("ds", REQUESTED)
    home.add_environment("dev.two")
    home.add_program("frobnicate-all")
    home.add_environment("users", "six\n", top=home.folder)
    (home.project / ".pydock" / "envs" / "no-dockerfile").mkdir()
    for name in ("requirements.txt", "run me.py", "notes.md"):
        (home.project / name).touch()
    (home.project / "libs" / "inner").mkdir(parents=True)


def test_commands(shell: Shell) -> None:
    assert shell.offered("pydock ") == sorted([*(task.name for task in ALL_COMMANDS), "help"])
    assert shell.offered("pydock --local un") == ["uninstall"]
    assert "delete" in shell.offered("pydock help del")


def test_options(shell: Shell) -> None:
    assert {"--dry", "--global", "--help", "-V"} <= set(shell.offered("pydock -"))
    assert {"-r", "--requirement", "--base", "--echo"} <= set(shell.offered("pydock create -"))
    assert shell.offered("pydock delete ds --v") == ["--volume"]
    assert shell.offered("pydock rm ds --v") == ["--volume"]
    assert {"-p", "--gpus", "--script"} <= set(shell.offered("pydock run -"))


@pytest.mark.parametrize(
    "line",
    [
        "shell ",
        "delete ",
        "--echo uninstall ",
        "run -p 8888:8888 -e A=b --rm ",
        "up --dry ",
        "exec --gpus=all ",
    ],
)
def test_environments_of_the_project(shell: Shell, line: str) -> None:
    assert shell.offered(f"pydock {line}d") == ["dev.two", "ds"]
    assert shell.offered(f"pydock {line}ds") in ([], ["ds"])


def test_lines_of_every_shape(home: Home, shell: Shell) -> None:
    for line in (
        "A=1 pydock shell d",
        "true; pydock shell d",
        "(pydock shell d",
        "./pydock shell d",
        "pydock   --local   shell   d",
        "pydock run -e 'A=b c' d",
        'pydock run -e A="x y" d',
        "pydock run -e A= d",
        "pydock run -e A=b:c -v a:/b d",
        "pydock run --env=A=b --name=x d",
    ):
        assert shell.offered(line) == ["dev.two", "ds"], line
    for line in ("pydock shell ds ", "pydock run ds cat x=1 pydock shell d", "pydock run ds -m"):
        assert shell.offered(line) == [], line
    assert shell.offered("pydock uninstall -- ds p") == ["pandas"]
    (home.project / "odd'$x.txt").touch()
    assert shell.after_tab("pydock install ds -r odd") == "pydock install ds -r odd\\'\\$x.txt "
    assert shell.after_tab("pydock install ds --requirement=run") == (
        "pydock install ds --requirement=run\\ me.py "
    )
    assert shell.after_tab("pydock shell -w lib") == "pydock shell -w libs/"


def test_environments_elsewhere(home: Home, shell: Shell) -> None:
    assert shell.offered("pydock --global shell ") == ["users"]
    assert shell.offered("pydock shell --global ") == ["users"]
    home.project = home.project / "libs" / "inner"
    shell.run("cd libs/inner")
    assert shell.offered("pydock shell ") == ["dev.two", "ds"]
    assert shell.offered("pydock --local shell ") == []
    home.project = home.folder
    shell.run("cd")
    assert shell.offered("pydock shell ") == ["users"]


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"PYDOCK_MODE": "global"}, ["users"]),
        ({"PYDOCK_HOME": "~/.pydock"}, ["users"]),
        ({"PYDOCK_HOME": "../.pydock"}, ["users"]),
    ],
)
def test_environments_by_setting(home: Home, setup: str, variables: dict[str, str], names: list[str]) -> None:
    home.environ.update(variables)
    assert only(home, setup, "pydock shell ") == names


def test_packages(shell: Shell) -> None:
    assert shell.offered("pydock uninstall ds ") == ["Pillow", "numpy", "pandas", "yarl"]
    assert shell.offered("pydock update ds numpy pan") == ["pandas"]
    assert shell.offered("pydock --global uninstall users ") == ["six"]
    assert shell.offered("pydock uninstall missing ") == []


def test_files(shell: Shell) -> None:
    assert shell.offered("pydock create new 3.12 -r req") == ["requirements.txt"]
    assert shell.offered("pydock install ds --requirement=req") == ["--requirement=requirements.txt"]
    assert [word.rstrip("/") for word in shell.offered("pydock install ds ./l")] == ["./libs"]
    assert [word.rstrip("/") for word in shell.offered("pydock shell -w l")] == ["libs"]
    assert shell.offered("pydock run --script no") == ["notes.md"]
    assert shell.offered("pydock run some.py no") == ["notes.md"]


def test_other_words(shell: Shell) -> None:
    assert shell.offered("pydock packages ds --format ") == ["columns", "freeze", "json"]
    assert shell.offered("pydock completion ") == ["bash", "fish", "zsh"]
    for line in ("create ", "create new ", "install ds ", "install ds --system ", "nonsense ", "envs "):
        assert shell.offered(f"pydock {line}") == [], line


def test_a_command_line_inside(shell: Shell) -> None:
    assert shell.offered("pydock run ds frobni") == ["frobnicate-all"]
    assert shell.offered("pydock run ds -- frobni") == ["frobnicate-all"]
    assert shell.offered("pydock --local exec -p 80 ds frobni") == ["frobnicate-all"]
    assert shell.offered("pydock run ds cat no") == ["notes.md"]
    assert shell.offered("pydock run ds -- cat no") == ["notes.md"]
    assert shell.after_tab("pydock run ds cat run") == "pydock run ds cat run\\ me.py "


def test_options_of_the_command_inside(shell: Shell, setup: str) -> None:
    if setup == "bash, no package":
        return  # bash does not know them then
    assert "--archive" in shell.offered("pydock run ds cp --arch")


def test_tab_starts_no_program(home: Home, shell: Shell) -> None:
    for line in ("", "un", "shell ", "uninstall ds ", "run ds ", "run ds cat ", "create -", "install ds -r "):
        shell.offered(f"pydock {line}")
    assert home.started == ""


def test_hostile_names(home: Home, setup: str) -> None:
    for name in HOSTILE:
        home.add_environment(name)
        (home.project / name).touch()
    folder = home.project / "$(touch evil)`touch evil`;touch evil"
    folder.mkdir()
    (folder / ".pydock").symlink_to("../.pydock")
    (folder / "requirements.txt").touch()
    (home.project / ".pydock/envs/ds/requirements.in").write_text(
        "\n".join(["six", *HOSTILE, "a$(touch evil)", "b`touch evil`"])
    )
    home.project = folder
    home.install(setup)
    shell = Shell(home, setup)
    try:
        assert shell.offered("pydock shell ") == ["dev.two", "ds"]
        assert set(shell.offered("pydock uninstall ds ")) <= {"six", "a", "touch"}  # `touch` after a line end
        shell.offered("pydock install ds -r ../")
        shell.offered("pydock install ds -r ")
        shell.offered("pydock run ds cat ../")
        for word in ("$(touch evil)", "`touch evil`", "$(touch", "';touch evil"):
            for before in ("pydock ", "pydock uninstall ", "pydock install ds -r ", "pydock run ds "):
                shell.offered(f"{before}{word}")
                shell.offered(f"{before}{word} ")
    finally:
        shell.end()
    assert not list(home.folder.rglob("evil"))
    assert home.started == ""


def test_hostile_files(home: Home, shell: Shell) -> None:
    for number, target in enumerate(["/dev/zero", "/dev/tty", "loop"]):
        path = home.add_environment(f"link{number}") / "requirements.in"
        path.unlink()
        path.symlink_to(target)
        assert shell.offered(f"pydock uninstall link{number} ") == []
    pipe = home.add_environment("pipe") / "requirements.in"
    pipe.unlink()
    os.mkfifo(pipe)
    assert shell.offered("pydock uninstall pipe ") == []
    (home.add_environment("large") / "requirements.in").write_bytes(
        b"six\n" * 3 + b"x" * 3_000_000 + b"\nother\n"
    )
    assert shell.offered("pydock uninstall large ") in ([], ["six"])
    (home.add_environment("binary") / "requirements.in").write_bytes(bytes(range(256)) * 40)
    shell.offered("pydock uninstall binary ")
    assert shell.offered("pydock shell d") == ["dev.two", "ds"]


@pytest.mark.parametrize(
    ("plain", "options"),
    [
        *(
            ("bash", options)
            for options in (
                "set -u",
                "set -f",
                "shopt -s failglob nullglob",
                "shopt -s nocasematch",
                "set -o posix",
            )
        ),
        ("bash, no package", "set -u"),
        ("bash, no package", "set -eu"),
        ("bash, no package", "IFS=ds"),
        *(
            ("zsh", f"setopt {options}")
            for options in ("nounset", "noglob", "sh_word_split glob_subst", "ksh_arrays", "err_return")
        ),
    ],
)
def test_options_of_the_shell(home: Home, plain: str, options: str) -> None:
    require(plain)
    home.install(plain)
    shell = Shell(home, plain, options)
    try:
        assert shell.after_tab("pydock uninstall ds pa") == "pydock uninstall ds pandas "
        assert shell.after_tab("pydock shell de") == "pydock shell dev.two "
    finally:
        shell.end()


@pytest.mark.parametrize("options", ["", "setopt nounset; "])
def test_zsh_sources_the_script(home: Home, options: str) -> None:
    require("zsh")
    (home.folder / "pydock.zsh").write_text(script_for("zsh", ALL_COMMANDS))
    shell = Shell(home, "zsh", f"{options}source ~/pydock.zsh")
    try:
        assert shell.after_tab("pydock uninstall ds pa") == "pydock uninstall ds pandas "
    finally:
        shell.end()


def test_the_folder_is_gone(shell: Shell) -> None:
    shell.run("mkdir gone && cd gone && rmdir ../gone")
    line = shell.after_tab("pydock shell ")
    assert line.startswith("pydock shell ")  # its parent may still be known


def test_tab(shell: Shell) -> None:
    assert shell.after_tab("pydock uninstall ds p") == "pydock uninstall ds pandas "
    assert shell.after_tab("pydock unin") == "pydock uninstall "
    assert shell.after_tab("pydock rm ds --vo") == "pydock rm ds --volume "
    assert shell.after_tab("pydock install ds -r req") == "pydock install ds -r requirements.txt "


def test_nothing_is_loaded_when_the_shell_starts(home: Home, shell: Shell, setup: str) -> None:
    if setup == "bash, no package":
        return  # there the user loads it
    question = {
        "bash": "declare -F _pydock_command",
        "zsh": "print -r -- ${functions[_pydock_command]}",
        "fish": "functions __pydock_command",
    }[shell.kind]
    answer = home.folder / "answer"
    shell.run(f"{question} >~/answer")
    assert answer.read_text().strip() == ""
    shell.after_tab("pydock unin")
    shell.run(f"{question} >~/answer")
    assert answer.read_text().strip() != ""


def test_the_shell_is_found(home: Home, setup: str) -> None:
    program = setup.partition(",")[0]
    line = f'"{sys.executable}" -m pydock completion; true'
    environ = {**os.environ, **home.environ, "SHELL": "/bin/dash"}
    done = subprocess.run(
        [program, "-c", line], check=True, capture_output=True, text=True, env=environ, timeout=60
    )
    assert (done.stdout, done.stderr) == (script_for(program, ALL_COMMANDS), "")


def test_the_commands_of_the_readme(home: Home) -> None:
    """They write the scripts into folders of which each shell knows; zsh as README says."""
    [block] = re.findall(
        r"^```sh\n(mkdir .*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    program = home.bin / "pydock"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pydock "$@"\n')
    environ = {**os.environ, **home.environ}
    subprocess.run(["bash", "-euc", block], check=True, cwd=home.project, env=environ, timeout=60)
    home.add_program("pydock")
    home.functions = home.data / "zsh" / "site-functions"
    for setup in ("bash", "zsh", "fish"):
        require(setup)
        shell = Shell(home, setup)
        try:
            assert shell.offered("pydock uninstall ds p") == ["pandas"]
        finally:
            shell.end()
    assert home.started == ""


def only(home: Home, setup: str, line: str, options: str = "") -> list[str]:
    """Return what a new shell offers."""
    home.install(setup)
    shell = Shell(home, setup, options)
    try:
        return shell.offered(line)
    finally:
        shell.end()
