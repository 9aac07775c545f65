"""Where a run finds the project and linked projects, and where its command starts."""

from __future__ import annotations

import pytest

from pydock.engine.places import Places, places_of
from pydock.environments.workspace import Workspace


@pytest.fixture(autouse=True)
def another_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")


def only(folder: str) -> Workspace:
    return Workspace(folder, folder)


def same(*folders: str) -> dict[str, str]:
    return {folder: folder for folder in folders}


@pytest.mark.parametrize(
    ("workspace", "projects", "mounts", "start"),
    [
        pytest.param(only("/srv/x"), [], {"/home/me/x": "/srv/x", **same("/srv/x")}, "/home/me/x", id="both"),
        pytest.param(
            Workspace("/srv/x/a/b", "/srv/x"),
            [],
            {"/home/me/x": "/srv/x", **same("/srv/x")},
            "/home/me/x/a/b",
            id="subfolder",
        ),
        pytest.param(
            Workspace("/home/me/src/x/a", "/home/me/src/x"),
            [],
            same("/home/me/src/x"),
            "/home/me/src/x/a",
            id="in the home of both",
        ),
        pytest.param(
            only("/home/you/x"),
            [],
            {"/home/me/x": "/home/you/x", **same("/home/you/x")},
            "/home/me/x",
            id="user",
        ),
        pytest.param(only("/home/me"), [], {"/home/me/me": "/home/me"}, "/home/me/me", id="the home itself"),
        pytest.param(
            only("/home/me/.config/x"),
            [],
            {"/home/me/x": "/home/me/.config/x"},
            "/home/me/x",
            id="hidden folder of the home",
        ),
        *(
            pytest.param(only(folder), [], {target: folder}, target, id=folder)
            for folder, target in [
                ("/", "/home/me/root"),
                ("/tmp", "/home/me/tmp"),
                ("/usr/src/x", "/home/me/x"),
                ("/etc/x", "/home/me/x"),
                ("/run/user/7/x", "/home/me/x"),
            ]
        ),
        pytest.param(
            Workspace("/data/me/x/a", "/data/me/x", logical="/home/me/x"),
            [],
            {"/home/me/x": "/data/me/x", **same("/data/me/x")},
            "/home/me/x/a",
            id="home behind a symbolic link",
        ),
        pytest.param(
            Workspace("/data/x", "/data/x", logical="/srv/x"),
            [],
            {"/home/me/x": "/data/x", "/srv/x": "/data/x", **same("/data/x")},
            "/home/me/x",
            id="symbolic link",
        ),
        pytest.param(
            Workspace("/srv/tree/a", "/srv/tree", "/srv/main/.git"),
            [],
            {"/home/me/tree": "/srv/tree", **same("/srv/tree", "/srv/main/.git")},
            "/home/me/tree/a",
            id="worktree",
        ),
        pytest.param(
            Workspace("/srv/x/libs/sub", "/srv/x/libs/sub", "/srv/x/.git/modules/sub", "/srv/x"),
            [],
            {
                "/home/me/x/libs/sub": "/srv/x/libs/sub",
                "/home/me/x/.git/modules/sub": "/srv/x/.git/modules/sub",
                **same("/srv/x/libs/sub", "/srv/x/.git/modules/sub"),
            },
            "/home/me/x/libs/sub",
            id="submodule",
        ),
        pytest.param(
            Workspace("/home/me/tree", "/home/me/tree", "/home/me/main/.git", "/home/me"),
            [],
            same("/home/me/tree", "/home/me/main/.git"),
            "/home/me/tree",
            id="relative worktree at home",
        ),
        pytest.param(
            only("/srv/x"), ["/srv/x"], {"/home/me/x": "/srv/x", **same("/srv/x")}, "/srv/x", id="linked"
        ),
        pytest.param(
            only("/srv/x/tests"),
            ["/srv/x"],
            {"/home/me/tests": "/srv/x/tests", **same("/srv/x")},
            "/srv/x/tests",
            id="in a linked project",
        ),
        pytest.param(
            only("/srv"),
            ["/srv/x/a"],
            {"/home/me/srv": "/srv", **same("/srv/x/a")},
            "/home/me/srv",
            id="above a linked project, in a system folder",
        ),
        pytest.param(
            Workspace("/srv/x/tests", "/srv/x"),
            ["/srv/x/a", "/srv/x/b"],
            {"/home/me/x": "/srv/x", **same("/srv/x")},
            "/srv/x/tests",
            id="project of linked projects",
        ),
        pytest.param(
            only("/srv/y"),
            ["/srv/x"],
            {"/home/me/y": "/srv/y", **same("/srv/x", "/srv/y")},
            "/home/me/y",
            id="beside a linked project",
        ),
        pytest.param(
            only("/srv/x"),
            ["/home/me/x"],
            same("/home/me/x", "/srv/x"),
            "/srv/x",
            id="name of a linked project",
        ),
    ],
)
def test_places(workspace: Workspace, projects: list[str], mounts: dict[str, str], start: str) -> None:
    assert places_of(workspace, "me", projects) == Places(mounts, start)


@pytest.mark.parametrize(
    ("folder", "start"), [("/srv/x", "/srv/x"), ("/home/me/x", "/home/me/x"), ("/usr/src/x", "/home/me/x")]
)
def test_start_at_the_same_path(folder: str, start: str) -> None:
    assert places_of(only(folder), "me", start_at_own_path=True).start == start


def test_home_of_the_container_is_never_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    assert places_of(only("/home/me"), "me").mounts == {"/home/me/me": "/home/me"}
