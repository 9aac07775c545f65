"""Tests of the install scripts, each with its own home directory and a PATH with only the listed tools."""

from __future__ import annotations

import functools
import http.server
import re
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
COMPLETION = {
    "bash": "bash-completion/completions/pydock",
    "zsh": "zsh/site-functions/_pydock",
    "fish": "fish/vendor_completions.d/pydock.fish",
}
USER_ID = '#!/bin/sh\n[ "$1" = -u ] && echo 1000\n'


class Installation:
    """A machine on which an ordinary user runs the install scripts, with a POSIX shell, few tools and no Python."""

    def __init__(self, machine: Machine, source: Path) -> None:
        self.machine = machine
        self.source = source
        self.directory = machine.home / ".local" / "bin"
        self.pydock = self.directory / "pydock"
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            self.add(tool, Path(found))
        (machine.bin / "id").write_text(USER_ID, encoding="utf-8")
        (machine.bin / "id").chmod(0o755)
        machine.environ["PATH"] = f"{machine.bin}:{self.directory}"
        machine.environ["PYDOCK_FROM"] = str(source)

    def add(self, name: str, program: Path) -> None:
        # A script, not a link: Python in a virtual environment finds its libraries by its own path.
        path = self.machine.bin / name
        path.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    def script(self, name: str, *arguments: str, **environ: str | None) -> subprocess.CompletedProcess[str]:
        return self.machine.run("/bin/sh", SCRIPTS / name, *arguments, **environ)

    def install(self, *arguments: str, **environ: str | None) -> str:
        result = self.script("linux.sh", *arguments, **environ)
        assert result.returncode == 0, result.stderr
        return result.stderr

    def fail(self, *arguments: str, **environ: str | None) -> str:
        """Run the installer, which must fail without changing anything; return its error message."""
        before = contents(self.machine.home)
        result = self.script("linux.sh", *arguments, **environ)
        assert result.returncode == 1, result.stderr
        assert contents(self.machine.home) == before
        assert not list(self.machine.temporary.iterdir())
        return result.stderr


def contents(directory: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in directory.rglob("*")}


@pytest.fixture
def installation(machine: Machine, single_file: Path) -> Installation:
    source = machine.root / "download"
    source.mkdir()
    for name in ("pydock", "pydock.sha256"):
        shutil.copy(single_file.with_name(name), source)
    return Installation(machine, source / "pydock")


@pytest.fixture
def with_python(installation: Installation) -> Installation:
    installation.add("python3", Path(sys.executable))
    return installation


