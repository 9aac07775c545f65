"""What is said when apt or apk fails; what a real apt printed is in tests/recorded."""

from __future__ import annotations

import pytest

from pydock.engine.system_failure import system_failure
from pydock.engine.system_packages import BuildTarget

APT = BuildTarget("ds", is_new=False, package_list="apt.txt")
APK = BuildTarget("ds", is_new=False, package_list="apk.txt")
NEW = BuildTarget("ds", is_new=True, package_list="apt.txt")

# What apk-tools 2.14, 2.10 and 3.0 print.
NO_SUCH_PACKAGE = """\
fetch https://alpine.example/v3.20/main/x86_64/APKINDEX.tar.gz
ERROR: unable to select packages:
  zlib1g-dev (no such package):
    required by: world[zlib1g-dev]
"""
MISSING = """\
ERROR: unsatisfiable constraints:
  nosuch (missing):
    required by: world[nosuch]
"""
OTHER_VERSION = """\
ERROR: unable to select packages:
  git-2.45.2-r0:
    breaks: world[git=1.0]
"""
TEMPORARY = """\
WARNING: fetching https://alpine.example/v3.20/main: temporary error (try again later)
ERROR: unable to select packages:
  git (no such package):
    required by: world[git]
"""


@pytest.mark.parametrize(
    ("text", "target", "sentence", "advice"),
    [
        (
            NO_SUCH_PACKAGE,
            APK,
            "apk found no package 'zlib1g-dev'",
            "Did you mean 'zlib-dev'? Correct it in the command or in apk.txt.",
        ),
        (MISSING, APK, "apk found no package 'nosuch'", "Correct it in the command or in apk.txt."),
        (
            OTHER_VERSION,
            APK,
            "apk found no package that fits 'git=1.0'",
            "Correct it in the command or in apk.txt.",
        ),
        (TEMPORARY, APK, "The servers of the system packages cannot be reached", "Check the network"),
        ("/bin/sh: apk: not found\n", APK, "The image has no apk", "apk.txt for those of Alpine"),
        (
            "/bin/sh: 1: apt-get: not found\n",
            APT,
            "The image has no apt-get",
            "apt.txt is for images of Debian",
        ),
        (
            "E: Unable to locate package libpg-dev\n",
            APT,
            "apt found no package 'libpg-dev'",
            "'libpq-dev'? Correct it in the command or in apt.txt.",
        ),
        (
            "E: Unable to locate package build-base\n",
            NEW,
            "apt found no package 'build-base'",
            "Did you mean 'build-essential'? Correct it in the command.",
        ),
        (
            "E: Package 'python' has no installation candidate\n",
            APT,
            "apt found no package 'python'",
            "Correct it",
        ),
        ("E: Couldn't find any package by regex 'g+++'\n", APT, "apt found no package 'g+++'", "Correct it"),
        (
            "E: Release 'foo' for 'git' was not found\n",
            APT,
            "apt found no version 'foo' of system package 'git'",
            "",
        ),
        (
            (
                "Err:1 https://mirror.example x\n  Certificate verification failed: The certificate is NOT trusted.\n"
                "E: Unable to locate package git\n"
            ),
            APT,
            "The servers of the system packages cannot be reached",
            "Check the network",
        ),
    ],
)
def test_reason(text: str, target: BuildTarget, sentence: str, advice: str) -> None:
    failure = system_failure(text, target)
    assert failure.sentence == sentence
    assert advice in failure.advice


def test_other_failures_show_the_lines_of_apt() -> None:
    text = "Reading package lists...\nSetting up x\nE: Unable to correct problems, you have held broken packages.\n"
    failure = system_failure(text, APT)
    assert failure.sentence == "apt could not install the system packages"
    assert failure.lines == ["E: Unable to correct problems, you have held broken packages."]
    assert system_failure("strange\n", None).lines == ["strange"]
