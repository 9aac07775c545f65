"""Environments with a docker-compose.yml, which a fake compose plugin reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PYDOCK

if TYPE_CHECKING:
    from .conftest import Machine

PORTS_AND_MORE = ("-p", "8888:8888", "-v", "/srv:/srv", "--service", "db=postgres:16")
YAML = "services: {env: {build: .}}\n"
CONFIG: dict[str, Any] = {
    "name": "pydock-ds",
    "networks": {"default": {"name": "pydock-ds_default", "ipam": {}}},
}
both_ways = pytest.mark.parametrize("options", [[], ["--echo"]], ids=["fast", "task"])


class Compose:
    """A fake compose plugin of a machine: it prints canonical JSON, and records its calls and variables."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.plugin = machine.home / ".docker" / "cli-plugins" / "docker-compose"
        self.plugin.parent.mkdir(parents=True)
        self.place = machine.engine
        self.plugin.write_text(
            "#!/bin/sh\n"
            f"cd {self.place}\n"
            'echo "$@" >> compose-calls\n'
            "env > compose-variables\n"
            "if [ -e compose-error ]; then cat compose-error >&2; exit 15; fi\n"
            "cat compose-json\n"
        )
        self.plugin.chmod(0o755)

    @property
    def file(self) -> Path:
        return self.machine.folder("ds") / "docker-compose.yml"

    def write(self, service: dict[str, Any] | None = None, text: str = YAML, **top: Any) -> None:
        """Write the environment's docker-compose.yml, and what Compose says of it."""
        self.file.write_text(text)
        build = {"context": str(self.machine.folder("ds")), "dockerfile": "dockerfile"}
        env = {"build": build, "command": None, "networks": {"default": None}, **(service or {})}
        services = {"env": env, **top.pop("services", {})}
        (self.place / "compose-json").write_text(json.dumps({**CONFIG, "services": services, **top}))

    def calls(self) -> list[str]:
        path = self.place / "compose-calls"
        return path.read_text().splitlines() if path.exists() else []

    def variables(self) -> dict[str, str]:
        text = (self.place / "compose-variables").read_text()
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def cache(self) -> list[Path]:
        return sorted(Path(self.machine.environ["XDG_CACHE_HOME"], "pydock").glob("compose-*"))


@pytest.fixture
def compose(ds: Machine) -> Compose:
    return Compose(ds)


def option_values(argv: list[str], option: str) -> list[str]:
    return [argv[index + 1] for index, word in enumerate(argv) if word == option]


def clone_with_git(machine: Machine) -> None:
    """Make the environment one that Git wrote."""
    folder = machine.folder("ds")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    (folder / "docker-compose.yml").unlink()
    subprocess.run([*git, "checkout", "-q", "docker-compose.yml"], cwd=folder, check=True)
    shutil.rmtree(machine.home / ".local", ignore_errors=True)


@both_ways
def test_run_honours_the_file(compose: Compose, ds: Machine, options: list[str]) -> None:
    compose.write(
        {
            "ports": [{"target": 8888, "published": "8888", "protocol": "tcp"}],
            "environment": {"A": "x$$y", "TZ": "Europe/Berlin", "B": None},
            "working_dir": "/w",
            "mem_limit": "536870912",
        }
    )
    ds.ok("run", "ds", "true")  # Compose reads the file
    ds.ok(*options, "run", "ds", "true", TZ="Asia/Tokyo", B="bee")
    [_, argv] = ds.argvs("run")
    assert option_values(argv, "--publish") == ["127.0.0.1:8888:8888/tcp"]
    assert option_values(argv, "--memory") == ["536870912"]
    assert option_values(argv, "--workdir")[-1] == "/w"
    [values] = option_values(argv, "--env-file")
    with open(values, encoding="utf-8") as file:
        assert file.read() == "A=x$y\nTZ=Europe/Berlin\n"
    assert os.stat(values).st_mode & 0o777 == 0o600
    variables = option_values(argv, "--env")
    assert "B" in variables
    assert not [word for word in variables if word.startswith(("TZ", "A="))]
    assert len(compose.calls()) == 1


