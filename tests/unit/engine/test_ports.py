"""Published ports: their address, free ones, and those in use."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.engine.ports import Port, parse_port, settle_ports

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("text", "port", "settled"),
    [
        ("80", Port("127.0.0.1", "", "80", ""), "127.0.0.1::80"),
        ("0:80", Port("127.0.0.1", "", "80", ""), "127.0.0.1::80"),
        ("8:80", Port("127.0.0.1", "8", "80", ""), "127.0.0.1:8:80"),
        ("8:80/udp", Port("127.0.0.1", "8", "80", "udp"), "127.0.0.1:8:80/udp"),
        ("0.0.0.0:8:80", Port("0.0.0.0", "8", "80", ""), "0.0.0.0:8:80"),  # noqa: S104
        ("192.0.2.1::80", Port("192.0.2.1", "", "80", ""), "192.0.2.1::80"),
        ("[::1]:8:80", Port("::1", "8", "80", ""), "[::1]:8:80"),
        ("[::]::80", Port("::", "", "80", ""), "[::]::80"),
        ("8000-8010:80-90", Port("127.0.0.1", "8000-8010", "80-90", ""), "127.0.0.1:8000-8010:80-90"),
    ],
)
def test_parse_port(text: str, port: Port, settled: str) -> None:
    assert parse_port(text) == port
    assert port.text == settled


@pytest.fixture
def taken() -> Iterator[int]:
    """Return the number of a port that a program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("text", ["80", "0:80", "127.0.0.1:0:80", "0.0.0.0::80", "[::1]::80", "80/udp"])
def test_free_port_is_chosen_and_named(text: str) -> None:
    (_, word), [note] = settle_ports(["--publish", text], 2)
    found = re.fullmatch(r"(127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d+):80(/udp)?", word)
    assert found, word
    assert int(found[2]) > 1024
    scheme, address = ("udp" if found[3] else "http"), found[1].replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    assert note.startswith(
        f"{scheme}://{address}:{found[2]} is port 80{'/udp' * bool(found[3])} of the container"
    )
    assert "must listen on 0.0.0.0" in note


@pytest.mark.parametrize(
    "before", [["-p", ""], ["--publish", ""], ["--publish="], ["-p"], ["-p="]], ids=" ".join
)
def test_every_spelling_gets_an_address(before: list[str]) -> None:
    words = [*before[:-1], f"{before[-1]}{free_port()}:80"]
    settled, notes = settle_ports(words)
    assert settled[-1].removeprefix("--publish=").removeprefix("-p").startswith("127.0.0.1:")
    assert notes == [], "the settings' ports are known to the user"


def test_own_port_in_use_is_refused(taken: int) -> None:
    with pytest.raises(errors.PortInUse, match=f"Port {taken} .* in use.*`-p {taken + 1}:80`.*`-p 0:80`"):
        settle_ports(["-p", f"{taken}:80"], 2)


def test_port_of_the_settings_in_use_is_replaced(taken: int) -> None:
    words, [note] = settle_ports(["--publish", f"{taken}:80", "--env", "A"])
    assert words[1] != f"127.0.0.1:{taken}:80"
    assert re.fullmatch(r"127\.0\.0\.1:\d+:80", words[1])
    assert words[1].split(":")[1] in note
    assert note.startswith(f"Port {taken} is in use")


@pytest.mark.parametrize("network", [["--network", "host"], ["--net=none"], ["--network=container:x"]])
def test_networks_without_ports(taken: int, network: list[str]) -> None:
    words = [*network, "-p", f"{taken}:80"]
    assert settle_ports(words, len(words)) == (words, [])


@pytest.mark.parametrize("text", ["192.0.2.1::80", "99999:80", "x:80", "1:80", "8000-8001:80-81"])
def test_what_pydock_does_not_know_is_left_to_the_engine(text: str) -> None:
    (_, word), _ = settle_ports(["-p", text], 2)
    assert word == parse_port(text).text


def test_no_port_is_chosen_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = iter([1111, 1111, 2222, *[2222] * 50])
    monkeypatch.setattr("pydock.engine.ports._bound", lambda *_: next(offered))
    words, notes = settle_ports(["-p", "0:80", "-p", "0:81", "-p", "0:82"], 6)
    assert words[1::2] == ["127.0.0.1:1111:80", "127.0.0.1:2222:81", "127.0.0.1::82"]
    assert len(notes) == 2
