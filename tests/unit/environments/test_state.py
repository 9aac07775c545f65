"""What pydock keeps outside the project: the registry, temporary folders, and which machine this is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from pydock import errors
from pydock.environments import machine, registry
from pydock.environments.temporary import temporary_folder

if TYPE_CHECKING:
    from pydock.environments.environment import Environment


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "pydock" / "environments"


@pytest.fixture
def environment(make_environment: Callable[[str], Environment]) -> Environment:
    return make_environment("ds")


def test_the_registry_remembers_folders(state: Path, environment: Environment) -> None:
    assert registry.known_folders() == {}
    registry.remember(environment)
    registry.remember(environment)
    assert registry.known_folders() == {environment.identity: os.path.realpath(environment.folder)}
    assert state.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in state.iterdir()] == [environment.identity]
    registry.forget(environment.identity)
    registry.forget(environment.identity)
    assert registry.known_folders() == {}


def test_the_registry_ignores_other_files(state: Path, environment: Environment) -> None:
    registry.remember(environment)
    (state / "README").write_text("x")
    (state / "01234567").mkdir()
    (state / "89abcdef").symlink_to("nowhere")
    assert list(registry.known_folders()) == [environment.identity]


@pytest.mark.parametrize("trouble", ["file in the way", "no home", "relative"])
def test_without_a_state_directory_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Environment, trouble: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if trouble == "file in the way":
        (tmp_path / "state").write_text("")
    else:
        monkeypatch.setenv("XDG_STATE_HOME", "relative/path")
        monkeypatch.delenv("HOME")
    registry.remember(environment)
    registry.forget(environment.identity)
    assert registry.known_folders() == {}


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_temporary_folder_is_private_and_removed(tmp: Path) -> None:
    with temporary_folder() as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
        Path(folder, "x").write_text("x")
        with temporary_folder() as other:
            assert {folder, other} == {str(path) for path in tmp.iterdir()}
    assert list(tmp.iterdir()) == []


def test_the_folder_of_a_killed_command_is_removed_by_the_next(tmp: Path) -> None:
    code = (
        "import os, tempfile\n"
        "from pydock.environments.temporary import temporary_folder\n"
        f"tempfile.tempdir = {str(tmp)!r}\n"
        "with temporary_folder() as folder:\n"
        "    open(folder + '/x', 'w').close(); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    [abandoned] = tmp.iterdir()
    (tmp / "pydock-tmp-link").symlink_to(tmp.parent)
    (tmp / "pydock-tmp-file").write_text("")
    (tmp / "other").mkdir()
    with temporary_folder():
        assert not abandoned.exists()
    assert {path.name for path in tmp.iterdir()} == {"pydock-tmp-link", "pydock-tmp-file", "other"}
    assert tmp.parent.exists()


def test_a_temporary_folder_that_was_just_removed_is_made_again(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = tempfile.mkdtemp, []

    def removed_once(prefix: str) -> str:
        made.append(real(prefix=prefix))
        if len(made) == 1:
            os.rmdir(made[0])
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", removed_once)
    with temporary_folder() as folder:
        assert folder == made[1]


def test_no_place_for_a_temporary_folder_is_an_error_with_advice(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp / "nowhere"))
    with (
        pytest.raises(errors.PydockError, match=r"Cannot create a temporary folder in .*TMPDIR"),
        temporary_folder(),
    ):
        pass


def test_the_machine_id_distinguishes_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CONTAINER_MARKS", ())
    monkeypatch.setattr(machine, "MACHINE_ID", str(tmp_path / "machine-id"))
    hostname = os.uname().nodename
    assert machine.machine() == f"/{hostname}"
    (tmp_path / "machine-id").write_text("uninitialized\n")
    assert machine.machine() == f"/{hostname}"
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert machine.machine() == "0123456789abcdef0123456789abcdef"


def test_containers_of_one_image_are_different_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MACHINE_ID", str(tmp_path / "machine-id"))
    monkeypatch.setattr(machine, "CONTAINER_MARKS", (str(tmp_path),))
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert machine.machine().endswith(f"/{os.uname().nodename}")


def test_the_identity_depends_on_the_machine(
    make_environment: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make_environment("ds")
    monkeypatch.setattr("pydock.environments.environment.machine", lambda: "another machine")
    there = make_environment("ds")
    assert here.identity != there.identity
    assert here.first_identity == there.first_identity
    assert here.content_tag().split("-")[-1] == there.content_tag().split("-")[-1]