def test_shell_honours_the_file(compose: Compose, ds: Machine) -> None:
    compose.write({"shm_size": "64"})
    ds.ok("shell", "ds")
    [argv] = ds.argvs("run")
    assert option_values(argv, "--shm-size") == ["64"]


def test_compose_gets_the_ids_and_the_variables_that_the_file_names(compose: Compose, ds: Machine) -> None:
    compose.write(
        text="services: {env: {build: {context: ., args: {UID: '${UID:-1000}'}}, hostname: $WANTED}}\n"
    )
    ds.ok("run", "ds", "true", WANTED="w", NOT_NAMED="n", COMPOSE_FILE="other.yml", USER="you")
    [call] = compose.calls()
    folder = ds.folder("ds")
    assert call == f"--project-directory {folder} --file {folder}/docker-compose.yml config --format json"
    found = compose.variables()
    assert (found["UID"], found["GID"]) == (str(os.getuid()), str(os.getgid()))
    assert (found["USER"], found["WANTED"]) == ("me", "w")
    assert not {"NOT_NAMED", "COMPOSE_FILE"} & set(found)


def test_the_file_is_read_again_after_every_change(compose: Compose, ds: Machine) -> None:
    text = "services: {env: {build: ., env_file: a.env, hostname: $WANTED}}\n"
    compose.write(text=text)
    count = 0

    def check_read(*, again: bool, **variables: str) -> None:
        nonlocal count
        ds.ok("run", "ds", "true", **variables)
        count += again
        assert len(compose.calls()) == count

    check_read(again=True)
    check_read(again=False)
    check_read(again=True, WANTED="w")
    check_read(again=False, WANTED="w")
    check_read(again=False, WANTED="w", NOT_NAMED="n")
    (ds.folder("ds") / "a.env").write_text("A=1\n")
    check_read(again=True)
    (ds.folder("ds") / ".env").write_text("WANTED=1\n")
    check_read(again=True)
    (ds.folder("ds") / "docker-compose.override.yml").write_text("services: {}\n")
    check_read(again=True)
    compose.write({"hostname": "h"}, text=f"{text}# comment\n")
    check_read(again=True)
    compose.plugin.write_text(f"{compose.plugin.read_text()}# a new version\n")
    check_read(again=True)
    for path in compose.cache():
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
    check_read(again=True)
    check_read(again=False)


def test_damaged_cache_is_not_used(compose: Compose, ds: Machine) -> None:
    compose.write({"hostname": "right"})
    ds.ok("run", "ds", "true")
    [entry] = compose.cache()
    good = entry.read_bytes()
    for content in (b"", b"1", good[:-9], good.replace(b"1", b"x", 1), b"\xff\x00\x01"):
        entry.write_bytes(content)
        ds.ok("run", "ds", "true")
        assert entry.read_bytes() == good
    entry.chmod(0o644)
    ds.ok("run", "ds", "true")
    assert {option_values(argv, "--hostname")[-1] for argv in ds.argvs("run")} == {"right"}
    assert len(compose.calls()) == 7


def test_file_that_includes_others_is_read_by_every_run(compose: Compose, ds: Machine) -> None:
    compose.write(text="include: [other.yml]\nservices: {env: {build: .}}\n")
    ds.ok("run", "ds", "true", ANY="x")
    ds.ok("run", "ds", "true")
    assert len(compose.calls()) == 2
    assert compose.cache() == []


def test_environment_without_a_file_needs_no_compose(ds: Machine) -> None:
    compose = Compose(ds)
    ds.ok("run", "ds", "true")
    assert (compose.calls(), compose.cache()) == ([], [])


