"""create, run, install, uninstall, update, build, list and delete."""

from __future__ import annotations

import json
import re
import secrets
import subprocess

from .tools import TIMEOUT, Project, containers, files_below, images, inspect, untagged


def test_all_commands_in_a_row(project: Project) -> None:
    name = project.new_name()

    created = project.pydock("create", name, "3.12")
    assert created.stdout == ""
    assert name in created.stderr
    assert set(files_below(project.environment(name))) == {"dockerfile", "requirements.txt"}
    assert project.requirements(name) == []
    assert f"pydock-{name}:latest" in images(name)
    assert project.pydock("run", name, "python", "-c", "print(6 * 7)").stdout == "42\n"

    installed = project.pydock("install", name, "six", "python-dateutil>=2.8")
    assert re.search(r"^\+ python-dateutil==", installed.stdout, re.MULTILINE)
    assert project.requested(name) == ["six", "python-dateutil>=2.8"]
    assert {"python-dateutil", "six"} <= set(project.packages(name))
    assert project.freeze(name) == project.requirements(name)

    uninstalled = project.pydock("uninstall", name, "python-dateutil")
    assert re.search(r"^- python-dateutil==", uninstalled.stdout, re.MULTILINE)
    assert project.requested(name) == ["six"]
    project.check_installed(name, ["six"])

    project.pydock("install", name, "idna==3.6")
    (project.environment(name) / "requirements.in").write_text("six\nidna\n", encoding="utf-8")
    updated = project.pydock("update", name, "idna")
    assert "- idna==3.6\n+ idna==" in updated.stdout
    assert project.freeze(name) == project.requirements(name)

    project.pydock("build", name)
    assert project.freeze(name) == project.requirements(name)

    row = next(row for row in json.loads(project.pydock("envs", "--json").stdout) if row["name"] == name)
    assert row["state"] == "ready"
    assert row["image"] == f"pydock-{name}:latest"
    assert row["python"].startswith("3.12")
    assert name in project.pydock("list").stdout

    project.pydock("delete", name, "--yes")
    assert not project.environment(name).exists()
    assert images(name) == {}
    assert containers(name) == []


def test_image_names_and_labels(project: Project) -> None:
    name = project.create()
    tags = images(name)
    assert len(tags) == 2
    assert len(set(tags.values())) == 1
    content = project.current_image(name)
    assert re.fullmatch(rf"pydock-{name}:[0-9a-f]{{8}}-[0-9a-f]{{16}}", content)
    assert "pydock.version" in inspect(content)["Config"]["Labels"]
    assert str(project.folder) not in json.dumps(inspect(content)), "no path of this machine"


def test_changes_remove_superseded_images(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six")  # now no other environment has the same image
    for words in (["install", name, "idna"], ["install", name, "attrs"], ["uninstall", name, "six"]):
        before = set(images(name).values())
        project.pydock(*words)
        after = images(name)
        assert len(after) == 2, "only the content tag and :latest"
        assert not before & set(after.values())
        assert untagged(name) == set()
        assert containers(name) == []


def test_build_untags_previous_image(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six")  # now no other environment has the same image
    old = images(name)[f"pydock-{name}:latest"]
    token = secrets.token_hex(8)
    dockerfile = project.environment(name) / "dockerfile"
    dockerfile.write_text(dockerfile.read_text(encoding="utf-8") + f"ENV ADDED={token}\n", encoding="utf-8")
    assert "docker image prune" in project.pydock("build", name).stderr
    assert untagged(name) == {old}
    assert images(name)[f"pydock-{name}:latest"] != old
    assert project.pydock("run", name, "sh", "-c", "echo $ADDED").stdout == f"{token}\n"
    again = project.pydock("build", name)
    assert "docker image prune" not in again.stderr, "the second build replaces nothing"


def test_create_from_requirements_file(project: Project) -> None:
    wanted = project.folder / "wanted.txt"
    wanted.write_text("# what we need\nsix  # for old code\nidna>=3\n", encoding="utf-8")
    name = project.create("-r", "wanted.txt")
    project.check_installed(name, ["idna", "six"])
    assert project.requested(name) == ["# what we need", "six  # for old code", "idna>=3"]


def test_create_refuses_existing_name(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    again = project.pydock("create", name, "3.12", check=False)
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert (files_below(project.environment(name)), images(name)) == before


def test_delete_without_terminal_needs_yes(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    refused = project.pydock("delete", name, check=False)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (files_below(project.environment(name)), images(name)) == before


def test_requirements_are_not_run_by_a_shell(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "idna>=3.0,<3.7", "requests[socks]>2 ; python_version > '3'")
    assert project.requested(name) == ["idna>=3.0,<3.7", "requests[socks]>2 ; python_version > '3'"]
    recorded = dict(line.split("==") for line in project.requirements(name))
    assert recorded["idna"] == "3.6"
    assert "pysocks" in recorded, "the extra is installed"
    project.pydock("install", name, "six ; os_name != '$(touch /hostile)`touch /hostile`'")
    assert project.pydock("run", name, "ls", "/hostile", check=False).returncode != 0
    refused = project.pydock("install", name, "six;touch hostile", "$(touch hostile)", check=False)
    assert refused.returncode == 2
    assert list(project.folder.iterdir()) == [project.folder / ".pydock"], (
        "no file such as `=3.0` or `hostile`"
    )


def test_dot_in_name(project: Project) -> None:
    name = project.new_name("py3.12")
    project.pydock("create", name, "3.12")
    project.pydock("install", name, "six")
    assert f"pydock-{name}:latest" in images(name)
    assert name in project.pydock("envs").stdout
    assert project.pydock("run", name, "hostname").stdout.strip() == name.replace(".", "-")


def test_install_keeps_image_configuration(project: Project) -> None:
    name = project.create()
    before = inspect(f"pydock-{name}:latest")["Config"]
    project.pydock("install", name, "six")
    after = inspect(f"pydock-{name}:latest")["Config"]
    for part in ("Cmd", "Entrypoint", "User", "WorkingDir", "Env"):
        assert after.get(part) == before.get(part), part


def test_latest_tag_exists_during_install(project: Project) -> None:
    name = project.create()
    process = project.start("install", name, "six", stderr=subprocess.PIPE)
    seen = set()
    while process.poll() is None:
        seen.add(f"pydock-{name}:latest" in images(name))
    assert b"Installing" in process.communicate(timeout=TIMEOUT)[1]
    assert process.returncode == 0
    assert seen == {True}
