"""The compilers, programs and headers that building a package from its sources may need, and what brings them."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydock.environments.content import APK


class BuildTarget(NamedTuple):
    """The environment that a build is for, as far as messages need it."""

    name: str
    is_new: bool  # it exists only if the command, `create`, succeeds
    package_list: str  # apt.txt or apk.txt


class Missing(NamedTuple):
    """What a build did not find in the image, the line that says so, and the packages of Debian and Alpine that have it."""

    name: str
    line: str
    debian: str
    alpine: str

    def cure(self, target: BuildTarget | None) -> str:
        """Return the sentence that says how to add it to this environment."""
        packages = self.alpine if target and target.package_list == APK else self.debian
        option = f"--system {packages.replace(' ', ',') or 'PACKAGE'}"
        which = "" if packages else ", where PACKAGE is the system package that has it"
        if target and target.is_new:
            return f"Add `{option}` to the command{which}."
        name = target.name if target else "NAME"
        return f"Run `pydock install {name} {option}`{which}, and then this command again."


COMPILER = ("build-essential", "build-base")
# A program or a header -> the packages of Debian and of Alpine. With a program that only describes a library, the compiler
# is named too, because it is needed next.
PACKAGES: dict[str, tuple[str, str]] = {
    "gcc": COMPILER,
    "cc": COMPILER,
    "g++": COMPILER,
    "c++": COMPILER,
    "clang": ("clang", "clang"),
    "make": COMPILER,
    "cmake": ("cmake", "cmake"),
    "ninja": ("ninja-build", "samurai"),
    "gfortran": ("gfortran", "gfortran"),
    "cargo": ("cargo", "cargo"),
    "rustc": ("rustc", "rust"),
    "swig": ("swig", "swig"),
    "git": ("git", "git"),
    "pkg-config": ("build-essential pkg-config", "build-base pkgconf"),
    "pg_config": ("build-essential libpq-dev", "build-base libpq-dev"),
    "mysql_config": (
        "build-essential pkg-config default-libmysqlclient-dev",
        "build-base pkgconf mariadb-dev",
    ),
    "xml2-config": ("build-essential libxml2-dev libxslt1-dev", "build-base libxml2-dev libxslt-dev"),
    "xslt-config": ("build-essential libxml2-dev libxslt1-dev", "build-base libxml2-dev libxslt-dev"),
    "curl-config": ("build-essential libcurl4-openssl-dev libssl-dev", "build-base curl-dev openssl-dev"),
    "krb5-config": ("build-essential libkrb5-dev", "build-base krb5-dev"),
    "gdal-config": ("build-essential libgdal-dev", "build-base gdal-dev"),
    "llvm-config": ("build-essential llvm-dev", "build-base llvm-dev"),
    "Python.h": ("python3-dev", "python3-dev"),
    "stdio.h": ("libc6-dev", "musl-dev"),
    "stdlib.h": ("libc6-dev", "musl-dev"),
    "limits.h": ("libc6-dev", "musl-dev"),
    "linux/types.h": ("linux-libc-dev", "linux-headers"),
    "libpq-fe.h": ("libpq-dev", "libpq-dev"),
    "mysql.h": ("default-libmysqlclient-dev", "mariadb-dev"),
    "mysql/mysql.h": ("default-libmysqlclient-dev", "mariadb-dev"),
    "sqlite3.h": ("libsqlite3-dev", "sqlite-dev"),
    "sql.h": ("unixodbc-dev", "unixodbc-dev"),
    "ffi.h": ("libffi-dev", "libffi-dev"),
    "openssl/ssl.h": ("libssl-dev", "openssl-dev"),
    "openssl/opensslv.h": ("libssl-dev", "openssl-dev"),
    "libxml/xpath.h": ("libxml2-dev libxslt1-dev", "libxml2-dev libxslt-dev"),
    "libxml/xmlversion.h": ("libxml2-dev libxslt1-dev", "libxml2-dev libxslt-dev"),
    "libxslt/xslt.h": ("libxslt1-dev", "libxslt-dev"),
    "jpeglib.h": ("libjpeg-dev", "jpeg-dev"),
    "zlib.h": ("zlib1g-dev", "zlib-dev"),
    "png.h": ("libpng-dev", "libpng-dev"),
    "ft2build.h": ("libfreetype-dev", "freetype-dev"),
    "lber.h": ("libldap-dev libsasl2-dev", "openldap-dev cyrus-sasl-dev"),
    "ldap.h": ("libldap-dev libsasl2-dev", "openldap-dev cyrus-sasl-dev"),
    "sasl/sasl.h": ("libsasl2-dev", "cyrus-sasl-dev"),
    "gssapi/gssapi.h": ("libkrb5-dev", "krb5-dev"),
    "curl/curl.h": ("libcurl4-openssl-dev libssl-dev", "curl-dev openssl-dev"),
    "cairo.h": ("libcairo2-dev pkg-config", "cairo-dev pkgconf"),
    "gmp.h": ("libgmp-dev", "gmp-dev"),
    "mpfr.h": ("libmpfr-dev", "mpfr-dev"),
    "hdf5.h": ("libhdf5-dev", "hdf5-dev"),
    "geos_c.h": ("libgeos-dev", "geos-dev"),
    "gdal.h": ("libgdal-dev", "gdal-dev"),
    "portaudio.h": ("portaudio19-dev", "portaudio-dev"),
    "yaml.h": ("libyaml-dev", "yaml-dev"),
    "zmq.h": ("libzmq3-dev", "zeromq-dev"),
    "snappy-c.h": ("libsnappy-dev", "snappy-dev"),
    "magic.h": ("libmagic-dev", "file-dev"),
    "augeas.h": ("libaugeas-dev", "augeas-dev"),
    "systemd/sd-daemon.h": ("libsystemd-dev", "elogind-dev"),
    "dbus/dbus.h": ("libdbus-1-dev", "dbus-dev"),
    "re2/re2.h": ("libre2-dev", "re2-dev"),
    "librdkafka/rdkafka.h": ("librdkafka-dev", "librdkafka-dev"),
}
PROGRAMS = "|".join(
    sorted(map(re.escape, (name for name in PACKAGES if not name.endswith(".h"))), reverse=True)
)
HEADER = re.compile(
    r"fatal error: '?([\w./+-]+\.h(?:pp|h|xx)?)'?(?: file not found|: No such file or directory)"
)
PROGRAM = re.compile(
    rf"(?:\[Errno 2\] No such file or directory: b?'(?P<python>[\w./+-]*?(?:{PROGRAMS}))(?:-[\d.]+)?'"
    rf"|(?:^|[\s:'\"`])(?P<shell>{PROGRAMS})['\"`]?(?:(?::|: command| executable)? not found|: No such file or directory)"
    rf"|(?:command|unable to execute|error: (?:unable to find|can't find|linker)) ['\"`](?P<quoted>[\w./-]*?(?:{PROGRAMS}))['\"`]"
    r"(?: failed: No such file or directory|: No such file or directory| not found)"
    r"|(?P<cmake>CMake|cmake) (?:must be installed|is required|not found)"
    r"|(?P<cargo>Cargo|rustc|Rust)\b[^\n]{0,40}(?:is not (?:installed|on PATH|found)|not found|toolchain is required))",
    re.MULTILINE,
)


def find_missing(output: str) -> Missing | None:
    """Return the first thing that a package's build says is missing, None if it says nothing known."""
    header = HEADER.search(output)
    if header:
        return Missing(header[1], _line_of(output, header), *PACKAGES.get(header[1], ("", "")))
    program = PROGRAM.search(output)
    if program:
        name = next(filter(None, program.groups())).rpartition("/")[2]
        name = {"CMake": "cmake", "Cargo": "cargo", "Rust": "cargo"}.get(name, name)
        for known in (name, name.rpartition("-")[2]):  # also x86_64-linux-gnu-gcc
            if known in PACKAGES:
                return Missing(known, _line_of(output, program), *PACKAGES[known])
    return None


def _line_of(output: str, found: re.Match[str]) -> str:
    start = output.rfind("\n", 0, found.end() - 1) + 1
    return output[start:].partition("\n")[0].strip()
