"""An environment's life: create, run, install, uninstall, update, build, list, delete."""

from __future__ import annotations

import json
import re
import secrets

from .tools import Project, containers, files_below, images, inspect, untagged


def test_from_create_to_delete(project: Project) -> None:
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
    assert project.asked(name) == ["six", "python-dateutil>=2.8"]
    assert {"python-dateutil", "six"} <= {line.split("==")[0] for line in project.requirements(name)}
    assert project.freeze(name) == project.requirements(name)

    uninstalled = project.pydock("uninstall", name, "python-dateutil")
    assert re.search(r"^- python-dateutil==", uninstalled.stdout, re.MULTILINE)
    assert project.asked(name) == ["six"]
    assert [line.split("==")[0] for line in project.requirements(name)] == ["six"], "what it needed went too"
    assert project.freeze(name) == project.requirements(name)

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


def test_changes_leave_no_litter(project: Project) -> None:
    name = project.create()
    for words in (["install", name, "six"], ["install", name, "idna"], ["uninstall", name, "six"]):
        before = set(images(name).values())
        project.pydock(*words)
        after = images(name)
        assert len(after) == 2, "the content tag and :latest, nothing else"
        assert not before & set(after.values())
        assert untagged(name) == set(), "the superseded image is gone"
        assert containers(name) == []


def test_a_manual_build_leaves_the_old_image_without_a_name(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six")  # an image that no other environment has too
    old = images(name)[f"pydock-{name}:latest"]
    token = secrets.token_hex(8)
    dockerfile = project.environment(name) / "dockerfile"
    dockerfile.write_text(dockerfile.read_text(encoding="utf-8") + f"ENV ADDED={token}\n", encoding="utf-8")
    said = project.pydock("build", name).stderr
    assert "docker image prune" in said
    assert untagged(name) == {old}
    assert images(name)[f"pydock-{name}:latest"] != old
    assert project.pydock("run", name, "sh", "-c", "echo $ADDED").stdout == f"{token}\n"
    # a second build of the same files has nothing to leave
    assert "docker image prune" not in project.pydock("build", name).stderr


def test_create_from_a_requirements_file(project: Project) -> None:
    wanted = project.folder / "wanted.txt"
    wanted.write_text("# what we need\nsix  # for old code\nidna>=3\n", encoding="utf-8")
    name = project.create("-r", "wanted.txt")
    assert [line.split("==")[0] for line in project.requirements(name)] == ["idna", "six"]
    assert project.asked(name) == ["# what we need", "six  # for old code", "idna>=3"]
    assert project.freeze(name) == project.requirements(name)


def test_create_refuses_a_name_that_exists(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    again = project.pydock("create", name, "3.12", check=False)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert (files_below(project.environment(name)), images(name)) == before


def test_delete_asks_and_without_a_terminal_refuses(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    refused = project.pydock("delete", name, check=False)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (files_below(project.environment(name)), images(name)) == before


def test_dry_changes_nothing_and_prints_what_docker_would_be_told(project: Project) -> None:
    name = project.create()
    before = files_below(project.environment(name)), images(name)
    for words in (["install", name, "six"], ["build", name], ["delete", name, "--yes"], ["update", name]):
        assert "docker " in project.pydock("--dry", *words).stdout
        assert (files_below(project.environment(name)), images(name)) == before
