"""What an image weighs beyond its base, against the packages that are installed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench import Workbench

PACKAGES = ("pandas", "scipy", "scikit-learn")
BOUND = 1.03
# every file that an installed distribution names, and the bytecode beside each
WEIGH = """
import importlib.metadata, pathlib
files = set()
for distribution in importlib.metadata.distributions():
    for file in distribution.files or []:
        path = pathlib.Path(distribution.locate_file(file))
        files.add(path)
        files.update((path.parent / "__pycache__").glob(path.stem + ".*.pyc") if path.suffix == ".py" else [])
print(sum(path.stat().st_size for path in files if path.is_file()))
"""


def measure_size(bench: Workbench) -> list[str]:
    name = bench.name()
    bench.pydock("create", name, bench.version)
    weigh = ["run", name, "python", "-c", WEIGH]
    brought_along = int(bench.pydock(*weigh))
    bench.pydock("install", name, *bench.pinned(*PACKAGES))
    size = ["docker", "image", "inspect", "--format", "{{.Size}}"]
    beyond = int(bench.run(*size, f"pydock-{name}:latest")) - int(bench.run(*size, bench.base))
    packages = int(bench.pydock(*weigh)) - brought_along
    ratio = beyond / packages
    words = f"{beyond / 1e6:.1f} MB beyond the base, packages with bytecode {packages / 1e6:.1f} MB"
    reached = "reached" if ratio <= BOUND else "missed"
    lines = [f"- {', '.join(PACKAGES)}: {words}: ratio {ratio:.3f} (bound {BOUND}, {reached})"]
    print(*lines, sep="\n", flush=True)
    return lines
