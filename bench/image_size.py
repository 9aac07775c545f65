"""Compare the size that an install adds to an image with the size of the installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Harness

PACKAGES = ("pandas", "scipy", "scikit-learn")
TARGET = 1.03
# prints the total size of the files of all installed distributions, with their bytecode
PACKAGES_SIZE_SCRIPT = """
import importlib.metadata, pathlib
files = set()
for distribution in importlib.metadata.distributions():
    for file in distribution.files or []:
        path = pathlib.Path(distribution.locate_file(file))
        files.add(path)
        files.update((path.parent / "__pycache__").glob(path.stem + ".*.pyc") if path.suffix == ".py" else [])
print(sum(path.stat().st_size for path in files if path.is_file()))
"""


def measure_size(harness: Harness) -> list[str]:
    name = harness.new_name()
    harness.pydock("create", name, harness.version)
    packages_size = ["run", name, "python", "-c", PACKAGES_SIZE_SCRIPT]
    initial = int(harness.pydock(*packages_size))
    harness.pydock("install", name, *harness.pinned(*PACKAGES))
    image_size = ["docker", "image", "inspect", "--format", "{{.Size}}"]
    added = int(harness.run(*image_size, f"pydock-{name}:latest")) - int(
        harness.run(*image_size, harness.base)
    )
    packages = int(harness.pydock(*packages_size)) - initial
    ratio = added / packages
    sizes = f"{added / 1e6:.1f} MB added to the base image, packages with bytecode {packages / 1e6:.1f} MB"
    result = "met" if ratio <= TARGET else "missed"
    lines = [f"- {', '.join(PACKAGES)}: {sizes}: ratio {ratio:.3f} (target {TARGET}, {result})"]
    print(*lines, sep="\n", flush=True)
    return lines
