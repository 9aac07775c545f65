"""`pydock clean` and `pydock envs --all`: images whose folder is gone, and what killed commands left."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING

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
