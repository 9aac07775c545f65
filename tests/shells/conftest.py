"""Real shells on pseudo-terminals, with pydock's completion and programs that record that they were started."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pydock.commands.completion import script_for
from pydock.commands.namespace import ALL_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 60  # seconds
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
PROMPT = b"ready> "
RECORDER = '#!/bin/sh\necho "$0 $*" >>"$HOME/started"\n'

# What each shell reads first. Ctrl-T shows the line that is edited, and clears it; Alt-* (in zsh Ctrl-X) inserts all that fits.
BASH_START = """
PS1='ready> '
bind 'set enable-bracketed-paste off'
bind -x '"\\C-t": printf "<<%s>>\\n" "$READLINE_LINE"; READLINE_LINE='
"""
ZSH_START = """
PS1='ready> '
unset zle_bracketed_paste
zle -C all-matches complete-word _generic
zstyle ':completion:all-matches::::' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
bindkey '^X' all-matches
show-line() { zle -I; print -r -- "<<$BUFFER>>"; BUFFER= }
zle -N show-line
bindkey '^T' show-line
"""
FISH_START = """
function fish_prompt; echo -n 'ready> '; end
bind \\ct 'set -l line (commandline); commandline ""; echo "<<$line>>"'
"""
SETUPS = ("bash", "bash, no package", "zsh", "fish")


def require(setup: str) -> None:
    """Fail in CI, and skip elsewhere, unless what a setup needs is installed."""
    program = setup.partition(",")[0]
    missing = "" if shutil.which(program) else program
    if setup == "bash" and not BASH_COMPLETION.exists():
        missing = "bash-completion"
    if missing:
        message = f"{missing} is not installed: run scripts/shells.sh as root"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


class Home:
    """A user's home folder and project, and the programs that must not be started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home"
        self.project = self.folder / "my project"
        self.data = self.folder / ".local" / "share"
        self.functions = folder / "site-functions"
        self.bin = folder / "bin"
        for made in (self.project, self.data, self.functions, self.bin):
            made.mkdir(parents=True)
        for name in ("pydock", "docker"):
            self.add_program(name)
        self.environ = {
            "HOME": str(self.folder),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }

    def add_program(self, name: str) -> None:
        """Add a program that records that it was started."""
        (self.bin / name).write_text(RECORDER)
        (self.bin / name).chmod(0o755)

    @property
    def started(self) -> str:
        """The command lines of the programs that were started."""
        path = self.folder / "started"
        return path.read_text() if path.exists() else ""

    def add_environment(self, name: str, requested: str = "", top: Path | None = None) -> Path:
        folder = (top or self.project) / ".pydock" / "envs" / name
        folder.mkdir(parents=True)
        (folder / "dockerfile").write_text("FROM python:3.12\n")
        (folder / "requirements.in").write_text(requested)
        return folder

    def install(self, setup: str) -> None:
        """Put the script where the shell finds it by itself, or sources it."""
        paths = {
            "bash": self.data / "bash-completion" / "completions" / "pydock",
            "bash, no package": self.folder / "pydock.bash",
            "zsh": self.functions / "_pydock",
            "fish": self.data / "fish" / "vendor_completions.d" / "pydock.fish",
        }
        paths[setup].parent.mkdir(parents=True, exist_ok=True)
        paths[setup].write_text(script_for(setup.partition(",")[0], ALL_COMMANDS))


class Shell:
    """A shell in which somebody types, in the project's folder."""

    def __init__(self, home: Home, setup: str, options: str = "") -> None:
        self.home, self.kind = home, setup.partition(",")[0]
        start, argv = self._start(setup, options)
        master, slave = pty.openpty()
        self._master = master
        self.seen = b""
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home.project,
            env={**home.environ, **start},
            start_new_session=True,
        )
        os.close(slave)
        self._wait_for(PROMPT)

    def _start(self, setup: str, options: str) -> tuple[dict[str, str], list[str]]:
        home = self.home.folder
        if self.kind == "bash":
            source = BASH_COMPLETION if setup == "bash" else home / "pydock.bash"
            (home / "start.bash").write_text(f"source '{source}'\n{BASH_START}{options}\n")
            return {}, ["/bin/bash", "--noprofile", "--rcfile", str(home / "start.bash"), "-i"]
        if self.kind == "zsh":
            functions = f"fpath=('{self.home.functions}' $fpath)\nautoload -Uz compinit\ncompinit -uD\n"
            (home / ".zshrc").write_text(f"{functions}{ZSH_START}{options}\n")
            return {"ZDOTDIR": str(home)}, ["/usr/bin/zsh", "-o", "no_global_rcs", "-i"]
        return {}, ["/usr/bin/fish", "-i", "-C", FISH_START]

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def offered(self, line: str) -> list[str]:
        """Return what is offered for the last word of a line, each as it would stand there, sorted."""
        if self.kind == "fish":
            return self._offered_by_fish(line)
        self._type(line.encode() + (b"\x1b*" if self.kind == "bash" else b"\x18") + b"\x14")
        shown = self._shown_line()
        kept = line[: line.rfind(" ") + 1]
        assert shown.startswith(kept), shown
        words = shown[len(kept) :].split(" ")
        return sorted({word for word in words if word} - {line[len(kept) :]})

    def after_tab(self, line: str) -> str:
        """Return the line after Tab was pressed."""
        self._type(line.encode() + b"\t\x14")
        return self._shown_line()

    def run(self, line: str) -> None:
        """Type a line that no completion is wanted for, and wait for its end."""
        self.seen = b""
        self._type(line.encode() + b"; printf 'all%s\\n' done\n")
        self._wait_for(b"alldone")

    def _offered_by_fish(self, line: str) -> list[str]:
        text = line.replace("\\", "\\\\").replace("'", "\\'")
        done = subprocess.run(
            ["/usr/bin/fish", "-c", f"complete -C '{text}'"],
            capture_output=True,
            text=True,
            cwd=self.home.project,
            env=self.home.environ,
            check=True,
            timeout=TIMEOUT,
        )
        assert done.stderr == ""
        found = {row.partition("\t")[0] for row in done.stdout.splitlines()}
        word = line[line.rfind(" ") + 1 :]
        return sorted(name for name in found if name.startswith(word))  # fish offers similar ones too

    def _shown_line(self) -> str:
        """Return the line that Ctrl-T shows and removes."""
        self._wait_for(b">>")
        shown = self.seen.rpartition(b"<<")[2].partition(b">>")[0].decode()
        self.seen = b""
        return shown

    def _type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def _wait_for(self, text: bytes) -> None:
        end = time.monotonic() + TIMEOUT
        while text not in self.seen:
            assert time.monotonic() < end, f"waited for {text!r}, saw {self.seen!r}"
            if select.select([self._master], [], [], 0.5)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self._master, 65536)


TAKE_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(params=SETUPS)
def setup(request: pytest.FixtureRequest) -> str:
    """Return a shell, and for bash whether the package bash-completion is there."""
    require(str(request.param))
    return str(request.param)


@pytest.fixture
def shell(home: Home, setup: str) -> Iterator[Shell]:
    home.install(setup)
    started = Shell(home, setup)
    yield started
    started.end()
