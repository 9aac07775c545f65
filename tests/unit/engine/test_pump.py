"""Copying a stream: everything, until its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock.engine.pump import Pump, copy

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_is_copied(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "source").write_bytes(content)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "target").open("wb") as target:
        copy(source.fileno(), target.fileno())
    assert (tmp_path / "target").read_bytes() == content


def test_process_copies_and_keeps_no_other_descriptor(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with (tmp_path / "target").open("wb") as target:
        pump = Pump(lambda: copy(reader, target.fileno()), reader, target.fileno())
        os.close(reader)
        os.write(writer, b"copied")
        os.close(writer)  # the process has closed its own copy, so it sees the end
        pump.wait()
    assert (tmp_path / "target").read_bytes() == b"copied"
