"""The phases of real builds."""

from __future__ import annotations

import pytest

from pydock.engine.build_output import BuildOutput, Event, Step
from pydock.engine.phases import Phases

from ...fake_docker.messages import build_output

STEP = Step(1, "[2/2] RUN : 1; /pydock/increment.sh")


def phases_of(name: str) -> list[str]:
    """Return the name of each phase, with its last detail."""
    output, phases, found = BuildOutput(), Phases(), list[str]()
    for event in [*output.feed(build_output(name).encode()), *output.end()]:
        if phases.take(event):
            found.append("")
        if found:
            found[-1] = f"{phases.name} {phases.detail}".strip()
    return found


def after(*lines: str) -> tuple[str, str]:
    phases = Phases()
    for line in lines:
        phases.take(Event("line", STEP, line))
    return phases.name, phases.detail


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "install.json",
            [
                "Resolving packages",
                "Downloading 2 packages",
                "Installing 1 package",
                "Compiling bytecode",
                "Exporting the image",
            ],
        ),
        (
            "plain-install.txt",
            [
                "Resolving packages",
                "Downloading 1 package",
                "Installing 1 package",
                "Compiling bytecode",
                "Exporting the image",
            ],
        ),
        ("package-not-found.json", ["Resolving packages"]),
        (
            "pg-config-missing.json",
            ["Resolving packages", "Downloading 1 package", "Building psycopg2==2.9.13"],
        ),
        ("pip-pg-config-missing.json", ["Resolving packages", "Downloading packages 1, 0 MB"]),
        (
            "pip-yanked.json",
            [
                "Resolving packages",
                "Downloading packages 4, 1 MB",
                "Installing 4 packages",
                "Exporting the image",
            ],
        ),
        ("base-image-not-found.json", []),
    ],
)
def test_recorded_build(name: str, expected: list[str]) -> None:
    assert phases_of(name) == expected


def test_downloads_are_counted_with_their_size() -> None:
    first = [
        "Resolved 12 packages in 1.25s",
        "Downloading matplotlib (9.4MiB)",
        "Downloading scipy (33.7MiB)",
    ]
    assert after(*first) == ("Downloading 12 packages", "0/2, 43 MB")
    assert after(*first, " Downloaded scipy") == ("Downloading 12 packages", "1/2, 43 MB")
    pip = ["Collecting pandas", "  Downloading pandas-3.0-cp312-x86_64.whl (12.3 MB)", "Collecting six"]
    assert after(*pip) == ("Downloading packages", "1, 12 MB")
    assert after(*pip, "  Downloading six-1.17-py2.py3-none-any.whl (512 kB)")[1] == "2, 13 MB"


def test_building_from_sources() -> None:
    assert after("   Building numpy==1.19.5")[0] == "Building numpy==1.19.5"
    assert after("   Building numpy==1.19.5", "      Built numpy==1.19.5")[0] == "Downloading packages"
    pip = ["Building wheels for collected packages: x", "  Building wheel for x (pyproject.toml): started"]
    assert after(*pip)[0] == "Building x"


def test_base_image_that_is_pulled() -> None:
    phases = Phases()
    step = Step(1, "[1/4] FROM docker.io/library/python:3.12@sha256:0123")
    phases.take(Event("started", step, step.name))
    assert phases.name == ""
    phases.take(Event("size", step, "1000000 45000000"))
    assert (phases.name, phases.detail) == ("Pulling python:3.12", "1/45 MB")


def test_step_of_a_dockerfile() -> None:
    phases = Phases()
    step = Step(1, "[3/5] RUN echo a  &&\n  Collecting b")
    phases.take(Event("started", step, step.name))
    assert phases.name == "Running step 3/5: RUN echo a && Collecting b"
    phases.take(Event("line", step, "Resolved 5 packages in 1s"))  # not an installer
    assert phases.name == "Running step 3/5: RUN echo a && Collecting b"


@pytest.mark.parametrize(
    ("command", "lines", "detail"),
    [
        (
            "apt-get update && xargs -r apt-get install -y --",
            [
                "0 upgraded, 3 newly installed, 0 to remove",
                "Setting up libc6 (2.36) ...",
                "Setting up bc (1.07) ...",
            ],
            "2/3",
        ),
        (
            "xargs -r apk add -U --",
            ["fetch https://alpine.example/", "(1/12) Installing libcurl (8.9)"],
            "1/12",
        ),
    ],
)
def test_progress_of_system_packages(command: str, lines: list[str], detail: str) -> None:
    step = Step(1, f"[stage-1 3/6] RUN --mount=type=bind,source=apt.txt,target=/run/apt.txt {command}")
    phases = Phases()
    assert phases.take(Event("started", step, step.name))
    assert not any(phases.take(Event("line", step, line)) for line in lines)
    assert (phases.name, phases.detail) == ("Installing system packages", detail)
