"""Lock files of other tools as `-r`: what is read, and what is refused with the command that exports it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.packages.requirement_files import parse_files, parse_text
from pydock.packages.requirements import for_installer, to_text

if TYPE_CHECKING:
    from pathlib import Path

ZERO, ONE, TWO = (f"sha256:{digit * 64}" for digit in "012")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    lines = parse_files([name])
    assert parse_text(to_text(lines), "requirements.in") == lines
    return for_installer(lines)


def message(folder: Path, name: str, text: str) -> str:
    with pytest.raises(errors.UsageError) as raised:
        read(folder, name, text)
    assert name in raised.value.message
    return raised.value.message


PYLOCK = f"""\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "six"
version = "1.16.0"
marker = "python_full_version >= '3.8'"
sdist = {{ url = "https://host.example/six.tar.gz", hashes = {{ sha256 = "{"0" * 64}" }} }}
wheels = [
    {{ url = "https://host.example/six.whl", hashes = {{ sha256 = "{"1" * 64}", md5 = "{"2" * 32}" }} }},
    {{ url = "https://host.example/other.whl", hashes = {{ sha256 = "{"1" * 64}" }} }},
]

[[packages]]
name = "Tool"
archive = {{ url = "https://host.example/tool.zip", hashes = {{ sha256 = "{"2" * 64}" }} }}
"""


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml"])
def test_pylock(folder: Path, name: str) -> None:
    assert read(folder, name, PYLOCK) == (
        f"six==1.16.0 ; python_full_version >= '3.8' --hash={ZERO} --hash={ONE}\n"
        f"Tool @ https://host.example/tool.zip --hash={TWO}\n"
    )


def test_entries_are_recorded_as_pip_compile_writes_them(folder: Path) -> None:
    (folder / "pylock.toml").write_text(PYLOCK)
    assert to_text(parse_files(["pylock.toml"])).splitlines()[:3] == [
        "six==1.16.0 ; python_full_version >= '3.8' \\",
        f"    --hash={ZERO} \\",
        f"    --hash={ONE}",
    ]


def test_lock_file_with_a_requirements_file(folder: Path) -> None:
    (folder / "pylock.toml").write_text(PYLOCK)
    (folder / "r.txt").write_text(f"-r pylock.toml\nnumpy==1 --hash={ZERO}\n")
    assert [line.name for line in parse_files(["r.txt"])] == ["six", "tool", "numpy"]


WHEEL = f"wheels = [{{hashes = {{sha256 = '{'0' * 64}'}}}}]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[packages]\n", "is not valid TOML"),
        ("packages = []\n", "lock-version ''"),
        ("lock-version = '2.0'\n", "lock-version '2.0', and pydock reads 1.x"),
        ("lock-version = '1.0'\npackages = 3\n", "packages is not a list of tables"),
        ("lock-version = '1.0'\npackages = [3]\n", "packages is not a list of tables"),
    ],
)
def test_invalid_pylock(folder: Path, text: str, words: str) -> None:
    assert words in message(folder, "pylock.toml", text)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("name = 'six'\nversion = '1'\nwheels = [{hashes = {md5 = '00'}}]", "it has no hash that pip knows"),
        ("name = 'six'\nversion = '1'\nwheels = [{hashes = {sha256 = '0 -r x'}}]", "it has no hash"),
        ("name = 'six'\nversion = '1'\nwheels = 3", "is not a list of tables"),
        ("name = 'six'\nversion = '1'", "its source ('unknown') is not an index"),
        ("name = 'six'\nvcs = {type = 'git', url = 'https://x'}", "its source ('vcs') is not an index"),
        ("name = 'six'\nversion = '1'\ndirectory = {path = '.'}", "its source ('directory') is not an index"),
        ("name = 'six'\narchive = {path = 'x.zip'}", "its source ('archive') is not an index"),
        (f"name = 'six'\nversion = '1'\nmarker = \"'dev' in extras\"\n{WHEEL}", "for some extras"),
        (f"name = 'six'\nversion = '1'\nmarker = 3\n{WHEEL}", "is not a requirement"),
        (f"name = 'six'\nversion = '1\\n--pre'\n{WHEEL}", "is not a requirement"),
        (f"name = 'six'\nversion = '1 --pre'\n{WHEEL}", "is not a requirement"),
        (f"name = '--pre'\nversion = '1'\n{WHEEL}", "'--pre' is not the name of a package"),
        (f"name = 3\nversion = '1'\n{WHEEL}", "3 is not the name of a package"),
    ],
)
def test_invalid_entry_of_pylock(folder: Path, entry: str, words: str) -> None:
    entry = entry.replace("'1\\n--pre'", '"1\\n--pre"')
    assert words in message(folder, "pylock.toml", f"lock-version = '1.0'\n[[packages]]\n{entry}\n")


def pipfile_lock(**default: Any) -> str:
    develop = {"six": {"version": "==1"}, "pytest": {"version": "==8.0"}}
    return json.dumps({"_meta": {}, "default": default, "develop": develop})


def test_pipfile_lock(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    six = {"hashes": [ONE, ZERO, ONE], "version": "==1.16.0", "markers": "python_version >= '3'"}
    requests = {"hashes": [TWO], "version": "==2.31.0", "extras": ["socks", "use-chardet"], "index": "pypi"}
    text = pipfile_lock(six=six, requests=requests)
    assert read(folder, "Pipfile.lock", text) == (
        f"six==1.16.0 ; python_version >= '3' --hash={ONE} --hash={ZERO}\n"
        f"requests[socks,use-chardet]==2.31.0 --hash={TWO}\n"
    )
    assert capsys.readouterr().err == (
        "Pipfile.lock: its packages for development (1) are left out; "
        "`pipenv requirements --dev > requirements.txt` exports all.\n"
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"git": "https://x", "ref": "0"}, "Run `pipenv requirements > requirements.txt`"),
        ({"path": ".", "editable": True}, "Run `pipenv requirements > requirements.txt`"),
        ({"version": "==1", "extras": "socks"}, "Run `pipenv requirements > requirements.txt`"),
        (
            {"version": "==1", "extras": ["a] @ https://x ; ["], "hashes": [ZERO]},
            "is not the name of a package",
        ),
        ({"version": "==1"}, "it has no hash that pip knows"),
        ({"version": "==1", "hashes": ["sha256:x --pre"]}, "it has no hash that pip knows"),
        ({"version": "==1 --pre", "hashes": [ZERO]}, "is not a requirement"),
        ({"version": "==1", "markers": "x", "hashes": [ZERO]}, "is not a requirement"),
    ],
)
def test_invalid_entry_of_pipfile_lock(folder: Path, entry: dict[str, Any], words: str) -> None:
    assert words in message(folder, "Pipfile.lock", pipfile_lock(six=entry))


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_invalid_pipfile_lock(folder: Path, text: str) -> None:
    assert "is not valid JSON" in message(folder, "Pipfile.lock", text)


CONDA = """\
name: science
channels: [conda-forge]
dependencies:
  - python=3.12
  - pip
  - conda-forge::numpy>=1.26
  - gdal
  - pip:
      - six>=1.15  # ours
      - --pre
      - -r more.txt
