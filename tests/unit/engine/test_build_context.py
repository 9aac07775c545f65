"""Temporary build contexts: their files, their modes, and the shell commands that recreate them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pydock import errors
from pydock.engine.build_context import PROGRAMS, build_context, file_as_shell

INSTALLER = ("installer.sh", "compile_bytecode.py", "forget_values.py")
TEXTS = {"installer": "uv\n", "wanted.txt": "pandas>='2' # $HOME `x`\n", "empty.txt": ""}


def describe(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of every file."""
    return {path.name: (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_and_modes(tmp_path: Path, umask: int) -> None:
    certificates = tmp_path / "my ca.pem"
    certificates.write_bytes(b"\xff")
    certificates.chmod(0o600)
    before = os.umask(umask)
    try:
        with build_context(("pip", *INSTALLER), TEXTS, {"ca.pem": str(certificates)}) as context:
            found = describe(Path(context.folder))
    finally:
        os.umask(before)
    programs = {name: (0o755, Path(PROGRAMS, name).read_bytes()) for name in ("pip", *INSTALLER)}
    texts = {name: (0o644, text.encode()) for name, text in TEXTS.items()}
    assert found == {**programs, **texts, "ca.pem": (0o644, b"\xff")}
    assert not os.path.exists(context.folder)


def test_arguments_that_are_not_utf8_are_kept() -> None:
    with build_context((), {"wanted.txt": "caf\udce9\n"}) as context:
        assert Path(context.folder, "wanted.txt").read_bytes() == b"caf\xe9\n"


def test_folder_is_removed_after_an_error() -> None:
    with pytest.raises(errors.BuildFailed), build_context((), TEXTS) as context:
        raise errors.BuildFailed("no")
    assert not os.path.exists(context.folder)


def test_missing_file_is_reported_by_its_path(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError) as caught,
        build_context((), {}, {"ca.pem": str(tmp_path / "none")}),
    ):
        pass
    assert caught.value.filename == str(tmp_path / "none")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_as_shell_recreates_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "it's here").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "it's here"))
    monkeypatch.setattr("tempfile.tempdir", None)
    certificates = tmp_path / "certificates" / "my ca.pem"
    certificates.parent.mkdir()
    certificates.write_text("certificate")
    with build_context(("increment.sh", *INSTALLER), TEXTS, {"ca.pem": str(certificates)}) as context:
        expected = describe(Path(context.folder))
    assert not os.path.exists(context.folder)
    subprocess.run([shell, "-euc", context.as_shell], check=True, umask=0o022)
    assert describe(Path(context.folder)) == expected


@pytest.mark.parametrize(
    "text", ["", "a\n", "a", "a\nEND\nb\n", "END\nEND_\n", 'it\'s "$HOME" `x` \\\n', "\n\n", "a\n\n\n"]
)
def test_file_as_shell(tmp_path: Path, text: str) -> None:
    path = tmp_path / "it's here"
    subprocess.run(["sh", "-euc", file_as_shell(str(path), text)], check=True)
    assert path.read_text() == text
