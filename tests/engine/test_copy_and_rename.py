"""`pydock copy` and `pydock rename` on a real engine: no build, the same image, and programs go on."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .tools import TIMEOUT, docker, images

if TYPE_CHECKING:
    from .tools import Project


def test_an_environment_is_copied_and_renamed(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six==1.16.0")
    [image] = set(images(name).values())

    copied = project.new_name()
    assert project.pydock("copy", name, copied).stderr == f"Copied environment '{name}' to '{copied}'.\n"
    assert set(images(copied).values()) == set(images(name).values()) == {image}
    project.pydock("install", copied, "idna==3.6")
    project.check_installed(copied, ["idna", "six"])
    project.check_installed(name, ["six"])
    project.pydock("delete", copied, "--yes")

    process = project.start("run", name, "sh", "-c", "echo; sleep 5; exit 3", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    project.pydock("run", name, "true", variables={"PYDOCK_KEEP": "5m"})
    renamed = project.new_name()
    assert project.pydock("rename", name, renamed).stderr == f"Renamed environment '{name}' to '{renamed}'.\n"
    assert images(name) == {}
    assert set(images(renamed).values()) == {image}
    assert not project.environment(name).exists()
    assert docker("ps", "-q", "--filter", f"name=^{name}-warm-") == ""
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 3
    assert project.freeze(renamed) == ["six==1.16.0"]
    assert project.pydock("run", renamed, "true").stderr == ""
    assert name not in project.pydock("--dry", "clean").stdout


def test_the_command_for_a_home_volume_copies_it(project: Project) -> None:
    name, renamed = project.create(), project.new_name()
    kept = {"PYDOCK_HOME_VOLUME": "true"}
    project.pydock("run", name, "sh", "-c", "echo kept > ~/file", variables=kept)
    told = project.pydock("rename", name, renamed).stderr
    commands = [word for word in told.split("`") if word.startswith("docker ")]
    assert len(commands) == 2
    try:
        for command in commands:
            docker(*command.split()[1:])
        assert project.pydock("run", renamed, "sh", "-c", "cat ~/file", variables=kept).stdout == "kept\n"
    finally:
        project.pydock("delete", renamed, "--yes", "--volume")