"""


@pytest.mark.parametrize("name", ["environment.yml", "env.yaml"])
def test_conda_environment(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more.txt").write_text("scipy\n")
    assert read(folder, name, CONDA) == "six>=1.15\n--pre\nscipy\n"
    assert "Packages of conda are not installed: conda-forge::numpy>=1.26, gdal." in capsys.readouterr().err


def test_conda_environment_without_packages_of_conda(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read(folder, "environment.yml", "dependencies: [python=3.12, pip, {pip: [six]}]\n")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dependencies: [", "is not valid YAML"),
        ("a: b: c", "environment.yml, line 1 is not valid YAML"),
        ("- six\n", "is not an environment file of conda"),
        ("services: {}\n", "is not an environment file of conda"),
        ("dependencies: six\n", "is not an environment file of conda"),
        ("dependencies: [{pip: [3]}]\n", "3 is not a line of a requirements file"),
        ('dependencies: [{pip: ["six\\n--pre"]}]\n', "is not a line of a requirements file"),
        (
            "name: my env\ndependencies: [numpy]\n",
            "`conda run -n 'my env' pip list --format=freeze > requirements.txt`",
        ),
        ("dependencies: [numpy]\n", "`conda run pip list --format=freeze > requirements.txt`"),
        ("dependencies: " + "[" * 5000 + "]" * 5000, "is not valid YAML"),
    ],
)
def test_invalid_conda_environment(folder: Path, text: str, words: str) -> None:
    assert words in message(folder, "environment.yml", text)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("uv.lock", "`uv export --format requirements-txt --no-emit-project > requirements.txt`"),
        ("poetry.lock", "`poetry export --format requirements.txt --output requirements.txt`"),
        ("pdm.lock", "`pdm export --format requirements --output requirements.txt`"),
        ("Pipfile", "`pipenv requirements > requirements.txt`"),
        ("setup.py", "`uv pip compile setup.py --output-file requirements.txt`"),
        ("setup.cfg", "`uv pip compile setup.cfg --output-file requirements.txt`"),
        ("pyproject.toml", "`pydock create NAME --from pyproject.toml`"),
        ("report.py", "`pydock run report.py` runs a script"),
        ("pixi.lock", "Let that tool export a requirements.txt"),
        ("Cargo.toml", "Let that tool export a requirements.txt"),
    ],
)
def test_other_files_name_the_command_that_exports_them(folder: Path, name: str, command: str) -> None:
    assert command in message(folder, name, "[six]\n")


def test_command_is_run_in_the_folder_of_the_file(folder: Path) -> None:
    (folder / "my app").mkdir()
    (folder / "my app" / "uv.lock").write_text("")
    with pytest.raises(errors.BadRequirements, match=re.escape("Run `cd 'my app' && uv export ")):
        parse_files(["my app/uv.lock"])


def test_file_that_does_not_exist_is_said_first(folder: Path) -> None:
    with pytest.raises(errors.BadRequirements, match=r"not found: uv\.lock"):
        parse_files(["uv.lock"])


@pytest.mark.parametrize("name", ["requirements", "requirements-uv.lock.txt", "requirements.in", "reqs.pip"])
def test_other_names_are_requirements_files(folder: Path, name: str) -> None:
    assert read(folder, name, "six\n") == "six\n"
