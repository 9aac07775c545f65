"""`--dry` and `--echo`: what is printed is shell that does the same as the command."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

COMMANDS = {
    "create": ["create", "new", "3.12"],
    "install": ["install", "ds", "requests"],
    "uninstall": ["uninstall", "ds", "six"],
    "update": ["update", "ds"],
    "build": ["build", "ds", "--no-cache"],
    "delete": ["delete", "ds"],
    "run": ["run", "ds", "true"],
    "shell": ["shell", "ds"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_dry_changes_nothing(machine: Machine, command: str) -> None:
    machine.add_environment("ds", "six==1.16.0", requested="six\n")
    before, engine = machine.home_and_project(), machine.state()
    ended = machine.ok("--dry", *COMMANDS[command])
    assert machine.home_and_project() == before
    assert machine.state() == engine
    assert list(machine.temporary.iterdir()) == []
    assert "docker " in ended.out
    assert ended.err == ""


@pytest.mark.parametrize("client", ["docker", "sudo docker"])
@pytest.mark.parametrize(
    "argv",
    [
        ["create", "new", "3.12"],
        ["create", "new", "--base", "debian:12"],
        ["create", "new", "3.12", "-r", "r.txt"],
        ["build", "ds"],
        ["build", "ds", "--no-cache", "--pull"],
        ["install", "ds", "requests", "numpy<2"],
        ["update", "ds", "six"],
        ["uninstall", "ds", "six"],
    ],
)
def test_dry_output_does_the_same_builds_as_the_command(
    machine: Machine, argv: list[str], client: str
) -> None:
    machine.add_sudo()
    machine.add_environment("ds", "six==1.15.0", requested="six\n")
    (machine.project / "r.txt").write_text("six\nnumpy<2\n")
    (machine.project / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (machine.project / "pip.conf").write_text("[global]\nindex-url = https://index.example/simple\n")
    variables = {"PYDOCK_ENGINE": client, "PYDOCK_CA_BUNDLE": "ca.pem", "PYDOCK_PIP_CONFIG": "pip.conf"}
    before = machine.state()
    files = {path: path.read_text() for path in machine.folder("ds").glob("requirements.*")}
    printed = machine.ok("--dry", *argv, **variables).out
    assert machine.argvs("build") == []
    machine.shell(printed)
    pasted = [_comparable(build) for build in machine.builds()]
    assert "https://index.example/simple" in pasted[-1]["secrets"]["pip.conf"]
    if argv[0] == "create":
        machine.run(["rm", "-r", str(machine.folder("new"))])
    for path, text in files.items():  # a pasted installation changes them, as the command does
        path.write_text(text)
    machine.change_state(lambda state: state.update(before))
    machine.forget_calls()
    machine.ok(*argv, **variables)
    # What `update` and `uninstall` build last depends on the versions that the first build chooses.
    assert pasted == [_comparable(build) for build in machine.builds()][: len(pasted)]


def test_pasted_dry_output_creates_the_environment(machine: Machine) -> None:
    machine.shell(machine.ok("--dry", "create", "ds", "3.12").out)
    machine.assert_consistent()


def test_pasted_dry_output_builds_the_candidate_image(ds: Machine) -> None:
    ds.shell(ds.ok("--dry", "install", "ds", "six").out)
    [candidate] = [tag for tag in ds.tags() if tag.endswith("-candidate")]
    assert ds.image(candidate)["installed"] == ["six==1.16.0"]


def test_dry_install_of_an_edited_environment_prints_both_builds(ds: Machine) -> None:
    ds.remove_images()
    printed = ds.ok("--dry", "install", "ds", "numpy").out
    ds.shell(printed)
    assert len(ds.argvs("build")) == 2


def test_pasted_dry_output_removes_the_images(ds: Machine) -> None:
    ds.shell(ds.ok("--dry", "delete", "ds").out)
    assert ds.tags() == []


def test_echo_prints_every_docker_command_to_stderr(ds: Machine) -> None:
    ended = ds.ok("--echo", "install", "ds", "six")
    commands = [shlex.split(line)[1:3] for line in re.findall(r"^docker .*", ended.err, re.MULTILINE)]
    assert sorted(commands) == sorted(argv[:2] for argv in ds.argvs())  # some run side by side
    assert ["build", "--file"] in commands
    assert ended.out == "+ six==1.16.0\n"


def _comparable(build: dict[str, Any]) -> dict[str, Any]:
    """Return what decides the result of a build.

    A new folder has a hidden name until it is complete. Its dockerfile, whose inode and time are part of the name of its
    caches, does not exist in a dry run.
    """
    argv = [word.replace("/envs/.new", "/envs/new") for word in build["argv"]]
    if build["context"] and any(word.startswith("pydock-new:") for word in argv):
        argv = [re.sub(r"(BUILDKIT_CACHE_MOUNT_NS)=.*", r"\1=", word) for word in argv]
    secrets = {name: secret["text"] for name, secret in build["secrets"].items()}
    return {"argv": argv, "contexts": [build["context"], build["named_contexts"]], "secrets": secrets}
