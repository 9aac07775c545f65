"""The image with uv: what is pinned, what is unpacked, and what is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pydock import errors
from pydock.engine import build_context, tools
from pydock.environments.caller import Caller
from pydock.environments.environment import Environment

GLIBC = "uv-0.9.1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
MUSL = "uv-0.9.1-py3-none-musllinux_1_1_aarch64.whl"


def make_wheel(path: Path, content: str) -> str:
    """Write a wheel with a uv of that content; return the line that pins it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uv/__init__.py", "")
        archive.writestr("uv-0.9.1.data/scripts/uv", content)
        archive.writestr("uv-0.9.1.data/scripts/uvx", "another")
    return f"    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "whe els"
    folder.mkdir()
    return folder


def test_uv_is_unpacked_for_both_libraries(wheels: Path, tmp_path: Path) -> None:
    pins = make_wheel(wheels / GLIBC, "glibc") + make_wheel(wheels / MUSL, "musl")
    assert tools.unpack(str(wheels), str(tmp_path), pins)
    assert (tmp_path / "uv-x86_64").read_text() == "glibc"
    assert (tmp_path / "uv-aarch64-musl").read_text() == "musl"
    assert os.access(tmp_path / "uv-x86_64", os.X_OK)


def test_another_file_than_the_pinned_one_is_refused(wheels: Path, tmp_path: Path) -> None:
    pins = make_wheel(wheels / GLIBC, "good")
    make_wheel(wheels / GLIBC, "hostile")
    with pytest.raises(errors.BuildFailed, match="SHA-256"):
        tools.unpack(str(wheels), str(tmp_path), pins)
    assert not (tmp_path / "uv-x86_64").exists()


def test_a_link_is_refused(wheels: Path, tmp_path: Path) -> None:
    pins = make_wheel(tmp_path / "uv.whl", "good")
    (wheels / GLIBC).symlink_to(tmp_path / "uv.whl")
    with pytest.raises(errors.BuildFailed, match="not a file"):
        tools.unpack(str(wheels), str(tmp_path), pins)


def test_no_wheel_is_no_uv(wheels: Path, tmp_path: Path) -> None:
    assert not tools.unpack(str(wheels), str(tmp_path), "")


@pytest.mark.skipif(sys.platform != "linux", reason="sha256sum and install are GNU's")
@pytest.mark.parametrize("pinned", [True, False])
def test_the_printed_commands_do_the_same(wheels: Path, tmp_path: Path, *, pinned: bool) -> None:
    pins = make_wheel(wheels / GLIBC, "glibc") + make_wheel(wheels / MUSL, "musl")
    pins = pins if pinned else f"    --hash=sha256:{'0' * 64}\n"
    printed = tools.unpack_as_shell(str(wheels), str(tmp_path / "shell"), pins)
    (tmp_path / "shell").mkdir()
    (tmp_path / "python").mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-euc", printed], check=True, env={"PATH": path})
    by_shell = {p.relative_to(tmp_path / "shell"): p.read_text() for p in (tmp_path / "shell").glob("uv-*")}
    assert bool(by_shell) == pinned
    if pinned:
        for junk in wheels.glob("*.d"):
            shutil.rmtree(junk)
        tools.unpack(str(wheels), str(tmp_path / "python"), pins)
        folder = tmp_path / "python"
        assert by_shell == {p.relative_to(folder): p.read_text() for p in folder.glob("uv-*")}


def test_the_pinned_uv_has_a_checksum_for_every_file() -> None:
    lines = Path(tools.PINS).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert entries[0].startswith("uv==")
    assert len(entries) > 10
    assert all(line.strip().startswith("--hash=sha256:") for line in entries[1:])


def test_the_digest_is_of_everything_in_the_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = tools.tools_digest()
    other = tmp_path / "uv.txt"
    other.write_text(Path(tools.PINS).read_text(encoding="utf-8") + "# newer\n", encoding="utf-8")
    monkeypatch.setattr(tools, "PINS", str(other))
    newer = tools.tools_digest()
    shutil.copytree(build_context.PROGRAMS, tmp_path / "inside")
    with (tmp_path / "inside" / "installer.sh").open("a") as file:
        file.write("# edited\n")
    monkeypatch.setattr(build_context, "PROGRAMS", str(tmp_path / "inside"))
    assert len({before, newer, tools.tools_digest()}) == 3


def namespace(folder: Path, identity: str = "0123abcd") -> str:
    made = Environment("ds", str(folder), identity, "pydock-", Caller("alice", 1, 1), {})
    return build_context.cache_namespace(made)


def test_an_environments_caches_are_its_own(tmp_path: Path) -> None:
    dockerfile = tmp_path / "a" / "dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.touch()
    before = namespace(dockerfile.parent)
    assert before == namespace(dockerfile.parent)
    assert before != namespace(dockerfile.parent, "ffffffff")
    dockerfile.parent.rename(tmp_path / "b")
    assert namespace(tmp_path / "b") == before, "`create` renames the folder at its end"
    os.utime(tmp_path / "b" / "dockerfile", ns=(1, 1))
    assert namespace(tmp_path / "b") != before


def test_what_was_deleted_and_created_again_begins_with_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").touch()
    before = namespace(tmp_path)
    (tmp_path / "dockerfile").unlink()
    (tmp_path / "dockerfile").touch()
    assert namespace(tmp_path) != before


def test_a_folder_that_is_not_there_yet_has_a_namespace(tmp_path: Path) -> None:
    assert namespace(tmp_path / "new") == "0123abcd"
