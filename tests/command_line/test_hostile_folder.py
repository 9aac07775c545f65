"""What a repository brings is data: no path in it leads pydock out of the project, and nothing of the user's is lost."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

if TYPE_CHECKING:
    from tests.command_line.conftest import Machine

WRITING = [("install", "ds", "six"), ("uninstall", "ds", "six"), ("update", "ds"), ("update", "ds", "six")]
READING = [("build", "ds"), ("run", "ds", "true"), ("shell", "ds"), ("envs",)]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a folder of the user's outside of the project, with files that must stay as they are."""
    folder = tmp_path / "victim"
    (folder / "deep").mkdir(parents=True)
    (folder / "thesis.tex").write_text("three years\n")
    (folder / "deep" / "data").write_text("four years\n")
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    return folder


def contents(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def envs(machine: Machine) -> Path:
    folder = machine.project / ".pydock" / "envs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def ds(machine: Machine) -> Path:
    """Return the folder of a local environment, whose image is not built."""
    folder = envs(machine) / "ds"
    folder.mkdir()
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    (folder / "requirements.txt").write_text("six==1.16.0\n")
    (folder / "requirements.in").write_text("six\n")
    return folder


def changes(machine: Machine) -> list[list[str]]:
    """Return the calls that changed something on the engine."""
    changing = {"build", "tag", "rmi", "run", "create", "rm"}
    return [argv for argv in machine.argvs() if argv[0] in changing]


# create


def test_create_does_not_follow_its_hidden_folder(machine: Machine, victim: Path) -> None:
    before = contents(victim)
    (envs(machine) / ".ds").symlink_to("../../../victim")
    ended = machine.pydock("create", "ds", "3.12")
    assert ended.code == 1
    assert f"{envs(machine)}/.ds is in the way" in ended.err
    assert contents(victim) == before
    assert changes(machine) == []
    assert (envs(machine) / ".ds").is_symlink()
    (envs(machine) / ".ds").unlink()
    machine.ok("create", "ds", "3.12")


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine\n"), os.mkfifo], ids=["file", "FIFO"])
def test_create_does_not_remove_what_has_its_hidden_name(
    machine: Machine, make: Callable[[Path], object]
) -> None:
    make(envs(machine) / ".ds")
    ended = machine.pydock("create", "ds", "3.12")
    assert ended.code == 1
    assert "is in the way" in ended.err
    assert os.path.lexists(envs(machine) / ".ds")


def test_create_empties_what_a_killed_one_left_without_following_links(
    machine: Machine, victim: Path
) -> None:
    before = contents(victim)
    left = envs(machine) / ".ds"
    (left / "a" / "b").mkdir(parents=True)
    (left / "a" / "b" / "link").symlink_to(victim)
    (left / "link").symlink_to(victim)
    os.mkfifo(left / "fifo")
    machine.ok("create", "ds", "3.12")
    assert sorted(os.listdir(envs(machine) / "ds")) == ["dockerfile", "requirements.txt"]
    assert contents(victim) == before


@pytest.mark.parametrize("link", [".pydock", ".pydock/envs"])
def test_create_does_not_leave_the_project(machine: Machine, victim: Path, link: str) -> None:
    before = contents(victim)
    place = machine.project / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(victim)
    for mode in ([], ["--local"]):
        ended = machine.pydock(*mode, "create", "ds", "3.12")
        assert ended.code == 1
        assert "outside of" in ended.err
    assert contents(victim) == before


def test_create_does_not_use_a_dangling_link(machine: Machine, tmp_path: Path) -> None:
    (envs(machine) / "ds").symlink_to(tmp_path / "nowhere")
    ended = machine.pydock("create", "ds", "3.12")
    assert ended.code == 1
    assert "already exists" in ended.err
    assert not (tmp_path / "nowhere").exists()


# A folder that is a symbolic link.


def test_a_folder_outside_is_refused(machine: Machine, victim: Path) -> None:
    before = contents(victim)
    (envs(machine) / "ds").symlink_to(victim)
    for argv in (*WRITING, *READING[:3], ("delete", "ds", "--yes")):
        ended = machine.pydock(*argv)
        assert ended.code == 1
        assert f"outside of {machine.project}" in ended.err
    assert contents(victim) == before
    assert (envs(machine) / "ds").is_symlink()
    assert changes(machine) == []


def test_a_folder_inside_is_honoured(machine: Machine, ds: Path) -> None:
    (machine.project / "docker").mkdir()
    ds.rename(machine.project / "docker" / "real")
    ds.symlink_to("../../docker/real")
    machine.ok("build", "ds")
    machine.ok("run", "ds", "true")
    machine.ok("install", "ds", "requests")
    machine.ok("uninstall", "ds", "requests")
    assert (machine.project / "docker" / "real" / "requirements.in").read_text() == "six\n"
    assert "ready" in machine.ok("envs").out


def test_delete_of_a_link_removes_the_link_only(machine: Machine, ds: Path) -> None:
    (machine.project / "docker").mkdir()
    ds.rename(machine.project / "docker" / "real")
    ds.symlink_to("../../docker/real")
    machine.ok("build", "ds")
    before = contents(machine.project / "docker")
    machine.ok("delete", "ds", "--yes")
    assert not os.path.lexists(ds)
    assert not os.path.lexists(ds.parent / ".ds")
    assert contents(machine.project / "docker") == before
    machine.ok("create", "ds", "3.12")
    assert contents(machine.project / "docker") == before


def test_delete_removes_links_and_not_what_they_lead_to(machine: Machine, ds: Path, victim: Path) -> None:
    before = contents(victim)
    (ds / "data").symlink_to(victim)
    (ds / "deep").mkdir()
    (ds / "deep" / "data").symlink_to(victim / "thesis.tex")
    machine.ok("delete", "ds", "--yes")
    assert contents(victim) == before
    assert os.listdir(ds.parent) == []


def test_delete_refuses_before_it_removes_anything(machine: Machine, ds: Path, victim: Path) -> None:
    before = contents(victim), contents(ds), machine.tags()
    (ds.parent / ".ds").symlink_to(victim)
    ended = machine.pydock("delete", "ds", "--yes")
    assert ended.code == 1
    assert "is in the way" in ended.err
    assert (contents(victim), contents(ds), machine.tags()) == before


# Files that are symbolic links.


@pytest.mark.parametrize("file", ["requirements.txt", "requirements.in"])
@pytest.mark.parametrize("where", ["outside", "inside", "dangling"])
def test_no_command_writes_through_a_link(
    machine: Machine, ds: Path, tmp_path: Path, file: str, where: str
) -> None:
    target = {"outside": tmp_path / "bash_aliases", "inside": ds / "real.txt", "dangling": tmp_path / "new"}[
        where
    ]
    if where != "dangling":
        target.write_text("six==1.16.0\n" if file == "requirements.txt" else "six\n")
    (ds / file).unlink()
    (ds / file).symlink_to(target)
    before = contents(ds)
    for argv in WRITING[:3]:
        ended = machine.pydock(*argv)
        assert ended.code == 1
        assert f"{ds / file} is a symbolic link" in ended.err
    assert contents(ds) == before
    assert target.exists() == (where != "dangling")
    assert changes(machine) == []


@pytest.mark.parametrize("file", ["requirements.txt", "dockerfile"])
def test_links_are_read_inside_of_the_folder_only(
    machine: Machine, ds: Path, tmp_path: Path, file: str
) -> None:
    text = (ds / file).read_text()
    (ds / file).rename(ds / "real")
    (ds / file).symlink_to("real")
    for argv in READING:
        machine.ok(*argv)
    assert "ready" in machine.ok("envs").out
    (tmp_path / "outside").write_text(text)
    (ds / file).unlink()
    (ds / file).symlink_to(tmp_path / "outside")
    for argv in READING[:3]:
        ended = machine.pydock(*argv)
        assert ended.code == 1
        assert "outside of the environment's folder" in ended.err


# Files that are no files.


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "socket": make_socket,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("file", ["dockerfile", "requirements.txt", "requirements.in"])
def test_a_special_file_is_refused(machine: Machine, ds: Path, kind: str, file: str) -> None:
    (ds / file).unlink()
    SPECIAL[kind](ds / file)
    everything = (*WRITING[:3], *READING[:3], ("trust", "ds", "--yes"), ("delete", "ds", "--yes"))
    for argv in everything if kind == "FIFO" else (everything[0], everything[-1]):
        ended = machine.pydock(*argv)
        assert ended.code == 1
        assert str(ds / file) in ended.err
        assert os.path.lexists(ds / file)
    assert changes(machine) == []


def test_folders_with_our_hidden_names_are_left_alone(machine: Machine, ds: Path) -> None:
    names = (
        ".requirements.in.d",
        ".requirements.in.0123456789abcdef",
        ".requirements.in.0123456789abcdef.new",
        "x",
    )
    for name in names:
        (ds / name).mkdir()
    machine.ok("install", "ds", "requests")
    machine.ok("uninstall", "ds", "requests")
    assert all(os.path.lexists(ds / name) for name in names)
    assert "ready" in machine.ok("envs").out
    machine.ok("delete", "ds", "--yes")
    assert not ds.exists()


def test_recovery_touches_only_what_a_commit_writes(machine: Machine, ds: Path) -> None:
    kept = (".requirements.in.bak", ".requirements.txt.new.mine", ".requirements.in.0123456789abcde")
    for name in kept:
        (ds / name).write_text("mine\n")
    (ds / ".requirements.txt.new").write_text("half")
    (ds / ".requirements.in.0123456789abcdef").write_text("half")
    (ds / ".requirements.in.0123456789abcdef.new").write_text("half")
    machine.ok("build", "ds")
    assert {name for name in os.listdir(ds) if name.startswith(".")} == set(kept)


@pytest.mark.parametrize("kind", SPECIAL)
def test_envs_shows_the_others(machine: Machine, ds: Path, kind: str) -> None:
    machine.ok("build", "ds")
    bad = ds.parent / "bad"
    bad.mkdir()
    SPECIAL[kind](bad / "dockerfile")
    (ds.parent / "outside").symlink_to(machine.home)
    (machine.home / "dockerfile").write_text("FROM python:3.12\n")
    lines = {line.split()[0]: line for line in machine.ok("envs").out.splitlines()[1:]}
    assert sorted(lines) == ["bad", "ds", "outside"]
    assert lines["ds"].endswith("ready")
    assert "unusable" in lines["bad"]
    assert "outside of" in lines["outside"]
    assert "unusable" in machine.ok("envs", "--json").out


def test_envs_shows_unreadable_ones_too(machine: Machine, ds: Path) -> None:
    machine.ok("build", "ds")
    (ds.parent / "loop").symlink_to("loop")
    (ds.parent / "bad").mkdir()
    (ds.parent / "bad" / "dockerfile").write_text("FROM python:3.12\n")
    (ds.parent / "bad" / "sub").mkdir()
    (ds.parent / "bad" / "sub" / "\x1b]0;title\x07").symlink_to("/proc/self/mem")  # cannot be read at 0
    ended = machine.ok("envs")
    assert "\x1b" not in ended.out
    assert next(line for line in ended.out.splitlines() if line.startswith("ds")).endswith("ready")


# Includes and pipes


def test_a_pipe_is_a_requirements_file_if_the_user_says_so(machine: Machine, ds: Path) -> None:
    argv = ["bash", "-c", f"{sys.executable} -m pydock install ds -r <(echo requests)"]
    ended = machine.run(argv)
    assert ended.code == 0, ended
    assert "requests" in (ds / "requirements.in").read_text()


def test_an_included_fifo_does_not_block(machine: Machine, ds: Path) -> None:
    os.mkfifo(machine.project / "fifo")
    (machine.project / "r.txt").write_text("-r fifo\n")
    ended = machine.pydock("install", "ds", "-r", "r.txt")
    assert ended.code == 2
    assert "not a regular file" in ended.err


# Linked projects


@pytest.mark.parametrize(
    "words", [("run", "ds", "true"), ("shell", "ds"), ("build", "ds"), ("install", "ds", "six")]
)
@pytest.mark.parametrize(
    "line", ["-e {victim}", "-e ../../../../victim", "--editable=../../../link", "-e /usr/lib"]
)
def test_no_folder_outside_of_the_project_is_linked(
    machine: Machine, ds: Path, victim: Path, words: tuple[str, ...], line: str
) -> None:
    (victim / "setup.py").write_text("")
    (machine.project / "link").symlink_to(victim)
    machine.ok("build", "ds")
    before = contents(victim)
    (ds / "requirements.in").write_text(line.format(victim=victim) + "\n")
    machine.forget_calls()
    ended = machine.pydock(*words)
    assert ended.code not in {0, 125}, ended
    assert "cannot be linked" in ended.err or "outside of" in ended.err or "not a Python project" in ended.err
    assert not any(str(victim) in word for argv in machine.argvs() for word in argv)
    assert not [argv for argv in machine.argvs() if argv[0] == "run"]
    assert contents(victim) == before
