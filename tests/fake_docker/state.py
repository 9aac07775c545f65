"""The images and containers of the fake engine, on disk."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HOME = os.environ.get("FAKE_DOCKER", "")


class State:
    def __init__(self, raw: dict[str, Any]) -> None:
        self.images: dict[str, dict[str, Any]] = raw["images"]  # by id, oldest first
        self.containers: dict[str, list[str]] = raw[
            "containers"
        ]  # name -> image id, image reference, client's pid
        self.count: int = raw["count"]  # of builds without the cache

    def find(self, reference: str) -> str:
        """Return the id of the image with this tag or id, "" if there is none."""
        for image, facts in self.images.items():
            if reference == image or reference in facts["tags"]:
                return image
        return ""

    def tag(self, image: str, tag: str) -> None:
        for facts in self.images.values():
            if tag in facts["tags"]:
                facts["tags"].remove(tag)
        self.images[image]["tags"].append(tag)


@contextlib.contextmanager
def locked_state() -> Iterator[State]:
    """Read the state, and write it at the end of the block; one process at a time."""
    path = os.path.join(HOME, "state.json")
    with open(os.path.join(HOME, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        raw: dict[str, Any] = {"images": {}, "containers": {}, "count": 0}
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            raw = json.load(file)
        before = json.dumps(raw)
        state = State(raw)
        yield state
        after = json.dumps(vars(state))
        if after != before:
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                file.write(after)
            os.replace(f"{path}.new", path)
