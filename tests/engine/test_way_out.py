"""Environments whose pins can no longer be installed, or whose files were edited by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

from .open_index import open_index
from .tools import images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .open_index import OpenIndex
    from .tools import Project


@pytest.fixture
def index(gateway: str) -> Iterator[OpenIndex]:
    """Return an index with two versions of `example`; the newer one is for Python 3.10 and newer."""
    with open_index(gateway) as made:
        made.publish("example", "1.0")
        made.publish("example", "2.0", "Requires-Python: >=3.10")
        made.publish("needs", "1.0", "Requires-Dist: example")
        yield made


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_update_for_another_python(
    indexed: Project, installer: str, base_image: Callable[[str], str]
) -> None:
    base_image("3.8")
    indexed.environ["PYDOCK_INSTALLER"] = installer
    name = indexed.create()
    indexed.pydock("install", name, "needs")
    assert indexed.requirements(name) == ["example==2.0", "needs==1.0"]
    dockerfile = indexed.environment(name) / "dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("VERSION=3.12", "VERSION=3.8"))
    for words in (("build", name), ("install", name, "needs")):
        failed = indexed.pydock(*words, check=False)
        assert failed.returncode == 1
        assert f"`pydock update {name}`" in failed.stderr.splitlines()[-1]
    indexed.pydock("update", name)
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0"]
    assert indexed.requested(name) == ["needs"]
    indexed.check_installed(name, ["example", "needs"])
    assert len(images(name)) == 2  # the current one and its alias; none of those that it was resolved on


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_update_after_a_pin_has_vanished(indexed: Project, installer: str, index: OpenIndex) -> None:
    indexed.environ["PYDOCK_INSTALLER"] = installer
    name = indexed.create()
    indexed.pydock("install", name, "needs")
    index.withdraw("example", "2.0")
    failed = indexed.pydock("build", name, "--no-cache", check=False)
    assert f"`pydock update {name}`" in failed.stderr.splitlines()[-1]
    indexed.pydock("update", name)
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0"]
    indexed.check_installed(name, ["example", "needs"])


def test_failed_update_leaves_no_image(indexed: Project, index: OpenIndex) -> None:
    name = indexed.create()
    indexed.pydock("install", name, "example>=2")
    before = images(name)
    index.withdraw("example", "2.0")
    append(indexed.environment(name) / "dockerfile", "# edited\n")
    failed = indexed.pydock("update", name, check=False)
    assert failed.returncode == 1
    assert "`pydock update" not in failed.stderr  # it would fail again
    assert images(name) == before


def test_missing_pins_are_made_again(indexed: Project) -> None:
    name = indexed.create()
    indexed.pydock("install", name, "needs")
    file = indexed.environment(name) / "requirements.txt"
    pins = file.read_text()
    file.unlink()
    for words in (("build", name), ("install", name, "example")):
        failed = indexed.pydock(*words, check=False)
        assert failed.stderr.splitlines()[-1] == (
            f"{file} is missing. Run `pydock update {name}`, which makes it again from requirements.in."
        )
        assert not file.exists()
    indexed.pydock("update", name, "needs")
    assert file.read_text() == pins
    indexed.check_installed(name, ["example", "needs"])


def test_update_where_a_step_of_the_dockerfile_needs_the_packages(indexed: Project) -> None:
    name = indexed.create()
    indexed.pydock("install", name, "needs")
    append(indexed.environment(name) / "dockerfile", "RUN python -c 'import needs'\n")
    indexed.pydock("update", name)
    indexed.check_installed(name, ["example", "needs"])


def test_pins_without_requests_are_the_users_own(indexed: Project) -> None:
    name = indexed.create()
    file = indexed.environment(name) / "requirements.txt"
    file.write_text("example==3.0\n")
    failed = indexed.pydock("build", name, check=False)
    assert failed.returncode == 1
    assert "pydock update" not in failed.stderr


def test_edited_requests_are_named_until_they_are_installed(indexed: Project) -> None:
    name = indexed.create()
    indexed.pydock("install", name, "example>=1", "needs")
    file = indexed.environment(name) / "requirements.in"
    message = f"requirements.in of '{name}' was edited; run `pydock update {name}`."
    run = ("run", name, "python", "-c", "import example; print(example.VERSION)")
    file.write_text("# mine\nneeds\nexample>=1  # why\n")
    for words in (run, ("envs",), ("build", name)):
        assert message not in indexed.pydock(*words).stderr
    file.write_text("# mine\nexample<2\n")
    for words in (run, ("envs",), ("build", name), run):
        assert message in indexed.pydock(*words).stderr.splitlines()
    assert "requirements.in edited" in indexed.pydock("envs").stdout
    indexed.pydock("update", name)
    ended = indexed.pydock(*run)
    assert ended.stdout == "1.0\n"
    assert ended.stderr == ""
    assert indexed.requirements(name) == ["example==1.0"]