@pytest.fixture
def url(installation: Installation) -> Iterator[str]:
    """Return the URL from which the file can be downloaded."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(installation.source.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/pydock"
        server.shutdown()
        thread.join()


def test_install(with_python: Installation) -> None:
    output = with_python.install()
    assert "Installed pydock" in output
    assert "PATH" not in output
    assert with_python.pydock.read_bytes() == with_python.source.read_bytes()
    assert stat.S_IMODE(with_python.pydock.stat().st_mode) == 0o755
    assert with_python.machine.succeed(with_python.pydock, "--help").startswith("usage: pydock")
    assert not list(with_python.machine.temporary.iterdir())


def test_install_twice(with_python: Installation) -> None:
    with_python.install()
    with_python.install()
    assert [path.name for path in with_python.directory.iterdir()] == ["pydock"]


def test_install_directory_not_on_path(with_python: Installation) -> None:
    output = with_python.install(PATH=str(with_python.machine.bin))
    assert f'export PATH="{with_python.directory}:$PATH"' in output


def test_install_as_root(with_python: Installation) -> None:
    machine = with_python.machine
    (machine.bin / "id").write_text(USER_ID.replace("1000", "0"), encoding="utf-8")
    script = machine.work / "linux.sh"
    text = (SCRIPTS / "linux.sh").read_text(encoding="utf-8")
    for folder in ("/usr/local/", "/etc/"):
        text = re.sub(f"(?<![~/.\\w]){folder}", f"{machine.root}{folder}", text)
    script.write_text(text, encoding="utf-8")
    for shell in ("bash", "zsh", "fish"):
        with_python.add(shell, Path("/bin/true"))
    machine.succeed("/bin/sh", script)
    for name in (
        "usr/local/share/" + COMPLETION["bash"],
        "usr/local/share/" + COMPLETION["zsh"],
        "etc/fish/completions/pydock.fish",
    ):
        assert (machine.root / name).read_text(encoding="utf-8").count("# Completion of pydock's words") == 1
    assert (machine.root / "usr/local/bin/pydock").read_bytes() == with_python.source.read_bytes()
    assert not list(machine.home.iterdir())
    machine.succeed("/bin/sh", script, "--uninstall")
    assert not [path for top in ("usr", "etc") for path in (machine.root / top).rglob("*") if path.is_file()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_the_shells_that_are_installed(with_python: Installation, shell: str) -> None:
    with_python.add(shell, Path("/bin/true"))
    output = with_python.install()
    share = with_python.machine.home / ".local" / "share"
    [file] = [path for path in share.rglob("*") if path.is_file()]
    assert file == share / COMPLETION[shell]
    assert file.read_text(encoding="utf-8") == with_python.machine.succeed(
        with_python.pydock, "completion", shell
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert f"Installed the completion for {shell}: {file}" in output
    assert (f'fpath=("{file.parent}" $fpath)' in output) == (shell == "zsh")
    file.write_text(file.read_text(encoding="utf-8") + "# older\n", encoding="utf-8")
    with_python.install()
    assert "# older" not in file.read_text(encoding="utf-8")
    assert not list(with_python.machine.temporary.iterdir())
    assert f"Removed {file}" in with_python.install("--uninstall")
    assert not file.exists()


def test_completion_in_another_data_folder(with_python: Installation) -> None:
    with_python.add("fish", Path("/bin/true"))
    data = with_python.machine.work / "my data"
    with_python.install(XDG_DATA_HOME=str(data))
    assert (data / COMPLETION["fish"]).is_file()
    with_python.install("--uninstall", XDG_DATA_HOME=str(data))
    assert not (data / COMPLETION["fish"]).exists()


@pytest.mark.parametrize("kind", ["file", "link", "directory"])
def test_completion_never_replaces_what_is_not_pydocks(with_python: Installation, kind: str) -> None:
    with_python.add("bash", Path("/bin/true"))
    file = with_python.machine.home / ".local" / "share" / COMPLETION["bash"]
    file.parent.mkdir(parents=True)
    other = file.parent / "other"
    other.write_text("# Completion of pydock, of somebody\n", encoding="utf-8")
    if kind == "file":
        file.write_text("unrelated\n", encoding="utf-8")
    elif kind == "link":
        file.symlink_to(other)
    else:
        file.mkdir()
    before = contents(file.parent)
    for arguments in ((), ("--force",), ("--uninstall",)):
        output = with_python.install(*arguments)
        assert ("is not pydock's; it was left" in output) == (arguments != ("--uninstall",))
        assert contents(file.parent) == before


def test_pydock_is_installed_where_completion_cannot_be(with_python: Installation) -> None:
    with_python.add("bash", Path("/bin/true"))
    share = with_python.machine.home / ".local" / "share"
    share.parent.mkdir(parents=True)
    share.write_text("a file\n", encoding="utf-8")
    output = with_python.install()
    assert "The completion for bash was not installed: " in output
    assert with_python.machine.succeed(with_python.pydock, "--version").startswith("pydock ")


def test_install_directory_from_variable(with_python: Installation) -> None:
    directory = with_python.machine.work / "my tools"
    with_python.install(PYDOCK_BIN=str(directory), HOME=None)
    assert with_python.machine.succeed(directory / "pydock", "--version").startswith("pydock ")


@pytest.mark.parametrize("tool", ["curl", "wget", "python"])
def test_download(with_python: Installation, url: str, tool: str) -> None:
    if tool != "python":
        found = shutil.which(tool)
        if not found:
            pytest.skip(f"{tool} is not installed")
        with_python.add(tool, Path(found))
    with_python.install(PYDOCK_FROM=url)
    assert with_python.pydock.read_bytes() == with_python.source.read_bytes()


def test_download_not_found(with_python: Installation, url: str) -> None:
    assert f"Fetching {url}-missing failed" in with_python.fail(PYDOCK_FROM=f"{url}-missing")


def test_wrong_checksum(with_python: Installation) -> None:
    with_python.install()
    with with_python.source.open("ab") as file:
        file.write(b"more")
    assert "does not match" in with_python.fail()


def test_checksum_from_variable(with_python: Installation) -> None:
    digest = with_python.source.with_name("pydock.sha256").read_text(encoding="ascii").split()[0]
    with_python.source.with_name("pydock.sha256").unlink()
    assert "No checksum found" in with_python.fail()
    assert "does not match" in with_python.fail(PYDOCK_SHA256="0" * 64)
    with_python.install(PYDOCK_SHA256=digest)


@pytest.mark.parametrize("name", ["python3.12", "python"])
def test_python_with_another_name(installation: Installation, name: str) -> None:
    installation.add(name, Path(sys.executable))
    assert name in installation.install()
    assert f"\nexec {name} -S ".encode() in installation.pydock.read_bytes()
    assert installation.machine.succeed(installation.pydock, "--help").startswith("usage: pydock")


def test_unsuitable_python3_is_skipped(installation: Installation) -> None:
    installation.add("python3", Path(shutil.which("false") or "false"))
    installation.add("python3.11", Path(sys.executable))
    installation.install()
    (installation.machine.bin / "python3").unlink()
    assert installation.machine.succeed(installation.pydock, "--help").startswith("usage: pydock")


def test_python_from_variable(with_python: Installation) -> None:
    (with_python.machine.work / "my 'tools'").mkdir()
    python = with_python.machine.work / "my 'tools'" / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with_python.install(PYDOCK_PYTHON=str(python))
    (with_python.machine.bin / "python3").unlink()
    assert with_python.machine.succeed(with_python.pydock, "--help").startswith("usage: pydock")


def test_unsuitable_python_from_variable(with_python: Installation) -> None:
    assert "python3-missing is not Python 3.9" in with_python.fail(PYDOCK_PYTHON="python3-missing")


def test_no_python(installation: Installation) -> None:
    assert "requires Python 3.9 or newer" in installation.fail()


def test_unrelated_file_is_kept_without_force(with_python: Installation) -> None:
    with_python.directory.mkdir(parents=True)
    with_python.pydock.write_text("#!/bin/sh\necho unrelated\n", encoding="utf-8")
    assert "was not installed by this script" in with_python.fail()
    assert "was not removed" in with_python.fail("--uninstall")
    with_python.install("--force")
    assert with_python.machine.succeed(with_python.pydock, "--version").startswith("pydock ")


def test_directory_is_kept(with_python: Installation) -> None:
    with_python.pydock.mkdir(parents=True)
    assert "is a directory" in with_python.fail("--force")


def test_uninstall_removes_file_and_cache(with_python: Installation) -> None:
    machine = with_python.machine
    with_python.install()
    machine.succeed(with_python.pydock, "--help")
    (machine.home / ".pydock").mkdir()
    assert machine.cache.is_dir()
    with_python.install("--uninstall")
    assert sorted(path.name for path in machine.home.rglob("*")) == [".cache", ".local", ".pydock", "bin"]
    assert "Nothing to uninstall" in with_python.install("--uninstall")


def test_unknown_option(with_python: Installation) -> None:
    result = with_python.script("linux.sh", "--frobnicate")
    assert result.returncode == 2
    assert "usage:" in result.stderr


# dev.sh


@pytest.fixture
def working_copy(workbench: Workbench) -> Iterator[Path]:
    """Return the pydock in the `.venv` of a checkout."""
    program = workbench.checkout / ".venv" / "bin" / "pydock"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho the working copy\n", encoding="utf-8")
    program.chmod(0o755)
    yield program
    shutil.rmtree(workbench.checkout / ".venv")


def dev(installation: Installation, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return installation.machine.run("/bin/sh", program.parents[2] / "scripts/install/dev.sh", *arguments)


def test_dev_replaces_installed_pydock(with_python: Installation, working_copy: Path) -> None:
    with_python.install()
    assert dev(with_python, working_copy).returncode == 0
    assert with_python.pydock.readlink() == working_copy
    assert with_python.machine.succeed(with_python.pydock) == "the working copy\n"
    assert dev(with_python, working_copy).returncode == 0
    assert "Replacing" in with_python.install()
    assert with_python.machine.succeed(with_python.pydock, "--version").startswith("pydock ")


def test_dev_uninstall(installation: Installation, working_copy: Path) -> None:
    dev(installation, working_copy)
    assert dev(installation, working_copy, "--uninstall").returncode == 0
    assert not list(installation.directory.iterdir())
    assert dev(installation, working_copy, "--uninstall").returncode == 0


def test_dev_keeps_unrelated_file_without_force(installation: Installation, working_copy: Path) -> None:
    installation.directory.mkdir(parents=True)
    installation.pydock.write_text("unrelated", encoding="utf-8")
    for arguments in ((), ("--uninstall",)):
        assert dev(installation, working_copy, *arguments).returncode == 1
        assert installation.pydock.read_text(encoding="utf-8") == "unrelated"
    assert dev(installation, working_copy, "--force").returncode == 0
    assert installation.pydock.is_symlink()


def test_dev_requires_setup(installation: Installation, workbench: Workbench) -> None:
    result = dev(installation, workbench.checkout / ".venv" / "bin" / "pydock")
    assert result.returncode == 1
    assert "make setup" in result.stderr
    assert not installation.directory.exists()


def test_shellcheck(machine: Machine) -> None:
    shellcheck = shutil.which("shellcheck")
    if not shellcheck:
        pytest.skip("shellcheck is not installed")
    machine.succeed(shellcheck, *sorted(SCRIPTS.glob("*.sh")))
