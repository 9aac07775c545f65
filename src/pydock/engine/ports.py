"""Published ports: on 127.0.0.1 unless an address is given, free ones for 0, and none that is in use.

Imported only by runs that publish ports.
"""

from __future__ import annotations

import errno
import os
from _socket import AF_INET, AF_INET6, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, socket

from pydock import errors
from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
ATTEMPTS = 20  # to find a port that was not chosen for another one
NETWORKS_WITHOUT_PORTS = ("host", "none", "container:")


class Port(NamedTuple):
    """A value of `--publish`: `127.0.0.1:8888:80/tcp`. `here` is "" for any free port."""

    address: str
    here: str
    inside: str
    protocol: str

    @property
    def text(self) -> str:
        """The value as Docker reads it."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        protocol = f"/{self.protocol}" if self.protocol else ""
        return f"{address}:{self.here}:{self.inside}{protocol}"

    @property
    def url(self) -> str:
        """Where the port is reached from this machine."""
        address = {"0.0.0.0": LOOPBACK, "::": "[::1]"}.get(self.address, self.address)  # noqa: S104 - only compared
        address = f"[{address}]" if ":" in address and "[" not in address else address
        return f"{'udp' if self.protocol == 'udp' else 'http'}://{address}:{self.here}"


def parse_port(text: str) -> Port:
    """Return the parts of a value of `--publish`."""
    ports, _, protocol = text.partition("/")
    address, bracket, rest = ports.partition("]:")
    if bracket:
        here, _, inside = rest.rpartition(":")
        return Port(address.lstrip("["), "" if here == "0" else here, inside, protocol)
    address, _, pair = ports.rpartition(":")
    inside = pair
    address, _, here = address.rpartition(":")
    return Port(address or LOOPBACK, "" if here == "0" else here, inside, protocol)


def settle_ports(options: Sequence[str], own: int = 0) -> tuple[list[str], list[str]]:
    """Return the options of `docker run` with the ports that a run really gets, and what to tell the user.

    The last `own` words are the user's of this very command line. Raises `PortInUse` for a port of theirs that is in
    use; a port of the settings is replaced by a free one, because another run of the same environment has it.
    """
    words, notes = list(options), []
    if _network(words).startswith(NETWORKS_WITHOUT_PORTS):
        return words, []
    chosen: set[str] = set()
    index = 0
    while index < len(words):
        before, value = "", ""
        word = words[index]
        if word in {"-p", "--publish"} and index + 1 < len(words):
            index += 1
            value = words[index]
        elif word.startswith("--publish="):
            before, value = "--publish=", word.partition("=")[2]
        elif word[:2] == "-p" and len(word) > len("-p"):
            before, value = "-p", word[2:].removeprefix("=")
        if value:
            is_own = index >= len(words) - own
            port, note = _settled(parse_port(value), chosen, is_own=is_own)
            words[index] = f"{before}{port.text}"
            notes += [note] if note else []
        index += 1
    return words, notes


def _settled(port: Port, chosen: set[str], *, is_own: bool) -> tuple[Port, str]:
    if "-" in port.here or "-" in port.inside:  # a range is left to Docker
        return port, ""
    if port.here and (not port.here.isdecimal() or not _is_in_use(port)):
        return port, _note(port) if is_own else ""
    if port.here and is_own:
        raise errors.PortInUse(
            f"Port {port.here} of {port.address} is in use by another program or container, so it cannot be published. "
            f"Use another one (`-p {int(port.here) + 1}:{port.inside}`), or any that is free (`-p 0:{port.inside}`)."
        )
    taken, port = port.here, port._replace(here=_free_port(port, chosen))
    if taken and port.here:
        return port, f"Port {taken} is in use, so this run has another one. {_note(port)}"
    return port, _note(port) if port.here else ""


def _note(port: Port) -> str:
    protocol = "/udp" if port.protocol == "udp" else ""
    return f"{port.url} is port {port.inside}{protocol} of the container, where a server must listen on 0.0.0.0, not on 127.0.0.1."


def _is_in_use(port: Port) -> bool:
    try:
        _bound(port, int(port.here))
    except OSError as error:  # others, such as a port below 1024, are for the engine to tell
        return error.errno == errno.EADDRINUSE
    except OverflowError:
        return False
    return False


def _free_port(port: Port, chosen: set[str]) -> str:
    """Return a free port that is not among those `chosen` before, and add it to them; "" leaves it to the engine."""
    for _ in range(ATTEMPTS):
        try:
            found = str(_bound(port, 0))
        except OSError:  # not an address of this machine: the engine tells
            break
        if found not in chosen:
            chosen.add(found)
            return found
    return ""


def _bound(port: Port, number: int) -> int:
    """Bind a socket to the port, close it, and return its number; raises `OSError`."""
    kind = SOCK_DGRAM if port.protocol == "udp" else SOCK_STREAM
    tried = socket(AF_INET6 if ":" in port.address else AF_INET, kind)
    try:
        if kind == SOCK_STREAM and os.name == "posix":  # a connection that has ended does not block the port
            tried.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        tried.bind((port.address, number))
        return int(tried.getsockname()[1])
    finally:
        tried.close()


def _network(words: Sequence[str]) -> str:
    found = ""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in {"--network", "--net"}:
            found = value if equals else "".join(words[index + 1 : index + 2])
    return found