def test_key_without_equivalent_is_an_error(compose: Compose, ds: Machine) -> None:
    compose.write({"links": ["db"]})
    for _ in range(2):
        ended = ds.pydock("run", "ds", "true")
        assert ended.code == 2
        assert "'links' of service 'env' has no equivalent in `docker run`" in ended.err
    assert ds.argvs("run") == []


def test_what_compose_says_of_a_bad_file(compose: Compose, ds: Machine) -> None:
    compose.write()
    (compose.place / "compose-error").write_text('level=warning msg="x"\nservices.env.ports: bad\x1b[2J\n')
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 2
    assert f"Compose cannot read {compose.file}: services.env.ports: bad\\x1b[2J\nFix the file." in ended.err
    (compose.place / "compose-error").unlink()
    (compose.place / "compose-json").write_text("services:\n")
    assert "printed no JSON" in ds.pydock("run", "ds", "true").err


def test_without_the_plugin(ds: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose(ds)
    compose.plugin.unlink()
    compose.file.write_text(YAML)
    code = (
        "import sys; from pydock.engine import compose_cache; compose_cache.PLUGIN_FOLDERS = (); "
        "import shutil; shutil.which = lambda *_, **__: None; "
        "sys.argv = ['pydock', 'run', 'ds', 'true']; from pydock.__main__ import main; main()"
    )
    ended = ds.run([sys.executable, "-c", code])
    assert ended.code == 125
    assert "Docker's compose plugin is not installed. Install the package docker-compose-plugin" in ended.err


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({"env": {"image": "other"}}, "no service builds this folder"),
        (
            {"a": {"image": "pydock-ds"}, "b": {"image": "pydock-ds:latest"}},
            "2 services build this folder (a, b)",
        ),
    ],
)
def test_which_service_is_the_environment(
    compose: Compose, ds: Machine, services: dict[str, Any], words: str
) -> None:
    compose.write()
    (compose.place / "compose-json").write_text(json.dumps({**CONFIG, "services": services}))
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 2
    assert words in ended.err


def test_folder_of_a_mount_is_made_and_belongs_to_the_caller(compose: Compose, ds: Machine) -> None:
    source = ds.project / "new" / "data"
    volume = {"type": "bind", "source": str(source), "target": "/d", "bind": {"create_host_path": True}}
    compose.write({"volumes": [volume]})
    ds.ok("run", "ds", "true")
    assert source.is_dir()
    source.rmdir()
    ds.ok("run", "ds", "true")
    assert source.is_dir()


def test_a_compose_file_does_not_change_the_image(compose: Compose, ds: Machine) -> None:
    compose.write({"hostname": "a"})
    ds.ok("run", "ds", "true")
    assert ds.calls("build") == []


POWERFUL = {
    "volumes": [{"type": "bind", "source": "/etc", "target": "/e", "read_only": True}],
    "privileged": True,
}


def test_own_file_is_trusted(compose: Compose, ds: Machine) -> None:
    compose.write(POWERFUL)
    ds.ok("run", "ds", "true")
    ds.ok("run", "ds", "true")
    assert "--privileged" in ds.argvs("run")[-1]
    assert len(compose.calls()) == 1


def test_powerful_file_of_a_repository(compose: Compose, ds: Machine) -> None:
    compose.write(POWERFUL)
    clone_with_git(ds)
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 1
    assert "docker-compose.yml would mount /etc; set 'privileged' to True. You neither" in ended.err
    assert "`pydock trust ds`" in ended.err
    assert ds.argvs("run") == []
    shown = ds.ok("trust", "ds", "--yes")
    assert "  - mount /etc\n  - set 'privileged' to True" in shown.out + shown.err
    ds.ok("run", "ds", "true")
    ds.ok("trust", "ds", "--remove")
    assert ds.pydock("run", "ds", "true").code == 1


