"""Docker's own options of `run`, on a real engine: ports, variables, limits, data, and containers with a name."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import urllib.request
from typing import TYPE_CHECKING

from pydock.environments.caller import current_caller

from .tools import docker, wait_until

if TYPE_CHECKING:
    from .tools import Project

SECRET = "s3cret-" + secrets.token_hex(8)


def command_lines() -> str:
    """Return the command lines of all processes, as everybody can see them."""
    return subprocess.run(["ps", "-eww", "-o", "args"], check=True, capture_output=True, text=True).stdout


def test_server_in_the_background(runner: Project, ready: str) -> None:
    """It is reached on 127.0.0.1, its container stays, and the token is on no command line meanwhile."""
    name = runner.new_name("web")
    (runner.folder / "hello.txt").write_text("hello\n")
    server = ["python", "-m", "http.server", "8000"]
    options = ["-d", "--name", name, "-p", "0:8000", "-e", f"TOKEN={SECRET}", "--memory=300m"]
    started = runner.pydock("run", *options, ready, *server)
    found = re.search(r"(http://127\.0\.0\.1:(\d+)) is port 8000", started.stderr)
    assert found
    try:
        container = json.loads(docker("inspect", started.stdout.strip()))[0]
        assert container["Name"] == f"/{name}"
        assert container["HostConfig"]["Memory"] == 300 << 20
        assert container["HostConfig"]["PortBindings"] == {
            "8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": found[2]}]
        }
        assert f"TOKEN={SECRET}" in container["Config"]["Env"]

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{found[1]}/hello.txt", timeout=5) as answer:  # noqa: S310
                    return bool(answer.read() == b"hello\n")
            except OSError:
                return False

        wait_until(answers, "the server")
        refused = runner.pydock("run", "-p", f"{found[2]}:8000", ready, "true", check=False)
        assert refused.returncode == 125
        assert f"Port {found[2]} of 127.0.0.1 is in use" in refused.stderr
        refused = runner.pydock("run", "--name", name, ready, "true", check=False)
        assert f"There is a container '{name}' already." in refused.stderr
        other = runner.pydock(
            "run", ready, "echo", "ran", variables={"PYDOCK_RUN_OPTIONS": f"--publish {found[2]}:8000"}
        )
        assert other.stdout == "ran\n"
        assert answers(), "two runs with the same port do not end each other"
    finally:
        docker("rm", "--force", name)


def test_value_of_a_variable_is_on_no_command_line(runner: Project, ready: str) -> None:
    code = "import os, sys; print(os.environ['TOKEN'], os.environ['HF_X'], flush=True); sys.stdin.read()"
    process = runner.start(
        *("run", "-e", f"TOKEN={SECRET}", ready, "python", "-c", code),
        variables={"HF_X": f"{SECRET}-2", "PYDOCK_PASS_ENV": "HF_*"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline().decode() == f"{SECRET} {SECRET}-2\n"
    shown = [line for line in command_lines().splitlines() if SECRET in line]
    assert shown
    assert all("-m pydock" in line for line in shown), "only what the user typed"
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()


def test_killed_run_leaves_no_container_of_the_users_name(runner: Project, ready: str) -> None:
    name = runner.new_name("named")
    process = runner.start("run", "--name", name, ready, "sleep", "600")
    wait_until(lambda: docker("ps", "--quiet", "--filter", f"name=^{name}$"), "the container")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not docker("ps", "--all", "--quiet", "--filter", f"name=^{name}$"), "its removal")


def test_limits_and_places(runner: Project, ready: str) -> None:
    (runner.folder / "data").mkdir()
    (runner.folder / "data" / "x").write_text("data\n")
    script = "id -u; pwd; cat x; touch /y 2>&1; touch /t/y"
    options = [
        "-u",
        "1234",
        "-v",
        "./data:/data:ro",
        "-w",
        "/data",
        "--read-only",
        "--tmpfs",
        "/t",
        "--cpus=1.5",
    ]
    lines = runner.pydock("run", *options, ready, "sh", "-c", script).stdout.splitlines()
    assert lines[:3] == ["1234", "/data", "data"]
    assert "Read-only file system" in lines[3]
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 21
    code = "import os; s = os.statvfs('/dev/shm'); print(s.f_blocks * s.f_frsize >> 20)"
    for words, expected in (([], half), (["--shm-size", "99m"], 99)):
        assert int(runner.pydock("run", *words, ready, "python", "-c", code).stdout) == expected


def test_data_and_a_home_that_stays(runner: Project, ready: str) -> None:
    """What is written to the home folder stays for this environment, and its files are the caller's."""
    data = runner.folder.parent / "sets"
    data.mkdir()
    (data / "x").write_text("data\n")
    home = f"/home/{current_caller().name}"
    variables = {"PYDOCK_HOME_VOLUME": "true", "PYDOCK_MOUNTS": f"{data}:ro"}
    script = f'cat {data}/x; touch {data}/y 2>/dev/null; mkdir -p ~/.cache/x; echo "$HOME $(stat -c %u ~ ~/.cache)"'
    volumes: list[str] = []
    try:
        shown = runner.pydock("run", ready, "sh", "-c", script, variables=variables).stdout
        assert shown == f"data\n{home} {os.getuid()}\n{os.getuid()}\n"
        names = docker("volume", "ls", "--quiet", "--filter", "label=pydock.home").split()
        volumes = [name for name in names if name.startswith(f"pydock-{ready}-")]
        assert len(volumes) == 1
        assert runner.pydock("run", ready, "ls", f"{home}/.cache", variables=variables).stdout == "x\n"
        assert runner.pydock("run", ready, "ls", "-A", home).stdout == f"{runner.folder.name}\n"
    finally:
        if volumes:
            docker("volume", "rm", *volumes)
    assert os.listdir(data) == ["x"]
