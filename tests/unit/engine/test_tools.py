"""The tools image: what is pinned, what is unpacked, what is refused; and the caches of environments."""

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

WHEEL = "uv-0.9.1-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl"


def make_wheel(path: Path, content: str, member: str = "uv-0.9.1.data/scripts/uv") -> str:
    """Write a wheel with a uv of that content; return the line that pins it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uv/__init__.py", "")
        archive.writestr(member, content)
        archive.writestr("uv-0.9.1.data/scripts/uvx", "another")
    return pin(path)


def pin(path: Path) -> str:
    return f"    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "whe els"
    folder.mkdir()
    return folder


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "con tent"
    folder.mkdir()
    return folder


def test_uv_is_unpacked(wheels: Path, content: Path) -> None:
    pins = make_wheel(wheels / WHEEL, "a program")
    assert tools.unpack(str(wheels), str(content), pins)
    assert [path.name for path in content.iterdir()] == ["uv"]
    assert (content / "uv").read_text() == "a program"
    assert os.access(content / "uv", os.X_OK)


def test_file_that_is_not_pinned_is_refused(wheels: Path, content: Path) -> None:
    pins = make_wheel(wheels / WHEEL, "good")
    make_wheel(wheels / WHEEL, "hostile")
    with pytest.raises(errors.BuildFailed, match="SHA-256"):
        tools.unpack(str(wheels), str(content), pins)
    assert list(content.iterdir()) == []


def test_link_is_refused(wheels: Path, content: Path, tmp_path: Path) -> None:
    pins = make_wheel(tmp_path / "uv.whl", "good")
    (wheels / WHEEL).symlink_to(tmp_path / "uv.whl")
    with pytest.raises(errors.BuildFailed, match="not a file"):
        tools.unpack(str(wheels), str(content), pins)


def test_fifo_is_refused(wheels: Path, content: Path) -> None:
    os.mkfifo(wheels / WHEEL)
    with pytest.raises(errors.BuildFailed, match="not a file"):
        tools.unpack(str(wheels), str(content), "")


def test_name_cannot_write_to_the_terminal(wheels: Path, content: Path) -> None:
    (wheels / "\x1b[2J.whl").touch()
    with pytest.raises(errors.BuildFailed) as caught:
        tools.unpack(str(wheels), str(content), "")
    assert "\x1b" not in str(caught.value)


def test_second_file_is_refused(wheels: Path, content: Path) -> None:
    pins = make_wheel(wheels / WHEEL, "a program") + make_wheel(wheels / "other.whl", "another")
    with pytest.raises(errors.BuildFailed, match="More than one file"):
        tools.unpack(str(wheels), str(content), pins)


@pytest.mark.parametrize("kind", ["sources", "windows"])
def test_pinned_file_without_a_uv_for_linux_is_refused(wheels: Path, content: Path, kind: str) -> None:
    if kind == "sources":
        (wheels / WHEEL).write_bytes(b"\x1f\x8b sources")
    else:
        make_wheel(wheels / WHEEL, "program", "uv-0.9.1.data/scripts/uv.exe")
    with pytest.raises(errors.BuildFailed, match="not a wheel with uv for Linux"):
        tools.unpack(str(wheels), str(content), pin(wheels / WHEEL))


def test_no_wheel_is_no_uv(wheels: Path, content: Path) -> None:
    assert not tools.unpack(str(wheels), str(content), "")


@pytest.mark.parametrize("pinned", [True, False])
def test_printed_commands_do_the_same(wheels: Path, content: Path, *, pinned: bool) -> None:
    pins = make_wheel(wheels / WHEEL, "a program")
    pins = pins if pinned else f"    --hash=sha256:{'0' * 64}\n"
    printed = tools.unpack_as_shell(str(wheels), str(content), pins)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-euc", printed], check=False, env={"PATH": path})
    assert (done.returncode == 0) == pinned
    assert [path.read_text() for path in content.iterdir()] == (["a program"] if pinned else [])


def test_pins_have_a_hash_for_every_file() -> None:
    lines = Path(tools.PINS).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert entries[0].startswith("uv==")
    assert len(entries) > 10
    assert all(line.strip().startswith("--hash=sha256:") for line in entries[1:])


def test_digest_is_of_everything_in_the_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {tools.tools_digest(), tools.tools_digest("linux/arm64")}
    other = tmp_path / "uv.txt"
    other.write_text(Path(tools.PINS).read_text(encoding="utf-8") + "# newer\n", encoding="utf-8")
    monkeypatch.setattr(tools, "PINS", str(other))
    found.add(tools.tools_digest())
    for number, program in enumerate(tools.PROGRAMS):
        folder = tmp_path / str(number)
        shutil.copytree(build_context.PROGRAMS, folder)
        with (folder / program).open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        monkeypatch.setattr(build_context, "PROGRAMS", str(folder))
        found.add(tools.tools_digest())
    assert len(found) == 3 + len(tools.PROGRAMS)


@pytest.mark.parametrize(
    ("options", "variable", "expected"),
    [
        ([], "", ""),
        (["--quiet"], "", ""),
        ([], "linux/arm64", "linux/arm64"),
        (["--platform", "linux/amd64"], "linux/arm64", "linux/amd64"),
        (["--platform=linux/amd64"], "", "linux/amd64"),
        (["--platform=linux/amd64", "--platform", "linux/386"], "", "linux/386"),
        (["--platform"], "linux/arm64", ""),
    ],
)
def test_platform(options: list[str], variable: str, expected: str) -> None:
    environ = {"DOCKER_DEFAULT_PLATFORM": variable} if variable else {}
    assert tools.platform(options, environ) == expected


def cache_namespace(folder: Path, identity: str = "0123abcd") -> str:
    caller = Caller("alice", 1, 1)
    return build_context.cache_namespace(
        Environment("ds", str(folder), identity, "01234567", "pydock-", caller, {})
    )


def test_each_environment_has_its_own_caches(tmp_path: Path) -> None:
    dockerfile = tmp_path / "a" / "dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.touch()
    before = cache_namespace(dockerfile.parent)
    assert before == cache_namespace(dockerfile.parent)
    assert before != cache_namespace(dockerfile.parent, "ffffffff")
    dockerfile.parent.rename(tmp_path / "b")
    assert cache_namespace(tmp_path / "b") == before, "`create` renames the folder at its end"
    os.utime(tmp_path / "b" / "dockerfile", ns=(1, 1))
    assert cache_namespace(tmp_path / "b") != before


def test_caches_of_a_deleted_environment_are_not_used_again(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").touch()
    before = cache_namespace(tmp_path)
    (tmp_path / "dockerfile").unlink()
    (tmp_path / "dockerfile").touch()
    assert cache_namespace(tmp_path) != before


def test_cache_namespace_of_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert cache_namespace(tmp_path / "new") == "0123abcd"