def test_pulled_change_needs_trust_again(compose: Compose, ds: Machine) -> None:
    compose.write()
    clone_with_git(ds)
    ds.ok("trust", "ds", "--yes")
    compose.write(POWERFUL, text=f"{YAML}# pulled\n")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["commit", "-qam", "y"], ["checkout", "-q", "HEAD~"], ["checkout", "-q", "-"]):
        subprocess.run([*git, *words], cwd=ds.folder("ds"), check=True)
    assert "# pulled" in compose.file.read_text()
    assert "You neither wrote it here nor trusted it" in ds.pydock("run", "ds", "true").err


def test_harmless_file_of_a_repository(compose: Compose, ds: Machine) -> None:
    compose.write({"ports": [{"target": 80, "published": "80"}]})
    clone_with_git(ds)
    ds.ok("run", "ds", "true")
    assert "opens nothing else of this machine" in (ended := ds.ok("trust", "ds", "--yes")).out + ended.err


@pytest.mark.parametrize("options", [[], ["--echo"]], ids=["fast", "task"])
def test_a_port_in_use_is_replaced(compose: Compose, ds: Machine, options: list[str]) -> None:
    """Two runs of an environment do not disturb each other, as with the ports of the settings."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        compose.write({"ports": [{"target": 80, "published": port, "host_ip": "127.0.0.1"}]})
        ended = ds.ok(*options, "run", "ds", "true")
    [published] = option_values(ds.argvs("run")[0], "--publish")
    assert re.fullmatch(r"127\.0\.0\.1:\d+:80/tcp", published)
    assert port not in published
    assert f"Port {port} is in use, so this run has another one. http://127.0.0.1:" in ended.err


def test_file_of_a_repository_that_includes_others_is_not_read(compose: Compose, ds: Machine) -> None:
    compose.write(text="include: ['https://example.org/x.git']\nservices: {env: {build: .}}\n")
    clone_with_git(ds)
    ended = ds.pydock("run", "ds", "true")
    assert "would read other files (`include`)" in ended.err
    assert compose.calls() == []
    shown = ds.ok("trust", "ds", "--yes")
    assert "read other files (`include`)" in shown.out + shown.err
    assert compose.calls() == []
    ds.ok("run", "ds", "true")


def test_variable_of_the_caller_needs_trust(compose: Compose, ds: Machine) -> None:
    compose.write(text="services: {env: {build: ., hostname: '${TOKEN:-none}'}}\n")
    clone_with_git(ds)
    ds.ok("run", "ds", "true")
    assert "would read your variable TOKEN" in ds.pydock("run", "ds", "true", TOKEN="t").err  # noqa: S106 - none


def test_client_that_does_not_get_our_variables(compose: Compose, ds: Machine) -> None:
    ds.add_sudo()
    text = "services: {env: {build: ., environment: {B: }}}\n"
    compose.write({"environment": {"B": None}}, text=text)
    for value in ("one", "two", "two"):
        ds.ok("run", "ds", "true", B=value, PYDOCK_ENGINE=f"sudo {ds.client}")
        [values] = option_values(ds.argvs("run")[-1], "--env-file")
        with open(values, encoding="utf-8") as file:
            assert file.read() == f"B={value}\n"
    assert len(compose.calls()) == 2


def test_network_of_other_services_must_exist(compose: Compose, ds: Machine) -> None:
    compose.write(services={"db": {"image": "postgres"}})
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 2
    assert "The services of environment 'ds' do not run (db). Start them: `pydock up ds`." in ended.err
    for _ in range(2):
        ds.ok("run", "ds", "true", FAKE_DOCKER_NETWORKS="pydock-ds_default")
    assert option_values(ds.argvs("run")[-1], "--network") == ["pydock-ds_default"]
    top = {"default": {"name": "shared", "external": True}}
    compose.write(text=f"{YAML}#\n", services={"db": {"image": "postgres"}}, networks=top)
    assert "`docker network create shared`" in ds.pydock("run", "ds", "true").err


WITH_DB = {
    "db": {
        "image": "postgres",
        "ports": [{"target": 5432, "published": "5432"}],
        "environment": {"P": "a$$b"},
    }
}
UP = {"FAKE_DOCKER_NETWORKS": "pydock-ds_default"}


def test_services_start_run_and_end(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    assert ds.ok("up", "ds", **UP).err == "Starting db …\ndb: Up 1 second (healthy)\n"
    [up] = ds.argvs("compose")
    assert up[1:5] == ["--project-name", "pydock-ds", "--project-directory", str(ds.folder("ds"))]
    assert up[-4:] == ["up", "--detach", "--wait", "db"]
    given = json.loads((compose.place / "compose-up.json").read_text())["services"]["db"]
    assert given["ports"] == [{"target": 5432, "published": "5432", "host_ip": "127.0.0.1"}]
    assert given["environment"] == {"P": "a$$b"}
    assert list(ds.temporary.iterdir()) == []
    ds.ok("run", "ds", "true", **UP)
    assert ds.ok("logs", "ds").out == "log of pydock-ds: --no-color\n"
    assert ds.ok("logs", "ds", "db").out == "log of pydock-ds: db\n"
    assert ds.ok("logs", "-f", "ds").out == "log of pydock-ds: --follow\n"
    assert ds.argvs("compose")[-1][-4:] == ["never", "logs", "--no-color", "--follow"]
    assert ds.pydock("logs", "--follow", "ds", FAKE_DOCKER_EXIT="130").code == 130
    unknown = ds.pydock("logs", "ds", "dv")
    assert (unknown.code, "Started: db." in unknown.err) == (2, True)
    assert "ready, with db" in ds.ok("envs").out
    [row] = json.loads(ds.ok("envs", "--json").out)
    assert row["services"] == {"db": "Up 1 second (healthy)"}
    assert ds.ok("down", "ds").err == "Removed db.\n"
    assert ds.argvs("compose")[-1] == ["compose", "--project-name", "pydock-ds", "down", "--remove-orphans"]
    assert ds.ok("down", "ds").err == "Nothing of 'ds' is up.\n"
    assert "with db" not in ds.ok("envs").out


def test_network_that_only_the_environment_uses_is_made(compose: Compose, ds: Machine) -> None:
    top = {"back": {"name": "pydock-ds_back", "ipam": {}}}
    compose.write({"networks": {"back": None}}, networks=top)
    ds.ok("up", "ds")
    [created] = [argv for argv in ds.argvs("network") if argv[1] == "create"]
    assert created[-1] == "pydock-ds_back"
    assert "com.docker.compose.network=back" in created


def test_service_that_fails(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    ended = ds.pydock("up", "ds", FAKE_DOCKER_FAIL="compose:container-not-found")
    assert ended.code == 125
    assert ended.err.endswith(
        "Not all services of 'ds' are ready: Error response from daemon: No such container: ds-read\n"
        "`pydock logs ds` shows what they printed, and `pydock down ds` removes them.\n"
    )
    assert list(ds.temporary.iterdir()) == []


def test_project_of_another_folder_is_not_touched(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    ds.ok("up", "ds", **UP)
    rows = (compose.place / "companions.json").read_text()
    theirs = rows.replace(str(ds.folder("ds")), "/somewhere/else")
    (compose.place / "companions.json").write_text(theirs)
    before = ds.argvs("compose")
    ended = ds.pydock("up", "ds", **UP)
    assert "has the same name as the one in /somewhere/else" in ended.err
    assert "Nothing of 'ds' is up" in ds.ok("down", "ds").err
    ds.ok("delete", "ds", "--yes")
    assert ds.argvs("compose") == before
    assert (compose.place / "companions.json").read_text() == theirs


def test_project_that_another_folder_has_too_is_not_ended(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    ds.ok("up", "ds", **UP)
    rows = json.loads((compose.place / "companions.json").read_text())
    theirs = {**rows[0], "Labels": rows[0]["Labels"].replace(str(ds.folder("ds")), "/somewhere/else")}
    (compose.place / "companions.json").write_text(json.dumps([*rows, theirs]))
    ended = ds.pydock("down", "ds")
    assert "/somewhere/else, whose containers would be touched" in ended.err


def test_delete_ends_the_services(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    ds.ok("up", "ds", **UP)
    code, shown = ds.in_terminal(b"n\n", "delete", "ds")
    assert "Delete the services db (their volumes stay), the image and the folder" in shown
    assert code == 1
    assert json.loads((compose.place / "companions.json").read_text())
    ds.ok("delete", "ds", "--yes")
    assert json.loads((compose.place / "companions.json").read_text()) == []
    assert not ds.folder("ds").exists()


def test_services_of_a_repository_need_trust(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    clone_with_git(ds)
    ended = ds.pydock("up", "ds")
    assert "would run the service 'db', with the image postgres" in ended.err
    assert ds.argvs("compose") == []


def test_up_without_a_file(ds: Machine) -> None:
    ended = ds.ok("up", "ds")
    assert ended.err.startswith("Every run of 'ds' has a container of its own")


def test_compose_writes_a_file(ds: Machine) -> None:
    ended = ds.ok(
        "compose", "ds", "-p", "8888:8888", "-v", "./d:/d", "-e", "A=1", "--service", "db=postgres:16"
    )
    assert f"Wrote {ds.folder('ds')}/docker-compose.yml. `pydock up ds` starts the services." in ended.err
    text = ds.files()["docker-compose.yml"].decode()
    assert '- "127.0.0.1:8888:8888"' in text
    assert f'- "{os.path.relpath(ds.project, ds.folder("ds"))}/d:/d"' in text
    again = ds.ok("compose", "ds", "-p", "8888:8888", "-e", "A=1")
    assert "has all of this already" in again.err
    assert ds.files()["docker-compose.yml"].decode() == text
    ds.ok("compose", "ds", "-e", "B=2")
    assert 'B: "2"' in ds.files()["docker-compose.yml"].decode()
    assert not [name for name in ds.files() if name.startswith(".")]


def test_compose_of_a_local_environment_mounts_the_project(ds: Machine) -> None:
    (ds.project / ".pydock").mkdir()
    shutil.copytree(ds.folder("ds"), ds.project / ".pydock" / "envs" / "ds")
    ds.ok("--local", "compose", "ds")
    text = (ds.project / ".pydock" / "envs" / "ds" / "docker-compose.yml").read_text()
    assert '    working_dir: "/home/me/project"\n    volumes:\n      - "../../..:/home/me/project"\n' in text


def test_compose_with_dry_prints_the_file(ds: Machine) -> None:
    ended = ds.ok("--dry", "compose", "ds", "-e", "A=1")
    assert "docker-compose.yml" not in ds.files()
    ds.shell(ended.out)
    assert 'A: "1"' in ds.files()["docker-compose.yml"].decode()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "http"], "Invalid port 'http'"),
        (["-v", "data"], "Invalid volume 'data'"),
        (["-e", "1=x"], "Invalid variable '1=x'"),
        (["--service", "db"], "Invalid service 'db'"),
        (["--service", "env=x"], "'env' is the environment's own service"),
    ],
)
def test_compose_refuses_invalid_values(ds: Machine, words: list[str], message: str) -> None:
    before = ds.files()
    ended = ds.pydock("compose", "ds", *words)
    assert (ended.code, ended.err[: len(message)]) == (2, message)
    assert ds.files() == before


def test_create_writes_the_same_file(compose: Compose, ds: Machine) -> None:
    """It is there when the environment is, and it is the user's own although it opens a folder outside of the project."""
    ds.ok("compose", "ds", *PORTS_AND_MORE, "-e", "A=1")
    ds.ok("create", "new", "3.12", *PORTS_AND_MORE, "--env", "A=1")
    path = ds.folder("new") / "docker-compose.yml"
    name = re.compile(r"^name: .*$", re.MULTILINE)
    assert name.sub("", path.read_text()) == name.sub("", compose.file.read_text())
    assert path.read_text() != compose.file.read_text()
    shutil.copy(path, compose.place)
    build = {"context": str(ds.folder("new")), "dockerfile": "dockerfile"}
    volume = {"type": "bind", "source": "/srv", "target": "/srv", "bind": {"create_host_path": True}}
    env = {"build": build, "command": None, "networks": {"default": None}, "volumes": [volume]}
    (compose.place / "compose-json").write_text(json.dumps({**CONFIG, "services": {"env": env}}))
    ds.ok("run", "new", "true")


