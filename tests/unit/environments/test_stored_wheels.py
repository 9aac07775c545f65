"""The folder of wheels: what is written, what is taken for intact, and what the content digest leaves out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.environments import stored_wheels
from pydock.environments.content import content_digest
from pydock.environments.stored_wheels import StoredWheel, named_in, parse_requirement

if TYPE_CHECKING:
    from pathlib import Path

FILE = "own-1.0+local-py3-none-any.whl"
MOUNTED = "FROM python:3.12\nRUN --mount=type=bind,source=wheels,target=/run/wheels true\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path.resolve() / "ds"
    made.mkdir()
    (made / "dockerfile").write_text(MOUNTED)
    (made / "requirements.txt").write_text("")
    return made


def wheel_of(folder: Path, content: bytes = b"content", file: str = FILE) -> tuple[StoredWheel, str]:
    source = folder.parent / f"{hashlib.md5(content).hexdigest()}.whl"  # noqa: S324 - a name
    source.write_bytes(content)
    return StoredWheel(file, hashlib.sha256(content).hexdigest()), str(source)


def test_requirement_and_wheel_are_the_same(folder: Path) -> None:
    wheel, _ = wheel_of(folder)
    assert wheel.version == "1.0+local"
    text = f"six==1.0\nown @ {wheel.address}\nother @ {wheel.address} --hash=sha256:{wheel.sha256}\n"
    assert named_in(text) == [wheel]
    assert parse_requirement(f"own @ {wheel.address}") == wheel


@pytest.mark.parametrize(
    "change",
    [
        ("/run/wheels/", "/run/wheels/../"),
        (FILE, "../x.whl"),
        (FILE, ".hidden.whl"),
        ("#sha256=", "#md5="),
        ("sha256=", "sha256=0"),
        ("file:///run", "file:///srv"),
    ],
)
def test_other_addresses_are_no_stored_wheels(folder: Path, change: tuple[str, str]) -> None:
    wheel, _ = wheel_of(folder)
    assert change[0] in wheel.address
    assert parse_requirement(f"own @ {wheel.address.replace(*change)}") is None


def test_written_and_removed(folder: Path) -> None:
    wheel, source = wheel_of(folder)
    same, _ = wheel_of(folder, file="same-1.0-py3-none-any.whl")
    old, old_source = wheel_of(folder, b"old")
    stored_wheels.write(str(folder), {wheel: source, same: source, old: old_source})
    assert all(stored_wheels.is_intact(str(folder), each) for each in (wheel, same, old))
    (folder / ".wheels.new").mkdir()
    (folder / "wheels" / "mine").mkdir()
    stored_wheels.remove_others(str(folder), [wheel], mounted=True)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if "wheels" in str(path)}
    assert found == {"wheels", "wheels/README", "wheels/mine", f"wheels/{wheel.sha256[:16]}", wheel.path}
    (folder / "wheels" / "mine").rmdir()
    stored_wheels.remove_others(str(folder), [], mounted=True)
    assert [path.name for path in (folder / "wheels").iterdir()] == ["README"]
    stored_wheels.remove_others(str(folder), [], mounted=False)
    assert not (folder / "wheels").exists()
    stored_wheels.remove_others(str(folder), [], mounted=False)


def test_wheel_that_was_changed_is_written_again_and_no_link_is_followed(folder: Path) -> None:
    wheel, source = wheel_of(folder)
    place = folder / wheel.path
    stored_wheels.write(str(folder), {wheel: source})
    place.write_bytes(b"changed")
    assert not stored_wheels.is_intact(str(folder), wheel)
    assert "was changed" in stored_wheels.missing_message(str(folder), f"own @ {wheel.address}", "ds")
    victim = folder.parent / "victim"
    victim.write_bytes(b"content")
    for replace in (place, place.parent):
        if replace.is_dir():
            place.unlink()
            replace.rmdir()
            replace.symlink_to(folder.parent)
        else:
            replace.unlink()
            replace.symlink_to(victim)
        assert not stored_wheels.is_intact(str(folder), wheel)
        stored_wheels.write(str(folder), {wheel: source})
        assert stored_wheels.is_intact(str(folder), wheel)
        assert not place.is_symlink()
        assert not place.parent.is_symlink()
    assert victim.read_bytes() == b"content"
    assert stored_wheels.missing_message(str(folder), f"own @ {wheel.address}", "ds") == ""


@pytest.mark.parametrize("kind", ["link", "file", "own folder"])
def test_other_things_of_that_name_are_refused(folder: Path, kind: str) -> None:
    place = folder / "wheels"
    if kind == "link":
        place.symlink_to(folder.parent)
    elif kind == "file":
        place.write_text("")
    else:
        (place / "x").mkdir(parents=True)
    with pytest.raises(errors.UnsafePath, match="Nothing was changed"):
        stored_wheels.write(str(folder), {})


def test_folder_that_cannot_be_written(folder: Path) -> None:
    wheel, source = wheel_of(folder)
    long = wheel._replace(file="x" * 300 + ".whl")
    with pytest.raises(errors.PydockError, match="Cannot write"):
        stored_wheels.write(str(folder), {long: source})


@pytest.mark.parametrize("dockerfile", [MOUNTED, "FROM python:3.12\nCOPY . /all\n", "FROM python:3.12\n"])
def test_digest_leaves_out_what_requirements_txt_names(folder: Path, dockerfile: str) -> None:
    (folder / "dockerfile").write_text(dockerfile)
    before = content_digest(str(folder), {})
    stored_wheels.write(str(folder), dict([wheel_of(folder)]))
    (folder / ".wheels.new").mkdir()
    (folder / ".dockerfile.new").write_text("")
    assert content_digest(str(folder), {}) == before
    (folder / "wheels" / "mine.whl").write_text("")
    assert (content_digest(str(folder), {}) == before) == (dockerfile == "FROM python:3.12\n")


def test_digest_counts_a_folder_of_the_users_own(folder: Path) -> None:
    before = content_digest(str(folder), {})
    (folder / "wheels" / ("a" * 16)).mkdir(parents=True)
    assert content_digest(str(folder), {}) != before
