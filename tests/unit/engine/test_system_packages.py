"""What compilers and build back ends print about what they do not find."""

from __future__ import annotations

import pytest

from pydock.engine.system_packages import PACKAGES, BuildTarget, find_missing


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("/bin/sh: 1: gcc: not found", "gcc"),
        ("unable to execute 'gcc': No such file or directory", "gcc"),
        ("error: command 'gcc' failed: No such file or directory", "gcc"),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory", "gcc"),
        ("error: [Errno 2] No such file or directory: 'gcc'", "gcc"),
        ("error: [Errno 2] No such file or directory: '/usr/bin/gcc-12'", "gcc"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "cmake"),
        ("/bin/sh: pkg-config: not found", "pkg-config"),
        ("sh: 1: mysql_config: not found", "mysql_config"),
        ("bash: line 1: make: command not found", "make"),
        ("Error: pg_config executable not found.", "pg_config"),
        ("error: linker `cc` not found", "cc"),
        ("RuntimeError: CMake must be installed to build the following extensions: x", "cmake"),
        ("Cargo, the Rust package manager, is not installed or is not on PATH.", "cargo"),
        ("./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory", "libpq-fe.h"),
        ("x.c:1:10: fatal error: Python.h: No such file or directory", "Python.h"),
        ("x.c:1:10: fatal error: 'openssl/ssl.h' file not found", "openssl/ssl.h"),
    ],
)
def test_missing(line: str, name: str) -> None:
    found = find_missing(f"building\n  {line}\nfailed\n")
    assert found
    assert (found.name, found.line) == (name, line)
    for number, file in enumerate(("apt.txt", "apk.txt")):
        option = f"--system {PACKAGES[name][number].replace(' ', ',')}`"
        assert f"`pydock install ds {option}" in found.cure(BuildTarget("ds", False, file))
        assert f"Add `{option} to the command." in found.cure(BuildTarget("ds", True, file))
    assert "`pydock install NAME --system " in found.cure(None)


def test_header_that_is_not_known() -> None:
    found = find_missing("x.c:1:10: fatal error: frobnicate.h: No such file or directory")
    assert found
    assert found.name == "frobnicate.h"
    cure = found.cure(BuildTarget("ds", False, "apt.txt"))
    assert "`pydock install ds --system PACKAGE`, where PACKAGE is the system package that has it" in cure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "checking for gcc... gcc",
        "checking for getifaddrs...not found.",
        "ModuleNotFoundError: No module named 'make'",
    ],
)
def test_nothing_is_missing(text: str) -> None:
    assert find_missing(text) is None
