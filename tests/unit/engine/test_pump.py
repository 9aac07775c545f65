"""Copying a stream: everything, until its end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from pydock.engine.pump import Pump, copy

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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


def test_signal_that_reaches_the_process_too_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Ctrl-Z reaches the whole job: its main process has a descriptor for signals, which this process has closed."""
    woken, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    reader, writer = os.pipe()
    before = signal.signal(signal.SIGCONT, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    try:
        copied, target = os.pipe()
        pump = Pump(lambda: copy(reader, target), reader, target)
        os.close(reader)
        os.close(target)
        os.write(writer, b"ready")
        assert os.read(copied, 5) == b"ready"
        os.close(copied)
        os.kill(pump._process, signal.SIGCONT)
        os.close(writer)
        pump.wait()
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCONT, before)
        os.close(woken)
        os.close(wakeup)
    assert capfd.readouterr().err == ""
