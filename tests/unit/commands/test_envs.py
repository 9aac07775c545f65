"""The table of environments."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pydock.commands import envs

ROW: dict[str, Any] = {
    "name": "ds",
    "python": "3.12",
    "image": "pydock-ds:latest",
    "size": "132MB",
    "updated": "never",
    "state": "ready",
    "folder": "/x",
}


def test_environments_table() -> None:
    bare = {**ROW, "name": "long-name", "image": None, "size": None, "updated": None, "state": "not built"}
    assert envs.environments_table([ROW, bare]) == (
        "NAME       PYTHON  IMAGE             SIZE   UPDATED  STATE\n"
        "ds         3.12    pydock-ds:latest  132MB  never    ready\n"
        "long-name  3.12    -                 -      -        not built"
    )


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1, seconds=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=1, minutes=1), "1 hour ago"),
        (timedelta(hours=23, minutes=58), "23 hours ago"),
        (timedelta(days=1, hours=1), "1 day ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(seconds=-100), "just now"),
    ],
)
@pytest.mark.parametrize("zone", [0, 2])
def test_age(ago: timedelta, text: str, zone: int) -> None:
    then = (datetime.now(timezone.utc) - ago).astimezone(timezone(timedelta(hours=zone)))
    assert envs.age_text(then.strftime("%Y-%m-%d %H:%M:%S %z UTC")) == text


@pytest.mark.parametrize(
    ("created", "text"), [(None, "-"), ("", "-"), ("yesterday or so", "yesterday or so")]
)
def test_age_of_unknown_format(created: str | None, text: str) -> None:
    assert envs.age_text(created) == text
