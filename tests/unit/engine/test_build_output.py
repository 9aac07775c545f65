"""BuildKit's events, pretty or one per line, the plain output of older clients, and anything else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock.engine.build_output import BuildOutput

from ...fake_docker.messages import build_output


def read(text: str, size: int = 0) -> BuildOutput:
    """Read the text in chunks of this size."""
    output = BuildOutput()
    data = text.encode()
    for start in range(0, len(data), size or len(data) or 1):
        output.feed(data[start : start + (size or len(data))])
    output.end()
    return output


def log(text: str, stream: int = 2, vertex: str = "a") -> dict[str, Any]:
    return {"logs": [{"vertex": vertex, "stream": stream, "data": base64.b64encode(text.encode()).decode()}]}


def events(*parts: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(part)}\n" for part in parts)


def test_recorded_failure() -> None:
    output = read(build_output("package-not-found.json"))
    step = output.failed_step
    assert step
    assert "RUN" in step.name
    assert step.error.endswith("exit code: 1")
    assert step.lines[-2:] == [
        "error: No solution found when resolving dependencies",
        (
            "  cause: Because pnadas-nosuch was not found in the package registry and you require pnadas-nosuch, we can "
            "conclude that your requirements are unsatisfiable."
        ),
    ]
    assert output.messages[-1].startswith("ERROR: failed to solve: process")


@pytest.mark.parametrize(
    "name", ["package-not-found.json", "plain-package-not-found.txt", "compiler-missing.json"]
)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_chunks_of_any_size_give_the_same(name: str, size: int) -> None:
    text = build_output(name)
    assert read(text, size).log == read(text).log


def test_plain_output_gives_the_same_lines_as_events() -> None:
    found, expected = (
        read(build_output(name)).failed_step
        for name in ("plain-package-not-found.txt", "package-not-found.json")
    )
    assert found
    assert expected
    assert [line for line in found.lines if line.strip()] == [line for line in expected.lines if line.strip()]
    assert found.error == expected.error.replace("\n", " ")[: len(found.error)] or found.error


def test_lines_are_put_together_per_step_and_stream() -> None:
    output = read(
        events(
            {
                "vertexes": [
                    {"digest": "a", "name": "x", "started": "1"},
                    {"digest": "b", "name": "y", "started": "1"},
                ]
            },
            log("out", 1),
            log("err", 2),
            log("other", 2, "b"),
            log(" 1\nout 2", 1),
            log(" 2\r\n", 2),
            {"vertexes": [{"digest": "a", "name": "x", "started": "1", "completed": "2"}]},
        )
    )
    assert output.steps["a"].lines == ["out 1", "err 2", "out 2"]
    assert output.steps["b"].lines == ["other"]
    assert output.log == ["#1 x", "#2 y", "#1 out 1", "#1 err 2", "#1 out 2", "#1 DONE", "#2 other"]


def test_colours_and_overwritten_text_are_removed() -> None:
    output = read(
        events(
            {"vertexes": [{"digest": "a", "name": "x", "started": "1"}]},
            log("\x1b[31mred\x1b[0m\n 10%\r 100%\n"),
        )
    )
    assert output.steps["a"].lines == ["red", " 100%"]


def test_cancelled_step_is_not_the_one_that_failed() -> None:
    error = "failed to solve: process did not complete successfully: context canceled"
    vertexes = [
        {"digest": "a", "name": "x", "started": "1", "completed": "2", "error": error},
        {"digest": "b", "name": "y", "started": "1", "completed": "2", "error": "exit code: 1"},
    ]
    found = read(events({"vertexes": vertexes})).failed_step
    assert found
    assert found.name == "y"


@pytest.mark.parametrize(
    "text",
    [
        "{\n",
        "{}\n",
        '{"logs": [{"vertex": 1}]}\n',
        "{not json}\n",
        "}\n",
        "[1]\n",
        '{"logs": 3}\n',
        '{"vertexes": [{}]}\n',
    ],
)
def test_what_is_not_an_event_is_a_message(text: str) -> None:
    output = read(f"{text}ERROR: reason\n")
    assert "ERROR: reason" in output.messages[-1]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_read(data: bytes, size: int) -> None:
    output = BuildOutput()
    for start in range(0, len(data), size):
        output.feed(data[start : start + size])
    output.end()
