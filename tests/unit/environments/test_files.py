"""Changes of a folder are atomic: a kill between any two steps leaves the old state or the new one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pydock import errors
from pydock.environments import files
from pydock.environments.content import digest

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = {"dockerfile": "FROM x\n", "requirements.txt": "six==1.15.0\n", "requirements.in": "# why\nsix\n"}


class Killed(BaseException):
    """Not an `Exception`, so that no code of the package catches it, as with SIGKILL."""


class Kill:
    """Replaces the functions that change the disk, and raises `Killed` before the n-th call of any of them."""

    def __init__(self, patch: pytest.MonkeyPatch, steps: int) -> None:
        self.left = steps
        for name in ("replace", "rename", "unlink", "fsync", "chmod"):
            patch.setattr(os, name, self._step(getattr(os, name)))
        patch.setattr(files, "open", self._step(open), raising=False)

    def _step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return real(*args, **kwargs)

        return step


def state(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("requirements", "requirements_in"),
    [
        ("numpy==2.0\nsix==1.15.0\n", "# why\nsix\nnumpy\n"),
        pytest.param("six==1.15.0\n", "# why\nsix\nsix>=1\n", id="only requirements.in changes"),
        pytest.param("six==1.16.0\n", "# why\nsix\n", id="only requirements.txt changes"),
    ],
)
@pytest.mark.parametrize("has_requirements_in", [True, False], ids=["requirements.in", "no requirements.in"])
def test_killed_commit_is_all_or_nothing(
    tmp_path: Path, requirements: str, requirements_in: str, has_requirements_in: bool
) -> None:
    old = {name: text for name, text in OLD.items() if has_requirements_in or name != "requirements.in"}
    new = {**OLD, "requirements.txt": requirements, "requirements.in": requirements_in}
    seen = set()
    for steps in range(100):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for name, text in old.items():
            (folder / name).write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            kill = Kill(patch, steps)
            try:
                files.commit(str(folder), requirements, requirements_in)
            except Killed:
                pass
            else:
                assert kill.left > 0 or state(folder) == new
        if "requirements.txt" in state(folder) and not [n for n in state(folder) if n.startswith(".")]:
            assert state(folder) in (old, new)
        files.recover(str(folder))
        assert state(folder) in (old, new)
        seen.add(state(folder) == new)
        if kill.left > 0:
            break
    assert steps > 4
    assert seen == {False, True}


@pytest.mark.parametrize("name", ["apt.txt", "apk.txt"])
@pytest.mark.parametrize("before", [None, "git\n", "git\ncurl\n"])
def test_killed_commit_of_a_package_list_is_all_or_nothing(
    tmp_path: Path, name: str, before: str | None
) -> None:
    old = OLD if before is None else {**OLD, name: before}
    new = {**OLD, name: "git\ncurl\n", "dockerfile": "FROM y\n"}
    seen = []
    for steps in range(100):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for file, text in old.items():
            (folder / file).write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            kill = Kill(patch, steps)
            with contextlib.suppress(Killed):
                files.commit_package_list(str(folder), name, new[name], new["dockerfile"])
        visible = {file: text for file, text in state(folder).items() if not file.startswith(".")}
        assert visible["dockerfile"] == OLD["dockerfile"] or visible == new, "a new dockerfile has its list"
        files.recover(str(folder))
        assert state(folder) in (old, new)
        seen.append(state(folder) == new)
        if kill.left > 0:
            break
    assert len(seen) > 4
    assert seen == sorted(seen)
    assert set(seen) == {False, True}


def test_commit_of_a_package_list_alone_keeps_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").write_text("FROM x\n")
    before = (tmp_path / "dockerfile").stat()
    files.commit_package_list(str(tmp_path), "apt.txt", "git\n", None)
    after = (tmp_path / "dockerfile").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert state(tmp_path) == {"dockerfile": "FROM x\n", "apt.txt": "git\n"}


def test_recovery_takes_no_dockerfile_of_a_repository(tmp_path: Path) -> None:
    """Whoever knows the list of system packages, but not this machine and this folder, cannot replace the dockerfile."""
    (tmp_path / "dockerfile").write_text("FROM x\n")
    (tmp_path / "apt.txt").write_text("git\n")
    for digest_of in (["git\n"], ["git\n", "", ""]):
        (tmp_path / f".apt.txt.{digest(digest_of)[:16]}").write_text("FROM evil\n")
    files.recover(str(tmp_path))
    assert state(tmp_path) == {"dockerfile": "FROM x\n", "apt.txt": "git\n"}


def test_commit_of_a_package_list_keeps_file_modes(tmp_path: Path) -> None:
    for name in ("apt.txt", "dockerfile"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o640)
    files.commit_package_list(str(tmp_path), "apt.txt", "git\n", "FROM y\n")
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("apt.txt", "dockerfile")} == {0o640}


def test_killed_recovery_can_be_repeated(tmp_path: Path) -> None:
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    (tmp_path / (files.PENDING_PREFIX + digest([OLD["requirements.txt"]])[:16])).write_text("six\nnew\n")
    (tmp_path / f"{files.PENDING_PREFIX}0123456789abcdef").write_text("partial")
    (tmp_path / ".requirements.txt.new").write_text("partial")
    for steps in range(10):
        with pytest.MonkeyPatch.context() as patch:
            kill = Kill(patch, 0 if steps == 0 else 1)
            try:
                files.recover(str(tmp_path))
            except Killed:
                continue
            if kill.left:
                break
    assert state(tmp_path) == {**OLD, "requirements.in": "six\nnew\n"}


def test_commit_keeps_file_modes(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "requirements.txt").chmod(0o640)
    files.commit(str(tmp_path), "six==1\n", "six\n")
    assert (tmp_path / "requirements.txt").stat().st_mode & 0o777 == 0o640
    (tmp_path / "requirements.in").chmod(0o600)
    files.commit(str(tmp_path), "six==2\n", "six>1\n")
    assert (tmp_path / "requirements.in").stat().st_mode & 0o777 == 0o600


def test_locked_recovers_first(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a\n")
    (tmp_path / ".requirements.txt.new").write_text("partial")
    with files.locked(str(tmp_path)):
        assert sorted(state(tmp_path)) == ["requirements.txt"]


def test_locked_folder_that_does_not_exist(tmp_path: Path) -> None:
    with (
        pytest.raises(errors.EnvironmentNotFound, match="no longer exists"),
        files.locked(str(tmp_path / "gone")),
    ):
        pass


LOCK = """
import sys
from pydock.environments import files
with files.locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


