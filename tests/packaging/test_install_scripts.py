"""The install scripts, on machines with a home of their own and no more on PATH than is said here."""

from __future__ import annotations

import functools
import http.server
import shutil
import stat
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.packaging.conftest import Machine, Workbench

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "install"
# fmt: off
TOOLS = [
    "basename", "cat", "chmod", "cp", "cut", "dirname", "env", "grep", "head", "ln", "mkdir", "mktemp", "mv",
    "readlink", "rm", "sh",
]
# fmt: on
USER_ID = '#!/bin/sh\n[ "$1" = -u ] && echo 1000\n'


class Shop:
    """A machine with a POSIX shell, few tools and the Pythons it is given, where an ordinary user installs."""

    def __init__(self, machine: Machine, source: Path) -> None:
        self.machine = machine
        self.source = source
        self.folder = machine.home / ".local" / "bin"
        self.pydock = self.folder / "pydock"
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            self.add(tool, Path(found))
        (machine.bin / "id").write_text(USER_ID, encoding="utf-8")
        (machine.bin / "id").chmod(0o755)
        machine.environ["PATH"] = f"{machine.bin}:{self.folder}"
        machine.environ["PYDOCK_FROM"] = str(source)

    def add(self, name: str, program: Path) -> None:
        # A script, not a link: a Python of a virtual environment finds its libraries by its own path.
        path = self.machine.bin / name
        path.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    def script(self, name: str, *arguments: str, **environ: str | None) -> subprocess.CompletedProcess[str]:
        return self.machine.run("/bin/sh", SCRIPTS / name, *arguments, **environ)

    def install(self, *arguments: str, **environ: str | None) -> str:
        result = self.script("linux.sh", *arguments, **environ)
        assert result.returncode == 0, result.stderr
        return result.stderr

    def refuse(self, *arguments: str, **environ: str | None) -> str:
        """Run the installer where it must refuse, and leave everything as it was; return its words."""
        before = everything(self.machine.home)
        result = self.script("linux.sh", *arguments, **environ)
        assert result.returncode == 1, result.stderr
        assert everything(self.machine.home) == before
        assert not list(self.machine.temporary.iterdir())
        return result.stderr


