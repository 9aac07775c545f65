"""What `pydock doctor` concludes from the container that looked, see `probe`, and from what is on the engine."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from pydock.engine.checks import Check, remaps_users
from pydock.engine.sizes import parse_size, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LITTLE = 2 << 30  # bytes of free disk space: less than an environment with large packages needs


def files_check(answer: Mapping[str, Any], folder: str, uid: int | None, info: Mapping[str, Any]) -> Check:
    """Return whether the file that a container wrote is here, and whose it is: `uid`, None if it is not here."""
    if answer["unwritten"]:
        why = ", because the engine remaps users (userns-remap)" if remaps_users(info) else ""
        return Check(
            "files",
            False,
            f"A container cannot write in {folder}, as user {answer['uid']}: {answer['unwritten']}{why}.",
            f"ls -ld {shlex.quote(folder)}",
        )
    if uid is None:
        return Check(
            "files",
            False,
            f"What a container writes in {folder} does not appear here. The engine does not share this folder; add it to "
            "those that its virtual machine shares (Docker Desktop: Settings, Resources, File sharing).",
            "docker context ls",
        )
    if uid != os.getuid():
        why = (
            "the engine remaps users (userns-remap)"
            if remaps_users(info)
            else "the engine or the file system changes it"
        )
        return Check(
            "files",
            False,
            f"What a container writes in {folder} belongs to user {uid} and not to {os.getuid()}: {why}.",
            "docker info --format '{{.SecurityOptions}}'",
        )
    return Check("files", True, f"What a container writes in {folder} is yours")


def index_check(indexes: Sequence[Mapping[str, Any]], note: str = "", *, proxy: bool = False) -> Check:
    """Return whether every package index answered the container.

    `note` is what to say of the way there, and `proxy` whether it leads through one.
    """
    if not indexes:
        return Check("index", None, "No package index is configured (`no-index`).")
    for index in indexes:
        address, status, error = index["address"], index["status"], str(index["error"])
        if status in {401, 403}:
            return Check(
                "index",
                False,
                f"{address} refuses the user or the password (status {status}){note}. `pydock config` shows "
                "which files they are taken from (settings 'pip_config' and 'netrc').",
                "pydock config",
            )
        if status >= 400 and status not in {404, 405}:  # noqa: PLR2004
            return Check("index", False, f"{address} answers with status {status}{note}.", "pydock config")
        if not status:
            return Check(
                "index",
                False,
                f"{address} cannot be reached from a container: {error}. If this machine reaches it, and not through a "
                "proxy, the setting `build_options: --network host` lets builds use its network.",
                _index_hint(error, proxy=proxy),
            )
    return Check("index", True, f"{', '.join(str(index['address']) for index in indexes)} answered{note}")


def _index_hint(error: str, *, proxy: bool) -> str:
    if "CERTIFICATE" in error or "certificate" in error:
        return "export PYDOCK_CA_BUNDLE=/path/to/your/ca-bundle.pem"
    if proxy or "Tunnel" in error:
        return "env | grep -i _proxy"
    return "export HTTPS_PROXY=http://HOST:PORT"


def disk_check(free: int, held: str) -> Check:
    """Return whether the engine has space; `held` says what pydock's images take."""
    detail = f"{size_text(free)} free where the engine keeps images; {held}"
    if free < LITTLE:
        return Check("disk", False, f"Only {detail}", "pydock clean")
    return Check("disk", True, detail)


def held_text(images: Mapping[str, str]) -> str:
    """Return how much images take, by their ids, in words; the sizes are as the engine prints them."""
    if not images:
        return "no images of pydock"
    total = sum(parse_size(size) for size in images.values())
    number = "one image" if len(images) == 1 else f"{len(images)} images"
    return f"{number} of pydock, {'' if len(images) == 1 else 'at most '}{size_text(total)}"


def leftovers_check(tags: int, containers: int) -> Check:
    """Return what earlier commands left; nothing is broken by that."""
    if not tags and not containers:
        return Check("leftovers", True, "None")
    parts = [f"{tags} image{'s' if tags > 1 else ''}"] if tags else []
    parts += [f"{containers} container{'s' if containers > 1 else ''}"] if containers else []
    return Check(
        "leftovers",
        True,
        f"{' and '.join(parts)} that nothing needs; `pydock clean` removes them",
        "pydock clean",
    )
