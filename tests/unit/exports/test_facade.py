"""What `pydock activate` and `pydock expose` write: whole files, and the real shells that read them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pydock
from pydock import errors
from pydock.engine.python_description import Description, Script, read_description
from pydock.environments.caller import Caller
from pydock.environments.environment import Environment
from pydock.environments.facade import Facade, leave_facades
from pydock.exports import exposed, facade
from pydock.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTION = Description(
    "3.12.4",
    "/usr/local/bin/python3.12",
    ("python", "python3", "python3.12"),
    {"ruff": Script("/usr/local/bin/ruff", "ruff"), "[": Script("/usr/local/bin/[", "odd")},
    (),
)
ODD = 'a folder\'s $(touch hurt) `touch hurt` "%d" ; \\'


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(
        "ds", str(tmp_path / "envs" / "ds"), "0123abcd", "0123abcd", "pydock-", Caller("me", 1000, 1000), {}
    )


@pytest.fixture
def made(tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Facade:
    """Return a facade in a folder with an odd name, whose programs call a recording pydock."""
    made = Facade(str(tmp_path / ODD / "0123abcd-ds"), "ds")
    monkeypatch.setattr(
        facade, "own_command", lambda: [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
    )
    home = Home(str(tmp_path / ODD / ".pydock"), "local", "")
    facade.write_programs(made, environment, home, DESCRIPTION)
    facade.write_inside(made, DESCRIPTION)
    return made


# ---- the files -------------------------------------------------------------------------------


def test_programs(made: Facade) -> None:
    assert sorted(os.listdir(made.programs)) == [
        *(
            "[",
            "activate",
            "activate.fish",
            "pip",
            "pip3",
            "pydock",
            "python",
            "python3",
            "python3.12",
            "ruff",
        )
    ]
    assert Path(made.folder, "pyvenv.cfg").read_text() == (
        "home = /usr/local/bin\ninclude-system-site-packages = true\nversion = 3.12.4\nprompt = ds\n"
    )


def test_wrapper_text(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        facade, "own_command", lambda: ["/usr/bin/python3", "-I", "/home/me/.local/bin/pydock"]
    )
    home = Home("/home/me/project/.pydock", "local", "")
    assert facade.wrapper(environment, home, "python", inside="/v/bin/python", has_modules=True) == (
        "#!/bin/sh\n"
        "# `python` of the environment 'ds' of /home/me/project.\n"
        "# Made by pydock, which replaces this file.\n"
        '[ "${PYDOCK_INSIDE-}" != 0123abcd ] || [ ! -e /.dockerenv ] || exec \'/v/bin/python\' "$@"\n'
        "export PYDOCK_HOME='/home/me/project/.pydock' PYDOCK_MODE=\n"
        "if [ \"${1-} ${2-}\" = '-m pip' ]; then\n"
        "    shift 2\n"
        "    exec '/usr/bin/python3' '-I' '/home/me/.local/bin/pydock' pip ds \"$@\"\n"
        "fi\n"
        "exec '/usr/bin/python3' '-I' '/home/me/.local/bin/pydock' run --activated ds 'python' \"$@\"\n"
    )
    text = facade.wrapper(environment, home._replace(folder="/home/me/.pydock", mode="global"), "pip")
    assert text.splitlines()[3:] == [
        "export PYDOCK_MODE=global",
        "exec '/usr/bin/python3' '-I' '/home/me/.local/bin/pydock' pip 'ds' \"$@\"",
    ]


def test_scripts_call_the_pydock_that_wrote_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = [sys.executable, "-IS", "-c", facade.START_PACKAGE, str(Path(pydock.__file__).parents[1])]
    (tmp_path / "pydock").write_text("#!/bin/sh\n")
    (tmp_path / "tool").write_text("PK\x05\x06" + "\0" * 18)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tool", "activate", "ds"])
    assert facade.own_command() == [
        sys.executable,
        "-IS",
        "-c",
        facade.START_SINGLE_FILE,
        str(tmp_path / "tool"),
    ]
    for argv in (
        ["pydock", "activate", "ds"],
        ["/usr/bin/inv", "env.activate"],
        ["-c", "activate", "ds"],
        [""],
    ):
        monkeypatch.setattr(sys, "argv", argv)
        assert facade.own_command() == package
    ran = subprocess.run([*package, "--version"], capture_output=True, text=True, check=True, cwd="/")
    assert ran.stdout == f"pydock {pydock.__version__}\n"
    ran = subprocess.run([*package, "create", "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert "usage: pydock create" in ran.stdout


def test_container_has_links_in_the_same_places(made: Facade) -> None:
    programs = Path(made.inside, "bin")
    assert {path.name: os.readlink(path) for path in programs.iterdir()} == {
        "python": "/usr/local/bin/python3.12",
        "python3": "/usr/local/bin/python3.12",
        "python3.12": "/usr/local/bin/python3.12",
        "ruff": "/usr/local/bin/ruff",
        "[": "/usr/local/bin/[",
    }
    assert Path(made.inside, "pyvenv.cfg").read_text() == Path(made.folder, "pyvenv.cfg").read_text()
    assert list(Path(made.inside, "lib", "python3.12", "site-packages").iterdir()) == []


def test_another_image_replaces_what_the_first_had(made: Facade, environment: Environment) -> None:
    other = DESCRIPTION._replace(
        version="3.13.0",
        executable="/opt/python3.13",
        programs=("python3",),
        scripts={},
        packages=("/opt/venv/lib/site-packages",),
    )
    facade.write_programs(made, environment, Home("/h", "local", ""), other)
    facade.write_inside(made, other)
    assert "ruff" not in os.listdir(made.programs)
    assert os.listdir(Path(made.inside, "bin")) == ["python3"]
    assert os.listdir(Path(made.inside, "lib")) == ["python3.13"]
    line = Path(made.inside, "lib", "python3.13", "site-packages", "pydock.pth").read_text()
    assert line == "import site; site.addsitedir('/opt/venv/lib/site-packages')\n"
    assert "include-system-site-packages = false\n" in Path(made.inside, "pyvenv.cfg").read_text()


def test_copy_of_packages_has_nothing_that_runs(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "module.py").write_text("x = 1")
    (packages / "module.py").chmod(0o6755)
    (packages / "link").symlink_to("/etc/passwd")
    (packages / "folder").symlink_to("/etc")
    os.mkfifo(packages / "fifo")
    (packages / "code.pth").write_text("# a comment\nimport os; os.system('x')\n")
    (packages / "places.pth").write_text("/home/me/project\n")
    (packages / "sub").mkdir(0o755)
    (packages / "sub" / "code.pth").write_text("import\tos")
    made = Facade(str(tmp_path / "owner"), "ds")
    facade.replace_packages(made, DESCRIPTION, str(packages))
    copy = Path(made.folder, "lib", "python3.12", "site-packages")
    assert sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*")) == [
        "module.py",
        "places.pth",
        "sub",
    ]
    assert (copy / "module.py").stat().st_mode & 0o7777 == 0o444
    facade.replace_packages(made, DESCRIPTION, "")
    assert not copy.exists()


# ---- what an image says ------------------------------------------------------------------------


def answer(**values: object) -> str:
    import json

    found = {
        "version": "3.12.4",
        "executable": "/usr/bin/python3",
        "programs": ["python3"],
        "scripts": {},
        "packages": [],
    }
    return f"a line of sitecustomize\n{json.dumps({**found, **values})}\n"


def test_description_leaves_names_out_that_mean_something_here() -> None:
    names = [
        "ruff",
        "pydock",
        "activate",
        "activate.csh",
        "python",
        "pip3",
        "../x",
        "a b",
        "-x",
        ".x",
        "$(x)",
        "a\nb",
        "x" * 101,
    ]
    found = read_description(
        answer(scripts={name: [f"/usr/bin/{name}", "odd"] for name in names if "\n" not in name}), "ds"
    )
    assert list(found.scripts) == ["ruff"]
    assert read_description(answer(programs=["python3", "../python", "sh"]), "ds").programs == ("python3",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        answer(version="3.12"),
        answer(version=3),
        answer(executable="python3"),
        answer(executable="/usr/bin/\n"),
        answer(scripts=["ruff"]),
        answer(scripts={"ruff": "/usr/bin/ruff"}),
        answer(packages=["relative"]),
    ],
)
def test_answer_that_cannot_be_read(text: str) -> None:
    with pytest.raises(errors.PydockError, match="gave an answer that cannot be read"):
        read_description(text, "ds")


# ---- PATH, and `expose` ------------------------------------------------------------------------


def test_pydock_does_not_use_programs_of_a_facade() -> None:
    environ = {"PATH": "/home/me/.pydock/venvs/0123abcd-ds/ds/bin:/usr/bin::/home/me/.pydock/venvs"}
    leave_facades(environ)
    assert environ["PATH"] == "/usr/bin::/home/me/.pydock/venvs"


@pytest.fixture
def expose(environment: Environment, tmp_path: Path) -> Callable[..., None]:
    home = Home(str(tmp_path / ".pydock"), "local", "")
    return lambda *commands, of=environment: exposed.expose(
        of, home, DESCRIPTION, commands, str(tmp_path / "bin")
    )


def test_exposed_commands_are_found_again(expose: Callable[..., None], tmp_path: Path) -> None:
    expose("ruff", "[", "python3")
    (tmp_path / "bin" / "own").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "link").symlink_to("ruff")
    found = exposed.exposed_in(str(tmp_path / "bin"))
    assert [(one.command, one.environment, one.folder, one.identity) for one in found] == [
        (command, "ds", str(tmp_path), "0123abcd") for command in ("[", "python3", "ruff")
    ]
    exposed.remove(found)
    assert sorted(os.listdir(tmp_path / "bin")) == ["link", "own"]
    exposed.remove(found)


def test_files_of_others_are_not_replaced(
    expose: Callable[..., None], environment: Environment, tmp_path: Path
) -> None:
    expose("ruff")
    (tmp_path / "bin" / "python3").write_text("mine")
    for commands, message in (
        (["[", "python3"], "pydock did not make it"),
        (["[", "ruff"], "of environment 'ds'"),
    ):
        other = environment._replace(identity="ffffffff")
        with pytest.raises(errors.PydockError, match=message):
            expose(*commands, of=other)
    assert sorted(os.listdir(tmp_path / "bin")) == ["python3", "ruff"]
    expose("ruff")  # again, for the same environment
    (tmp_path / "bin" / "ruff").unlink()
    (tmp_path / "bin" / "ruff").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.PydockError, match="pydock did not make it"):
        expose("ruff")
    assert not (tmp_path / "elsewhere").exists()
