"""`pydock envs` and `pydock delete`, and what commands that only read leave behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine


def test_envs_shows_every_state(machine: Machine) -> None:
    for name in ("built", "changed", "missing", "py3.8"):
        machine.add_environment(name, f"six==1.1{len(name)}.0")
    (machine.folder("changed") / "requirements.txt").write_text("six==1.15.0\n")
    missing = machine.image_id("pydock-missing:latest")
    machine.change_state(lambda state: state["images"].pop(missing))
    machine.folder("no-dockerfile").mkdir()
    ended = machine.ok("envs")
    lines = [line.split("  ") for line in ended.out.splitlines()]
    rows = {line[0].strip(): [word.strip() for word in line if word.strip()] for line in lines}
    assert list(rows) == ["NAME", "built", "changed", "missing", "py3.8"]
    assert rows["NAME"] == ["NAME", "PYTHON", "IMAGE", "SIZE", "UPDATED", "STATE"]
    assert rows["built"][:4] == ["built", "3.12", "pydock-built:latest", "123MB"]
    assert rows["built"][4].endswith(" days ago")
    assert rows["built"][5] == "ready"
    assert rows["changed"][5] == "changed since the build"
    assert rows["missing"] == ["missing", "3.12", "-", "-", "-", "not built"]
    assert rows["py3.8"][2] == "pydock-py3.8:latest"
    assert len(machine.argvs()) == 1
    assert machine.ok("list").out == ended.out


def test_envs_as_json(ds: Machine) -> None:
    [row] = json.loads(ds.ok("envs", "--json").out)
    assert row["name"] == "ds"
    assert row["state"] == "ready"
    assert row["image"] == "pydock-ds:latest"
    assert row["folder"] == str(ds.folder("ds"))


def test_envs_fits_a_terminal_of_80_columns(machine: Machine) -> None:
    machine.add_environment("datascience")
    (machine.folder("datascience") / "requirements.txt").write_text("six==1.15.0\n")
    _, changed = machine.in_terminal(b"", "envs", columns=80)[1].splitlines()
    assert changed.startswith("datascience  3.12 ")
    assert " pydock-d" in changed
    assert "… " in changed
    assert changed.endswith(" changed since the build")
    assert len(changed) <= 80
    machine.add_environment("a" * 64)
    lines = machine.in_terminal(b"", "envs", columns=80)[1].splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["NAME", f"{'a' * 23}…", "datascience"]
    wide = machine.in_terminal(b"", "envs", columns=200)[1].replace("\r", "")
    assert wide == machine.ok("envs").out == machine.ok("envs", COLUMNS="80").out
    assert "pydock-datascience:latest" in wide
    assert "a" * 64 in wide


def test_envs_without_environments(machine: Machine) -> None:
    ended = machine.ok("envs")
    assert ended.out == ""
    assert ended.err.startswith(f"No environments in {machine.home}/.pydock.")
    assert machine.ok("envs", "--json").out == "[]\n"
    assert machine.calls() == []


def test_reading_commands_change_no_file(ds: Machine) -> None:
    before = ds.home_and_project()
    for argv in (
        ["envs"],
        ["config"],
        ["run", "ds", "true"],
        ["--help"],
        ["shell", "ds"],
        ["--local", "envs"],
    ):
        ds.ok(*argv)
    assert ds.home_and_project() == before


@pytest.mark.parametrize("argv", [["envs"], ["config"], ["run", "ds", "true"], ["build", "ds"]])
def test_no_folder_is_created_without_environments(machine: Machine, argv: list[str]) -> None:
    machine.pydock(*argv)
    assert machine.home_and_project() == {}


def test_delete_removes_image_and_folder(machine: Machine) -> None:
    machine.add_environment("ds", "six==1.16.0")
    machine.add_environment("other")
    ended = machine.ok("delete", "ds", "-y")
    assert ended.err == "Deleted environment 'ds'.\n"
    assert [path.name for path in machine.folder("ds").parent.iterdir()] == ["other"]
    assert [tag.partition(":")[0] for tag in machine.tags()] == ["pydock-other"] * 2


def test_delete_is_refused_while_a_container_uses_the_image(ds: Machine) -> None:
    [image] = ds.state()["images"]
    before, tags = ds.files(), ds.tags()
    ds.change_state(lambda state: state["containers"].update(busy=[image, tags[0]]))
    ended = ds.pydock("delete", "ds", "--yes")
    assert ended.code == 125
    assert "The image of 'ds' is in use by container busy" in ended.err
    assert (ds.files(), ds.tags()) == (before, tags)


def test_container_of_another_environment_with_the_same_image_does_not_matter(ds: Machine) -> None:
    [image] = ds.state()["images"]

    def add_twin(state: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        state["images"][image]["tags"] += ["pydock-twin:0-0", "pydock-twin:latest"]
        state["containers"]["twin-1"] = [image, "pydock-twin:0-0"]  # type: ignore[assignment]

    ds.change_state(add_twin)
    ds.ok("delete", "ds", "--yes")
    assert ds.tags() == ["pydock-twin:0-0", "pydock-twin:latest"]


@pytest.mark.parametrize(
    ("answer", "code"), [(b"y\n", 0), (b"Yes\n", 0), (b"\n", 1), (b"no\n", 1), (b"\x04", 1)]
)
def test_delete_asks_in_a_terminal(ds: Machine, answer: bytes, code: int) -> None:
    ended, shown = ds.in_terminal(answer, "delete", "ds")
    assert ended == code
    assert f"Delete the image and the folder {ds.folder('ds')}? [y/N]" in shown.replace("\r\n", "")
    assert bool(ds.files()) == bool(code)
    assert ("Nothing was deleted." in shown) == bool(code)


def test_delete_without_a_terminal_requires_yes(ds: Machine) -> None:
    before, tags = ds.files(), ds.tags()
    ended = ds.pydock("delete", "ds")
    assert ended.code == 1
    assert "There is no terminal to ask on; use --yes to confirm. Nothing was deleted." in ended.err
    assert (ds.files(), ds.tags()) == (before, tags)
