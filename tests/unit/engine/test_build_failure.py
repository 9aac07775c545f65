"""What a failed build becomes: a sentence, the decisive lines once, and what to do next."""

from __future__ import annotations

import re
import textwrap

import pytest

from pydock import errors
from pydock.engine.build_failure import error_of
from pydock.engine.build_output import BuildOutput

from ...fake_docker.messages import build_output, message

CLIENT = ("docker",)
# A recorded build, the beginning of its message, what else is in it, and the most rows on a terminal of 80 columns.
RECORDED = [
    (
        "package-not-found.json",
        "Package 'pnadas-nosuch' was not found in the package index; nothing was changed.",
        "",
        5,
    ),
    (
        "plain-package-not-found.txt",
        "Package 'pnadas-nosuch' was not found in the package index; nothing was changed.",
        "",
        5,
    ),
    ("pip-package-not-found.json", "No version of 'pnadas-nosuch' was found in the package index;", "", 4),
    (
        "version-not-found.json",
        "No version of 'six==999' was found in the package index;",
        "you require six==999",
        5,
    ),
    (
        "conflict.json",
        "No set of packages meets all requirements; nothing was changed.",
        "you require certifi<2017",
        18,
    ),
    (
        "pip-conflict.json",
        "No set of packages meets all requirements; nothing was changed.",
        "The user requested certifi<2017",
        20,
    ),
    (
        "hash-mismatch.json",
        "The file of 'six==1.16.0' in the package index does not have the hash",
        "8abb2f1d8689",
        8,
    ),
    (
        "pip-hash-mismatch.json",
        "The file of 'six==1.16.0' in the package index does not have the hash",
        "8abb2f1d8689",
        8,
    ),
    (
        "index-unreachable.json",
        "The package index cannot be reached; nothing was changed.",
        "Connection refused",
        10,
    ),
    (
        "pip-index-unreachable.json",
        "The package index cannot be reached; nothing was changed.",
        "Connection refused",
        5,
    ),
    (
        "pg-config-missing.json",
        "Package 'psycopg2==2.9.13' has no wheel",
        "because pg_config is missing in the image",
        8,
    ),
    (
        "pg-config-missing.json",
        "Package 'psycopg2==2.9.13' has no wheel",
        "`pydock install NAME --system build-essential,libpq-dev`",
        8,
    ),
    (
        "pip-pg-config-missing.json",
        "Package 'psycopg2' has no wheel",
        "Error: pg_config executable not found.",
        8,
    ),
    (
        "compiler-missing.json",
        "Package 'netifaces==0.11.0' has no wheel",
        "No such file or directory: 'gcc'",
        8,
    ),
    ("pip-compiler-missing.json", "Package 'netifaces' has no wheel", "gcc is missing in the image", 8),
    ("build-backend-failed.json", "Package 'numpy==1.19.5' has no wheel", "No module named 'distutils'", 9),
    (
        "apt-package-not-found.json",
        "apt found no packages 'libpg-dev', 'zlib9g-dev'; nothing was changed. Correct it in the command or in apt.txt.",
        "",
        2,
    ),
    (
        "apt-version-not-found.json",
        "apt found no version '9.9' of system package 'bc'; nothing was changed. Correct it in the command",
        "",
        2,
    ),
    (
        "apt-unreachable.json",
        "The servers of the system packages cannot be reached; nothing was changed. Check the network",
        "Temporary failure resolving 'deb.example'",
        6,
    ),
    ("apt-missing.json", "The image has no apt-get; nothing was changed.", "apk.txt for those of Alpine", 3),
]


def error(text: str) -> errors.PydockError:
    output = BuildOutput()
    output.feed(text.encode())
    output.end()
    return error_of(CLIENT, output)


@pytest.mark.parametrize(("name", "beginning", "text", "rows"), RECORDED)
def test_recorded_failure(name: str, beginning: str, text: str, rows: int) -> None:
    found = error(build_output(name))
    assert isinstance(found, errors.PackagesUnavailable)
    assert found.message.startswith(beginning)
    assert text in found.message
    assert found.message.count("nothing was changed") == 1
    wrapped = [row for line in found.message.splitlines() for row in textwrap.wrap(line, 80) or [""]]
    assert len(wrapped) <= rows, found.message
    lines = found.message.splitlines()
    assert len(set(lines)) == len(lines)
    assert not re.search(
        r"/pydock/|wanted\.txt|requested\.txt|constraints\.txt|step\.dockerfile|/root/|/tmp/", found.message
    )


def test_base_image_that_cannot_be_pulled() -> None:
    found = error(build_output("base-image-not-found.json"))
    assert type(found) is errors.RegistryUnreachable
    assert "python:3.12.999-no-such" in found.message


def test_step_of_a_dockerfile() -> None:
    found = error(build_output("step-failed.json"))
    assert type(found) is errors.BuildFailed
    assert found.message == "A step of the dockerfile failed; nothing was changed.\nreason"


def test_invalid_dockerfile() -> None:
    found = error(build_output("invalid-dockerfile.json"))
    assert type(found) is errors.BuildFailed
    assert "unknown instruction: FORM" in found.message


LAST_OUTPUT = "0.104 /bin/sh: 1: frobnicate: not found"


def as_step(output: str) -> str:
    """Return what BuildKit prints if a step fails with this output, unless it is that already."""
    step = message("step-failed")
    assert LAST_OUTPUT in step
    return output if "------" in output else step.replace(LAST_OUTPUT, output)


