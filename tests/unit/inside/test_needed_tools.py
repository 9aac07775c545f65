"""Which of pip, setuptools and wheel the installed packages need; the program runs in the environment's Python, here in ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pydock.inside import needed_tools


def metadata(*requirements: str) -> str:
    fields = "".join(f"Requires-Dist: {requirement}\n" for requirement in requirements)
    return f"Metadata-Version: 2.1\nName: x\n{fields}\nRequires-Dist: wheel\n\nThis is the description.\n"


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("setuptools", {"setuptools"}),
        ("Setuptools>=60", {"setuptools"}),
        ("setuptools[core] (>=60)", {"setuptools"}),
        ("pip<24,>=20", {"pip"}),
        ("wheel @ https://example.org/wheel-1.tar.gz", {"wheel"}),
        ("setuptools; python_version >= '3'", {"setuptools"}),
        ("setuptools; python_version < '3'", set()),
        ("setuptools ; extra == 'test'", set()),
        ('setuptools; extra == "test" or python_version >= "3"', {"setuptools"}),
        ("setuptools; (python_version >= '3') and extra == 'test'", set()),
        ("setuptools; 'test' == extra", set()),
        ("setuptools; nonsense", set()),
        ("setuptools-scm", set()),
        ("pip_tools>=1", set()),
        ("pip.x", set()),
        ("six", set()),
        ("", set()),
    ],
)
def test_requirement_of_a_wheel(tmp_path: Path, requirement: str, expected: set[str]) -> None:
    folder = tmp_path / "x-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(metadata("numpy", requirement), encoding="utf-8")
    assert needed_tools.needed(needed_tools.requirements([str(tmp_path)])) == expected


def test_requirements_of_an_egg_without_those_of_extras(tmp_path: Path) -> None:
    for name in ("x.egg-info", "EGG-INFO"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requires.txt").write_text(
            "six\npip>=1\n\n[:python_version>='3']\nsetuptools\n\n[:python_version<'3']\ndistribute\n\n[test]\nwheel\n"
        )
    assert needed_tools.needed(needed_tools.requirements([str(tmp_path)])) == {"pip", "setuptools"}


def test_folders_and_packages_without_metadata_need_nothing(tmp_path: Path) -> None:
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "y.egg-info").write_text("Name: y\n")
    (tmp_path / "z.py").write_text("")
    folders = [str(tmp_path), str(tmp_path / "z.py"), str(tmp_path / "none")]
    assert not needed_tools.needed(needed_tools.requirements(folders))


def test_program_prints_what_is_needed_and_imports_no_parser_for_most_packages(tmp_path: Path) -> None:
    folder = tmp_path / "x-1.dist-info"
    folder.mkdir()
    extra = "wheel; extra == 'test'"
    (folder / "METADATA").write_text(metadata("setuptools>=60", extra), encoding="utf-8")
    program = Path(needed_tools.__file__)
    code = f"import sys; sys.path = [{str(tmp_path)!r}]; exec(open({str(program)!r}).read()); print('re' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "# needed: setuptools\nFalse\n"
