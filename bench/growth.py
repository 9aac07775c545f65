"""Measure scaling: 150 installs in the same environment, and `envs` with up to 500 environments."""

from __future__ import annotations

import json
import shutil
import statistics
from typing import TYPE_CHECKING, NamedTuple

from cases import create_environments, install_with_docker
from harness import CHECKOUT, Harness, seconds
from small_packages import package_name, served_packages

if TYPE_CHECKING:
    from pathlib import Path

INSTALLS = 150
ENVIRONMENTS = (1, 10, 100, 500)


class Step(NamedTuple):
    """One install: the time in seconds, and then the image's size in bytes and its number of layers."""

    seconds: float
    size: int
    layers: int


def measure_growth(harness: Harness, results: Path) -> list[str]:
    """Measure, write growth.json and growth.svg, and return the lines of the report."""
    with served_packages(harness.directory / "index", INSTALLS) as url:
        base = _build_base_with_index(harness, url)
        with_pydock, lines = _install_with_pydock(harness, base)
        with_docker = _install_with_docker(harness, base)
    print(*lines, sep="\n", flush=True)
    lines.append(
        f"- `docker run`, pip, `docker commit`: failed at install {len(with_docker) + 1}"
        if len(with_docker) < INSTALLS
        else "- `docker run`, pip, `docker commit`: all installs succeeded"
    )
    harness.delete_environments()
    listings = _time_listings(harness)
    lines += ["", "| Environments | `envs` | `docker images` | Ratio |", "|---|---|---|---|"]
    lines += [
        f"| {count} | {envs:.3f} s | {images:.3f} s | {envs / images:.1f} |"
        for count, envs, images in listings
    ]
    data = {"pydock": with_pydock, "docker": with_docker, "envs": listings}
    (results / "growth.json").write_text(json.dumps(data) + "\n")
    _draw_chart(harness, results)
    return lines


def _build_base_with_index(harness: Harness, url: str) -> str:
    """Build a base image whose installers use only that index. Also put uv into the build cache."""
    name = harness.new_name()
    harness.pydock("create", name, harness.version)
    harness.pydock("install", name, *harness.pinned("six"))
    host = url.split("/")[2].split(":", maxsplit=1)[0]
    context = harness.directory / "base-with-index"
    context.mkdir()
    variables = {"PIP_INDEX_URL": url, "PIP_TRUSTED_HOST": host, "UV_DEFAULT_INDEX": url}
    lines = [f"FROM {harness.base}", *(f"ENV {name}={value}" for name, value in variables.items())]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    image = f"pydock-bench-{harness.new_name()}"
    harness.run("docker", "build", "--quiet", "--tag", image, str(context))
    return f"{image}:latest"


def _install_with_pydock(harness: Harness, base: str) -> tuple[list[Step], list[str]]:
    dangling_before = harness.dangling_images()
    name = harness.new_name()
    harness.pydock("create", name, "--base", base)
    steps = []
    for number in range(1, INSTALLS + 1):
        time = seconds(lambda number=number: harness.pydock("install", name, package_name(number)))  # type: ignore[misc]
        steps.append(Step(time, *_size_and_layers(harness, f"pydock-{name}:latest")))
    packages = harness.pydock("run", name, "pip", "freeze")
    size = steps[-1].size
    dangling = harness.dangling_images() - dangling_before
    containers = harness.run("docker", "ps", "--all", "--quiet", "--filter", f"name={name}").split()
    harness.pydock("build", name, "--no-cache")
    rebuilt_size, _ = _size_and_layers(harness, f"pydock-{name}:latest")
    same = harness.pydock("run", name, "pip", "freeze") == packages
    first = [step.seconds for step in steps[:10]]
    last = [step.seconds for step in steps[-10:]]
    times = [step.seconds for step in steps]
    ratio = statistics.median(last) / statistics.median(first)
    medians = f"first ten {statistics.median(first):.2f} s, last ten {statistics.median(last):.2f} s"
    sizes = f"image {size / 1e6:.1f} MB, after `build --no-cache` {rebuilt_size / 1e6:.1f} MB"
    return steps, [
        f"- {INSTALLS} installs: none failed; median {statistics.median(times):.2f} s, maximum {max(times):.2f} s",
        f"- median times: {medians}: ratio {ratio:.2f} (target 1.3); ratio of sums {sum(last) / sum(first):.2f}",
        f"- maximum number of layers: {max(step.layers for step in steps)}",
        f"- {sizes}: ratio {size / rebuilt_size:.3f} (target 1.05)",
        f"- same packages after `build --no-cache`: {'yes' if same else 'NO'}",
        f"- leftover dangling images: {len(dangling)}, leftover containers: {len(containers)}",
    ]


def _install_with_docker(harness: Harness, base: str) -> list[Step]:
    """Install with plain docker commands until one fails; return the successful steps."""
    image = f"pydock-bench-{harness.new_name()}:latest"
    harness.run("docker", "tag", base, image)
    steps: list[Step] = []
    try:
        for number in range(1, INSTALLS + 1):
            time = seconds(lambda number=number: install_with_docker(harness, image, package_name(number)))  # type: ignore[misc]
            steps.append(Step(time, *_size_and_layers(harness, image)))
    except SystemExit as failure:
        print(str(failure).strip().splitlines()[-1])
    return steps


def _time_listings(harness: Harness) -> list[tuple[int, float, float]]:
    listings = []
    for count in ENVIRONMENTS:
        create_environments(harness, count)
        envs = [seconds(lambda: harness.pydock("envs")) for _ in range(5)]
        images = [seconds(lambda: harness.run("docker", "images")) for _ in range(5)]
        listings.append((len(harness.environments()), statistics.median(envs), statistics.median(images)))
    return listings


def _size_and_layers(harness: Harness, image: str) -> tuple[int, int]:
    size, layers = harness.run(
        "docker", "image", "inspect", "--format", "{{.Size}} {{len .RootFS.Layers}}", image
    ).split()
    return int(size), int(layers)


def _draw_chart(harness: Harness, results: Path) -> None:
    """Draw the chart with matplotlib in a pydock environment."""
    name = harness.new_name()
    harness.pydock("create", name, harness.version)
    harness.pydock("install", name, *harness.pinned("matplotlib"))
    shutil.copy(CHECKOUT / "bench" / "draw.py", harness.project)
    shutil.copy(results / "growth.json", harness.project)
    harness.pydock("run", name, "python", "draw.py")
    shutil.copy(harness.project / "growth.svg", results)
