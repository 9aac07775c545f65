"""What is printed while a build runs, and when it fails: on a terminal, in a pipe, and with older clients."""

from __future__ import annotations

import signal
import stat
from typing import TYPE_CHECKING

import pytest

from pydock.engine.progress import CLEAR

if TYPE_CHECKING:
    from .conftest import Machine

PHASES = "Resolving packages\nDownloading 2 packages\nInstalling 1 package\nCompiling bytecode\nExporting the image\n"
UPDATED = "requirements.txt and requirements.in updated"


def without_time(text: str) -> str:
    """Return the text with `0.0 s` for the time that a command took."""
    import re

    return re.sub(r"\d+\.\d s;", "0.0 s;", text)


def test_pipe_gets_a_line_per_phase(ds: Machine) -> None:
    ended = ds.ok("install", "ds", "pandas==2.2.0", FAKE_DOCKER_OUTPUT="install.json")
    assert ended.err == PHASES
    assert ended.out.splitlines()[:2] == ["+ numpy==2.1.0", "+ pandas==2.2.0"]


def test_terminal_gets_one_line_and_a_summary(ds: Machine) -> None:
    ds.environ["FAKE_DOCKER_OUTPUT"] = "install.json"
    code, shown = ds.in_terminal(b"", "install", "ds", "pandas==2.2.0")
    assert code == 0
    *live, last = shown.split(CLEAR)
    assert "\n" not in "".join(live)
    assert "Compiling bytecode" in "".join(live) or "Exporting the image" in "".join(live)
    assert without_time(last) == f"+ pandas 2.2.0 …, 4 packages, 0.0 s; {UPDATED}\r\n"


def test_summary_names_old_versions_and_removed_packages(ds: Machine) -> None:
    ds.ok("install", "ds", "numpy<2", "six")
    code, shown = ds.in_terminal(b"", "install", "ds", "numpy>=2")
    assert code == 0
    assert (
        without_time(shown.split(CLEAR)[-1]) == f"+ numpy 2.1.0 (was 1.26.0), 1 package, 0.0 s; {UPDATED}\r\n"
    )
    code, shown = ds.in_terminal(b"", "uninstall", "ds", "six")
    assert code == 0
    assert without_time(shown.split(CLEAR)[-1]) == f"- six 1.16.0, 1 package, 0.0 s; {UPDATED}\r\n"


@pytest.mark.parametrize(("variable", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_terminal_without_cursor_or_colour(ds: Machine, variable: str, value: str) -> None:
    ds.environ["FAKE_DOCKER_OUTPUT"] = "package-not-found.json"
    ds.add_program("pydock-here", f'export {variable}={value}; exec "$@"')
    code, shown = ds.in_terminal(b"", "install", "ds", "six", program=["pydock-here"])
    assert code == 1
    assert "\x1b[3" not in shown
    assert ("\x1b" in shown) == (variable != "TERM")


def test_failure_on_a_terminal_is_short(ds: Machine) -> None:
    ds.environ["FAKE_DOCKER_OUTPUT"] = "package-not-found.json"
    code, shown = ds.in_terminal(b"", "install", "ds", "pnadas-nosuch")
    assert code == 1
    lines = shown.split(CLEAR)[-1].splitlines()
    assert sum(len(line) // 80 + 1 for line in lines) <= 12
    assert lines[0].startswith("\x1b[31mPackage 'pnadas-nosuch' was not found")
    assert shown.count("pnadas-nosuch was not found in the package registry") == 1


def test_log_of_a_failure_is_kept(ds: Machine) -> None:
    ended = ds.pydock("install", "ds", "six", FAKE_DOCKER_OUTPUT="compiler-missing.json")
    assert ended.code == 1
    [path] = (ds.home / ".local" / "state" / "pydock" / "logs").iterdir()
    assert ended.err.splitlines()[-1] == f"The full log is in {path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert text.startswith("docker build ")
    assert "building 'netifaces' extension" in text


def test_success_keeps_no_log(ds: Machine) -> None:
    ds.ok("install", "ds", "six", FAKE_DOCKER_OUTPUT="install.json")
    assert not (ds.home / ".local" / "state" / "pydock" / "logs").exists()


def test_yanked_version_is_shown_once(ds: Machine) -> None:
    ended = ds.ok("install", "ds", "six", FAKE_DOCKER_OUTPUT="yanked.json")
    assert ended.err.count("Warning: `attrs==21.1.0` is yanked") == 1
    assert ended.out == "+ six==1.16.0\n"


@pytest.mark.parametrize("value", ["plain", "tty", "quiet", "nosuch", ""])
def test_buildkit_progress_of_the_user_changes_nothing(ds: Machine, value: str) -> None:
    ended = ds.ok("install", "ds", "six", BUILDKIT_PROGRESS=value, FAKE_DOCKER_OUTPUT="install.json")
    assert ended.err == PHASES


@pytest.mark.parametrize("old", ["ignores", "refuses"])
def test_client_without_rawjson(ds: Machine, old: str) -> None:
    ended = ds.ok("install", "ds", "six", FAKE_DOCKER_OLD=old, FAKE_DOCKER_OUTPUT="plain-install.txt")
    assert ended.err.splitlines()[0] == "Resolving packages"
    assert ended.out == "+ six==1.16.0\n"
    failed = ds.pydock("build", "ds", FAKE_DOCKER_OLD=old, FAKE_DOCKER_OUTPUT="plain-package-not-found.txt")
    assert failed.code == 1
    assert "Package 'pnadas-nosuch' was not found" in failed.err


def test_client_behind_sudo_gets_an_option(ds: Machine) -> None:
    ds.add_sudo()
    ds.ok("install", "ds", "six", PYDOCK_ENGINE="sudo docker")
    [argv] = ds.argvs("build")
    assert argv[:3] == ["build", "--progress", "rawjson"]
    assert "--progress" not in ds.ok("--dry", "install", "ds", "requests", PYDOCK_ENGINE="sudo docker").out


def test_progress_of_build_options_wins(ds: Machine) -> None:
    ds.add_sudo()
    ds.ok("install", "ds", "six", PYDOCK_ENGINE="sudo docker", PYDOCK_BUILD_OPTIONS="--progress plain")
    ds.ok("install", "ds", "requests", PYDOCK_BUILD_OPTIONS="--progress plain")


def test_echo_shows_all_of_buildkits_output(ds: Machine) -> None:
    ended = ds.ok("--echo", "install", "ds", "six", FAKE_DOCKER_OUTPUT="install.json")
    assert "Resolved 2 packages" in ended.err
    assert ended.err.count("docker build ") == 1
    assert "Resolving packages\n" not in ended.err


def test_interrupted_build_leaves_no_line_on_the_terminal(ds: Machine) -> None:
    import os
    import pty
    import subprocess

    from .conftest import PYDOCK, TIMEOUT

    ours, theirs = pty.openpty()
    environ = {
        **ds.environ,
        "TERM": "xterm",
        "FAKE_DOCKER_OUTPUT": "unfinished.json",
        "FAKE_DOCKER_PAUSE": "build:after",
    }
    process = subprocess.Popen(
        [*PYDOCK, "install", "ds", "six"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        cwd=ds.project,
    )
    os.close(theirs)
    ds.wait_for_pause()
    shown = b""
    while b"Downloading" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux's end of file
        pass
    os.close(ours)
    assert process.wait(TIMEOUT) == 130
    last = shown.decode().split(CLEAR)[-1]
    assert "Interrupted; nothing was changed." in last
    assert "Downloading" not in last
