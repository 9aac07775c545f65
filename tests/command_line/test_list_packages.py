"""`pydock packages`, `freeze` and `list NAME`: what an environment's files say is installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

INSTALLED = (
    "# by hand",
    "--extra-index-url https://index.example/simple",
    "numpy==2.1.0",
    "pandas==2.2.1 ; python_version > '3'",
    "six==1.16.0  # why",
    "tool @ git+https://code.example/team/tool.git@0123456789abcdef",
    "unpinned>=1",
)
REQUESTED = """\
--extra-index-url https://index.example/simple
# frames
pandas[excel]>=2  # not 1
Pandas<3
git+https://code.example/team/tool.git@main
unpinned>=1
absent
elsewhere; sys_platform == 'win32'
"""
TABLE = """\
PACKAGE   VERSION                                                 REQUESTED
numpy     2.1.0
pandas    2.2.1                                                   pandas[excel]>=2, Pandas<3
six       1.16.0
tool      git+https://code.example/team/tool.git@0123456789abcdef  git+https://code.example/team/tool.git@main
unpinned  -                                                       unpinned>=1
"""


@pytest.fixture
def full(machine: Machine) -> Machine:
    machine.add_environment("ds", *INSTALLED, requested=REQUESTED)
    return machine


@pytest.mark.parametrize("argv", [["packages", "ds"], ["list", "ds"], ["ls", "ds"]])
def test_packages_with_what_was_requested(full: Machine, argv: list[str]) -> None:
    ended = full.ok(*argv)
    assert [line.split() for line in ended.out.splitlines()] == [line.split() for line in TABLE.splitlines()]
    assert ended.err == (
        "Requested in requirements.in, but not installed: absent. `pydock update ds` installs what that file asks for.\n"
    )
    assert full.calls() == []


@pytest.mark.parametrize(
    "argv", [["packages", "ds", "--json"], ["packages", "--format", "json", "ds"], ["list", "--json", "ds"]]
)
def test_packages_as_json(full: Machine, argv: list[str]) -> None:
    rows = json.loads(full.ok(*argv).out)
    assert [row["name"] for row in rows] == ["numpy", "pandas", "six", "tool", "unpinned"]
    assert rows[0] == {"name": "numpy", "version": "2.1.0", "url": None, "requested": None}
    assert rows[1]["requested"] == "pandas[excel]>=2, Pandas<3"
    assert rows[3]["version"] is None
    assert rows[3]["url"] == "git+https://code.example/team/tool.git@0123456789abcdef"


@pytest.mark.parametrize("argv", [["freeze", "ds"], ["packages", "ds", "--format", "freeze"]])
def test_packages_as_a_requirements_file(full: Machine, argv: list[str]) -> None:
    assert full.ok(*argv).out.splitlines() == [
        "numpy==2.1.0",
        "pandas==2.2.1 ; python_version > '3'",
        "six==1.16.0",
        "tool @ git+https://code.example/team/tool.git@0123456789abcdef",
        "unpinned>=1",
    ]


def test_packages_of_an_environment_without_requested_ones(machine: Machine) -> None:
    """As for `update`, what is in requirements.txt was requested if there is no requirements.in."""
    machine.add_environment("ds", "six==1.16.0")
    assert machine.ok("packages", "ds").out.splitlines()[1].split() == ["six", "1.16.0", "six==1.16.0"]


def test_packages_of_an_empty_environment(ds: Machine) -> None:
    ended = ds.ok("packages", "ds")
    assert (ended.out, ended.err) == ("", "No packages in 'ds'. `pydock install ds PACKAGE` installs one.\n")
    assert ds.ok("packages", "ds", "--json").out == "[]\n"
    (ds.folder("ds") / "requirements.txt").unlink()
    assert ds.ok("freeze", "ds").out == ""


def test_packages_without_an_engine(full: Machine) -> None:
    assert full.ok("packages", "ds", PYDOCK_ENGINE="nosuch").out.startswith("PACKAGE ")


def test_packages_fits_a_terminal_of_80_columns(full: Machine) -> None:
    shown = full.in_terminal(b"", "packages", "ds", columns=80)[1].splitlines()
    table = [line for line in shown if not line.startswith(("Requested", "`"))]
    assert max(len(line) for line in table if "update" not in line) <= 80
    assert any("…" in line for line in table)


def test_packages_shows_no_control_characters(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.txt").write_text("six==1.16.0\x1b]0;owned\x07\n")
    ended = ds.pydock("packages", "ds")
    assert "\x1b" not in ended.out + ended.err


def test_packages_under_inv(full: Machine) -> None:
    (full.project / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\n"
        'namespace = Collection()\nnamespace.add_collection(Collection.from_module(pydock, name="env"))\n'
    )
    table = full.ok("packages", "ds").out
    for argv in (["env.packages", "ds"], ["env.list", "ds"], ["env.ls", "ds"]):
        ended = full.inv(*argv)
        assert (ended.code, ended.out) == (0, table), ended
        assert "`inv env.update ds`" in ended.err
    assert full.inv("env.freeze", "ds").out == full.ok("freeze", "ds").out
    assert json.loads(full.inv("env.packages", "ds", "--json").out)
    assert full.inv("env.list").out == full.ok("envs").out
