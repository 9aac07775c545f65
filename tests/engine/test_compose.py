"""Environments with a docker-compose.yml: `pydock run` beside plain `docker compose`, and a real PostgreSQL as a service."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from .index import ca_bundle
from .tools import TIMEOUT, Project, containers, docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What a program sees of the options, as JSON.
PROBE = """
import json, os, resource, shutil, socket
print(json.dumps({
    "ids": [os.getuid(), os.getgid()],
    "A": os.environ["A"], "MULTI": os.environ["MULTI"], "B": os.environ.get("B"),
    "data": sorted(os.listdir("/data")), "read-only": not os.access("/data", os.W_OK) or os.statvfs("/data").f_flag & 1,
    "shm": shutil.disk_usage("/dev/shm").total, "tmpfs": shutil.disk_usage("/scratch").total,
    "files": resource.getrlimit(resource.RLIMIT_NOFILE), "cwd": os.getcwd(), "host": socket.gethostbyname("elsewhere"),
    "secret": open("/run/secrets/token").read(), "config": open("/conf").read(),
    "ptrace": [line for line in open("/proc/self/status") if line.startswith("CapBnd")],
    "memory": open("/sys/fs/cgroup/memory.max").read() if os.path.exists("/sys/fs/cgroup/memory.max") else "",
}))
"""
MORE = """\
    shm_size: 96mb
    mem_limit: 700m
    tmpfs: ["/scratch:size=8m"]
    ulimits: {nofile: {soft: 321, hard: 654}}
    extra_hosts: ["elsewhere:10.9.8.7"]
    cap_add: [SYS_PTRACE]
    working_dir: /data
    env_file: more.env
    secrets: [token]
    configs: [{source: conf, target: /conf}]
