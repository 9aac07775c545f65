"""The tables of `pydock info`."""

from __future__ import annotations

import pytest

from pydock.commands.info_text import size_table
from pydock.engine.image_details import ImageDetails, Measured, read_details, read_measured

INSPECTED = '[{"Id": "sha256:1", "Created": "2026", "Size": 5, "Config": {"Labels": null}}]'


def test_bars_are_in_proportion() -> None:
    assert size_table({"pandas": 60_000_000, "numpy": 30_000_000, "six": 30_000}).splitlines() == [
        "PACKAGE  SIZE",
        f"pandas   60MB  {'#' * 30}",
        f"numpy    30MB  {'#' * 15}",
        "six      30kB",
    ]


def test_many_packages_are_summed_up() -> None:
    lines = size_table({f"p{number}": 2000 for number in range(13)}).splitlines()
    assert len(lines) == 12
    assert lines[-1] == f"3 others  6.0kB  {'#' * 30}"


def test_packages_without_files() -> None:
    assert size_table({"empty": 0}).splitlines() == ["PACKAGE  SIZE", "empty    0B"]


def test_details() -> None:
    history = '{"Size": "0B"}\n{"Size": "1.5kB"}\n{"Size": "2MB"}\n'
    assert read_details(INSPECTED, history) == ImageDetails("sha256:1", "2026", 5, "", [2_000_000, 1500])


@pytest.mark.parametrize(
    ("inspected", "history"),
    [
        ("", ""),
        ("[]", ""),
        ("[7]", ""),
        ("{}", ""),
        (INSPECTED, "garbage"),
        (INSPECTED, "{}"),
        ('[{"Id": 1}]', ""),
    ],
)
def test_details_that_are_none(inspected: str, history: str) -> None:
    assert read_details(inspected, history) is None


@pytest.mark.parametrize("text", ["", "7", "[]", '{"sizes": 7}', '{"python": "3", "sizes": {"a": "x"}}'])
def test_measured_that_is_none(text: str) -> None:
    assert read_measured(text) is None


def test_measured_after_other_lines() -> None:
    assert read_measured('hello\n{"python": "3.8.1", "sizes": {"a": 5}}\n') == Measured("3.8.1", {"a": 5})
