"""What happens as work grows: 150 installs one after another, and `envs` over many environments."""

from __future__ import annotations

import json
import shutil
import statistics
from typing import TYPE_CHECKING, NamedTuple

from cases import make_many, naive_install
from small_packages import package_name, served_packages
from workbench import CHECKOUT, Workbench, seconds

if TYPE_CHECKING:
    from pathlib import Path

INSTALLS = 150
ENVIRONMENTS = (1, 10, 100, 500)


class Step(NamedTuple):
    """One install: seconds it took, then the image's size in bytes and its layers."""

    seconds: float
    size: int
    layers: int


def measure_growth(bench: Workbench, results: Path) -> list[str]:
    """Return the lines of the report; writes growth.json and growth.svg."""
    with served_packages(bench.folder / "index", INSTALLS) as address:
        base = _base_with_index(bench, address)
        ours, lines = _install_with_pydock(bench, base)
        theirs = _install_by_hand(bench, base)
    print(*lines, sep="\n", flush=True)
    lines.append(
        f"- run, pip, commit: failed at install {len(theirs) + 1}"
        if len(theirs) < INSTALLS
        else "- run, pip, commit: all installs passed"
    )
    bench.forget_all()
    lists = _list_many(bench)
    lines += ["", "| environments | `envs` | `docker images` | ratio |", "|---|---|---|---|"]
    lines += [
        f"| {count} | {mine:.3f} s | {other:.3f} s | {mine / other:.1f} |" for count, mine, other in lists
    ]
    data = {"pydock": ours, "by hand": theirs, "envs": lists}
    (results / "growth.json").write_text(json.dumps(data) + "\n")
    _draw(bench, results)
    return lines


def _base_with_index(bench: Workbench, address: str) -> str:
    """Return a base image whose installers look at that index and nowhere else; see to it that uv is in the cache."""
    warm = bench.name()
    bench.pydock("create", warm, bench.version)
    bench.pydock("install", warm, *bench.pinned("six"))
    host = address.split("/")[2].split(":", maxsplit=1)[0]
    context = bench.folder / "base-with-index"
    context.mkdir()
    variables = {"PIP_INDEX_URL": address, "PIP_TRUSTED_HOST": host, "UV_DEFAULT_INDEX": address}
    lines = [f"FROM {bench.base}", *(f"ENV {name}={value}" for name, value in variables.items())]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    image = f"pydock-bench-{bench.name()}"
    bench.run("docker", "build", "--quiet", "--tag", image, str(context))
    return f"{image}:latest"


def _install_with_pydock(bench: Workbench, base: str) -> tuple[list[Step], list[str]]:
    nameless = bench.nameless_images()
    name = bench.name()
    bench.pydock("create", name, "--base", base)
    steps = []
    for number in range(1, INSTALLS + 1):
        taken = seconds(lambda number=number: bench.pydock("install", name, package_name(number)))  # type: ignore[misc]
        steps.append(Step(taken, *_size_and_layers(bench, f"pydock-{name}:latest")))
    before = bench.pydock("run", name, "pip", "freeze")
    size = steps[-1].size
    left = bench.nameless_images() - nameless
    stray = bench.run("docker", "ps", "--all", "--quiet", "--filter", f"name={name}").split()
    bench.pydock("build", name, "--no-cache")
    fresh, _ = _size_and_layers(bench, f"pydock-{name}:latest")
    same = bench.pydock("run", name, "pip", "freeze") == before
    first = [step.seconds for step in steps[:10]]
    last = [step.seconds for step in steps[-10:]]
    every = [step.seconds for step in steps]
    ratio = statistics.median(last) / statistics.median(first)
    medians = f"first ten {statistics.median(first):.2f} s, last ten {statistics.median(last):.2f} s"
    sizes = f"image {size / 1e6:.1f} MB, a fresh `build --no-cache` {fresh / 1e6:.1f} MB"
    return steps, [
        f"- {INSTALLS} installs: none failed; median {statistics.median(every):.2f} s, longest {max(every):.2f} s",
        f"- {medians} (medians): ratio {ratio:.2f} (bound 1.3); by sums {sum(last) / sum(first):.2f}",
        f"- layers: {max(step.layers for step in steps)} at most",
        f"- {sizes}: ratio {size / fresh:.3f} (bound 1.05)",
        f"- the same packages as that build: {'yes' if same else 'NO'}",
        f"- dangling images left: {len(left)}, containers left: {len(stray)}",
    ]


def _install_by_hand(bench: Workbench, base: str) -> list[Step]:
    """Install until it fails, the naive way; return the steps that passed."""
    image = f"pydock-bench-{bench.name()}:latest"
    bench.run("docker", "tag", base, image)
    steps: list[Step] = []
    try:
        for number in range(1, INSTALLS + 1):
            taken = seconds(lambda number=number: naive_install(bench, image, package_name(number)))  # type: ignore[misc]
            steps.append(Step(taken, *_size_and_layers(bench, image)))
    except SystemExit as failure:
        print(str(failure).strip().splitlines()[-1])
    return steps


def _list_many(bench: Workbench) -> list[tuple[int, float, float]]:
    found = []
    for count in ENVIRONMENTS:
        make_many(bench, count)
        mine = [seconds(lambda: bench.pydock("envs")) for _ in range(5)]
        other = [seconds(lambda: bench.run("docker", "images")) for _ in range(5)]
        found.append((len(bench.environments()), statistics.median(mine), statistics.median(other)))
    return found


def _size_and_layers(bench: Workbench, image: str) -> tuple[int, int]:
    size, layers = bench.run(
        "docker", "image", "inspect", "--format", "{{.Size}} {{len .RootFS.Layers}}", image
    ).split()
    return int(size), int(layers)


def _draw(bench: Workbench, results: Path) -> None:
    """Draw the picture in an environment of pydock's own."""
    name = bench.name()
    bench.pydock("create", name, bench.version)
    bench.pydock("install", name, *bench.pinned("matplotlib"))
    shutil.copy(CHECKOUT / "bench" / "draw.py", bench.project)
    shutil.copy(results / "growth.json", bench.project)
    bench.pydock("run", name, "python", "draw.py")
    shutil.copy(bench.project / "growth.svg", results)