def lock_in_subprocess(folder: Path) -> subprocess.Popen[bytes]:
    """Lock the folder in another process until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    return process


def test_locked_waits_for_other_process(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = lock_in_subprocess(tmp_path)
    entered = threading.Event()

    def enter() -> None:
        with files.locked(str(tmp_path)):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.2)
    process.communicate(b"")
    waiting.join(60)
    assert entered.is_set()
    assert capfd.readouterr().err == f"Waiting for another pydock command on {tmp_path.name} …\n"


def test_lock_ends_with_its_process(tmp_path: Path) -> None:
    process = lock_in_subprocess(tmp_path)
    process.kill()
    process.communicate()
    with files.locked(str(tmp_path)):
        pass


def test_locked_new_folder_appears_complete(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "envs" / "ds"
    with files.locked_new(str(folder)) as staging:
        files.write_new(staging, {"dockerfile": "FROM x\n"})
        assert not folder.exists()
    assert state(folder) == {"dockerfile": "FROM x\n"}
    assert [path.name for path in folder.parent.iterdir()] == ["ds"]


def test_locked_new_folder_that_exists(tmp_path: Path) -> None:
    folder = tmp_path / "ds"
    folder.mkdir()
    with pytest.raises(errors.EnvironmentExists, match="pydock delete ds"), files.locked_new(str(folder)):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(errors.EnvironmentExists), files.locked_new(str(tmp_path / "file")):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ds", "file"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (errors.BuildFailed("no"), errors.BuildFailed),
        (OSError(28, "No space left"), errors.PydockError),
    ],
)
def test_failed_locked_new_leaves_no_files(
    tmp_path: Path, error: BaseException, expected: type[BaseException]
) -> None:
    def fail() -> NoReturn:
        with files.locked_new(str(tmp_path / "ds")) as staging:
            files.write_new(staging, {"dockerfile": "FROM x\n"})
            raise error

    with pytest.raises(expected):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_locked_new_removes_files_of_killed_command(tmp_path: Path) -> None:
    (tmp_path / ".ds" / "sub").mkdir(parents=True)
    (tmp_path / ".ds" / "dockerfile").write_text("partial")
    with files.locked_new(str(tmp_path / "ds")) as staging:
        assert list(Path(staging).iterdir()) == []


def test_locked_new_in_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(errors.PydockError, match=r"Cannot write .*`pydock config` shows it"),
        files.locked_new(str(tmp_path / "file" / "envs" / "ds")),
    ):
        pass


def test_second_creator_waits_and_finds_the_folder(tmp_path: Path) -> None:
    folder = str(tmp_path / "ds")
    outcomes: list[str] = []
    inside, proceed = threading.Event(), threading.Event()

    def make(word: str) -> None:
        try:
            with files.locked_new(folder) as staging:
                files.write_new(staging, {"dockerfile": word})
                inside.set()
                proceed.wait(60)
            outcomes.append(word)
        except errors.EnvironmentExists:
            outcomes.append("exists")

    first = threading.Thread(target=make, args=("first",))
    first.start()
    assert inside.wait(60)
    second = threading.Thread(target=make, args=("second",))
    second.start()
    second.join(0.2)
    assert second.is_alive()
    proceed.set()
    first.join(60)
    second.join(60)
    assert sorted(outcomes) == ["exists", "first"]
    assert state(tmp_path / "ds") == {"dockerfile": "first"}


def test_remove_folder(tmp_path: Path) -> None:
    (tmp_path / "ds" / "sub").mkdir(parents=True)
    (tmp_path / ".ds").mkdir()
    (tmp_path / ".ds" / "old").touch()
    files.remove_folder(str(tmp_path / "ds"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(errors.PydockError, match="Cannot write"):
        files.remove_folder(str(tmp_path / "ds"))


def test_waiting_for_a_folder_that_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "ds"
    folder.mkdir()
    process = lock_in_subprocess(folder)
    caught: list[str] = []

    def enter() -> None:
        try:
            with files.locked(str(folder)):
                pass
        except errors.EnvironmentNotFound as error:
            caught.append(error.message)

    waiting = threading.Thread(target=enter)
    waiting.start()
    waiting.join(0.2)
    files.remove_folder(str(folder))
    process.communicate(b"")
    waiting.join(60)
    assert caught == [f"{folder} was removed by another command."]


def test_read_if_exists(tmp_path: Path) -> None:
    assert files.read_if_exists(str(tmp_path / "none")) == b""
    (tmp_path / "some").write_bytes(b"\xff")
    assert files.read_if_exists(str(tmp_path / "some")) == b"\xff"
