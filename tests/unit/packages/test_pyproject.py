"""What a pyproject.toml requires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.packages.pyproject import project_requirements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(folder: Path, text: str, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> list[str]:
    (folder / "pyproject.toml").write_text(text)
    return [line.text for line in project_requirements("pyproject.toml", extras, groups)]


def message(folder: Path, text: str, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> str:
    with pytest.raises(errors.BadProject) as raised:
        lines(folder, text, extras, groups)
    assert "pyproject.toml" in raised.value.message
    return raised.value.message


PROJECT = """\
[project]
name = "My.Project"
dependencies = ["pandas>=2", "six; python_version < '3.12'", "tool @ https://host.example/tool.zip"]

[project.optional-dependencies]
dev = ["ruff", "pandas>=2"]
"Test_All" = ["pytest>=8", "my-project[dev]"]
all = ["my_project[dev,test-all]"]

[dependency-groups]
lint = ["ruff>=0.6"]
Test = ["pytest", {include-group = "LINT"}]
"""
DEPENDENCIES = [
    "# from pyproject.toml",
    "pandas>=2",
    "six; python_version < '3.12'",
    "tool @ https://host.example/tool.zip",
]


def test_dependencies(folder: Path) -> None:
    assert lines(folder, PROJECT) == DEPENDENCIES


def test_a_folder_is_its_pyproject(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT)
    [first, *_] = project_requirements(str(folder))
    assert first.text == f"# from {folder}/pyproject.toml"


def test_extras_and_groups_are_added_with_normalized_names(folder: Path) -> None:
    assert lines(folder, PROJECT, ["DEV"], ["test"]) == [
        *DEPENDENCIES,
        "# from pyproject.toml, extra DEV",
        "ruff",
        "# from pyproject.toml, group test",
        "pytest",
        "ruff>=0.6",
    ]


@pytest.mark.parametrize("extra", ["test-all", "all"])
def test_extras_of_the_project_itself_are_replaced(folder: Path, extra: str) -> None:
    found = lines(folder, PROJECT, [extra])
    assert found[len(DEPENDENCIES)] == f"# from pyproject.toml, extra {extra}"
    assert sorted(found[len(DEPENDENCIES) + 1 :]) == ["pytest>=8", "ruff"]


def test_extras_that_name_each_other_end(folder: Path) -> None:
    text = '[project]\nname = "p"\n[project.optional-dependencies]\na = ["p[b]", "six"]\nb = ["p[a]"]\n'
    with pytest.raises(errors.BadProject, match=r"project\.dependencies is not a list"):
        lines(folder, text.replace("\n[project.o", '\ndependencies = "six"\n[project.o'), ["a"])
    assert lines(folder, text, ["a"]) == ["# from pyproject.toml, extra a", "six"]


def test_groups_need_no_project(folder: Path) -> None:
    text = "[dependency-groups]\ntest = ['pytest']\n"
    assert lines(folder, text, groups=["test"]) == ["# from pyproject.toml, group test", "pytest"]


def test_project_without_dependencies(folder: Path) -> None:
    assert lines(folder, "[project]\nname = 'attrs'\n") == []


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ("a = [{include-group = 'b'}]\nb = [{include-group = 'a'}]", "include each other: a → b → a"),
        ("a = [{include-group = 'A'}]", "include each other: a → a"),
        ("a = [{include-group = 'c'}]", "has no group 'c'. It has: a."),
        ("a = [{path = '.'}]", "is neither a requirement nor {include-group"),
        ("a = [{include-group = ['b']}]", "is neither a requirement nor {include-group"),
        ("a = 'six'", "dependency-groups.a is not a list"),
        ("a = []\nA = []", "'a' is there twice"),
        ("a = [1]", "1 is not a requirement"),
        ("b = []", "has no group 'a'. It has: b."),
        ("", "has no group 'a'. It has no groups."),
    ],
)
def test_invalid_groups(folder: Path, groups: str, words: str) -> None:
    text = f"[project]\nname = 'p'\n[dependency-groups]\n{groups}\n"
    assert words in message(folder, text, groups=["a"])


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("--index-url=https://evil.example/simple", "is not a requirement"),
        ("-e .", "is not a requirement"),
        ("-r other.txt", "is not a requirement"),
        ("six\n--index-url=https://evil.example", "is not a requirement"),
        ("six; python_version > '3\n--index-url https://evil.example'", "is not a requirement"),
        ("six; python_version > '3 --config-settings=x=y'", "has an option or a comment"),
        ("six; platform_release == ' # x'", "has an option or a comment"),
        ("six --hash=sha256:0", "is not a requirement"),
        ("six # comment", "is not a requirement"),
        ("git+https://host.example/six.git", "is not a requirement"),
        ("./six", "is not a requirement"),
        ("six @ file:///tmp/six", "is a local path"),
        ("six @ https://me:hunter2@host.example/six.zip", "has a password or a token"),
        ("six @ https://host.example/${TOKEN}/six.zip", "has a variable"),
        ("six>>1", "is not a requirement"),
        ("", "is not a requirement"),
    ],
)
def test_anything_but_a_requirement_is_refused(folder: Path, requirement: str, words: str) -> None:
    quoted = requirement.replace("\n", "\\n")
    found = message(folder, f'[project]\nname = "p"\ndependencies = ["{quoted}"]\n')
    assert words in found
    assert "project.dependencies" in found
    assert "hunter2" not in found


def test_unknown_extra_names_a_similar_one(folder: Path) -> None:
    assert "has no extra 'devv'. Did you mean 'dev'?" in message(folder, PROJECT, ["devv"])


@pytest.mark.parametrize(
    ("text", "extras", "groups", "command"),
    [
        (
            "[project]\nname = 'p'\ndynamic = ['dependencies']\n",
            ["dev"],
            ["test"],
            "uv pip compile pyproject.toml --extra dev --group test --output-file requirements.txt",
        ),
        (
            "[project]\nname = 'p'\ndependencies = []\ndynamic = ['optional-dependencies']\n",
            ["dev"],
            [],
            "uv pip compile pyproject.toml --extra dev --output-file requirements.txt",
        ),
        (
            (
                "[project]\nname = 'p'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\n"
                "dependencies = {file = ['reqs/a.txt', 'b c.txt']}\n"
            ),
            [],
            [],
            "pydock create NAME -r reqs/a.txt -r 'b c.txt'",
        ),
        (
            "[tool.poetry]\nname = 'p'\n[tool.poetry.dependencies]\nsix = '*'\n",
            ["dev"],
            ["test"],
            "poetry export --format requirements.txt --extras dev --with test --output requirements.txt",
        ),
        (
            "[project]\nname = 'p'\ndynamic = ['dependencies']\n[tool.poetry.dependencies]\nsix = '*'\n",
            [],
            [],
            "poetry export --format requirements.txt --output requirements.txt",
        ),
        (
            "[project]\nname = 'p'\ndependencies = []\n[tool.poetry.group.test.dependencies]\nsix = '*'\n",
            [],
            ["test"],
            "poetry export --format requirements.txt --with test --output requirements.txt",
        ),
        (
            "[project]\nname = 'p'\ndependencies = ['My_Six>=1']\n[tool.uv.sources]\nmy-six = {git = 'https://x'}\n",
            [],
            [],
            "uv export --format requirements-txt --no-hashes --no-emit-project --no-default-groups > requirements.txt",
        ),
        (
            "[project]\nname = 'p'\ndependencies = ['six']\n[tool.poetry.dependencies]\nsix = {git = 'https://x'}\n",
            [],
            [],
            "poetry export --format requirements.txt --output requirements.txt",
        ),
    ],
)
def test_what_only_another_tool_reads_names_the_command_that_exports_it(
    folder: Path, text: str, extras: list[str], groups: list[str], command: str
) -> None:
    assert command in message(folder, text, extras, groups)


def test_poetry_constraint_without_a_source_is_accepted(folder: Path) -> None:
    text = "[project]\nname='p'\ndependencies=['six']\n[tool.poetry.dependencies]\nsix={extras=['a']}\n"
    assert lines(folder, text) == ["# from pyproject.toml", "six"]


@pytest.mark.parametrize("name", ["setup.py", "setup.cfg"])
def test_projects_of_setuptools_only(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    command = f"uv pip compile {name} --extra dev --output-file requirements.txt"
    for path in (name, "pyproject.toml"):  # which does not exist
        with pytest.raises(errors.BadProject, match=re.escape(command)):
            project_requirements(path, ["dev"])
    assert command in message(folder, "[build-system]\nrequires = []\n", ["dev"])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("requirements.txt", "A requirements file is installed with -r"),
        ("nowhere/pyproject.toml", "nowhere/pyproject.toml not found"),
    ],
)
def test_other_files_are_refused(folder: Path, path: str, words: str) -> None:
    with pytest.raises(errors.BadProject, match=words):
        project_requirements(path)


@pytest.mark.parametrize(
    "text",
    [
        "[project]\ndynamic = 3\ndependencies = []\n",
        "project = 3\n",
        "[project]\nname = 3\noptional-dependencies = 4\n[tool]\nuv = 3\npoetry = 'x'\n",
        "dependency-groups = 3\n[project]\n",
    ],
)
def test_values_of_other_types_are_no_bug(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)
    try:
        assert project_requirements("pyproject.toml") == []
    except errors.BadProject:
        assert text.startswith(("project", "dependency"))


def test_name_of_the_file_cannot_end_the_comment(folder: Path) -> None:
    place = folder / "a\n--pre"
    place.mkdir()
    (place / "pyproject.toml").write_text("[project]\ndependencies = ['six']\n")
    [first, _] = project_requirements(str(place))
    assert first.text == f"# 'from {folder}/a\\n--pre/pyproject.toml'"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("[[tool.uv.index]]\nurl='x'\n", True),
        ("[[tool.poetry.source]]\nname='x'\n", True),
        ("[tool.uv]\n", False),
    ],
)
def test_indexes_of_the_file_do_not_count(
    folder: Path, capsys: pytest.CaptureFixture[str], table: str, named: bool
) -> None:
    lines(folder, f"[project]\ndependencies = ['six']\n{table}")
    assert ("do not count" in capsys.readouterr().err) == named
