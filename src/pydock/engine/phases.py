"""What a build is doing, in words: read from the names of its steps, and from what uv and pip print."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydock.engine.build_output import Event

# Printed by inside/installer.sh.
COMPILING = "Compiling bytecode"
# The steps that install packages: pydock's own, and those of a dockerfile.
PACKAGES_STEP = re.compile(r"\bRUN\b.*(?:/pydock\b|\bpip3? |\buv )", re.DOTALL)
# The step that installs system packages.
SYSTEM_STEP = re.compile(r"\bRUN\b.*(?:\bapt-get\b.*\binstall\b|\bapk add\b)", re.DOTALL)
BASE_IMAGE = re.compile(
    r"\[(?:\S+ )?(?:\d+/\d+\] FROM|internal\] load metadata for) (?:docker\.io/library/)?([^\s@]+)"
)
DOCKERFILE_STEP = re.compile(r"\[(?:\S+ )?(\d+/\d+)\] ((?:RUN|ADD)\b.*)", re.DOTALL)

# What uv and pip print. uv names only downloads of more than 1 MiB.
RESOLVED = re.compile(r"Resolved (\d+) packages?\b")
DOWNLOADING = re.compile(r" *(?:Downloading|Using cached) \S+ \(([\d.]+) ?([kKMG]?)i?B\)")
DOWNLOADED = re.compile(r" *Downloaded \S+")
COLLECTING = re.compile(r"Collecting \S+")
BUILDING = re.compile(r" *(?:Building (?!wheels? )(\S+)|Building wheel for (\S+) .*: started)")
BUILT = re.compile(r" *(?:Built (\S+)|Building wheel for (\S+) .*: finished.*)")
PREPARED = re.compile(r"Prepared (\d+) packages?\b")
# What apt and apk print.
NEW_SYSTEM_PACKAGES = re.compile(r"\d+ upgraded, (\d+) newly installed")
SETTING_UP = re.compile(r"Setting up \S+")
INSTALLING_SYSTEM = re.compile(r"\((\d+/\d+)\) Installing \S+")
COLLECTED = re.compile(r"Installing collected packages: (.*)")

UNITS = {"": 1e-6, "k": 1e-3, "K": 1e-3, "M": 1.0, "G": 1e3}


class Phases:
    """What a build is doing at the moment: `name`, which changes with each phase, and how far it is, `detail`."""

    def __init__(self) -> None:
        self.name = ""
        self.detail = ""
        self._total = 0  # packages to install
        self._started = self._done = 0  # downloads
        self._size = 0.0  # of these, in MB
        self._system_total = self._system_done = 0  # system packages

    def take(self, event: Event) -> bool:
        """Take an event; return whether another phase began."""
        before = self.name
        if event.kind == "started":
            self._take_step(event.text)
        elif event.kind == "size":
            self._take_size(event)
        elif event.kind == "line" and PACKAGES_STEP.search(event.step.name):
            self._take_line(event.text)
        elif event.kind == "line" and SYSTEM_STEP.search(event.step.name):
            self._take_system_line(event.text)
        return self.name != before

    def _begin(self, name: str) -> None:
        self.name, self.detail = name, ""

    def _take_step(self, name: str) -> None:
        base = BASE_IMAGE.match(name)
        step = DOCKERFILE_STEP.match(name)
        if name.startswith("exporting to "):
            self._begin("Exporting the image" if "image" in name else "Exporting the result")
        elif base or name.startswith("[internal]"):
            return  # takes no time, unless the image is pulled; then there are sizes
        elif PACKAGES_STEP.search(name):
            self._begin("Resolving packages")
        elif SYSTEM_STEP.search(name):
            self._begin("Installing system packages")
            self._system_total = self._system_done = 0
        elif step:
            self._begin(f"Running step {step[1]}: {' '.join(step[2].split())}")

    def _take_size(self, event: Event) -> None:
        base = BASE_IMAGE.match(event.step.name)
        if base:
            name = f"Pulling {base[1]}"
            if self.name != name:
                self._begin(name)
            current, total = (int(word) / 1e6 for word in event.text.split())
            self.detail = f"{current:.0f}/{total:.0f} MB"

    def _take_line(self, line: str) -> None:
        if line == COMPILING:
            self._begin(COMPILING)
        elif found := RESOLVED.match(line):
            self._total = int(found[1])
            self._begin(f"Downloading {_packages(self._total)}")
        elif COLLECTING.match(line):
            self._began_download()
        elif found := DOWNLOADING.match(line):
            self._began_download()
            self._started += 1
            self._size += float(found[1]) * UNITS[found[2]]
            self._show_downloads()
        elif DOWNLOADED.match(line):
            self._done += 1
            self._show_downloads()
        elif found := BUILDING.match(line):
            self._begin(f"Building {found[1] or found[2]}")
        elif BUILT.match(line):
            self._began_download()
        elif found := PREPARED.match(line):
            self._begin(f"Installing {_packages(int(found[1]))}")
        elif found := COLLECTED.match(line):
            self._begin(f"Installing {_packages(found[1].count(',') + 1)}")

    def _take_system_line(self, line: str) -> None:
        if found := NEW_SYSTEM_PACKAGES.match(line):
            self._system_total = int(found[1])
        elif SETTING_UP.match(line) and self._system_total:
            self._system_done += 1
            self.detail = f"{self._system_done}/{self._system_total}"
        elif found := INSTALLING_SYSTEM.match(line):
            self.detail = found[1]

    def _began_download(self) -> None:
        name = f"Downloading {_packages(self._total)}" if self._total else "Downloading packages"
        if self.name != name:
            self._begin(name)

    def _show_downloads(self) -> None:
        # pip downloads one after the other, and does not say when a download is complete.
        count = f"{self._done}/{self._started}" if self._total else f"{self._started}"
        self.detail = f"{count}, {self._size:.0f} MB"


def _packages(count: int) -> str:
    return f"{count} package" if count == 1 else f"{count} packages"