def everything(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def shop(machine: Machine, single_file: Path) -> Shop:
    source = machine.root / "download"
    source.mkdir()
    for name in ("pydock", "pydock.sha256"):
        shutil.copy(single_file.with_name(name), source)
    return Shop(machine, source / "pydock")


@pytest.fixture
def with_python(shop: Shop) -> Shop:
    shop.add("python3", Path(sys.executable))
    return shop


@pytest.fixture
def address(shop: Shop) -> Iterator[str]:
    """Where the file can be downloaded."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(shop.source.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/pydock"
        server.shutdown()
        thread.join()


def test_installs_and_runs(with_python: Shop) -> None:
    words = with_python.install()
    assert "is installed" in words
    assert "PATH" not in words
    assert with_python.pydock.read_bytes() == with_python.source.read_bytes()
    assert stat.S_IMODE(with_python.pydock.stat().st_mode) == 0o755
    assert with_python.machine.succeed(with_python.pydock, "--help").startswith("usage: pydock")
    assert not list(with_python.machine.temporary.iterdir())


def test_installs_again_over_itself(with_python: Shop) -> None:
    with_python.install()
    with_python.install()
    assert [path.name for path in with_python.folder.iterdir()] == ["pydock"]


def test_says_what_to_add_to_path(with_python: Shop) -> None:
    words = with_python.install(PATH=str(with_python.machine.bin))
    assert f'export PATH="{with_python.folder}:$PATH"' in words


def test_root_installs_for_everybody(with_python: Shop) -> None:
    machine = with_python.machine
    (machine.bin / "id").write_text(USER_ID.replace("1000", "0"), encoding="utf-8")
    script = machine.work / "linux.sh"
    text = (SCRIPTS / "linux.sh").read_text(encoding="utf-8")
    script.write_text(text.replace("/usr/local/bin", f"{machine.root}/usr/local/bin"), encoding="utf-8")
    machine.succeed("/bin/sh", script)
    assert (machine.root / "usr/local/bin/pydock").read_bytes() == with_python.source.read_bytes()
    assert not list(machine.home.iterdir())


def test_takes_a_folder_of_ones_choice(with_python: Shop) -> None:
    folder = with_python.machine.work / "my tools"
    with_python.install(PYDOCK_BIN=str(folder), HOME=None)
    assert with_python.machine.succeed(folder / "pydock", "--version").startswith("pydock ")


@pytest.mark.parametrize("tool", ["curl", "wget", "python"])
def test_downloads_with_what_there_is(with_python: Shop, address: str, tool: str) -> None:
    if tool != "python":
        found = shutil.which(tool)
        if not found:
            pytest.skip(f"there is no {tool}")
        with_python.add(tool, Path(found))
    with_python.install(PYDOCK_FROM=address)
    assert with_python.pydock.read_bytes() == with_python.source.read_bytes()


def test_missing_download_is_refused(with_python: Shop, address: str) -> None:
    assert "cannot be had" in with_python.refuse(PYDOCK_FROM=f"{address}-that-is-not-there")


def test_wrong_checksum_is_refused(with_python: Shop) -> None:
    with_python.install()
    with with_python.source.open("ab") as file:
        file.write(b"more")
    assert "is not the file it should be" in with_python.refuse()


def test_missing_checksum_is_refused_unless_given(with_python: Shop) -> None:
    digest = with_python.source.with_name("pydock.sha256").read_text(encoding="ascii").split()[0]
    with_python.source.with_name("pydock.sha256").unlink()
    assert "no checksum" in with_python.refuse()
    assert "is not the file" in with_python.refuse(PYDOCK_SHA256="0" * 64)
    with_python.install(PYDOCK_SHA256=digest)


@pytest.mark.parametrize("name", ["python3.12", "python"])
def test_takes_a_python_of_another_name(shop: Shop, name: str) -> None:
    shop.add(name, Path(sys.executable))
    assert name in shop.install()
    assert shop.pydock.read_bytes().startswith(b"#!/usr/bin/env " + name.encode() + b"\n# pydock ")
    assert shop.machine.succeed(shop.pydock, "--help").startswith("usage: pydock")


def test_passes_over_a_python3_that_does_not_fit(shop: Shop) -> None:
    shop.add("python3", Path(shutil.which("false") or "false"))
    shop.add("python3.11", Path(sys.executable))
    shop.install()
    (shop.machine.bin / "python3").unlink()
    assert shop.machine.succeed(shop.pydock, "--help").startswith("usage: pydock")


def test_takes_the_python_that_is_named(with_python: Shop) -> None:
    with_python.install(PYDOCK_PYTHON=sys.executable)
    assert with_python.pydock.read_bytes().startswith(f"#!{sys.executable}\n".encode())
    assert with_python.machine.succeed(with_python.pydock, "--help").startswith("usage: pydock")


def test_refuses_a_named_python_that_does_not_fit(with_python: Shop) -> None:
    assert "python3-that-is-not-there is none" in with_python.refuse(
        PYDOCK_PYTHON="python3-that-is-not-there"
    )
    (with_python.machine.work / "my tools").mkdir()
    python = with_python.machine.work / "my tools" / "python3"
    python.symlink_to(with_python.machine.bin / "python3")
    assert "has a space" in with_python.refuse(PYDOCK_PYTHON=str(python))


def test_without_python_it_says_so(shop: Shop) -> None:
    assert "needs Python 3.9 or newer" in shop.refuse()


def test_foreign_file_stays_unless_forced(with_python: Shop) -> None:
    with_python.folder.mkdir(parents=True)
    with_python.pydock.write_text("#!/bin/sh\necho somebody else's\n", encoding="utf-8")
    assert "was not put there by this script" in with_python.refuse()
    assert "it stays" in with_python.refuse("--uninstall")
    with_python.install("--force")
    assert with_python.machine.succeed(with_python.pydock, "--version").startswith("pydock ")


def test_folder_of_that_name_stays(with_python: Shop) -> None:
    with_python.pydock.mkdir(parents=True)
    assert "is a folder" in with_python.refuse("--force")


def test_uninstall_takes_file_and_cache_away(with_python: Shop) -> None:
    machine = with_python.machine
    with_python.install()
    machine.succeed(with_python.pydock, "--help")
    (machine.home / ".pydock").mkdir()
    assert machine.cache.is_dir()
    with_python.install("--uninstall")
    assert sorted(path.name for path in machine.home.rglob("*")) == [".cache", ".local", ".pydock", "bin"]
    assert "There is no" in with_python.install("--uninstall")


def test_unknown_option_is_an_error(with_python: Shop) -> None:
    result = with_python.script("linux.sh", "--frobnicate")
    assert result.returncode == 2
    assert "usage:" in result.stderr


# The working copy


@pytest.fixture
def working_copy(workbench: Workbench) -> Iterator[Path]:
    """A checkout with a `.venv` of its own."""
    program = workbench.checkout / ".venv" / "bin" / "pydock"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho the working copy\n", encoding="utf-8")
    program.chmod(0o755)
    yield program
    shutil.rmtree(workbench.checkout / ".venv")


def dev(shop: Shop, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return shop.machine.run("/bin/sh", program.parents[2] / "scripts/install/dev.sh", *arguments)


def test_working_copy_takes_the_place_of_the_installed_one(with_python: Shop, working_copy: Path) -> None:
    with_python.install()
    assert dev(with_python, working_copy).returncode == 0
    assert with_python.pydock.readlink() == working_copy
    assert with_python.machine.succeed(with_python.pydock) == "the working copy\n"
    assert dev(with_python, working_copy).returncode == 0
    assert "replaced" in with_python.install()
    assert with_python.machine.succeed(with_python.pydock, "--version").startswith("pydock ")


def test_working_copy_goes_again(shop: Shop, working_copy: Path) -> None:
    dev(shop, working_copy)
    assert dev(shop, working_copy, "--uninstall").returncode == 0
    assert not list(shop.folder.iterdir())
    assert dev(shop, working_copy, "--uninstall").returncode == 0


def test_working_copy_leaves_foreign_files_alone(shop: Shop, working_copy: Path) -> None:
    shop.folder.mkdir(parents=True)
    shop.pydock.write_text("somebody else's", encoding="utf-8")
    for arguments in ((), ("--uninstall",)):
        assert dev(shop, working_copy, *arguments).returncode == 1
        assert shop.pydock.read_text(encoding="utf-8") == "somebody else's"
    assert dev(shop, working_copy, "--force").returncode == 0
    assert shop.pydock.is_symlink()


def test_working_copy_wants_to_be_set_up(shop: Shop, workbench: Workbench) -> None:
    result = dev(shop, workbench.checkout / ".venv" / "bin" / "pydock")
    assert result.returncode == 1
    assert "make setup" in result.stderr
    assert not shop.folder.exists()


def test_scripts_are_clean(machine: Machine) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    machine.succeed(shellcheck, *sorted(SCRIPTS.glob("*.sh")))
