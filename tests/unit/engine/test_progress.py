"""What a terminal shows of a build has no secret, wherever the stream is cut and however the client wraps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock import credentials
from pydock.engine.progress import Masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CANARY = "canary-0123456789abcdef"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
LINES = f"#7 0.5 Collecting x@ https://me:{CANARY}@index.example/x.whl\n#7 0.6 {CANARY}\n#7 done\n"
FRAME = f"{HIDE}\x1b[1A\x1b[0m => => # Collecting https://{CANARY}@h \n => => # done\x1b[0m\n{SHOW}"


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    credentials.forget_secrets()
    credentials.register_secret(CANARY)
    yield
    credentials.forget_secrets()


def shown(chunks: Sequence[bytes]) -> str:
    masked = Masked()
    return b"".join([*(masked.feed(chunk) + masked.idle() for chunk in chunks), masked.end()]).decode()


def cut(text: str, places: Sequence[int]) -> list[bytes]:
    data = text.encode()
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    return [data[begin:end] for begin, end in zip(edges, edges[1:])]


@given(st.lists(st.integers(0, 1000), max_size=6), st.sampled_from([LINES, FRAME, LINES + FRAME * 3 + LINES]))
def test_a_secret_that_is_cut_anywhere_is_masked(places: list[int], text: str) -> None:
    found = shown(cut(text, places))
    assert CANARY not in found
    assert found == credentials.redact(text)


@given(st.integers(1, len(CANARY) - 1), st.lists(st.integers(0, 1000), max_size=4))
def test_a_secret_that_is_wrapped_between_rows_is_masked(place: int, places: list[int]) -> None:
    text = f"{HIDE} => => # token {CANARY[:place]}\n => => # {CANARY[place:]} end\n{SHOW}"
    found = shown(cut(text, places))
    for size in range(4, len(CANARY)):
        assert CANARY[:size] not in found
        assert CANARY[-size:] not in found


def test_a_question_is_shown_while_it_waits() -> None:
    masked = Masked()
    assert masked.feed(b"Password: ") + masked.idle() == b"Password: "


def test_a_stream_without_lines_is_not_kept_for_ever() -> None:
    masked = Masked()
    assert len(b"".join(masked.feed(b"x" * 65536) for _ in range(100))) > 65536


def test_any_bytes_pass() -> None:
    every = bytes(range(256)) * 3
    masked = Masked()
    assert masked.feed(every) + masked.end() == every
