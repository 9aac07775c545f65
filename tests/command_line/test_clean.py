"""`pydock clean` and `pydock envs --all`: images whose folder is gone, and what killed commands left."""

from __future__ import annotations

import json
import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

from pydock import __version__
from pydock.engine.tools import tools_digest

if TYPE_CHECKING:
    from .conftest import Machine


def test_clean_removes_only_images_of_folders_that_are_gone(machine: Machine) -> None:
    for name in ("kept", "gone"):
        machine.ok("create", name, "3.12")
    machine.add_environment("other", requested="")
    machine.ok("install", "gone", "six")
    kept = [tag for tag in machine.tags() if not tag.startswith("pydock-gone:")]
    assert machine.ok("clean", "--yes").err == "Nothing to clean.\n"
    shutil.rmtree(machine.folder("gone"))
    rows = {row["name"]: row["state"] for row in json.loads(machine.ok("envs", "--all", "--json").out)}
    assert rows["pydock-gone"] == "orphan (folder not found)"
    assert rows["pydock-kept"] == "in use"
    assert rows["pydock-other"] == "of another user, machine or version"
    assert "orphan" in machine.ok("envs", "--all").out
    before = machine.tags()
    assert "docker rmi" in machine.ok("--dry", "clean").out
    assert machine.pydock("clean").code == 1  # there is no terminal to ask on
    assert machine.tags() == before
    assert "Removed 2." in machine.ok("clean", "--yes").err
    assert machine.tags() == kept
    assert machine.ok("clean", "--yes").err == "Nothing to clean.\n"


def test_clean_removes_candidates_and_containers_of_killed_commands(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12")
    [content] = [tag for tag in machine.tags() if not tag.endswith(":latest")]
    candidate = f"{content.rpartition('-')[0]}-candidate"

    def leave(state: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        [image] = state["images"].values()
        image["tags"].append(candidate)

    machine.change_state(leave)
    machine.change_state(lambda state: state["containers"].update({"ds-0123456789ab": ["x", content]}))
    machine.change_state(lambda state: state["containers"].update({"mine": ["x", content]}))
    machine.ok("clean", "--yes")
    assert candidate not in machine.tags()
    assert list(machine.state()["containers"]) == ["mine"]


def test_clean_kills_no_container_that_has_started_meanwhile(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12")
    running = {"ds-0123456789ab": ["x", "ds", str(os.getpid())]}
    machine.change_state(lambda state: state["containers"].update(running))
    ended = machine.ok("clean", "--yes")
    assert "has been started meanwhile" in ended.err
    assert list(machine.state()["containers"]) == ["ds-0123456789ab"]


def test_clean_removes_tools_images_that_are_not_needed(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12")
    current = f"pydock--tools:{tools_digest()}"
    other, newer, mine = f"pydock--tools:{'0' * 16}", f"pydock--tools:{'1' * 16}", "mine:1"

    def leave(state: dict[str, Any]) -> None:
        for tag, version in [(current, __version__), (other, __version__), (newer, "99"), (mine, "0")]:
            image = {"tags": [tag], "labels": {"pydock.tools": version}, "layers": [], "user": ""}
            state["images"][f"sha256:{tag}"] = image

    machine.change_state(leave)
    machine.ok("clean", "--yes", FAKE_DOCKER_TOOLS="missing")
    assert [tag for tag in (current, other, newer, mine) if tag in machine.tags()] == [current, newer, mine]

    machine.ok("delete", "ds", "--yes")
    machine.ok("clean", "--yes", FAKE_DOCKER_TOOLS="missing")
    assert machine.tags() == [mine], "without environments, no tools are needed"


def test_interrupted_clean_is_completed_by_the_next(machine: Machine) -> None:
    machine.ok("create", "gone", "3.12")
    [content] = [tag for tag in machine.tags() if not tag.endswith(":latest")]
    shutil.rmtree(machine.folder("gone"))
    process = machine.start("clean", "--yes", FAKE_DOCKER_PAUSE="rmi")
    machine.wait_for_pause()
    process.send_signal(signal.SIGINT)
    ended = machine.wait(process)
    assert ended.code == 130
    assert ended.err.endswith("Interrupted; some of it may be removed; run the command again.\n")
    # the engine removes them in this order, and the alias of an image that has no other tag would not be found again
    assert machine.argvs("rmi")[-1][-2:] == ["pydock-gone:latest", content]
    machine.ok("clean", "--yes")
    assert machine.tags() == []


def test_no_environment_images(machine: Machine) -> None:
    assert machine.ok("envs", "--all").err == "No environment images on this engine.\n"


def test_changed_setting_is_named(ds: Machine) -> None:
    ended = ds.ok("run", "ds", "true", PYDOCK_USER="bob")
    assert "Setting 'user' (was me, is bob) has changed" in ended.err
    ended = ds.pydock("run", "ds", "true", PYDOCK_PREFIX="mine-")
    assert ended.code == 125
    assert "another setting 'prefix', as pydock-ds:" in ended.err
