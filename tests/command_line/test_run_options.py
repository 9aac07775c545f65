"""`pydock run -p 8888:8888 -e NAME=value … NAME COMMAND`: Docker's own options, in Docker's words."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

# Without options of pydock, cli/fast_run.py runs docker; with --echo, the task does.
both_ways = pytest.mark.parametrize("flags", [[], ["--echo"]], ids=["fast", "task"])
TASKS = """from invoke import Collection
import pydock
namespace = Collection()
namespace.add_collection(Collection.from_module(pydock, name="env"))
"""


@both_ways
@pytest.mark.parametrize("command", ["run", "shell"])
def test_options_reach_docker(ds: Machine, flags: list[str], command: str) -> None:
    (ds.project / "x.env").write_text("A=1\n")
    words = ["--gpus", "all", "-e", "PASSED_X=1", "--env-file=x.env", "-v", "./:/data:ro", "-w", "/data"]
    ended = ds.ok(*flags, command, *words, "ds", *(["true"] if command == "run" else []))
    [argv] = ds.argvs("run")
    image = argv.index(next(tag for tag in ds.tags() if tag in argv))
    assert argv[image - 10 : image] == [
        *("--env", "PASSED_X", "--env-file", "x.env", "--volume", f"{ds.project}:/data:ro"),
        *("--gpus", "all", "--workdir", "/data"),
    ]
    assert ended.out == ""


@both_ways
def test_value_of_a_variable_is_not_on_a_command_line(ds: Machine, flags: list[str]) -> None:
    """Everybody can read the command lines of all processes."""
    ended = ds.ok(*flags, "run", "-e", "PASSED_TOKEN=s3cret value", "ds", "true")
    [call] = ds.calls("run")
    assert "s3cret value" in call["variables"].values()
    assert not any("s3cret" in word for word in call["argv"])
    assert "s3cret" not in ended.err, "a token is not printed either"


def test_dry_run_can_be_pasted(ds: Machine) -> None:
    printed = ds.ok("--dry", "run", "-e", "PASSED_X=a  b'", "-p", "0:80", "ds", "true").out
    assert ds.argvs("run") == []
    ds.shell(printed)
    [call] = ds.calls("run")
    assert call["variables"]["PASSED_X"] == "a  b'"


@both_ways
def test_address_of_a_published_port_is_printed(ds: Machine, flags: list[str]) -> None:
    ended = ds.ok(*flags, "run", "-p", "0:8888", "ds", "true")
    [argv] = ds.argvs("run")
    found = re.fullmatch(r"127\.0\.0\.1:(\d+):8888", argv[argv.index("--publish") + 1])
    assert found
    assert f"http://127.0.0.1:{found[1]} is port 8888 of the container" in ended.err
    assert ended.out == ""


@both_ways
def test_port_in_use(ds: Machine, flags: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = ds.pydock(*flags, "run", "-p", f"{port}:80", "ds", "true")
        assert refused.code == 125
        assert refused.err.splitlines()[-1].startswith(f"Port {port} of 127.0.0.1 is in use")
        assert ds.argvs("run") == []
        ended = ds.ok(*flags, "run", "ds", "true", PYDOCK_RUN_OPTIONS=f"-p {port}:80")
        assert f"Port {port} is in use, so this run has another one. http://127.0.0.1:" in ended.err


@both_ways
def test_named_container(ds: Machine, flags: list[str]) -> None:
    ds.ok(*flags, "run", "--name", "web", "ds", "true")
    [argv] = ds.argvs("run")
    assert argv[argv.index("--name") + 1] == "web"
    assert argv.count("--name") == 1
    assert re.fullmatch(r"pydock\.run=[0-9a-f]{16}", argv[argv.index("--label") + 1])
    ds.change_state(lambda state: state["containers"].update(web=["sha256:x", "other:1"]))
    refused = ds.pydock(*flags, "run", "--name", "web", "ds", "true")
    assert refused.code == 125
    assert refused.err.splitlines()[-1] == (
        "There is a container 'web' already. `docker rm --force web` removes it; or choose another name."
    )
    assert "web" in ds.state()["containers"], "it is somebody else's"
    assert ds.argvs("rm") == []
    assert ds.pydock(*flags, "run", "--name", "a b", "ds", "true").code == 2


@both_ways
def test_killed_run_removes_its_named_container_only(ds: Machine, flags: list[str]) -> None:
    process = ds.start(*flags, "run", "--name", "web", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run:started")
    ds.wait_for_pause()
    ds.kill_at_pause(process)
    ds.wait_until(lambda: ds.state()["containers"] == {})
    ds.forget_calls()

    def replace(state: dict[str, dict[str, list[str]]]) -> None:
        """Another container takes the name while ours starts."""
        state["containers"] = {"web": ["sha256:x", "other:1", "1", "pydock.run=another"]}

    (ds.engine / "pause.done").unlink()
    process = ds.start(*flags, "run", "--name", "web", "ds", "sleep", "99", FAKE_DOCKER_PAUSE="run:started")
    ds.wait_for_pause()
    ds.change_state(replace)
    ds.kill_at_pause(process)
    ds.wait_until(lambda: bool(ds.argvs("ps")))
    assert ds.argvs("rm") == []


@both_ways
def test_detached_container_stays(ds: Machine, flags: list[str]) -> None:
    ended = ds.ok(*flags, "run", "-d", "--name", "web", "ds", "sleep", "99")
    assert "`docker logs web` shows its output, `docker stop web` ends it." in ended.err
    [argv] = ds.argvs("run")
    assert {"--detach"} <= set(argv)
    assert not {"--interactive", "--tty", "--log-driver"} & set(argv)
    assert ds.argvs("rm") == []


def test_options_of_shell_may_follow_the_name(ds: Machine) -> None:
    for words in (["-e", "A", "--help"], ["--help"], ["ds", "-h"]):
        assert ds.ok("shell", *words).out.startswith("usage: pydock shell ")
    ds.ok("shell", "-e", "A", "ds", "--gpus", "all", "-e", "B")
    [argv] = ds.argvs("run")
    assert argv[argv.index("A") - 1 :][:6] == ["--env", "A", "--env", "B", "--gpus", "all"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--device", "/dev/x", "ds", "true"], "PYDOCK_RUN_OPTIONS='--device'"),
        (["run", "-e"], "Option -e needs a value."),
        (["shell", "-p"], "Option -p needs a value."),
        (["shell", "--device", "ds"], "nrecognized argument"),
        (["shell", "--version", "ds"], "nrecognized argument"),
        (["shell", "ds", "extra"], "nrecognized argument"),
        (["shell", "-e", "A"], "The environment's name is missing"),
        (["run", "-v", "./nowhere:/x", "ds", "true"], "mkdir -p"),
        (["run", "--env-file", "nowhere", "ds", "true"], "The file nowhere of --env-file was not found."),
    ],
)
def test_wrong_options(ds: Machine, words: list[str], message: str) -> None:
    ended = ds.pydock(*words)
    assert ended.code == 2
    assert message in ended.err
    assert ds.argvs("run") == []


def test_options_with_inv(ds: Machine) -> None:
    (ds.project / "tasks.py").write_text(TASKS)
    words = ["-e", "A=1", "-e", "B=2", "-p", "0:80", "--gpus", "all", "-d", "--container-name", "web"]
    ended = ds.inv("env.run", *words, "ds", "true")
    assert ended.code == 0, ended.err
    [argv] = ds.argvs("run")
    assert argv[argv.index("A") - 1 :][:4] == ["--env", "A", "--env", "B"]
    assert {"--detach", "--gpus", "web"} <= set(argv)
    assert "http://127.0.0.1:" in ended.err
    ended = ds.inv("env.shell", "ds", "--env", "C=3")
    assert ended.code == 0, ended.err
    assert "C" in ds.argvs("run")[-1]


def test_variables_of_the_caller(ds: Machine) -> None:
    (ds.home / ".pydock.yaml").write_text("pass_env: [PASSED_*, AWS_PROFILE]\n")
    ds.ok(
        "run", "-e", "PASSED_C=own", "ds", "true", PASSED_A="1", PASSED_C="2", AWS_PROFILE="x", COLORTERM="y"
    )
    [call] = ds.calls("run")
    names = [call["argv"][index + 1] for index, word in enumerate(call["argv"]) if word == "--env"]
    assert {"PASSED_A", "AWS_PROFILE", "COLORTERM"} <= set(names)
    assert names.count("PASSED_C") == 1
    assert call["variables"]["PASSED_C"] == "own"


def test_help_says_what_a_bare_option_does(ds: Machine) -> None:
    shown = ds.ok("run", "--help").out
    for words in ("-p [PORT:]PORT, --publish", "options of `docker run` (before NAME):", "--name CONTAINER"):
        assert words in shown
    assert max(map(len, shown.splitlines())) < 80


@both_ways
def test_data_and_home_of_the_settings(ds: Machine, flags: list[str]) -> None:
    (ds.home / "data").mkdir()
    (ds.home / ".pydock.yaml").write_text("mounts: ['~/data:ro']\nhome_volume: true\n")
    ds.ok(*flags, "run", "ds", "true")
    [argv] = ds.argvs("run")
    assert f"type=bind,source={ds.home}/data,target={ds.home}/data,readonly" in argv
    [volume] = [word for word in argv if word.startswith("type=volume")]
    assert re.fullmatch(
        r"type=volume,source=pydock-ds-\w{8}-home,target=/home/me,volume-label=pydock.home", volume
    )
    (ds.home / "data").rmdir()
    ended = ds.pydock(*flags, "run", "ds", "true")
    assert ended.code == 2
    assert "does not exist" in ended.err


@both_ways
def test_link_that_leads_out_is_named_after_a_failure(ds: Machine, flags: list[str]) -> None:
    (ds.project / "data").symlink_to(ds.home)
    (ds.project / "sets").symlink_to(ds.bin)
    ended = ds.pydock(*flags, "run", "ds", "python", "x.py", FAKE_DOCKER_EXIT="1")
    assert ended.code == 1
    assert ended.err.count("is not in the container") == 1, "the home folder is not proposed"
    assert f"'sets' is a link to {ds.bin}" in ended.err
    assert "is a link" not in ds.ok(*flags, "run", "ds", "python", "x.py").err
