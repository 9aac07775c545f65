"""Settings and dockerfiles that come with a repository get no power before the user says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.command_line.conftest import Ended, Machine

COMMANDS = [
    ("envs",),
    ("list",),
    ("run", "ds", "true"),
    ("shell", "ds"),
    ("--dry", "run", "ds", "true"),
    ("--dry", "envs"),
    ("build", "ds"),
    ("create", "new", "3.12"),
    ("--dry", "create", "new", "3.12"),
    ("install", "ds", "six"),
    ("uninstall", "ds", "six"),
    ("update", "ds"),
    ("delete", "ds", "--yes"),
    ("envs", "--all"),
    ("clean", "--yes"),
]
POWERFUL = {
    "engine": "[sh, -c, 'touch {ran}']",
    "run_options": "--privileged -v /:/host",
    "pass_env": "AWS_*",
    "mounts": "/:/host",
    "home_volume": "true",
    "build_options": "--build-context=h=/home/u",
    "templates": "./templates",
    "netrc": "~/.ssh/id_rsa",
    "pip_config": "~/.ssh/id_rsa",
    "ca_bundle": "~/.ssh/id_rsa",
    "home": "/",
    "prefix": "library/",
}


@pytest.fixture
def ds(machine: Machine) -> Path:
    """Return the folder of a local environment."""
    folder = machine.project / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    (folder / "requirements.txt").write_text("six==1.16.0\n")
    (machine.home / ".ssh").mkdir()
    (machine.home / ".ssh" / "id_rsa").write_text("secret\n")
    return folder


def settings_file(machine: Machine) -> Path:
    return machine.project / ".pydock" / "pydock.yaml"


@pytest.mark.parametrize("name", POWERFUL)
def test_a_powerful_setting_of_a_clone_is_refused(
    machine: Machine, ds: Path, tmp_path: Path, name: str
) -> None:
    ran = tmp_path / "ran"
    machine.environ.pop("PYDOCK_PIP_CONFIG")
    settings_file(machine).write_text(f"{name}: {POWERFUL[name].replace('{ran}', str(ran))}\n")
    for argv in COMMANDS if name == "engine" else COMMANDS[2:3]:
        ended = machine.pydock(*argv)
        assert ended.code == 1
        assert f"'{name}'" in ended.err
        assert "pydock trust" in ended.err
    assert not ran.exists()
    assert machine.argvs() == []
    assert os.listdir(ds.parent) == ["ds"]
    row = next(line for line in machine.ok("config").out.splitlines() if line.startswith(f"{name} "))
    assert "not trusted" in row


@pytest.mark.parametrize(
    "text",
    [
        "shell: zsh\ninstaller: pip\nuser: other\nmode: local\n",
        "repository: mirror.example/python\n",
        "prefix: pydock-team-\n",
        "engine: docker\nrun_options: []\n",  # as without the file
    ],
)
def test_a_harmless_setting_needs_no_trust(machine: Machine, ds: Path, text: str) -> None:
    settings_file(machine).write_text(text)
    machine.ok("build", "ds")
    machine.ok("run", "ds", "true")
    assert "no settings that need your trust" in machine.ok("trust").err


def test_trust_is_for_one_content_of_one_file(machine: Machine, ds: Path, tmp_path: Path) -> None:
    settings_file(machine).write_text("run_options: --publish 8888:8888\n")
    ended = machine.pydock("trust")
    assert ended.code == 1
    assert "Nothing was trusted." in ended.err
    machine.ok("build", "ds", PYDOCK_RUN_OPTIONS="")
    assert machine.pydock("run", "ds", "true").code == 1
    assert "--publish 8888:8888" in machine.ok("--dry", "trust").err
    assert machine.pydock("run", "ds", "true").code == 1
    ended = machine.ok("trust", "--yes")
    assert "run_options: add this to every `docker run`" in ended.err
    machine.ok("run", "ds", "true")
    assert "127.0.0.1:8888:8888" in machine.argvs("run")[-1]
    assert "already trusted" in machine.ok("trust").err
    # Another content
    settings_file(machine).write_text("run_options: --publish 8888:8888 --privileged\n")
    ended = machine.pydock("run", "ds", "true")
    assert ended.code == 1
    assert "has changed since you trusted it" in ended.err
    settings_file(machine).write_text("run_options: --publish 8888:8888\n")
    machine.ok("run", "ds", "true")
    # Another place
    shutil.copytree(machine.project / ".pydock", tmp_path / "clone" / ".pydock")
    ended = machine.run([sys.executable, "-m", "pydock", "run", "ds", "true"], folder=tmp_path / "clone")
    assert ended.code == 1
    assert "is not trusted" in ended.err
    machine.ok("trust", "--remove")
    assert machine.pydock("run", "ds", "true").code == 1


def test_what_is_trusted_is_remembered_privately(machine: Machine, ds: Path) -> None:
    settings_file(machine).write_text("run_options: --privileged\n")
    machine.ok("trust", "--yes")
    machine.ok("build", "ds")
    state = machine.home / ".local" / "state" / "pydock" / "trusted"
    assert state.stat().st_mode & 0o777 == 0o700
    state.chmod(0o777)  # now anybody could have written it
    assert machine.pydock("run", "ds", "true").code == 1
    state.chmod(0o700)
    machine.ok("run", "ds", "true")
    other = machine.home / "other-state"
    assert machine.pydock("run", "ds", "true", XDG_STATE_HOME=str(other)).code == 1
    machine.ok("trust", "--yes", XDG_STATE_HOME=str(other))
    assert (other / "pydock" / "trusted").is_dir()
    machine.ok("run", "ds", "true", XDG_STATE_HOME=str(other))
    machine.ok("run", "ds", "true", XDG_STATE_HOME="relative")


def test_a_project_cannot_bring_its_own_trust(machine: Machine, ds: Path) -> None:
    settings_file(machine).write_text("run_options: --privileged\n")
    inside = str(machine.project / "state")
    for argv in (("trust", "--yes"), ("run", "ds", "true")):
        ended = machine.pydock(*argv, XDG_STATE_HOME=inside)
        assert ended.code == 1
        assert "inside the project" in ended.err
    assert not (machine.project / "state").exists()


def test_a_state_folder_that_cannot_be_written(machine: Machine, ds: Path) -> None:
    settings_file(machine).write_text("run_options: --privileged\n")
    (machine.home / "file").write_text("")
    ended = machine.pydock("trust", "--yes", XDG_STATE_HOME=str(machine.home / "file"))
    assert ended.code == 1
    assert "Cannot write" in ended.err


@pytest.mark.parametrize("where", ["own file", "global", "variable", "variable wins"])
def test_the_users_own_settings_need_no_trust(machine: Machine, ds: Path, where: str) -> None:
    machine.ok("build", "ds")
    variables = {}
    argv = ["run", "ds", "true"]
    if where == "own file":
        (machine.home / ".pydock.yaml").write_text("run_options: --privileged\n")
    elif where == "global":
        machine.ok("--global", "create", "ds", "3.12")
        (machine.home / ".pydock" / "pydock.yaml").write_text("run_options: --privileged\n")
        argv.insert(0, "--global")
    else:
        variables["PYDOCK_RUN_OPTIONS"] = "--privileged"
    if where == "variable wins":
        settings_file(machine).write_text("run_options: --network host\n")
    machine.ok(*argv, **variables)
    assert "--privileged" in machine.argvs("run")[-1]


def test_tasks_are_code_anyway(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\n"
        "namespace = Collection()\n"
        "namespace.add_collection(Collection.from_module(pydock, name='env', config={'pydock': "
        "{'home': '.', 'run_options': '--privileged'}}))\n"
    )
    assert machine.inv("env.create", "ds", "3.12").code == 0
    assert machine.inv("env.run", "ds", "true").code == 0
    assert "--privileged" in machine.argvs("run")[-1]


@pytest.mark.parametrize(
    "text",
    [
        'repository: "python\\nRUN touch /pwned"',
        'shell: "sh\\u001b]0;x"',
        'user: "me\\r"',
        'prefix: "pydock-\\n"',
        'run_options: ["-v", "/:/host\\u202e"]',
        "engine: \"sh -c 'a\\u009b'\"",
    ],
)
def test_control_characters_are_refused(machine: Machine, ds: Path, text: str) -> None:
    settings_file(machine).write_text(f"{text}\n")
    for argv in (("create", "new", "3.12"), ("run", "ds", "true"), ("trust", "--yes"), ("config",)):
        ended = machine.pydock(*argv)
        assert ended.code == 2
        assert "control character" in ended.err
        assert ended.err.rstrip("\n").isprintable()
    assert not (ds.parent / "new").exists()


@pytest.mark.parametrize("repository", ["python:3.12", "python 3", "a/../b", "${X}", "-x", "python AS x"])
def test_a_repository_is_the_name_of_an_image(machine: Machine, ds: Path, repository: str) -> None:
    settings_file(machine).write_text(f"repository: '{repository}'\n")
    ended = machine.pydock("create", "new", "3.12")
    assert ended.code == 2
    assert "not an image name without a tag" in ended.err
    assert not (ds.parent / "new").exists()


@pytest.mark.parametrize("version", ["3.12\nRUN id", "3.12 AS x", "3.12\n"])
def test_a_version_adds_no_lines(machine: Machine, ds: Path, version: str) -> None:
    assert machine.pydock("create", "new", version).code == 2
    assert machine.pydock("create", "new", "--base", f"python:{version}").code == 2


@pytest.mark.parametrize(
    "text",
    [
        "shell: [*x]",
        "shell: 2001-99-99",
        "shell: &a [*a]",
        "a: " + "[" * 5000,
        "shell: " + "x" * (1 << 21),
        "? [1]: 2",
    ],
    ids=lambda text: text[:16],  # the test's name is a variable of the programs that it starts
)
def test_a_settings_file_is_read_without_a_traceback(machine: Machine, ds: Path, text: str) -> None:
    settings_file(machine).write_text(text)
    for argv in (("config",), ("run", "ds", "true")):
        ended = machine.pydock(*argv)
        assert ended.code == 2
        assert len(ended.err) < 1000


def test_a_settings_file_of_gigabytes(machine: Machine, ds: Path) -> None:
    lines = ["user: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"user: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi")]
    settings_file(machine).write_text("\n".join(lines))
    ended = machine.pydock("envs")
    assert ended.code == 2
    assert len(ended.err) < 2000


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_settings_file_that_is_none(machine: Machine, ds: Path, make: object) -> None:
    make(settings_file(machine))  # type: ignore[operator]
    for argv in (("config",), ("run", "ds", "true")):
        assert machine.pydock(*argv).code == 2


# Templates


def test_a_template_is_text_and_not_a_program(machine: Machine, ds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    for text in (
        "{{ caller.__class__.__mro__[-1].__subclasses__() }}",
        f"{{{{ self.__init__.__globals__.__builtins__.__import__('os').system('touch {tmp_path}/ran') }}}}",
        "{% include '../secret' %}",
        "{% include '/etc/hostname' %}",
    ):
        (tmp_path / "secret").write_text("secret")
        (folder / "dockerfile.j2").write_text(text)
        ended = machine.pydock("create", "new", "3.12", PYDOCK_TEMPLATES=str(folder))
        assert ended.code == 1, ended
        assert "emplate" in ended.err
    assert not (tmp_path / "ran").exists()


# Credentials


NETRC = "machine index.example login u password hunter2\n"


@pytest.fixture
def netrc(machine: Machine) -> Path:
    """Give the user a netrc file and an index with a password; return the netrc file."""
    path = machine.home / ".netrc"
    path.write_text(NETRC)
    path.chmod(0o600)
    config = machine.home / "pip.conf"
    config.write_text("[global]\nindex-url = https://u:hunter2@index.example/simple\n")
    machine.environ["PYDOCK_PIP_CONFIG"] = str(config)
    return path


def given(machine: Machine) -> list[bool]:
    """Return for every build since whether it got the netrc file, and forget them."""
    found = [any("id=netrc" in word for word in argv) for argv in machine.argvs("build")]
    machine.forget_calls()
    return found


def withheld(ended: Ended) -> bool:
    return "does not get" in ended.err


def git(machine: Machine, *argv: str) -> None:
    words = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "init.defaultBranch=main"]
    subprocess.run([*words, *argv], cwd=machine.project, check=True, capture_output=True)


def append(path: Path, line: str) -> None:
    path.write_text(path.read_text() + line)


def age(path: Path) -> None:
    """Let the file be of yesterday, as if time had passed since it was written."""
    os.utime(path, (1_600_000_000, 1_600_000_000))


def test_own_environments_get_credentials(machine: Machine, netrc: Path) -> None:
    (machine.project / ".pydock").mkdir()
    for argv in (
        ("create", "ds", "3.12"),
        ("install", "ds", "six"),
        ("build", "ds"),
        ("update", "ds"),
        ("uninstall", "ds", "six"),
        ("create", "other", "--base", "debian:12"),
        ("--global", "create", "mine", "3.12"),
        ("--global", "install", "mine", "six"),
    ):
        ended = machine.ok(*argv)
        assert not withheld(ended)
        assert all(given(machine)), argv
    append(machine.project / ".pydock" / "envs" / "ds" / "dockerfile", "RUN echo mine\n")
    assert not withheld(machine.ok("build", "ds"))
    assert given(machine) == [True]


@pytest.mark.parametrize(
    "argv",
    [("build", "ds"), ("install", "ds", "six"), ("update", "ds"), ("uninstall", "ds", "six")],
    ids=" ".join,
)
def test_a_checkout_gets_none(machine: Machine, netrc: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    folder = machine.project / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text(
        "FROM python:3.12\nRUN --mount=type=secret,id=netrc cat /run/secrets/netrc > /x\n"
    )
    (folder / "requirements.txt").write_text("six==1.16.0\n")
    ended = machine.ok(*argv)
    assert ended.err.count("does not get") == 1
    assert "`pydock trust ds`" in ended.err
    assert "hunter2" not in ended.err + ended.out
    assert not any("hunter2" in value for call in machine.calls() for value in map(str, call.values()))
    assert not any(given(machine))
    ended = machine.pydock("trust", "ds")
    assert ended.code == 1
    assert "Nothing was trusted." in ended.err
    assert "hunter2" not in ended.err
    machine.ok("trust", "ds", "--yes")
    assert "already trusted" in machine.ok("trust", "ds").err
    (folder / "requirements.txt").write_text("six==1.15.0\n")
    ended = machine.ok(*argv)
    assert not withheld(ended)
    assert all(given(machine))
    machine.ok("trust", "ds", "--remove")
    assert withheld(machine.ok("build", "ds"))


def test_without_credentials_nothing_is_said(machine: Machine) -> None:
    folder = machine.project / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    assert not withheld(machine.ok("build", "ds"))


def test_a_pull_asks_and_an_edit_does_not(machine: Machine, netrc: Path) -> None:
    git(machine, "init")
    (machine.project / ".pydock").mkdir()
    machine.ok("create", "ds", "3.12")
    folder = machine.project / ".pydock" / "envs" / "ds"
    git(machine, "add", ".")
    git(machine, "commit", "-m", "x")
    assert not withheld(machine.ok("build", "ds"))
    # The user's own edit, then committed
    append(folder / "dockerfile", "RUN echo mine\n")
    age(folder / "dockerfile")
    assert not withheld(machine.ok("build", "ds"))
    git(machine, "commit", "-am", "mine")
    assert not withheld(machine.ok("build", "ds"))
    # Somebody else's edit arrives
    append(folder / "dockerfile", "RUN cat /run/secrets/netrc\n")
    git(machine, "commit", "-am", "theirs")
    git(machine, "checkout", "HEAD^")
    assert not withheld(machine.ok("build", "ds"))
    git(machine, "checkout", "main")
    given(machine)
    ended = machine.ok("build", "ds")
    assert withheld(ended)
    assert given(machine) == [False]
    # So does a new file
    machine.ok("trust", "ds", "--yes")
    assert not withheld(machine.ok("build", "ds"))
    (folder / "script").write_text("cat /run/secrets/netrc\n")
    git(machine, "add", ".")
    git(machine, "commit", "-m", "theirs again")
    assert withheld(machine.ok("build", "ds"))


def test_another_folder_at_the_same_place_is_not_ones_own(machine: Machine, netrc: Path) -> None:
    (machine.project / ".pydock").mkdir()
    machine.ok("create", "ds", "3.12")
    folder = machine.project / ".pydock" / "envs" / "ds"
    folder.rename(machine.project / "kept")
    shutil.copytree(machine.project / "kept", folder)
    assert not withheld(machine.ok("build", "ds"))  # the same files
    append(folder / "dockerfile", "RUN cat /run/secrets/netrc\n")
    assert withheld(machine.ok("build", "ds"))


def test_a_base_that_a_project_chose_gets_none(machine: Machine, netrc: Path) -> None:
    (machine.project / ".pydock").mkdir()
    settings_file(machine).write_text("repository: mirror.example/python\n")
    assert withheld(machine.ok("create", "ds", "3.12"))
    assert not any(given(machine))
    assert withheld(machine.ok("build", "ds"))
    machine.ok("trust", "ds", "--yes")
    assert not withheld(machine.ok("build", "ds"))


def test_a_base_that_a_project_chooses_later_gets_none(machine: Machine, netrc: Path) -> None:
    (machine.project / ".pydock").mkdir()
    machine.ok("create", "ds", "3.12")
    settings_file(machine).write_text("repository: mirror.example/python\n")
    given(machine)
    assert withheld(machine.ok("build", "ds"))
    assert given(machine) == [False]


def test_delete_forgets(machine: Machine, netrc: Path) -> None:
    state = machine.home / ".local" / "state" / "pydock" / "trusted"
    machine.ok("create", "ds", "3.12")
    assert len(os.listdir(state)) == 1
    machine.ok("delete", "ds", "--yes")
    assert os.listdir(state) == []
