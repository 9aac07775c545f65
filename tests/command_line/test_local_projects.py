"""`install ds .`: a local project whose wheel is kept in the environment's folder and installed into the image."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line.conftest import Ended, Machine

MOUNT = "    --mount=type=bind,source=wheels,target=/run/wheels \\\n"


@pytest.fixture
def local(machine: Machine) -> Machine:
    """Return a machine with an environment `ds`, whose working directory is a Python project named `project`."""
    (machine.project / "pyproject.toml").write_text("")
    (machine.project / "module.py").write_text("VALUE = 1\n")
    machine.ok("create", "ds", "3.12")
    return machine


def text(machine: Machine, file: str) -> str:
    return (machine.folder("ds") / file).read_text()


def path_from_folder(machine: Machine) -> str:
    return os.path.relpath(machine.project.resolve(), machine.folder("ds").resolve())


def stored(machine: Machine) -> list[Path]:
    return sorted(machine.folder("ds").glob("wheels/*/*.whl"))


def pin(wheel: Path) -> str:
    """Return the line of requirements.txt for a wheel of the folder."""
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert wheel.parent.name == sha256[:16]
    return f"{wheel.name.split('-')[0]} @ file:///run/wheels/{sha256[:16]}/{wheel.name}#sha256={sha256}"


def check_installed(machine: Machine, *others: str) -> None:
    """Check that files, folder and image agree, and that nothing is left over."""
    machine.assert_consistent()
    lines = sorted([*others, *map(pin, stored(machine))])
    assert text(machine, "requirements.txt").splitlines() == lines
    assert {path.name for path in machine.folder("ds").iterdir()} == {
        "dockerfile",
        "requirements.txt",
        "requirements.in",
        "wheels",
    }
    assert len([tag for tag in machine.tags() if tag.startswith("pydock-ds:")]) == 2


def test_install_keeps_the_wheel_and_adds_the_mount_once(local: Machine) -> None:
    before = text(local, "dockerfile")
    local.forget_calls()
    shown = local.ok("install", "ds", ".[test]", "six").out
    assert re.search(r"^\+ project==1\.0 \([0-9a-f]{8}\)$", shown, re.MULTILINE)
    [argv] = local.argvs("run")
    assert argv[-1] == "wheel"
    assert text(local, "dockerfile").replace(MOUNT, "", 1) == before
    assert text(local, "requirements.in").splitlines() == [
        f"{path_from_folder(local)}[test]  # project",
        "six",
    ]
    [wheel] = stored(local)
    context = local.builds()[-1]["context"]
    assert f"project[test] @ {pin(wheel).partition(' @ ')[2]}\n" in context["wanted.txt"]["text"]
    assert str(wheel.relative_to(local.folder("ds"))) in context
    assert MOUNT in local.builds()[-1]["dockerfile"]
    check_installed(local, "six==1.16.0")
    local.ok("install", "ds", "numpy")
    assert text(local, "dockerfile").count(MOUNT) == 1
    check_installed(local, "numpy==2.1.0", "six==1.16.0")
    assert not [argv for argv in local.argvs("run")[1:] if argv[-1] == "wheel"], "it is not built again"


def test_install_again_replaces_the_wheel_of_the_same_version(local: Machine) -> None:
    local.ok("install", "ds", ".[test]")
    [old] = stored(local)
    assert not [*local.home.glob(".local/state/pydock/wheels/*/*")], "no second copy is kept"
    assert "Nothing to change" in local.ok("install", "ds", ".").err
    assert "[test]" in text(local, "requirements.in"), "extras add up"
    (local.project / "module.py").write_text("VALUE = 2\n")
    shown = local.ok("install", "ds", "-U", ".").out
    [new] = stored(local)
    assert old != new
    assert {line[0] for line in shown.splitlines()} == {"+", "-"}
    check_installed(local)


def test_update_builds_again_what_is_named(local: Machine) -> None:
    other = local.project / "libs" / "other"
    other.mkdir(parents=True)
    (other / "setup.py").write_text("")
    local.ok("install", "ds", ".", "libs/other", "six")
    for place in (local.project, other):
        (place / "module.py").write_text("VALUE = 3\n")
    old = stored(local)
    local.ok("update", "ds", "other", "six")
    assert len({*old} & {*stored(local)}) == 1
    check_installed(local, "six==1.16.0")
    local.ok("update", "ds")
    assert not {*old} & {*stored(local)}
    check_installed(local, "six==1.16.0")
    local.forget_calls()
    local.ok("uninstall", "ds", "six")
    assert local.argvs("run") == [], "the wheels in the folder count"
    local.ok("uninstall", "ds", "other")
    check_installed(local)
    local.ok("uninstall", "ds", "project")
    assert stored(local) == []
    assert (local.folder("ds") / "wheels" / "README").is_file()
    check_installed(local)
    local.ok("build", "ds")
    assert "project is not installed" in local.pydock("uninstall", "ds", "project").err


def test_requirements_file_and_create(machine: Machine) -> None:
    for name in ("a", "b"):
        (machine.project / "libs" / name).mkdir(parents=True)
        (machine.project / "libs" / name / "setup.py").write_text("")
    (machine.project / "wanted.txt").write_text("./libs/a[x]  # the first\nlibs/b\n")
    machine.ok("create", "ds", "3.12", "-r", "wanted.txt")
    base = path_from_folder(machine)
    assert text(machine, "requirements.in").splitlines() == [
        f"{base}/libs/a[x]  # a",
        f"{base}/libs/b  # b",
    ]
    check_installed(machine)
    shown = machine.ok("packages", "ds").out
    assert re.search(r"^a +1\.0 +\S+libs/a\[x\]$", shown, re.MULTILINE)


@pytest.mark.parametrize("words", [("3.12", ".[x]"), (".[x]",)])
def test_create_installs_a_project(machine: Machine, words: tuple[str, ...]) -> None:
    (machine.project / "setup.py").write_text("")
    (machine.project / ".python-version").write_text("3.12\n")
    machine.ok("create", "ds", *words)
    assert text(machine, "requirements.in") == f"{path_from_folder(machine)}[x]  # project\n"
    check_installed(machine)


def test_wheel_that_exists(local: Machine) -> None:
    (local.project / "dist").mkdir()
    file = local.project / "dist" / "Own.Thing-2.0-py3-none-any.whl"
    file.write_bytes(base64.b64decode("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="))
    local.forget_calls()
    local.ok("install", "ds", f"./dist/{file.name}")
    assert local.argvs("run") == []
    assert text(local, "requirements.in") == f"{path_from_folder(local)}/dist/{file.name}  # own-thing\n"
    assert text(local, "requirements.txt").startswith("own-thing @ file:///run/wheels/")
    file.unlink()
    local.ok("install", "ds", "six")
    local.ok("build", "ds")
    assert local.ok("run", "ds", "true").err == ""


def test_system_packages_at_the_same_time(local: Machine) -> None:
    local.ok("install", "ds", ".", "--system", "git")
    assert MOUNT in text(local, "dockerfile")
    assert "apt.txt" in text(local, "dockerfile")
    local.assert_consistent()
    [image] = local.state()["images"].values()
    assert image["system"] == ["git"]


def test_folder_on_another_machine(local: Machine) -> None:
    """A checkout has the wheels; what needs only them needs no project."""
    local.ok("install", "ds", ".", "six")
    place = local.project.resolve()
    local.project = local.project.rename(local.project.with_name("elsewhere"))
    ended = local.pydock("update", "ds")
    assert ended.code == 1
    assert f"{place} was not found, so its wheel cannot be built again" in ended.err
    local.ok("update", "ds", "six")
    local.forget_calls()
    local.ok("install", "ds", "numpy")
    local.ok("uninstall", "ds", "six")
    assert local.argvs("run") == []
    check_installed(local, "numpy==2.1.0")
    local.remove_images()
    local.forget_calls()
    local.ok("build", "ds")
    assert local.argvs("run") == []
    check_installed(local, "numpy==2.1.0")


def refused(machine: Machine, ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended
    assert all(word in ended.err for word in words), ended
    assert not (machine.folder("ds") / "requirements.in").exists()
    machine.assert_consistent()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["./nowhere"], "neither a folder nor a wheel"),
        (["./data"], "no pyproject.toml and no setup.py"),
        (["./module.py"], "is a file"),
        (["./odd.whl"], "not the file name of a wheel"),
        (["~/x"], "neither a folder nor a wheel"),
        (["file:///srv/x"], "is a local path"),
        (["./a #b"], "cannot have a path like this"),
        ([".[a b/]"], "invalid extras"),
    ],
)
def test_refused_before_anything_is_touched(local: Machine, words: list[str], message: str) -> None:
    (local.project / "data").mkdir()
    (local.project / "odd.whl").write_text("")
    before = local.files()
    local.forget_calls()
    ended = local.pydock("install", "ds", *words)
    assert not local.argvs("run") + local.argvs("build")
    assert local.files() == before
    refused(local, ended, 2, message)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ("edited dockerfile", "Add this line to that step"),
        ("own folder", "is a folder of your own"),
        ("link", "is a symbolic link"),
        ("file", "is a symbolic link, or not a folder"),
    ],
)
def test_folder_that_is_not_as_pydock_writes_it(local: Machine, prepare: str, message: str) -> None:
    folder = local.folder("ds")
    if prepare == "edited dockerfile":
        (folder / "dockerfile").write_text("FROM python:3.12\nCOPY requirements.txt .\n")
        local.ok("build", "ds")
    elif prepare == "link":
        (folder / "wheels").symlink_to(local.home)
    elif prepare == "file":
        (folder / "wheels").write_text("")
    else:
        (folder / "wheels").mkdir()
        (folder / "wheels" / "mine.whl").write_text("")
    before = local.files()
    local.forget_calls()
    ended = local.pydock("install", "ds", ".")
    assert not local.argvs("run") + local.argvs("build")
    assert local.files() == before
    assert ended.code == 1
    assert message in ended.err
    assert "othing was changed" in ended.err


@pytest.mark.parametrize(
    "output",
    [
        "nonsense",
        "../../x-1.0-py3-none-any.whl\nUEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==",
        "x-1.0-py3-none-any.whl\n=",
    ],
)
def test_backend_that_makes_no_wheel(local: Machine, output: str) -> None:
    refused(local, local.pydock("install", "ds", ".", FAKE_DOCKER_WHEEL=output), 1, "made no wheel")


def test_two_projects_of_one_name(local: Machine) -> None:
    for place in ("a", "b"):
        (local.project / place / "same").mkdir(parents=True)
        (local.project / place / "same" / "setup.py").write_text("")
    refused(local, local.pydock("install", "ds", "./a/same", "./b/same"), 1, "are both the package 'same'")
    local.ok("install", "ds", "./a/same")
    local.ok("install", "ds", "./b/same")
    assert "/b/same" in text(local, "requirements.in")
    check_installed(local)


def test_project_outside_of_the_environments_project(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "setup.py").write_text("")
    wheel = other / "x-1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    (machine.project / ".pydock").mkdir()
    machine.ok("create", "ds", "3.12")
    folder = machine.project / ".pydock" / "envs" / "ds"
    before = sorted(folder.iterdir())
    machine.forget_calls()
    for path in (other, wheel):
        ended = machine.pydock("install", "ds", str(path))
        assert ended.code == 1
        assert f"{path} is outside of {machine.project.resolve()}" in ended.err
        assert not machine.argvs("run") + machine.argvs("build")
    assert sorted(folder.iterdir()) == before


def test_engine_on_another_machine(local: Machine) -> None:
    refused(
        local, local.pydock("install", "ds", ".", DOCKER_HOST="tcp://192.0.2.1:2375"), 125, "cannot mount"
    )


@pytest.mark.parametrize("change", ["remove", "edit"])
def test_lost_wheel(local: Machine, change: str) -> None:
    local.ok("install", "ds", ".")
    [wheel] = stored(local)
    if change == "remove":
        shutil.rmtree(wheel.parent)
    else:
        wheel.write_bytes(b"another")
    ended = local.pydock("build", "ds")
    assert ended.code == 1
    assert (
        f"{'is missing' if change == 'remove' else 'was changed'}, and requirements.txt names it" in ended.err
    )
    local.ok("update", "ds")
    check_installed(local)
    local.ok("build", "ds")


def test_link_becomes_an_installation_and_back(local: Machine) -> None:
    local.ok("install", "ds", "-e", ".")
    local.ok("install", "ds", ".")
    assert text(local, "requirements.in") == f"{path_from_folder(local)}  # project\n"
    check_installed(local)
    local.ok("install", "ds", "-e", ".")
    assert text(local, "requirements.in") == f"-e {path_from_folder(local)}  # project\n"
    assert text(local, "requirements.txt") == ""
    assert stored(local) == []


def test_dry_shows_every_step(local: Machine) -> None:
    before = local.files()
    local.forget_calls()
    shown = local.ok("--dry", "install", "ds", ".").out
    for part in ("cp ", "build_wheel", "increment.sh", MOUNT.strip(), "wheels/", "README"):
        assert part in shown
    assert not local.argvs("run") + local.argvs("build")
    assert local.files() == before
    created = local.ok("--dry", "create", "new", "3.12", ".").out
    place = path_from_folder(local)
    assert f"{place}  # project" in created.splitlines()
    assert "/envs/new/wheels" in created
    local.ok("install", "ds", ".")
    assert "resolve.sh" in local.ok("--dry", "update", "ds").out


def test_failure_after_the_wheel_is_built_changes_nothing(local: Machine) -> None:
    before = local.files("ds")
    tags = local.tags()
    ended = local.pydock("install", "ds", ".", "nosuchpackage")
    assert ended.code == 1
    assert local.files("ds") == before
    assert local.tags() == tags
