"""What goes wrong is said in words, with a code, and leaves folder and images as they were."""

from __future__ import annotations

import pytest

from .tools import Project, containers, files_below, images, untagged


@pytest.fixture
def name(project: Project) -> str:
    """Return an environment with six."""
    made = project.create()
    project.pydock("install", made, "six")
    return made


def check_refused(
    project: Project, name: str, *words: str, code: int = 1, says: tuple[str, ...] = ()
) -> None:
    before = files_below(project.folder / ".pydock"), images(name)
    result = project.pydock(*words, check=False)
    assert result.returncode == code, result.stderr
    for text in says:
        assert text in result.stderr, result.stderr
    assert result.stdout == ""
    assert (files_below(project.folder / ".pydock"), images(name)) == before
    assert containers(name) == []
    assert untagged(name) == set()


def test_a_package_that_does_not_exist(project: Project, name: str) -> None:
    words = ("install", name, "pydock-no-such-package")
    check_refused(project, name, *words, says=("pydock-no-such-package", "nothing was changed"))


def test_a_version_that_does_not_exist(project: Project, name: str) -> None:
    check_refused(project, name, "install", name, "six==999", says=("six", "999"))


def test_packages_in_conflict(project: Project, name: str) -> None:
    words = ("install", name, "certifi<2017", "requests>=2.32")
    check_refused(project, name, *words, says=("certifi", "requests", "nothing was changed"))


def test_a_conflict_with_what_was_asked_for_before(project: Project, name: str) -> None:
    project.pydock("install", name, "certifi<2017")
    check_refused(project, name, "install", name, "requests>=2.32", says=("certifi",))


def test_a_conflict_under_pip(project: Project, name: str) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    check_refused(project, name, "install", name, "certifi<2017", "requests>=2.32", says=("certifi",))
    check_refused(project, name, "install", name, "pydock-no-such-package", says=("pydock-no-such-package",))


@pytest.mark.parametrize("line", ["six =! 1", "pandas==", "a b c", "-r elsewhere.txt"])
def test_a_broken_requirements_file_of_the_users(project: Project, name: str, line: str) -> None:
    (project.folder / "wanted.txt").write_text(f"idna\n{line}\n", encoding="utf-8")
    words = ("install", name, "-r", "wanted.txt")
    check_refused(project, name, *words, code=2, says=("elsewhere.txt" if line[0] == "-" else "line 2",))


@pytest.mark.parametrize("command", ["build", "install", "uninstall", "update"])
def test_a_broken_line_in_the_environments_requirements(project: Project, name: str, command: str) -> None:
    (project.environment(name) / "requirements.txt").write_text("six =! 1\n", encoding="utf-8")
    words = [command, name, *(["idna"] if command in {"install", "uninstall"} else [])]
    check_refused(project, name, *words, code=2, says=("requirements.txt, line 1",))


def test_uninstalling_what_is_not_there(project: Project, name: str) -> None:
    check_refused(project, name, "uninstall", name, "idna", says=("idna", "not installed"))


def test_uninstalling_what_others_need(project: Project, name: str) -> None:
    project.pydock("install", name, "Jinja2")
    words = ("uninstall", name, "markupsafe")
    check_refused(project, name, *words, says=("markupsafe", "needed by", "jinja2"))


def test_updating_what_is_not_there(project: Project, name: str) -> None:
    check_refused(project, name, "update", name, "idna", says=("idna", "not installed"))


def test_an_unknown_base_image_leaves_nothing(project: Project) -> None:
    name = project.new_name()
    words = ("create", name, "3.12.999-no-such")
    check_refused(project, name, *words, code=125, says=("python:3.12.999-no-such", "base image"))
    assert not project.environment(name).exists()


def test_a_failing_create_leaves_nothing(project: Project) -> None:
    name = project.new_name()
    (project.folder / "wanted.txt").write_text("pydock-no-such-package\n", encoding="utf-8")
    check_refused(project, name, "create", name, "3.12", "-r", "wanted.txt", says=("no-such-package",))
    assert not project.environment(name).exists()
    assert list((project.folder / ".pydock").rglob("*")) in ([], [project.folder / ".pydock" / "envs"])
    project.pydock("create", name, "3.12")


def test_a_broken_step_of_the_dockerfile(project: Project, name: str) -> None:
    dockerfile = project.environment(name) / "dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    dockerfile.write_text(text + "USER root\nRUN echo to-be-read >&2; exit 3\n", encoding="utf-8")
    for command in (["build", name], ["install", name, "idna"], ["uninstall", name, "six"]):
        check_refused(project, name, *command, says=("to-be-read", "dockerfile"))


def test_a_dockerfile_that_is_none(project: Project, name: str) -> None:
    (project.environment(name) / "dockerfile").write_text("FORM python:3.12\n", encoding="utf-8")
    check_refused(project, name, "build", name, says=("FORM",))


def test_an_image_in_use_is_not_removed(project: Project, name: str) -> None:
    process = project.start("run", name, "sh", "-c", "echo ready; exec sleep 600", stdout=-1)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    result = project.pydock("delete", name, "--yes", check=False)
    assert result.returncode == 125
    assert "container" in result.stderr
    assert project.environment(name).is_dir()
    assert project.pydock("run", name, "true").returncode == 0
    process.terminate()
    process.communicate()


def test_an_environment_is_changed_while_it_runs(project: Project, name: str) -> None:
    process = project.start("run", name, "sh", "-c", "echo ready; exec sleep 600", stdout=-1)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    project.pydock("install", name, "idna")
    assert project.freeze(name) == project.requirements(name)
    process.terminate()
    process.communicate()
    project.pydock("install", name, "packaging")
    assert len(images(name)) == 2, "what the container held is put away by the next command"
    assert untagged(name) == set()