STEP_FAILURES = [
    (message("package-not-found"), errors.VersionsUnavailable, "was not found in the package index"),
    (message("version-conflict"), errors.VersionsUnavailable, "depends on numpy<2"),
    (
        (
            "0.9 ERROR: Could not find a version that satisfies the requirement x==9 (from versions: 1.0)\n"
            "0.9 ERROR: No matching distribution found for x==9"
        ),
        errors.VersionsUnavailable,
        "(from versions: 1.0)",
    ),
    (
        (
            "0.9 ERROR: Cannot install a and b because these package versions have conflicting dependencies.\n"
            "0.9 ERROR: ResolutionImpossible: for help visit https://pip.example/"
        ),
        errors.VersionsUnavailable,
        "conflicting dependencies",
    ),
    ("0.9 a 1.0 has requirement b<2, but you have b 2.0.", errors.VersionsUnavailable, "but you have b 2.0."),
    (
        "0.9 ERROR: Package 'example' requires a different Python: 3.8.18 not in '>=3.10'",
        errors.VersionsUnavailable,
        "not in '>=3.10'",
    ),
    ("0.9 Found 1 incompatibility\n0.9 The package `a` requires `b<2`", errors.VersionsUnavailable, "`b<2`"),
    (
        message("index-unreachable"),
        errors.PackagesUnavailable,
        "Check the network, the proxy variables and the index",
    ),
    (message("index-certificate-unknown"), errors.PackagesUnavailable, "PYDOCK_CA_BUNDLE=/path/to/ca.pem"),
    (
        (
            "1.2 WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate'))'\n"
            "1.3 ERROR: No matching distribution found for six"
        ),
        errors.PackagesUnavailable,
        "PYDOCK_CA_BUNDLE",
    ),
    (
        (
            "1.2 NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name "
            "resolution\n1.3 ERROR: No matching distribution found for six"
        ),
        errors.PackagesUnavailable,
        "The package index cannot be reached",
    ),
    (message("step-failed"), errors.BuildFailed, "A step of the dockerfile failed; nothing was changed."),
    ("0.1 gcc: command not found", errors.BuildFailed, "gcc: command not found"),
]


@pytest.mark.parametrize(("output", "kind", "hint"), STEP_FAILURES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_failed_step(output: str, kind: type[errors.PydockError], hint: str, newline: str) -> None:
    found = error(f"\x1b[1m#1 building\x1b[0m\n{as_step(output)}".replace("\n", newline))
    assert type(found) is kind
    assert hint in found.message
    assert found.code == 1
    assert not re.search(r"^\d+\.\d+ ", found.message, re.MULTILINE)
    assert "\x1b" not in found.message


def test_step_without_output() -> None:
    found = error(
        '#1 [2/2] RUN exit 3\n#1 ERROR: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3\n'
    )
    assert found.message == (
        "A step of the dockerfile failed; nothing was changed.\nIt printed nothing, and ended with exit code 3."
    )


def test_step_that_was_killed() -> None:
    found = error(
        "#1 [2/2] RUN make\n#1 0.1 cc x.c\n#1 ERROR: process did not complete successfully: exit code: 137\n"
    )
    assert "memory ran out" in found.message


def test_a_step_that_installs_nothing_is_not_blamed_on_the_index() -> None:
    found = error(
        "#1 [2/2] RUN curl http://x\n#1 0.1 curl: Connection refused\n#1 ERROR: did not complete: exit code: 7\n"
    )
    assert found.message == "A step of the dockerfile failed; nothing was changed.\ncurl: Connection refused"


def test_long_output_is_shortened() -> None:
    lines = "".join(f"#1 0.1 line {number}\n" for number in range(2000))
    found = error(f"#1 [2/2] RUN make\n{lines}#1 ERROR: did not complete successfully: exit code: 2\n")
    assert found.message.splitlines()[1:] == [f"line {number}" for number in range(1988, 2000)]


def test_long_explanation_is_shortened() -> None:
    lines = "".join(f"#1 0.1     a=={number} depends on b\n" for number in range(100))
    found = error(
        f"#1 [2/2] RUN pip install\n#1 0.1 error: No solution found\n{lines}#1 ERROR: exit code: 1\n"
    )
    assert len(found.message.splitlines()) <= 18
    assert "more lines)" in found.message
    assert "a==99 depends on b" in found.message


def test_causes_of_a_conflict_may_come_before_the_error() -> None:
    causes = "The conflict is caused by:\n    The user requested six<1\n    other 2.0 depends on six>=1\n"
    line = "ERROR: Cannot install -r wanted.txt (line 2) because these package versions have conflicting dependencies.\n"
    help_line = "ERROR: ResolutionImpossible: for help visit https://pip.example\n"
    for text in (
        f"{causes}\n{line}{help_line}",
        f"{line}\n{causes}\n{help_line}",
        f"{line}{help_line}{causes}",
    ):
        assert error(as_step(text)).message.splitlines()[1:] == [
            "  The user requested six<1",
            "  other 2.0 depends on six>=1",
        ]


def test_index_that_asks_for_a_password_is_named() -> None:
    trace = 'ERROR: Exception:\nTraceback (most recent call last):\n  File "a.py", line 1, in b\n    c()\n'
    message = error(
        as_step(f"{trace}EOFError: EOF when reading a line\nUser for index.example:8080: \n")
    ).message
    assert message.startswith(
        "The package index at index.example:8080 asks for a user name and a password; nothing was changed."
    )
    assert "Traceback" not in message
