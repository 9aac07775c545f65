"""A failed command prints a message, exits with a code, and changes neither files nor images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .tools import Project, containers, files_below, images, untagged


@pytest.fixture
def name(project: Project) -> str:
    """Return an environment with six."""
    made = project.create()
    project.pydock("install", made, "six")
    return made


def check_fails_without_changes(
    project: Project, name: str, *words: str, code: int = 1, messages: tuple[str, ...] = ()
) -> None:
    before = files_below(project.folder / ".pydock"), images(name)
    result = project.pydock(*words, check=False)
    assert result.returncode == code, result.stderr
    for text in messages:
        assert text in result.stderr, result.stderr
    assert result.stdout == ""
    assert (files_below(project.folder / ".pydock"), images(name)) == before
    assert containers(name) == []
    assert untagged(name) == set()


def test_unknown_package(project: Project, name: str) -> None:
    words = ("install", name, "pydock-no-such-package")
    check_fails_without_changes(
        project, name, *words, messages=("pydock-no-such-package", "nothing was changed")
    )


def test_failing_installation_runs_once_and_keeps_its_log(project: Project, name: str) -> None:
    result = project.pydock("install", name, "pydock-no-such-package", check=False)
    path = result.stderr.splitlines()[-1].removeprefix("The full log is in ")
    log = Path(path).read_text(encoding="utf-8")
    assert log.count("pydock-no-such-package was not found") == 1
    *lines, _ = result.stderr.splitlines()
    assert not re.search(r"/pydock/|wanted\.txt|step\.dockerfile", "\n".join(lines))


def test_missing_compiler_is_named(project: Project, name: str) -> None:
    package = project.environment(name) / "needs-c"
    package.mkdir()
    extension = "Extension('c', ['c.c'])"
    (package / "setup.py").write_text(
        f"from setuptools import Extension, setup\nsetup(name='needs-c', version='1', ext_modules=[{extension}])\n",
        encoding="utf-8",
    )
    (package / "c.c").write_text("", encoding="utf-8")
    dockerfile = project.environment(name) / "dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    install, end = "pip install -r /usr/local/share/requirements.txt", "\n\nUSER $USER"
    step = text[text.index("RUN --mount=type=bind") : text.index(end)]
    # A compiler that is never there, because some base images have gcc.
    step = step.replace(install, "CC=/missing/gcc pip install /needs-c")
    dockerfile.write_text(text.replace(end, f"\nCOPY needs-c /needs-c\n{step}{end}"), encoding="utf-8")
    check_fails_without_changes(
        project, name, "build", name, messages=("because gcc is missing in the image", "build-essential")
    )


def test_unknown_version(project: Project, name: str) -> None:
    check_fails_without_changes(project, name, "install", name, "six==999", messages=("six", "999"))


def test_conflicting_packages(project: Project, name: str) -> None:
    words = ("install", name, "certifi<2017", "requests>=2.32")
    check_fails_without_changes(
        project, name, *words, messages=("certifi", "requests", "nothing was changed")
    )


def test_conflict_with_earlier_request(project: Project, name: str) -> None:
    project.pydock("install", name, "certifi<2017")
    check_fails_without_changes(project, name, "install", name, "requests>=2.32", messages=("certifi",))


def test_conflict_with_installer_pip(project: Project, name: str) -> None:
    project.environ["PYDOCK_INSTALLER"] = "pip"
    check_fails_without_changes(
        project, name, "install", name, "certifi<2017", "requests>=2.32", messages=("certifi",)
    )
    check_fails_without_changes(
        project, name, "install", name, "pydock-no-such-package", messages=("pydock-no-such-package",)
    )


@pytest.mark.parametrize("line", ["six =! 1", "pandas==", "a b c", "-r other.txt"])
def test_invalid_requirements_file(project: Project, name: str, line: str) -> None:
    (project.folder / "wanted.txt").write_text(f"idna\n{line}\n", encoding="utf-8")
    words = ("install", name, "-r", "wanted.txt")
    check_fails_without_changes(
        project, name, *words, code=2, messages=("other.txt" if line[0] == "-" else "line 2",)
    )


@pytest.mark.parametrize("command", ["build", "install", "uninstall", "update"])
def test_invalid_line_in_requirements_txt(project: Project, name: str, command: str) -> None:
    (project.environment(name) / "requirements.txt").write_text("six =! 1\n", encoding="utf-8")
    words = [command, name, *(["idna"] if command in {"install", "uninstall"} else [])]
    check_fails_without_changes(project, name, *words, code=2, messages=("requirements.txt, line 1",))


def test_uninstall_package_not_installed(project: Project, name: str) -> None:
    check_fails_without_changes(project, name, "uninstall", name, "idna", messages=("idna", "not installed"))


def test_uninstall_dependency_of_another_package(project: Project, name: str) -> None:
    project.pydock("install", name, "Jinja2")
    words = ("uninstall", name, "markupsafe")
    check_fails_without_changes(project, name, *words, messages=("markupsafe", "needed by", "jinja2"))


def test_update_package_not_installed(project: Project, name: str) -> None:
    check_fails_without_changes(project, name, "update", name, "idna", messages=("idna", "not installed"))


def test_create_with_unknown_base_image(project: Project) -> None:
    name = project.new_name()
    words = ("create", name, "3.12.999-no-such")
    check_fails_without_changes(
        project, name, *words, code=125, messages=("python:3.12.999-no-such", "base image")
    )
    assert not project.environment(name).exists()


def test_failed_create_leaves_no_files(project: Project) -> None:
    name = project.new_name()
    (project.folder / "wanted.txt").write_text("pydock-no-such-package\n", encoding="utf-8")
    check_fails_without_changes(
        project, name, "create", name, "3.12", "-r", "wanted.txt", messages=("no-such-package",)
    )
    assert not project.environment(name).exists()
    assert list((project.folder / ".pydock").rglob("*")) in ([], [project.folder / ".pydock" / "envs"])
    project.pydock("create", name, "3.12")


def test_failing_dockerfile_step(project: Project, name: str) -> None:
    dockerfile = project.environment(name) / "dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    dockerfile.write_text(text + "USER root\nRUN echo reason-of-failure >&2; exit 3\n", encoding="utf-8")
    for command in (["build", name], ["install", name, "idna"], ["uninstall", name, "six"]):
        check_fails_without_changes(project, name, *command, messages=("reason-of-failure", "dockerfile"))


def test_invalid_dockerfile(project: Project, name: str) -> None:
    (project.environment(name) / "dockerfile").write_text("FORM python:3.12\n", encoding="utf-8")
    check_fails_without_changes(project, name, "build", name, messages=("FORM",))


def test_delete_refuses_image_in_use(project: Project, name: str) -> None:
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


def test_install_while_a_container_runs(project: Project, name: str) -> None:
    process = project.start("run", name, "sh", "-c", "echo ready; exec sleep 600", stdout=-1)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    project.pydock("install", name, "idna")
    assert project.freeze(name) == project.requirements(name)
    process.terminate()
    process.communicate()
    project.pydock("install", name, "packaging")
    assert len(images(name)) == 2, "the image that the container used is removed by the next command"
    assert untagged(name) == set()
