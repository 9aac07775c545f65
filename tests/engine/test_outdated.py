"""`pydock outdated` on a real engine says what `update` then does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .tools import files_below, images

if TYPE_CHECKING:
    from .tools import Project


def test_what_it_lists_is_what_update_installs(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six==1.15.0", "idna==3.6")
    (project.environment(name) / "requirements.in").write_text("six<1.17\nidna==3.6\n")
    before = files_below(project.environment(name)), images(name)
    table = project.pydock("outdated", name).stdout.splitlines()
    listed = json.loads(project.pydock("outdated", name, "--json").stdout)
    assert (files_below(project.environment(name)), images(name)) == before
    assert listed == [{"name": "six", "current": "1.15.0", "update": "1.16.0", "requested": "six<1.17"}]
    assert [line.split() for line in table[1:]] == [["six", "1.15.0", "1.16.0", "six<1.17"]]
    assert project.pydock("update", name).stdout == "- six==1.15.0\n+ six==1.16.0\n"
    assert project.pydock("outdated", name, "--json").stdout == "[]\n"
