"""An environment is copied to another computer, which is a second engine here, and built there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from .index import Index, private_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .second_engine import SecondEngine
    from .tools import Project

pytestmark = pytest.mark.xdist_group("second engine")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, other_engine: SecondEngine) -> Iterator[Index]:
    """Return a package index that the second engine can reach."""
    with private_index(tmp_path_factory.mktemp("index"), other_engine.here) as served:
        yield served


def test_copied_folder_is_built_on_second_engine(
    project: Project, other_project: Project, other_engine: SecondEngine, index: Index
) -> None:
    package = index.publish_new()
    for caller in (project, other_project):
        caller.environ["PYDOCK_INSTALLER"] = (
            "pip"  # uv would be looked for where the second engine reaches nothing
        )
        caller.environ["PYDOCK_CA_BUNDLE"] = str(index.bundle)
        caller.environ["PIP_INDEX_URL"] = index.url_with_password
    name = project.create()
    project.pydock("install", name, package)
    shutil.copytree(project.environment(name), other_project.environment(name))
    other_project.environ["DOCKER_HOST"] = other_engine.address

    missing = other_project.pydock("run", name, "true", check=False)
    assert missing.returncode == 125
    assert f"pydock build {name}" in missing.stderr

    options = {"PYDOCK_BUILD_OPTIONS": "--network=host"}
    untrusted = other_project.pydock("build", name, variables=options, check=False)
    assert untrusted.returncode != 0
    assert f"pydock trust {name}" in untrusted.stderr
    other_project.pydock("trust", name, "--yes")
    other_project.pydock("build", name, variables=options)
    assert other_project.freeze(name) == project.requirements(name) == [f"{package}==1.0"]
    assert other_project.requirements(name) == project.requirements(name)
    other_project.pydock("run", name, "sh", "-c", "echo here > made-there")
    assert (other_project.folder / "made-there").read_text(encoding="utf-8") == "here\n"


def test_missing_base_image_on_second_engine(other_project: Project, other_engine: SecondEngine) -> None:
    other_project.environ["DOCKER_HOST"] = other_engine.address
    name = other_project.new_name()
    result = other_project.pydock("create", name, "3.99", check=False)
    assert result.returncode == 125
    assert "python:3.99" in result.stderr
    assert not other_project.environment(name).exists()