"""
TOP = """\
secrets: {token: {file: token}}
configs: {conf: {content: "it costs $$5"}}
"""


@pytest.fixture
def folder(shared_home: Project, ready: str) -> Iterator[Path]:
    """Return the folder of the shared environment; what a test leaves there is removed."""
    found = shared_home.home / ".pydock" / "envs" / ready
    before = set(found.iterdir())
    yield found
    subprocess.run(
        [*shared_home.program, "down", ready], env=shared_home.environ, capture_output=True, check=False
    )
    for path in set(found.iterdir()) - before:
        path.unlink()


def plain_compose(folder: Path, *words: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["docker", "compose", *words],
        cwd=folder,
        env={**environ, "BUILDKIT_PROGRESS": "plain"},  # the output of a step that fails
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def secrets_for_build(folder: Path) -> list[str]:
    """Return the options of Compose that give pip in a build what it needs where TLS is intercepted, as README.md shows."""
    if not (bundle := ca_bundle()):
        return []
    (folder / "pip.conf").write_text("[global]\ncert = /run/secrets/ca.pem\n", encoding="utf-8")
    files = {"pip.conf": {"file": str(folder / "pip.conf")}, "ca.pem": {"file": bundle}}
    more = {"services": {"env": {"build": {"secrets": list(files)}}}, "secrets": files}
    (folder / "secrets.json").write_text(json.dumps(more), encoding="utf-8")
    return ["--file", "docker-compose.yml", "--file", str(folder / "secrets.json")]


def test_a_program_sees_what_it_sees_under_plain_compose(runner: Project, ready: str, folder: Path) -> None:
    (runner.folder / "data").mkdir()
    (runner.folder / "data" / "file").touch()
    runner.pydock("compose", ready, "-p", "8888", "-v", "./data:/data:ro", "-e", 'A=x$y "q"', "-e", "B")
    file = folder / "docker-compose.yml"
    file.write_text(file.read_text().replace("    ports:\n", f"{MORE}    ports:\n") + TOP)
    (folder / "more.env").write_text("MULTI='a$b # c'\n")
    (folder / "token").write_text("s3cret")
    environ = {**runner.environ, "B": "mine"}
    ours = runner.pydock("run", ready, "python", "-c", PROBE, variables={"B": "mine"}).stdout
    again = runner.pydock("run", ready, "python", "-c", PROBE, variables={"B": "mine"}).stdout
    project = json.loads(plain_compose(folder, "config", "--format", "json", environ=environ))["name"]
    try:
        # Not from the cache, which may have what a build with other secrets has left.
        plain_compose(
            folder, *secrets_for_build(runner.folder), "build", "--no-cache", "env", environ=environ
        )
        theirs = plain_compose(
            folder, "run", "--rm", "--service-ports", "-T", "env", "python", "-c", PROBE, environ=environ
        )
    finally:
        plain_compose(folder, "down", "--rmi", "local", "--remove-orphans", "--volumes", environ=environ)
    assert json.loads(ours) == json.loads(theirs.splitlines()[-1]), (
        project
    )  # before it, the output of the build
    assert ours == again
    seen = json.loads(ours)
    assert (seen["A"], seen["MULTI"], seen["B"]) == ('x$y "q"', "a$b # c", "mine")
    assert (seen["data"], seen["config"], seen["files"]) == (["file"], "it costs $5", [321, 654])
    assert runner.pydock("run", ready, "python", "-c", "exit(7)", check=False).returncode == 7
    assert runner.pydock("run", ready, "cat", stdin="piped").stdout == "piped"


def test_published_port_is_for_this_machine_only(runner: Project, ready: str, folder: Path) -> None:
    runner.pydock("compose", ready, "-p", "8888")
    assert (folder / "docker-compose.yml").exists()
    process = runner.start("run", ready, "python", "-m", "http.server", "8888")
    try:
        wait_until(lambda: containers(ready), "the container")
        [container] = containers(ready)
        wait_until(lambda: docker("port", container, check=False), "its port")
        assert docker("port", container).startswith("8888/tcp -> 127.0.0.1:")
        port = docker("port", container).split(":")[-1].strip()
        text = (folder / "docker-compose.yml").read_text()
        (folder / "docker-compose.yml").write_text(text.replace("127.0.0.1::8888", f"127.0.0.1:{port}:8888"))
        second = runner.pydock("run", ready, "true")
        assert f"Port {port} is in use, so this run has another one. http://127.0.0.1:" in second.stderr
    finally:
        process.terminate()
        process.wait(TIMEOUT)
    wait_until(lambda: not containers(ready), "the end of the container")


POSTGRES = """\
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
USER postgres
CMD cd /tmp && PATH=$(echo /usr/lib/postgresql/*/bin):$PATH && initdb -D /tmp/db -A trust >/dev/null \\
    && echo 'host all all all trust' >>/tmp/db/pg_hba.conf && exec postgres -D /tmp/db -c listen_addresses='*'
HEALTHCHECK --interval=1s --retries=60 CMD pg_isready -h 127.0.0.1
"""
QUERY = """
import pg8000.native
connection = pg8000.native.Connection("postgres", host="db", database="postgres")
connection.run("create table if not exists t (n int)")
connection.run("insert into t values (42)")
print(connection.run("select count(*), min(n) from t")[0])
"""


@pytest.fixture(scope="module")
def postgres(python_image: str) -> Iterator[str]:
    """Build an image with Debian's PostgreSQL."""
    name = f"pydock-test-postgres:{secrets.token_hex(4)}"
    docker("build", "--tag", name, "-", stdin=POSTGRES.format(base=python_image))
    yield name
    docker("rmi", "--force", name, check=False)


def test_a_real_database(project: Project, postgres: str) -> None:
    name = project.create()
    project.pydock("install", name, "pg8000")
    project.pydock("compose", name, "--service", f"db={postgres}")
    before = project.pydock("run", name, "true", check=False)
    assert f"`pydock up {name}`" in before.stderr
    try:
        started = project.pydock("up", name)
        assert "db: Up" in started.stderr
        assert "(healthy)" in started.stderr
        assert project.pydock("run", name, "python", "-c", QUERY).stdout == "[1, 42]\n"
        assert project.pydock("run", name, "python", "-c", QUERY).stdout == "[2, 42]\n"
        assert "database system is ready" in project.pydock("logs", name, "db").stdout
        followed = project.start("logs", "--follow", name, "db", stdout=subprocess.PIPE)
        assert followed.stdout is not None
        while b"database system is ready" not in followed.stdout.readline():
            pass
        assert followed.poll() is None
        followed.send_signal(signal.SIGINT)
        followed.communicate(timeout=TIMEOUT)
        assert followed.returncode == 130
        [row] = json.loads(project.pydock("envs", "--json").stdout)
        assert row["state"] == "ready, warm, with db"
        assert row["services"]["db"].startswith("Up")
        project.pydock("up", name)  # changes nothing
        assert project.pydock("run", name, "python", "-c", QUERY).stdout == "[3, 42]\n"
        project.pydock("delete", name, "--yes")
    finally:
        left = docker("ps", "--all", "--quiet", "--filter", f"ancestor={postgres}").split()
        networks = docker("network", "ls", "--format", "{{.Name}}").split()
        if left:
            docker("rm", "--force", *left)
    assert left == []
    assert not [network for network in networks if name in network]


def test_a_service_that_never_gets_healthy(
    runner: Project, ready: str, folder: Path, python_image: str
) -> None:
    runner.pydock("compose", ready, "--service", f"db={python_image}")
    with (folder / "docker-compose.yml").open("a") as file:
        file.write('    command: ["sh", "-c", "echo no disk; exit 3"]\n')
    ended = runner.pydock("up", ready, check=False)
    assert ended.returncode == 125
    assert f"`pydock logs {ready}`" in ended.stderr
    assert "no disk" in runner.pydock("logs", ready).stdout
    runner.pydock("down", ready)
    assert containers(f"{ready}-") == []
