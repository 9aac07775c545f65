"""Handling the signals that interrupt a command."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def signal_handlers(handler: Any) -> Iterator[None]:
    """Handle SIGINT, SIGTERM and SIGHUP with `handler` for a while."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        before = {number: signal.signal(number, handler) for number in numbers}
    except ValueError:  # not the main thread, where Python delivers no signals anyway
        yield
        return
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def signals_deferred() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait until the block is done; then the last of them takes effect."""
    pending: list[int] = []
    try:
        with signal_handlers(lambda number, _: pending.append(number)):
            yield
    finally:
        if pending:
            os.kill(os.getpid(), pending[-1])
