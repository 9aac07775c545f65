"""The locks in requirements/: they agree with pyproject.toml, and they are what is installed."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import lock
import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHECKOUT = lock.CHECKOUT
NAMES = [it.name for it in lock.LOCKS]


def named(name: str) -> lock.Lock:
    return next(it for it in lock.LOCKS if it.name == name)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with all that the locks depend on, to be changed by the test."""
    for name in ("pyproject.toml", "requirements", "bench/thirty-packages.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy)(CHECKOUT / name, tmp_path / name)
    return tmp_path


def replace(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count, pattern
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_lock_agrees_with_what_is_asked_for(name: str) -> None:
    assert lock.problems(named(name), CHECKOUT) == [], "run `make lock`"


def test_every_file_in_requirements_is_a_lock() -> None:
    assert sorted(path.name for path in (CHECKOUT / "requirements").iterdir()) == sorted(
        f"{name}.txt" for name in NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_lock_names_no_address_and_no_path(name: str) -> None:
    text = named(name).path(CHECKOUT).read_text(encoding="utf-8")
    assert not re.search(r"://|/|\bfile:|^-", text.replace("bench/thirty-packages.txt", ""), re.MULTILINE)


def test_the_build_backend_is_locked() -> None:
    requires = lock.read_project(CHECKOUT)["build-system"]["requires"]
    assert set(requires) <= set(named("dev").asked(CHECKOUT))


@pytest.mark.parametrize(
    ("changed", "pattern", "replacement", "problem"),
    [
        ("pyproject.toml", r'"packaging>=[0-9.]+"', '"packaging>=99"', "does not satisfy packaging>=99"),
        ("pyproject.toml", r'"packaging>=[0-9.]+"', '"packaging>=1"', "its first lines are not what"),
        ("pyproject.toml", r'"packaging>=[0-9.]+"', '"packaging", "another"', "it has no another"),
        ("requirements/dev.txt", r"^invoke==[0-9.]+", "invoke==99", "does not satisfy invoke"),
        ("requirements/dev.txt", r"^(invoke==[0-9.]+)(?: \\\n +--hash.*)+$", r"\1", "has no hash"),
        ("requirements/dev.txt", r"^(invoke==[0-9.]+) \\$", r"--pre\n\1 \\", "'--pre' is no entry"),
    ],
)
def test_disagreement_is_noticed(
    copy: Path, changed: str, pattern: str, replacement: str, problem: str
) -> None:
    replace(copy / changed, pattern, replacement)
    assert any(problem in found for found in lock.problems(named("dev"), copy))


def test_single_file_fits_the_oldest_python(copy: Path) -> None:
    replace(copy / "requirements/single-file.txt", r"^packaging==[0-9.]+", "packaging==1.0")
    assert any("for Python 3.9" in found for found in lock.problems(named("single-file"), copy))
