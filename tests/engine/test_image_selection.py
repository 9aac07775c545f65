"""Which image runs: that of the folder as it is, an older one, or none."""

from __future__ import annotations

import json

from .tools import Project, docker, images, inspect


def test_same_name_in_two_projects(project: Project, other_project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six")
    other_project.pydock("create", name, "3.12")  # its images are removed by name, with the first project's
    other_project.pydock("install", name, "idna")
    for _ in range(2):
        assert [line.split("==")[0] for line in project.freeze(name)] == ["six"]
        assert [line.split("==")[0] for line in other_project.freeze(name)] == ["idna"]
        project.pydock("build", name)  # moves :latest
    other_project.pydock("delete", name, "--yes")
    assert [line.split("==")[0] for line in project.freeze(name)] == ["six"]
    assert f"pydock-{name}:latest" in images(name), "the tag belongs to the first project now"


def test_same_name_local_and_global(project: Project) -> None:
    name = project.create()
    project.pydock("--global", "create", name, "3.12")
    project.pydock("install", name, "six")
    assert "six" in project.pydock("--local", "run", name, "pip", "freeze").stdout
    assert project.pydock("--global", "run", name, "pip", "freeze").stdout == ""
    assert (project.home / ".pydock" / "envs" / name / "dockerfile").is_file()
    project.pydock("--global", "delete", name, "--yes")
    assert "six" in project.pydock("--local", "run", name, "pip", "freeze").stdout


def test_changed_folder_runs_older_image_with_warning(project: Project) -> None:
    name = project.create()
    (project.environment(name) / "requirements.txt").write_text("six\n", encoding="utf-8")
    result = project.pydock("run", name, "pip", "freeze")
    assert result.stdout == ""
    assert "has changed since" in result.stderr
    assert f"pydock build {name}" in result.stderr
    (row,) = json.loads(project.pydock("envs", "--json").stdout)
    assert row["state"] == "changed since the build"
    project.pydock("build", name)
    again = project.pydock("run", name, "pip", "freeze")
    assert again.stdout.startswith("six==")
    assert again.stderr == ""


def test_warning_does_not_change_how_program_runs(project: Project) -> None:
    name = project.create()
    (project.environment(name) / "requirements.txt").write_text("six\n", encoding="utf-8")
    code = "import sys; print(repr(sys.argv[1:]), sys.stdin.read()); sys.exit(7)"
    result = project.pydock("run", name, "python", "-c", code, "a  b", "", "$HOME", stdin="in", check=False)
    assert result.returncode == 7
    assert result.stdout == "['a  b', '', '$HOME'] in\n"


def test_missing_image_says_build(project: Project) -> None:
    name = project.create()
    docker("rmi", *images(name))
    for command in (["run", name, "true"], ["shell", name]):
        result = project.pydock(*command, check=False)
        assert result.returncode == 125
        assert f"pydock build {name}" in result.stderr
        assert result.stdout == ""
    (row,) = json.loads(project.pydock("envs", "--json").stdout)
    assert row["state"] == "not built"
    project.pydock("build", name)
    project.pydock("run", name, "true")


def test_other_image_tagged_latest_is_not_run(project: Project) -> None:
    name = project.create()
    docker("tag", "python:3.12", f"pydock-{name}:latest")
    assert project.pydock("run", name, "sh", "-c", "pwd").stdout.startswith("/home/")
    project.pydock("build", name)
    assert inspect(f"pydock-{name}:latest")["Id"] == inspect(project.current_image(name))["Id"]


def test_image_works_without_pydock(project: Project) -> None:
    name = project.create()
    project.pydock("install", name, "six")
    config = inspect(f"pydock-{name}:latest")["Config"]
    assert config["Cmd"] == ["python3"], "the base image's command"
    assert not config["Entrypoint"]
    assert config["WorkingDir"].startswith("/home/")
    printed = docker(
        "run", "--rm", f"pydock-{name}:latest", "python", "-c", "import six; print(six.__name__)"
    )
    assert printed == "six\n"