def test_create_refuses_invalid_values_before_it_builds(ds: Machine) -> None:
    for words in (["-p", "nonsense"], ["--service", "db"], ["-v", "/only"], ["--env", "1=2"]):
        ended = ds.pydock("create", "new", "3.12", *words)
        assert (ended.code, ds.argvs()) == (2, []), ended
    assert not ds.folder("new").exists()


def test_compose_refuses_a_link(ds: Machine) -> None:
    (ds.project / "other.yml").write_text(YAML)
    (ds.folder("ds") / "docker-compose.yml").symlink_to(ds.project / "other.yml")
    ended = ds.pydock("compose", "ds", "-e", "A=1")
    assert "is a symbolic link" in ended.err
    assert (ds.project / "other.yml").read_text() == YAML


def test_mount_of_the_file_replaces_that_of_pydock(compose: Compose, ds: Machine) -> None:
    volume = {"type": "bind", "source": str(ds.home), "target": "/home/me/project"}
    compose.write({"volumes": [volume]})
    ds.ok("run", "ds", "echo", "--mount", "target=/home/me/project", "--mount", "target=/home/me/project")
    [argv] = ds.argvs("run")
    mounts = [word for word in option_values(argv, "--mount") if "target=/home/me/project" in word]
    assert mounts == [f"type=bind,source={ds.home},target=/home/me/project", *["target=/home/me/project"] * 2]


