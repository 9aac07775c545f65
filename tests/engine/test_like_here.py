"""What a program finds inside is what it would find here: names, home, umask, groups, time zone, certificates."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from .tools import TIMEOUT, Project, Result, docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAYS = pytest.mark.parametrize("way", [[], ["--echo"]], ids=["fast", "task"])
NETWORK = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "http_proxy")
NO_NETWORK = dict.fromkeys(NETWORK, "")

# No process can be started with such arguments, so pydock is given them when it runs.
LONG = """
import sys, runpy
sys.argv = ["pydock", "run", sys.argv[1], "true", *["x" * int(sys.argv[2])] * int(sys.argv[3])]
runpy.run_module("pydock", run_name="__main__")
"""


@pytest.fixture(scope="module")
def odd_base(python_image: str) -> Iterator[str]:
    """Return an image with an entry point and a home of its own."""
    tag = "pydock-test-odd-base:1"
    text = f'FROM {python_image}\nENV HOME=/home/jovyan\nENTRYPOINT ["echo", "swallowed"]\nCMD ["nothing"]\n'
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, "-"], input=text.encode(), check=True)
    yield tag
    docker("rmi", tag, check=False)


def in_shell(project: Project, script: str, *words: str, **options: object) -> Result:
    """Run `pydock WORDS` after a line of shell."""
    result: Result = subprocess.run(
        ["sh", "-c", f'{script}; exec "$@"', "sh", *project.program, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        cwd=project.folder,
        **{"env": project.environ, **options},  # type: ignore[call-overload]
    )
    return result


@WAYS
def test_an_entry_point_and_a_home_of_the_base(project: Project, odd_base: str, way: list[str]) -> None:
    name = project.create("--base", odd_base, version="")
    assert project.pydock(*way, "run", name, "python", "-V").stdout.startswith("Python 3")
    assert project.pydock(*way, "run", name, "false", check=False).returncode == 1
    script = "touch ~/made && echo $HOME $USER $LOGNAME"
    words = project.pydock(*way, "run", name, "sh", "-c", script).stdout.split()
    user = project.pydock("run", name, "id", "-un").stdout.strip()
    assert words == [f"/home/{user}", user, user]


def test_what_the_user_sets_wins(runner: Project, ready: str) -> None:
    (runner.folder / "more.env").write_text("LOGNAME=me\n# no\nTZ=UTC\n")
    options = "--env HOME=/tmp -eUSER=you --env-file more.env --env SSL_CERT_FILE=/mine"
    script = "echo $HOME $USER $LOGNAME $TZ $SSL_CERT_FILE"
    variables = {"PYDOCK_RUN_OPTIONS": options, "TZ": "Europe/Berlin"}
    result = runner.pydock("run", ready, "sh", "-c", script, variables=variables)
    assert result.stdout == "/tmp you me UTC /mine\n"


def test_an_entry_point_of_the_users_own(runner: Project, ready: str) -> None:
    variables = {"PYDOCK_RUN_OPTIONS": "--entrypoint echo"}
    assert runner.pydock("run", ready, "python", "-V", variables=variables).stdout == "python -V\n"


def test_programs_that_pip_installs_for_the_user_are_found(runner: Project, ready: str) -> None:
    script = "mkdir -p ~/.local/bin; printf '#!/bin/sh\necho tool' > ~/.local/bin/tool; chmod +x ~/.local/bin/tool; tool"
    assert runner.pydock("run", ready, "sh", "-c", script).stdout == "tool\n"


@WAYS
@pytest.mark.parametrize(("umask", "mode"), [("077", 0o600), ("022", 0o644), ("002", 0o664), ("0", 0o666)])
def test_the_umask(runner: Project, ready: str, umask: str, mode: int, way: list[str]) -> None:
    result = in_shell(runner, f"umask {umask}", *way, "run", ready, "touch", "made")
    assert result.returncode == 0, result.stderr
    assert stat.S_IMODE((runner.folder / "made").stat().st_mode) == mode


@pytest.mark.parametrize("umask", ["022", "077"])
@pytest.mark.parametrize(("words", "code"), [(["exit 7"], 7), (["kill -KILL $$"], 137), (["exit 0"], 0)])
def test_exit_codes_are_the_programs(
    runner: Project, ready: str, umask: str, words: list[str], code: int
) -> None:
    assert in_shell(runner, f"umask {umask}", "run", ready, "sh", "-c", *words).returncode == code


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to have another user's groups")
@WAYS
def test_supplementary_groups(runner: Project, ready: str, tmp_path: Path, way: list[str]) -> None:
    process = subprocess.run(
        [*runner.program, *way, "run", ready, "id", "-G"],
        capture_output=True,
        text=True,
        check=False,
        extra_groups=[4711, 4712],
        cwd=runner.folder,
        env=runner.environ,
    )
    assert set(process.stdout.split()) >= {"4711", "4712"}, process.stderr


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Pacific/Marquesas", "UTC", "JST-9"])
def test_the_time_zone(runner: Project, ready: str, zone: str) -> None:
    expected = subprocess.run(
        ["date", "+%z"], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
    ).stdout
    assert runner.pydock("run", ready, "date", "+%z", variables={"TZ": zone}).stdout == expected


def test_the_time_zone_without_zone_files_in_the_image(runner: Project, ready: str) -> None:
    expected = subprocess.run(
        ["date", "+%z"], env={**os.environ, "TZ": "Europe/Berlin"}, capture_output=True, text=True, check=True
    ).stdout
    variables = {"TZ": "Europe/Berlin", "PYDOCK_RUN_OPTIONS": "--tmpfs /usr/share/zoneinfo"}
    assert runner.pydock("run", ready, "date", "+%z", variables=variables).stdout == expected


@WAYS
def test_the_ca_bundle(runner: Project, ready: str, tmp_path: Path, way: list[str]) -> None:
    bundle = tmp_path / "our ca, and more.pem"
    bundle.write_text("certificates\n")
    names = (
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "PIP_CERT",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO",
    )
    script = "".join(f'cat "${name}"; ' for name in names)
    variables = {**NO_NETWORK, "REQUESTS_CA_BUNDLE": str(bundle)}
    result = runner.pydock(*way, "run", ready, "sh", "-c", script, variables=variables)
    assert result.stdout == "certificates\n" * len(names)
    script = 'echo "(${SSL_CERT_FILE}${PIP_CERT})"; test ! -e /run/pydock'
    variables["PYDOCK_CA_BUNDLE"] = "none"
    assert runner.pydock(*way, "run", ready, "sh", "-c", script, variables=variables).stdout == "()\n"


def test_a_ca_bundle_that_is_missing(runner: Project, ready: str) -> None:
    result = runner.pydock("run", ready, "true", variables={"PYDOCK_CA_BUNDLE": "/nowhere"}, check=False)
    assert result.returncode == 2
    assert "Setting 'ca_bundle' is /nowhere" in result.stderr


@WAYS
def test_proxies_are_passed_by_name(runner: Project, ready: str, way: list[str]) -> None:
    variables = {"HTTP_PROXY": "http://me:secret@proxy:1", "no_proxy": "localhost"}
    result = runner.pydock(*way, "run", ready, "sh", "-c", "echo $HTTP_PROXY $no_proxy", variables=variables)
    assert result.stdout == "http://me:secret@proxy:1 localhost\n"
    assert "secret" not in result.stderr  # of --echo


@WAYS
def test_pips_configuration(runner: Project, ready: str, tmp_path: Path, way: list[str]) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates\n")
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nindex-url = https://me:secret@index.example/simple\ncert = {bundle}\nrequire-virtualenv = true\n"
    )
    variables = {**NO_NETWORK, "PIP_CONFIG_FILE": str(config), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    script = "pip config list | grep -o '[^:]*index-url=.*'; cat $SSL_CERT_FILE; pip list --format freeze | grep six"
    for _ in range(2):  # the second time from the cache
        result = runner.pydock(*way, "run", ready, "sh", "-c", script, variables=variables)
        lines = result.stdout.splitlines()
        assert lines[:2] == ["global.index-url='https://me:secret@index.example/simple'", "certificates"], (
            result
        )
        assert lines[2].startswith("six==")
        assert "secret" not in result.stderr
    [made] = (tmp_path / "cache" / "pydock").iterdir()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    config.write_text("[global]\nindex-url = https://other.example/simple\n")
    script = "pip config list | grep -o 'global.index-url=.*'"
    result = runner.pydock(*way, "run", ready, "sh", "-c", script, variables=variables)
    assert result.stdout == "global.index-url='https://other.example/simple'\n"
    variables["PYDOCK_PIP_CONFIG"] = "none"
    result = runner.pydock(*way, "run", ready, "sh", "-c", script, variables=variables, check=False)
    assert result.stdout == ""


def test_a_variable_of_pip(runner: Project, ready: str) -> None:
    variables = {"PIP_INDEX_URL": "https://me:secret@index.example/simple"}
    script = "echo $PIP_INDEX_URL"
    result = runner.pydock("--echo", "run", ready, "sh", "-c", script, variables=variables)
    assert result.stdout == "https://me:secret@index.example/simple\n"
    assert "secret" not in result.stderr


def test_another_default_platform(runner: Project, ready: str) -> None:
    variables = {"DOCKER_DEFAULT_PLATFORM": "linux/arm64"}
    assert runner.pydock("run", ready, "echo", "ran", variables=variables).stdout == "ran\n"


def test_arguments_near_the_limit_and_beyond(runner: Project, ready: str) -> None:
    length = 128 * 1024 - 1
    code = "import sys; print(len(sys.argv[1]))"
    result = runner.pydock("run", ready, "python", "-c", code, "x" * length)
    assert result.stdout == f"{length}\n"
    for words in (["x" * (length + 1)], ["x" * 100_000] * 40):
        result = subprocess.run(
            [
                runner.program[0],
                "-c",
                LONG,
                ready,
                str(len(words[0])),
                str(len(words)),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=runner.folder,
            env=runner.environ,
        )
        assert (result.returncode, result.stdout) == (2, ""), result.stderr[-500:]
        assert "too long" in result.stderr
        assert "Traceback" not in result.stderr
