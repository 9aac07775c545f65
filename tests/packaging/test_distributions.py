"""What is in the sdist and in the wheel, and that pydock runs from where they put it."""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.conftest import Clone, Machine, Workbench


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_has_the_package_the_templates_and_nothing_else(
    workbench: Workbench, direct_wheel: Path
) -> None:
    package = {name[len("src/") :] for name in workbench.files() if name.startswith("src/pydock/")}
    templates = {f"pydock/{name}" for name in workbench.files() if name.startswith("templates/")}
    info = direct_wheel.name.split("-py3")[0] + ".dist-info"
    metadata = {
        f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert set(contents(direct_wheel)) == package | templates | metadata
    assert {"pydock/__main__.py", "pydock/templates/dockerfile.j2"} <= package | templates


def test_wheel_starts_pydock_and_needs_what_it_imports(direct_wheel: Path) -> None:
    files = contents(direct_wheel)
    metadata = next(text.decode() for name, text in files.items() if name.endswith("/METADATA"))
    entry_points = next(text.decode() for name, text in files.items() if name.endswith("/entry_points.txt"))
    needs = set(re.findall(r"^Requires-Dist: ([a-z0-9-]+)", metadata, re.MULTILINE))
    assert entry_points == "[console_scripts]\npydock = pydock.__main__:main\n"
    assert needs == {"invoke", "jinja2", "packaging", "tomli"}
    assert "Requires-Python: >=3.9\n" in metadata


def test_sdist_is_the_checkout(workbench: Workbench, distributions: dict[str, Path]) -> None:
    with tarfile.open(distributions[".gz"]) as archive:
        names = {member.name.split("/", 1)[1] for member in archive.getmembers()}
    assert names == workbench.files() | {"PKG-INFO"}


def test_wheel_from_the_sdist_is_the_same(distributions: dict[str, Path], direct_wheel: Path) -> None:
    assert contents(distributions[".whl"]) == contents(direct_wheel)


def test_installed_wheel_runs_from_anywhere(
    workbench: Workbench, direct_wheel: Path, machine: Machine
) -> None:
    pydock = workbench.environment("installed", direct_wheel) / "bin" / "pydock"
    assert machine.succeed(pydock, "--version").startswith("pydock ")
    assert "local" in machine.succeed(pydock, "--local", "config")
    machine.succeed(pydock, "--local", "create", "ds", "3.12")
    assert "3.12" in (machine.work / ".pydock/envs/ds/dockerfile").read_text(encoding="utf-8")


def test_editable_installation_sees_templates_as_they_are_edited(clone: Clone, machine: Machine) -> None:
    template = clone.folder / "templates" / "dockerfile.j2"
    text = template.read_text(encoding="utf-8")
    template.write_text(f"{text}# edited just now\n", encoding="utf-8")
    try:
        machine.succeed(clone.pydock, "--local", "create", "ds", "3.12")
    finally:
        template.write_text(text, encoding="utf-8")
    dockerfile = (machine.work / ".pydock/envs/ds/dockerfile").read_text(encoding="utf-8")
    assert dockerfile.endswith("# edited just now\n")
