"""Where the mount of wheels goes in a dockerfile, and which dockerfiles have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.environments.caller import Caller
from pydock.environments.environment import Environment
from pydock.packages.wheels_mount import MOUNT, has_mount, with_mount
from pydock.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

CALLER = Caller("me", 1000, 1000)


def environment(folder: Path) -> Environment:
    return Environment("ds", str(folder.resolve()), "12345678", "12345678", "pydock-", CALLER, {})


@pytest.mark.parametrize("base", ["", "debian:12"])
def test_added_once_to_the_step_that_installs_packages(tmp_path: Path, base: str) -> None:
    before = render(
        "dockerfile.j2", base=base, repository="python", version="3.12", caller=CALLER, installer="uv"
    )
    after = with_mount(before, environment(tmp_path))
    lines = after.splitlines()
    place = lines.index(f"    {MOUNT} \\")
    assert lines[place - 2] == "COPY requirements.txt /usr/local/share/"
    assert "\n".join([*lines[:place], *lines[place + 1 :], ""]) == before
    assert not has_mount(before)
    assert has_mount(after)
    assert with_mount(after, environment(tmp_path)) == after


@pytest.mark.parametrize(
    ("mount", "found"),
    [
        ("--mount=target=/run/wheels,src=./wheels", True),
        ("--mount=type=bind,source=wheels/,dst=/run/wheels,ro", True),
        ("--mount=type=cache,target=/x --mount=source=wheels,target=/run/wheels", True),
        ("--mount=type=bind,source=wheels,target=/srv", False),
        ("--mount=type=bind,from=other,source=wheels,target=/run/wheels", False),
        ("--mount=type=cache,target=/run/wheels", False),
    ],
)
def test_a_mount_of_the_users_own(mount: str, found: bool) -> None:
    assert has_mount(f"FROM x\nRUN {mount} pip install -r x\n") == found
    assert not has_mount(f"FROM x\n# RUN {mount} pip install -r x\n")


def test_another_dockerfile_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    dockerfile = "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    with pytest.raises(errors.PydockError) as refused:
        with_mount(dockerfile, environment(tmp_path))
    assert f"    {MOUNT} \\" in refused.value.message