def test_dry_up_prints_a_command_that_works(compose: Compose, ds: Machine) -> None:
    compose.write(services=WITH_DB)
    shown = ds.ok("--dry", "up", "ds", **UP).out
    assert shown == (
        f"docker compose --project-name pydock-ds --project-directory {ds.folder('ds')} "
        f"--file {compose.file} up --detach --wait db\n"
    )
    assert ds.argvs("compose") == []


def test_folder_that_becomes_a_link_out_of_the_project(compose: Compose, ds: Machine) -> None:
    source = ds.folder("ds") / "data"
    source.mkdir()
    compose.write({"volumes": [{"type": "bind", "source": str(source), "target": "/d"}]})
    clone_with_git(ds)
    ds.ok("run", "ds", "true")
    source.rmdir()
    source.symlink_to("/etc")
    ended = ds.pydock("run", "ds", "true")
    assert f"would mount {source} (it can write there)" in ended.err


def test_network_of_the_users_own_options_is_the_only_one(compose: Compose, ds: Machine) -> None:
    compose.write(services={"db": {"image": "postgres"}})
    for options in ("--network host", "--net=host"):
        ds.ok("run", "ds", "true", PYDOCK_RUN_OPTIONS=options, FAKE_DOCKER_NETWORKS="pydock-ds_default")
        argv = ds.argvs("run")[-1]
        assert option_values(argv, "--network") + [word for word in argv if "--net=" in word] in (
            ["host"],
            ["--net=host"],
        )


