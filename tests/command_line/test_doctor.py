"""`pydock doctor`: what it finds on machines where something is wrong."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PYDOCK

if TYPE_CHECKING:
    from .conftest import Machine

NAMES = [
    "settings",
    "home",
    "client",
    "engine",
    "permission",
    "buildx",
    "compose",
    "location",
    "files",
    "selinux",
    "network",
    "index",
    "disk",
    "leftovers",
]


def examine(machine: Machine, *flags: str, **variables: str) -> dict[str, dict[str, Any]]:
    """Return the checks by name; the exit code fits them, and each failed one has a command to type."""
    ended = machine.pydock(*flags, "doctor", "--json", **variables)
    found = json.loads(ended.out)
    assert list(found) == ["ok", "checks"]
    assert [list(check) for check in found["checks"]] == [["name", "ok", "detail", "hint"]] * len(NAMES)
    assert [check["name"] for check in found["checks"]] == NAMES
    failed = [check for check in found["checks"] if check["ok"] is False]
    assert found["ok"] == (not failed)
    assert ended.code == (1 if failed else 0), ended
    for check in failed:
        assert check["detail"]
        assert check["hint"]
    return {check["name"]: check for check in found["checks"]}


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, check in found.items() if check["ok"] is False]


def skipped(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, check in found.items() if check["ok"] is None]


def test_nothing_is_wrong(ds: Machine) -> None:
    before = sorted(ds.project.rglob("*"))
    found = examine(ds)
    assert (failed(found), skipped(found)) == ([], [])
    assert found["client"]["detail"] == "docker 27.0.0"
    assert found["engine"]["detail"] == "Docker Engine 27.0.1, overlay2"
    assert str(ds.project) in found["files"]["detail"]
    assert found["index"]["detail"] == "https://index.example answered"
    assert found["disk"]["detail"] == "50GB free where the engine keeps images; one image of pydock, 123MB"
    assert sorted(ds.project.rglob("*")) == before
    assert list(ds.temporary.iterdir()) == []
    ended = ds.ok("doctor")
    assert ended.err == "No problem found.\n"
    assert [line.split()[:2] for line in ended.out.splitlines()] == [["ok", name] for name in NAMES]


def test_each_failed_line_ends_with_the_command_to_type(ds: Machine) -> None:
    ended = ds.pydock("doctor", FAKE_DOCKER_FAIL="*:daemon-down", DOCKER_HOST="")
    assert ended.code == 1
    assert ended.err == "1 of 14 checks failed.\n"
    [line] = [line for line in ended.out.splitlines() if line.startswith("FAILED")]
    assert line == "FAILED  engine     The Docker engine is not running. -> sudo systemctl start docker"
    assert len(ended.out.splitlines()) == len(NAMES)


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"}])
def test_symbols_or_words(ds: Machine, variables: dict[str, str]) -> None:
    ds.environ.pop("NO_COLOR", None)
    ds.environ.update(variables)
    ds.environ.setdefault("PYTHONIOENCODING", "utf-8")
    code, shown = ds.in_terminal(b"", "doctor")
    assert code == 0
    assert ("\x1b[32m✓\x1b[0m client     docker 27.0.0" in shown) == (not variables)
    assert ("ok      client     docker 27.0.0" in shown) == bool(variables)


@pytest.mark.parametrize(
    ("variables", "name", "detail", "hint"),
    [
        (
            {"FAKE_DOCKER_FAIL": "*:daemon-down", "DOCKER_HOST": ""},
            "engine",
            "is not running",
            "systemctl start",
        ),
        (
            {"FAKE_DOCKER_FAIL": "*:daemon-down", "DOCKER_HOST": "tcp://127.0.0.1:1"},
            "engine",
            "at tcp://127.0.0.1:1",
            "unset DOCKER_HOST",
        ),
        ({"FAKE_DOCKER_FAIL": "*:permission-denied"}, "permission", "No permission", "usermod"),
        ({"PYDOCK_ENGINE": "nonsense"}, "client", "'nonsense' not found on PATH", "pydock config"),
        ({"PYDOCK_ENGINE": "podman"}, "client", "Podman is not supported", "pydock config"),
        ({"PYDOCK_ENGINE": "/"}, "client", "Cannot start /", "pydock config"),
        ({"PYDOCK_ENGINE": "''"}, "client", "", "pydock config"),
        ({"FAKE_DOCKER_FAIL": "images:image-not-found"}, "engine", "`docker images", "docker version"),
    ],
)
def test_engine_that_cannot_be_used(
    ds: Machine, variables: dict[str, str], name: str, detail: str, hint: str
) -> None:
    found = examine(ds, **variables)
    assert failed(found) == [name]
    assert detail in found[name]["detail"]
    assert hint in found[name]["hint"]
    assert {"files", "index", "disk", "leftovers"} <= set(skipped(found))


@pytest.mark.parametrize(
    ("info", "name", "detail", "hint"),
    [
        ({"ServerVersion": "20.10.24"}, "engine", "20.10.24 is too old", "docker version"),
        ({"ServerVersion": ""}, "engine", "does not tell its version", "docker version"),
        ({"ClientInfo": {"Plugins": None}}, "buildx", "was not found", "docker-buildx"),
        (
            {"ClientInfo": {"Plugins": [{"Name": "buildx", "Err": "exec format error"}]}},
            "buildx",
            "was not found",
            "docker-buildx",
        ),
    ],
)
def test_engine_that_lacks_something(
    ds: Machine, info: dict[str, Any], name: str, detail: str, hint: str
) -> None:
    found = examine(ds, FAKE_DOCKER_INFO=json.dumps(info))
    assert failed(found) == [name]
    assert detail in found[name]["detail"]
    assert hint in found[name]["hint"]


def test_address_that_is_wrong(ds: Machine) -> None:
    text = ds.client.read_text()
    says = "echo 'unable to resolve docker endpoint: context \"nope\": not found' >&2; exit 1"
    ds.client.write_text(text.replace("export", f"{says}; export", 1))
    found = examine(ds)
    assert failed(found) == ["engine"]
    assert 'context "nope"' in found["engine"]["detail"]
    assert "docker context use default" in found["engine"]["hint"]


def test_compose_is_only_noted(ds: Machine) -> None:
    info = {"ClientInfo": {"Plugins": [{"Name": "buildx", "Version": "v0.14.0"}]}}
    found = examine(ds, FAKE_DOCKER_INFO=json.dumps(info))
    assert (failed(found), skipped(found)) == ([], ["compose"])
    assert "only environments with a docker-compose.yml need it" in found["compose"]["detail"]


@pytest.mark.parametrize(
    ("info", "variables", "detail"),
    [
        ({}, {}, "On this machine"),
        ({"SecurityOptions": ["name=rootless"]}, {}, "rootless"),
        ({"OperatingSystem": "Docker Desktop"}, {}, "virtual machine of this computer (Docker Desktop)"),
        ({}, {"DOCKER_HOST": "unix:///home/me/.colima/docker.sock"}, "virtual machine"),
    ],
)
def test_where_the_engine_is(
    ds: Machine, info: dict[str, Any], variables: dict[str, str], detail: str
) -> None:
    found = examine(ds, FAKE_DOCKER_INFO=json.dumps(info), **variables)
    assert found["location"]["ok"] is True
    assert detail in found["location"]["detail"]


def test_engine_on_another_machine(ds: Machine) -> None:
    found = examine(ds, DOCKER_HOST="ssh://me:canary@other.example")
    assert failed(found) == ["location"]
    assert "ssh://other.example" in found["location"]["detail"]
    assert "docker context use default" in found["location"]["hint"]
    assert found["files"]["detail"] == "Needs an engine on this machine."
    assert found["index"]["ok"] is True
    [run] = ds.argvs("run")
    assert "--mount" not in run


@pytest.mark.parametrize(
    ("probe", "detail"),
    [
        ({"unwritten": "Permission denied"}, "A container cannot write in"),
        ({"uid": "nobody"}, "has none"),
        ({"indexes": [{}]}, "has none"),
        ({"free": 1000}, ""),
    ],
)
def test_what_the_container_answers(ds: Machine, probe: dict[str, Any], detail: str) -> None:
    found = examine(ds, FAKE_DOCKER_PROBE=json.dumps(probe))
    assert detail in found["files"]["detail"]
    assert found["disk"]["ok"] is (False if "free" in probe else True if "unwritten" in probe else None)
    if "free" in probe:
        assert found["disk"]["detail"].startswith("Only 1.0kB free")
        assert found["disk"]["hint"] == "pydock clean"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
def test_file_of_another_user(ds: Machine) -> None:
    text = ds.client.read_text()
    chown = f"{sys.executable} -c 'import glob, os; [os.chown(p, 4321, 4321) for p in glob.glob(\".pydock-doctor-*/*\")]'"
    ds.client.write_text(
        text.replace("exec ", "", 1) + f"\ncode=$?; case $1 in run) {chown};; esac; exit $code\n"
    )
    found = examine(ds)
    assert failed(found) == ["files"]
    assert "belongs to user 4321 and not to 0" in found["files"]["detail"]


def test_folder_that_the_engine_does_not_share(ds: Machine) -> None:
    text = ds.client.read_text()
    remove = "rm -f .pydock-doctor-*/written"
    ds.client.write_text(
        text.replace("exec ", "", 1) + f"\ncode=$?; case $1 in run) {remove};; esac; exit $code\n"
    )
    found = examine(ds)
    assert failed(found) == ["files"]
    assert "does not appear here" in found["files"]["detail"]


@pytest.mark.parametrize(
    ("says", "detail", "hint"),
    [
        ("401", "refuses the user or the password", "pydock config"),
        ("503", "status 503", "pydock config"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED]", "cannot be reached", "PYDOCK_CA_BUNDLE"),
        ("Tunnel connection failed: 407 Proxy Authentication Required", "407", "env | grep -i _proxy"),
        ("Name or service not known", "Name or service not known", "HTTPS_PROXY"),
    ],
)
def test_index_that_does_not_answer(ds: Machine, says: str, detail: str, hint: str) -> None:
    found = examine(ds, FAKE_DOCKER_INDEX=says)
    assert failed(found) == ["index"]
    assert detail in found["index"]["detail"]
    assert hint in found["index"]["hint"]


def test_index_behind_a_proxy(ds: Machine) -> None:
    found = examine(ds, FAKE_DOCKER_INDEX="timed out", HTTPS_PROXY="http://proxy.example:3128")
    assert found["index"]["hint"] == "env | grep -i _proxy"


@pytest.mark.parametrize("says", ["200", "302", "404", "405"])
def test_index_that_answers(ds: Machine, says: str) -> None:
    assert examine(ds, FAKE_DOCKER_INDEX=says)["index"]["ok"] is True


def test_credentials_reach_the_container_on_stdin_only(ds: Machine) -> None:
    config, netrc = ds.project / "pip.conf", ds.project / "netrc"
    config.write_text("[global]\nindex-url = https://me:canary-1@index.example/simple\n")
    netrc.write_text("machine index.example login me password canary-2\n")
    variables = {"PYDOCK_PIP_CONFIG": str(config), "PYDOCK_NETRC": str(netrc)}
    proxy = {"HTTPS_PROXY": "http://me:canary-3@proxy.example:3128"}
    for flags in ((), ("--echo",)):
        ended = ds.pydock(*flags, "doctor", **variables, **proxy)
        assert ended.code == 0, ended
        assert "canary" not in ended.out + ended.err
    request = json.loads((ds.engine / "probe.json").read_text())
    assert "canary-1" in request["pip_conf"]
    assert "canary-2" in request["netrc"]
    assert "canary" not in json.dumps(ds.argvs())
    run = ds.argvs("run")[-1]
    assert run[run.index("HTTPS_PROXY") - 1] == "--env"
    assert ds.calls("run")[-1]["variables"]["HTTPS_PROXY"].startswith("http://me:canary-3@")


def test_environment_from_elsewhere_gets_no_credentials(machine: Machine) -> None:
    machine.add_environment("ds")
    (machine.folder("ds") / "dockerfile").write_text("FROM python:3.12\nRUN true\n")
    config = machine.project / "pip.conf"
    config.write_text("[global]\nindex-url = https://me:canary@index.example/simple\n")
    state = machine.home / ".local" / "state" / "pydock"
    identity = machine.tags()[0].partition(":")[2].partition("-")[0]
    (state / "environments").mkdir(parents=True, exist_ok=True)
    (state / "environments" / identity).write_text(str(machine.folder("ds")))
    found = examine(machine, PYDOCK_PIP_CONFIG=str(config))
    assert failed(found) == []
    assert "without your credentials" in found["index"]["detail"]
    request = json.loads((machine.engine / "probe.json").read_text())
    assert "index.example" in request["pip_conf"]
    assert "canary" not in json.dumps(request)


def test_image_of_another_user_is_not_run(machine: Machine) -> None:
    machine.add_environment("ds")
    (machine.folder("ds") / "dockerfile").write_text("FROM python:3.12\nRUN true\n")
    found = examine(machine)
    assert skipped(found) == ["files", "index", "disk"]
    assert "Needs an image with Python, and there is none here." in found["files"]["detail"]
    assert machine.argvs("run") == []


def test_no_image(machine: Machine) -> None:
    found = examine(machine)
    assert failed(found) == []
    assert skipped(found) == ["files", "index", "disk"]
    assert "`pydock create NAME VERSION` makes one" in found["files"]["detail"]
    assert "no images of pydock" in found["disk"]["detail"]


@pytest.mark.parametrize(
    ("message", "name", "detail", "hint"),
    [
        ("disk-full", "disk", "No space left", "pydock clean"),
        ("container-name-in-use", "files", "No container can be started", "docker run --rm"),
    ],
)
def test_container_that_cannot_be_started(
    ds: Machine, message: str, name: str, detail: str, hint: str
) -> None:
    found = examine(ds, FAKE_DOCKER_FAIL=f"run:{message}")
    assert failed(found) == [name]
    assert detail in found[name]["detail"]
    assert hint in found[name]["hint"]
    assert found["index"]["ok"] is None


def test_image_without_python(ds: Machine) -> None:
    found = examine(ds, FAKE_DOCKER_EXIT="127")
    assert failed(found) == []
    assert "Needs an image with Python 3.6 or newer" in found["files"]["detail"]


def test_proxy_on_localhost(ds: Machine) -> None:
    proxy = {"HTTPS_PROXY": "http://me:canary@localhost:3128"}
    found = examine(ds, **proxy)
    assert failed(found) == ["network"]
    assert "--network host" in found["network"]["hint"]
    assert "canary" not in json.dumps(found)
    assert failed(examine(ds, **proxy, PYDOCK_BUILD_OPTIONS="--network host")) == []
    run = ds.argvs("run")[-1]
    assert run[run.index("--network") + 1] == "host"


def test_configuration_of_pip_that_cannot_be_read(ds: Machine) -> None:
    found = examine(ds, PYDOCK_PIP_CONFIG="/nowhere/pip.conf")
    assert failed(found) == ["network"]
    assert found["network"]["hint"] == "pydock config"
    assert {"files", "index"} <= set(skipped(found))


def test_missing_ca_bundle(ds: Machine) -> None:
    for variable in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        ds.environ.pop(variable, None)
    found = examine(ds, SSL_CERT_FILE="/nowhere/ca.pem")
    assert failed(found) == ["network"]
    assert found["network"]["hint"] == "unset SSL_CERT_FILE"


def test_settings_that_are_not_trusted(ds: Machine) -> None:
    folder = ds.project / ".pydock"
    folder.mkdir()
    (folder / "pydock.yaml").write_text("run_options: [--privileged]\nengine: evil\n")
    found = examine(ds)
    assert failed(found) == ["settings"]
    assert found["settings"]["hint"] == "pydock trust"
    assert found["client"]["detail"] == "docker 27.0.0"


def test_settings_that_are_invalid(ds: Machine) -> None:
    found = examine(ds, PYDOCK_KEEP="nonsense")
    assert failed(found) == ["settings"]
    assert len(skipped(found)) == len(NAMES) - 1
    assert ds.calls() == []


def test_working_directory_that_was_deleted(ds: Machine) -> None:
    gone = ds.project / "gone"
    gone.mkdir()
    script = 'cd gone; rmdir "$PWD"; exec "$@"'
    ended = ds.run(["bash", "-c", script, "bash", *PYDOCK, "doctor", "--json"])
    assert ended.code == 1
    found = json.loads(ended.out)["checks"][0]
    assert (found["name"], found["ok"], found["hint"]) == ("settings", False, "cd")
    assert "no longer exists" in found["detail"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_read_only(ds: Machine) -> None:
    ds.project.chmod(0o555)
    found = examine(ds)
    ds.project.chmod(0o755)
    assert failed(found) == []
    assert "You cannot write in" in found["files"]["detail"]


def test_folder_that_nobody_can_write_to(ds: Machine) -> None:
    ended = ds.run([*PYDOCK, "doctor"], folder=ds.engine.parent / "../../../../../../../../proc")
    assert ended.code == 0, ended
    assert "skipped files      You cannot write in /proc yourself" in ended.out


@pytest.mark.parametrize("commands", ["*", "images", "run", "ps", "info"])
@pytest.mark.parametrize("garbage", ["garbage", '{"ClientInfo": [], "ID": 7}', "\\377\\376", "[]", "{}"])
def test_client_that_prints_garbage(ds: Machine, commands: str, garbage: str) -> None:
    text = ds.client.read_text()
    line = f"case $1 in {commands}) printf '%b' '{garbage}'; exit 0;; esac\n"
    ds.client.write_text(text.replace("export", f"{line}export", 1))
    found = examine(ds)
    assert failed(found) == ([] if commands in {"run", "ps"} else failed(found))
    assert failed(found) or skipped(found) or commands == "ps"


def test_client_that_hangs(ds: Machine) -> None:
    text = ds.client.read_text()
    ds.client.write_text(text.replace("export", "sleep 60 & sleep 50; export", 1))
    start = time.monotonic()
    found = examine(ds, DOCKER_HOST="")
    assert time.monotonic() - start < 20
    assert failed(found) == ["engine"]
    assert "does not answer in time" in found["engine"]["detail"]
    assert "restart docker" in found["engine"]["hint"]


def test_leftovers_are_no_failure(ds: Machine) -> None:
    ds.change_state(lambda state: state["containers"].update({"ds-0123456789ab": ["sha256:1", "x"]}))
    found = examine(ds)
    assert failed(found) == []
    assert found["leftovers"]["detail"] == "1 container that nothing needs; `pydock clean` removes them"


def test_dry_starts_no_container(ds: Machine) -> None:
    found = examine(ds, "--dry")
    assert skipped(found) == ["files", "index", "disk"]
    assert ds.argvs("run") == []


def test_client_behind_sudo(ds: Machine) -> None:
    ds.add_sudo()
    found = examine(ds, PYDOCK_ENGINE="sudo docker")
    assert failed(found) == []
    assert found["client"]["detail"] == "sudo docker 27.0.0"
    found = examine(ds, PYDOCK_ENGINE="sudo docker", HTTPS_PROXY="http://me:canary@proxy.example")
    assert failed(found) == ["files"]
    assert "HTTPS_PROXY has a password" in found["files"]["detail"]
    assert "canary" not in json.dumps([found, ds.argvs()])


@pytest.mark.parametrize("command", ["info", "run", "ps"])
def test_interruption(ds: Machine, command: str) -> None:
    process = ds.start("doctor", FAKE_DOCKER_PAUSE=command)
    client = ds.wait_for_pause()
    process.send_signal(signal.SIGINT)
    ended = ds.wait(process)
    assert ended.code == 130
    assert ended.err.endswith("Interrupted; nothing was changed.\n")
    assert ended.out == ""
    ds.wait_until(lambda: not os.path.exists(f"/proc/{client}"))
    assert list(ds.project.iterdir()) == []
    assert list(ds.temporary.iterdir()) == []
    if command == "run":
        ds.wait_until(lambda: bool(ds.argvs("rm")))  # the container, which the client may have started
