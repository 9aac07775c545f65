"""What the installers do that one of them would not do alone: a base image with conflicts, fresh releases, old file names."""

from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pytest

from .index import source
from .open_index import open_index
from .tools import dockerfile_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .open_index import OpenIndex
    from .tools import Project

INSTALLERS = ["uv", "pip"]


@pytest.fixture
def index(gateway: str) -> Iterator[OpenIndex]:
    with open_index(gateway) as made:
        made.publish("example", "1.0")
        made.publish("needs", "1.0", "Requires-Dist: example")
        yield made


@pytest.mark.parametrize("installer", INSTALLERS)
def test_conflicts_of_the_base_image_do_not_count(indexed: Project, installer: str, index: OpenIndex) -> None:
    index.publish("broken", "1.0", "Requires-Dist: missing>=2")
    index.publish("unhappy", "1.0", "Requires-Dist: example>=2")
    indexed.environ["PYDOCK_INSTALLER"] = installer
    url = f"http://{index.address}/files/broken-1.0-py3-none-any.whl"
    trust = f"--trusted-host {index.address.partition(':')[0]}"
    text = dockerfile_for("root").replace(
        "COPY requirements.txt", f"RUN pip install --no-deps {trust} {url}\nCOPY requirements.txt"
    )
    name = indexed.write_environment(text)
    indexed.pydock("install", name, "needs")
    assert indexed.pydock("run", name, "python", "-c", "import needs, broken, example").returncode == 0
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0"]
    failed = indexed.pydock("install", name, "unhappy", check=False)
    assert failed.returncode == 1
    assert "missing" not in failed.stderr
    indexed.pydock("build", name, "--no-cache")
    indexed.pydock("uninstall", name, "needs")
    assert indexed.requirements(name) == []


def test_fresh_releases_are_found(indexed: Project, index: OpenIndex) -> None:
    """uv keeps the pages of an index as long as the index allows; pip never does."""
    index.max_age = 600
    name = indexed.create()
    indexed.pydock("install", name, "needs")
    index.publish("example", "1.1")
    indexed.pydock("install", name, "example>=1.1")
    assert indexed.requirements(name) == ["example==1.1", "needs==1.0"]
    index.publish("example", "1.2")
    index.publish("new", "1.0", "Requires-Dist: example>=1.2")
    indexed.pydock("install", name, "new")
    index.publish("needs", "2.0", "Requires-Dist: example>=1.3")
    index.publish("example", "1.3")
    indexed.pydock("update", name)
    assert indexed.requirements(name) == ["example==1.3", "needs==2.0", "new==1.0"]


def test_old_release_whose_file_name_uv_does_not_read(indexed: Project, index: OpenIndex) -> None:
    for version in ("1.0", "1.1"):
        content = bz2.compress(gzip.decompress(source("OldName", version, "")))
        index.files[f"OldName-{version}.tar.bz2"] = content
    name = indexed.create()
    indexed.pydock("install", name, "OldName<1.1", "needs")
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0", "oldname==1.0"]
    indexed.pydock("build", name, "--no-cache")
    indexed.check_installed(name, ["example", "needs", "oldname"])
    indexed.pydock("uninstall", name, "needs")
    assert indexed.requirements(name) == ["oldname==1.0"]
    indexed.pydock("install", name, "OldName>=1")
    indexed.pydock("update", name)
    assert indexed.requirements(name) == ["oldname==1.1"]
    failed = indexed.pydock("install", name, "OldName==3", check=False)
    assert failed.returncode == 1


@pytest.mark.parametrize("installer", INSTALLERS)
def test_lock_file_gives_versions_and_no_requests(indexed: Project, installer: str, index: OpenIndex) -> None:
    indexed.environ["PYDOCK_INSTALLER"] = installer
    index.publish("example", "2.0")
    index.publish("needs", "2.0", "Requires-Dist: example")
    lock = "example==1.0\n    # via needs\nneeds==1.0\n    # via -r requirements.in\n"
    (indexed.folder / "lock.txt").write_text(lock)
    name = indexed.create("-r", "lock.txt")
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0"]
    assert indexed.requested(name) == ["needs"]
    indexed.pydock("update", name)
    assert indexed.requirements(name) == ["example==2.0", "needs==2.0"]
    indexed.pydock("install", name, "-r", "lock.txt")  # back to the versions of the lock
    indexed.check_installed(name, ["example", "needs"])
    assert indexed.requirements(name) == ["example==1.0", "needs==1.0"]
    indexed.pydock("uninstall", name, "needs")
    assert indexed.requirements(name) == []