@pytest.mark.parametrize("words", [("up", "ds"), ("down", "ds"), ("logs", "ds"), ("delete", "ds", "--yes")])
def test_client_without_the_plugin(compose: Compose, ds: Machine, words: tuple[str, ...]) -> None:
    compose.write(services=WITH_DB)
    ds.ok("up", "ds", **UP)
    ended = ds.pydock(*words, FAKE_DOCKER_FAIL="compose:compose-missing", **UP)
    assert ended.code == 125
    assert "Docker's compose plugin is not installed. Install the package docker-compose-plugin" in ended.err
    assert "pydock logs" not in ended.err
    assert ds.folder("ds").exists()


def test_passed_variable_that_compose_itself_needs(compose: Compose, ds: Machine) -> None:
    compose.write({"environment": {"LANG": "C"}}, text="services: {env: {build: ., environment: [LANG]}}\n")
    for value in ("C", "C", "C.UTF-8"):
        ds.ok("run", "ds", "true", LANG=value)
    assert len(compose.calls()) == 2


def test_env_files_of_a_variable_are_not_all_known(compose: Compose, ds: Machine) -> None:
    compose.write()
    (ds.folder("ds") / ".env").write_text("COMPOSE_ENV_FILES=other.env\n")
    ds.ok("run", "ds", "true")
    ds.ok("run", "ds", "true")
    assert len(compose.calls()) == 2


