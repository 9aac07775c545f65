"""A second engine on this machine, for tests of another computer and of an engine that is killed.

It has its own network namespace. In this machine's it would change the bridge of the first engine: `--bip` gives docker0
another address, `--bridge none` deletes it. It has its own mounts, so that none is left when it is killed. A virtual cable connects the two, so an index at the address `here` serves both.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .tools import docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOOLS = ("dockerd", "ip", "unshare", "nsenter")
# Share neither the network of the first engine nor its containerd.
SEPARATE = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--containerd-namespace=pydock-test")


class SecondEngine:
    """An engine that the test may kill and start again."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.address = f"unix://{place}/docker.sock"
        network = f"172.29.{secrets.randbelow(256)}.{4 * secrets.randbelow(64)}"
        prefix, _, last = network.rpartition(".")
        self.here, self.there = (
            f"{prefix}.{int(last) + 1}",
            f"{prefix}.{int(last) + 2}",
        )  # the ends of the cable
        self.path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        self.environ = {**os.environ, "DOCKER_HOST": self.address}
        self.namespace = subprocess.Popen(
            ["unshare", "--net", "--mount", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.inside = ["nsenter", "--net", "--mount", "--target", str(self.namespace.pid)]
        self.process: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        """Connect this machine with the engine's network namespace, for as long as that exists."""
        wait_until(self._has_own_namespaces, "its namespaces")
        ours, theirs = f"pydock{secrets.token_hex(4)}", str(self.namespace.pid)
        for words in (
            ["ip", "link", "add", ours, "type", "veth", "peer", "name", "cable", "netns", theirs],
            ["ip", "address", "add", f"{self.here}/30", "dev", ours],
            ["ip", "link", "set", ours, "up"],
            [*self.inside, "ip", "link", "set", "lo", "up"],
            [*self.inside, "ip", "address", "add", f"{self.there}/30", "dev", "cable"],
            [*self.inside, "ip", "link", "set", "cable", "up"],
        ):
            subprocess.run(words, check=True, capture_output=True, env={**os.environ, "PATH": self.path})

    def _has_own_namespaces(self) -> bool:
        links = [os.readlink(f"/proc/{pid}/ns/mnt") for pid in ("self", self.namespace.pid)]
        return links[0] != links[1]

    def start(self) -> None:
        """Start the engine if it does not run, and wait until it answers."""
        if self.process and self.process.poll() is None:
            return
        place = self.place
        argv = ["dockerd", f"--data-root={place}/data", f"--exec-root={place}/exec", f"--pidfile={place}/pid"]
        with (place / "log").open("ab") as log:
            process = self.process = subprocess.Popen(
                [*self.inside, *argv, f"--host={self.address}", *SEPARATE],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PATH": self.path},
            )
        wait_until(lambda: process.poll() is not None or self.answers(), "the second engine")
        assert process.poll() is None, (place / "log").read_text(encoding="utf-8")[-2000:]

    def answers(self) -> bool:
        return "Server" in docker("version", environ=self.environ, check=False)

    def kill(self) -> None:
        """Kill the engine as the kernel does when memory runs out."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
        self.namespace.kill()
        self.namespace.wait()


@contextlib.contextmanager
def second_engine(place: Path, image: str) -> Iterator[SecondEngine]:
    """Start a second engine that has the image; skip the test where that is not possible."""
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    if os.getuid() != 0 or missing:
        pytest.skip(f"a second engine needs root and {', '.join(missing or TOOLS)}")
    engine = SecondEngine(place)
    try:
        engine.connect()
        engine.start()
        docker("save", "--output", f"{place}/image.tar", image)
        docker("load", "--input", f"{place}/image.tar", environ=engine.environ)
        (place / "image.tar").unlink()
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(place, ignore_errors=True)
