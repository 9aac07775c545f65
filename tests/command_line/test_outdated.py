"""`pydock outdated`: what an update would change, without changing anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

INSTALLED = ("numpy==1.26.0", "pandas==2.1.0", "python-dateutil==2.9.0", "requests==2.30.0", "six==1.16.0")


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", *INSTALLED, requested="pandas<2.2.1\nrequests<2.31\n")
    return machine


def test_what_an_update_would_change(ds: Machine) -> None:
    before = ds.files("ds"), ds.state()
    ended = ds.ok("outdated", "ds")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["PACKAGE", "CURRENT", "UPDATE", "REQUESTED"],
        ["numpy", "1.26.0", "2.1.0"],
        ["pandas", "2.1.0", "2.2.0", "pandas<2.2.1"],
    ]
    assert ended.err.endswith("`pydock update ds` updates them.\n")
    assert (ds.files("ds"), ds.state()) == before
    listed = json.loads(ds.ok("outdated", "ds", "--json").out)
    assert listed == [
        {"name": "numpy", "current": "1.26.0", "update": "2.1.0", "requested": None},
        {"name": "pandas", "current": "2.1.0", "update": "2.2.0", "requested": "pandas<2.2.1"},
    ]
    changes = ds.ok("update", "ds").out.splitlines()
    assert changes == [
        line
        for package in listed
        for line in (
            f"- {package['name']}=={package['current']}",
            f"+ {package['name']}=={package['update']}",
        )
    ]
    ended = ds.ok("outdated", "ds")
    assert (ended.out, ended.err.splitlines()[-1]) == (
        "",
        "All packages of 'ds' are as new as requirements.in allows.",
    )
    assert ds.ok("outdated", "ds", "--json").out == "[]\n"


def test_it_resolves_as_update_does(ds: Machine) -> None:
    variables = {"PYDOCK_INSTALLER": "pip"}
    ds.ok("outdated", "ds", **variables)
    [asked] = ds.builds()
    ds.forget_calls()
    ds.ok("update", "ds", **variables)
    assert asked == ds.builds()[0]


def test_new_and_unneeded_packages_are_named(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.in").write_text("requests<2.31\nscipy\n")
    ended = ds.ok("outdated", "ds")
    assert ended.err.endswith(
        "`pydock update ds` updates them. It would also install scipy and remove pandas, python-dateutil, six.\n"
    )
    (ds.folder("ds") / "requirements.in").write_text("pandas<2.2\nnumpy<2\n")
    ended = ds.ok("outdated", "ds")
    assert (ended.out, ended.err.splitlines()[-1]) == ("", "An update would remove requests.")


def test_an_index_that_fails_is_an_error(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.in").write_text("nosuchpackage\n")
    before = ds.files("ds"), ds.state()
    ended = ds.pydock("outdated", "ds")
    assert (ended.code, "nosuchpackage" in ended.err) == (1, True)
    assert (ds.files("ds"), ds.state()) == before