@pytest.mark.parametrize(
    ("source", "target", "working_dir", "started"),
    [
        (".", "/home/me/project", "/home/me/project", "/home/me/project/sub"),
        (".", "/place", "/place/other", "/place/sub"),
        ("sub", "/place", "/place", "/place"),
        ("..", "/place", "/place", "/place/project/sub"),
        (".", "/place", "/elsewhere", "/elsewhere"),
        ("other", "/place", "/place", "/place"),
        (".", "/place,x", "/place,x", "/place,x/sub"),
    ],
)
def test_where_a_command_starts(
    compose: Compose, ds: Machine, source: str, target: str, working_dir: str, started: str
) -> None:
    (ds.project / "sub").mkdir()
    path = os.path.normpath(ds.project / source)
    volume = {"type": "bind", "source": path, "target": target}
    compose.write({"working_dir": working_dir, "volumes": [volume]})
    run = [*PYDOCK, "run", "ds", "true"]
    assert ds.run(run, {"PYDOCK_RUN_OPTIONS": "--env X=1"}, folder=ds.project / "sub").code == 0
    [argv] = ds.argvs("run")
    assert option_values(argv, "--workdir")[-1] == started
    ds.ok("run", "ds", "true", PYDOCK_RUN_OPTIONS="--workdir /mine")
    assert option_values(ds.argvs("run")[-1], "--workdir")[-1] == "/mine"


def test_file_that_compose_wrote_and_git_touched_is_trusted(compose: Compose, ds: Machine) -> None:
    ds.ok("compose", "ds", "-v", "/etc:/e")
    compose.write(POWERFUL, text=compose.file.read_text())
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["rm", "-q", "docker-compose.yml"]):
        subprocess.run([*git, *words], cwd=ds.folder("ds"), check=True)
    subprocess.run([*git, "checkout", "-q", "HEAD", "docker-compose.yml"], cwd=ds.folder("ds"), check=True)
    ds.ok("run", "ds", "true")


def test_cache_that_cannot_be_written(compose: Compose, ds: Machine) -> None:
    ds.environ["XDG_CACHE_HOME"] = "/dev/null/cache"
    compose.write({"hostname": "h"})
    for _ in range(2):
        ds.ok("run", "ds", "true")
    assert len(compose.calls()) == 2
    compose.write({"environment": {"A": "1"}})
    ended = ds.pydock("run", "ds", "true")
    assert ended.code == 1
    assert "Set XDG_CACHE_HOME to a folder that you can write." in ended.err


def test_both_ways_run_the_same_command(compose: Compose, ds: Machine) -> None:
    volume = {"type": "bind", "source": str(ds.project), "target": "/home/me/project"}
    compose.write({"environment": {"A": "1", "B": None}, "volumes": [volume], "working_dir": "/home/me"})
    ds.ok("run", "ds", "true")
    ds.ok("run", "ds", "true")
    ds.ok("--echo", "run", "ds", "true")
    found = ds.argvs("run")
    assert len(found) == 3
    for argv in found:
        argv[argv.index("--name") + 1] = "NAME"
    assert found[0] == found[1] == found[2]
