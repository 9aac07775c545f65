"""What a run gets of this machine, as options of `docker run` and shell commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from pydock import messages
from pydock.cli import fast_run
from pydock.cli.call import read_call
from pydock.engine import argv as docker
from pydock.engine import client, surroundings
from pydock.engine.surroundings import describe_surroundings, local_zone, names_set

if TYPE_CHECKING:
    from ..conftest import MakeEnvironment, MakeSettings


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], set()),
        (["--env", "A=b", "--env=B=c", "-e", "C", "-eD=e", "-e=E=f"], {"A", "B", "C", "D", "E"}),
        (["--entrypoint", "x", "--env-file", "/nowhere"], set()),
        (["--env"], {""}),
    ],
)
def test_names_that_the_users_options_set(options: list[str], names: set[str]) -> None:
    assert names_set(options) == names


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3")),
        (":Asia/Tokyo", ("Asia/Tokyo", "JST-9")),
        ("JST-9", ("JST-9", "")),
        ("UTC", ("", "")),
        ("../../etc/passwd", ("../../etc/passwd", "")),
        ("$(reboot)", ("", "")),
        ("a'b", ("", "")),
    ],
)
def test_the_time_zone(zone: str, expected: tuple[str, str]) -> None:
    assert local_zone({"TZ": zone}) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["bash"], True),
        (["/bin/zsh", "-l"], True),
        (["bash", "--norc", "-i"], True),
        (["bash", "-c", "sleep 9"], False),
        (["bash", "-lc", "sleep 9"], False),
        (["bash", "script.sh"], False),
        (["python"], False),
        (list(docker.DEFAULT_SHELL), True),
    ],
)
def test_interactive_shells_control_their_jobs(command: list[str], expected: bool) -> None:
    assert docker.controls_jobs(command) is expected


@pytest.mark.parametrize("engine", ["docker", "sudo docker"])
@pytest.mark.parametrize("credentials", [True, False])
def test_passwords_are_never_on_the_command_line(
    make_settings: MakeSettings, make_environment: MakeEnvironment, engine: str, credentials: bool
) -> None:
    environ = {
        "HTTP_PROXY": "http://me:secret@proxy:1",
        "https_proxy": "http://proxy:2",
        "PIP_INDEX_URL": "https://me:secret@index/simple",
        "PIP_CONFIG_FILE": os.devnull,
    }
    found = describe_surroundings(
        make_settings(engine=engine), make_environment(), environ, credentials=credentials
    )
    assert not any("secret" in option for option in found.options)
    expected = {"https_proxy"} if engine == "docker" else {"https_proxy=http://proxy:2"}
    if engine == "docker" and credentials:
        expected |= {"HTTP_PROXY", "PIP_INDEX_URL"}
    names = [option for option in found.options if option.startswith(("http", "HTTP", "PIP_INDEX"))]
    assert set(names) == expected


@pytest.mark.parametrize("options", ["", "--ipc=host", "--ipc host", "--shm-size 1g"])
def test_shared_memory_is_half_of_the_memory(
    make_settings: MakeSettings, make_environment: MakeEnvironment, options: str
) -> None:
    kilobytes = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    found = describe_surroundings(
        make_settings(run_options=options), make_environment(), {"PIP_CONFIG_FILE": os.devnull}
    ).options
    sizes = [int(option[11:-1]) for option in found if option.startswith("--shm-size=")]
    assert sizes == ([] if options else [pytest.approx(kilobytes / 2048, abs=1)])


@pytest.mark.parametrize(("host", "groups"), [("", [7, 8]), ("unix:///run/user/1000/docker.sock", [])])
def test_groups_but_not_on_a_rootless_engine(
    monkeypatch: pytest.MonkeyPatch, host: str, groups: list[int]
) -> None:
    monkeypatch.setattr(os, "getgroups", lambda: [8, os.getgid(), 7, 7])
    assert surroundings._groups(("docker",), {"DOCKER_HOST": host}) == groups


def test_pips_configuration_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("no section\n")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(file)}
    assert surroundings.pip_file_for_runs("", environ) == ("", "")
    file.write_text("[global]\nindex-url = https://index.example/simple\n")
    made, _ = surroundings.pip_file_for_runs("", environ)
    assert "index.example" in Path(made).read_text()
    (tmp_path / "locked").write_text("")
    environ["XDG_CACHE_HOME"] = str(tmp_path / "locked")  # not a folder
    assert surroundings.pip_file_for_runs("", environ) == ("", "")


def test_an_unused_configuration_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(file)}
    file.write_text("[global]\nindex-url = https://one.example/simple\n")
    first, _ = surroundings.pip_file_for_runs("", environ)
    os.utime(first, (0, 0))
    file.write_text("[global]\nindex-url = https://second.example/simple\n")
    second, _ = surroundings.pip_file_for_runs("", environ)
    assert os.listdir(os.path.dirname(second)) == [os.path.basename(second)]


class Reached(Exception):
    """The client would be started now."""


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ["run", "ds", "python", "-c", "a  b\n$HOME'"],
        ["run", "ds", "bash"],
        ["shell", "ds"],
        ["run", "ds", "\udcff"],
    ],
)
def test_the_fast_way_and_the_task_start_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], terminal: bool
) -> None:
    folder = tmp_path / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:1")
    seen: list[Any] = []

    def started(argv: list[str], settings: object, container: str, environ: dict[str, str]) -> int:
        seen.append((list(argv), container, environ["DOCKER_CLI_HINTS"]))
        raise Reached

    monkeypatch.setattr(fast_run, "run_watched", started)
    monkeypatch.setattr(client, "run_watched", started)
    monkeypatch.setattr(fast_run, "ask_for_image", lambda *_: lambda: "")
    monkeypatch.setattr("pydock.engine.run_request.container_name", lambda _: "ds-1")
    monkeypatch.setattr("pydock.engine.containers.this_terminal", lambda: docker.Terminal(True, terminal))
    monkeypatch.setattr("pydock.engine.images.Images.current", lambda *_: SimpleNamespace())
    from pydock.cli import program

    call = read_call(words)
    with pytest.raises(Reached):
        fast_run.run_container_if_possible(call)
    with mock.patch("signal.signal"), pytest.raises(Reached):
        program._run(call)
    assert seen[0] == seen[1]
    assert words[2:] == [] or seen[0][0][-len(words) + 2 :] == words[2:]


@pytest.mark.parametrize("sign", [*map(chr, range(32)), *map(chr, range(127, 160))])
def test_no_control_character_is_printed(sign: str) -> None:
    assert messages.printable(f"a{sign}b") == (f"a{sign}b" if sign in "\n\t" else f"a\\x{ord(sign):02x}b")
    line = messages.shell_words([f"it's{sign}\\n"])
    assert sign in "\n\t" or sign not in line
    if sign != "\0":
        script = f"printf %s {line}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C"})
        assert done.stdout == f"it's{sign}\\n".encode()


def test_text_stays_text() -> None:
    for text in ("", "é☃", "a\u200bb", "\udcff"):
        assert messages.printable(text) == text


def test_messages_name_the_commands_that_the_user_has(capsys: pytest.CaptureFixture[str]) -> None:
    messages.name_commands_as("inv env.")
    try:
        messages.say("`pydock build ds` builds it; `pydock --help` helps.")
    finally:
        messages.name_commands_as("")
    assert capsys.readouterr().err == "`inv env.build ds` builds it; `pydock --help` helps.\n"
