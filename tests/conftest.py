"""Isolation for all tests: without a real engine, a test can reach neither an engine nor the user's files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples in every run, and no time limit on slow machines.
hypothesis.settings.register_profile("pydock", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("pydock")

HERE = Path(__file__).parent
USES_REAL_ENGINE = (HERE / "engine", HERE / "packaging")
CLIENTS = ("docker", "podman", "nerdctl")
UNSET_PREFIXES = (
    "PYDOCK_",
    "DOCKER_",
    "BUILDX_",
    "BUILDKIT_",
    "INVOKE_",
    "PIP_",
    "UV_",
    "NETRC",
    "FAKE_DOCKER",
)
UNSET = {
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "XDG_STATE_HOME",
    "NO_COLOR",
    "FORCE_COLOR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    *(
        name
        for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
        for name in (upper, upper.lower())
    ),
}
BLOCKED_CLIENT = """\
#!/bin/sh
echo "a test called the real engine: $0 $*" >&2
exit 99
"""


@pytest.fixture(scope="session", autouse=True)
def default_signal_handlers() -> None:
    """A shell's background jobs ignore signals, `nohup` too, and so would every program that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def blocked_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with engine clients that always fail."""
    folder = tmp_path_factory.mktemp("blocked-clients")
    for name in CLIENTS:
        (folder / name).write_text(BLOCKED_CLIENT)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def isolate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, blocked_clients: Path
) -> Iterator[None]:
    """Set an empty home folder, blocked engine clients and a clean environment, except for tests of a real engine."""
    path = Path(str(request.node.path))
    if request.node.get_closest_marker("engine") or any(
        folder in path.parents for folder in USES_REAL_ENGINE
    ):
        yield
        return
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(UNSET_PREFIXES) or name in UNSET:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS"):
            patch.setenv(name, str(home / f".{name.lower()}"))
        patch.setenv("DOCKER_HOST", f"unix://{home}/no-engine.sock")
        patch.setenv("PATH", f"{blocked_clients}{os.pathsep}{os.environ['PATH']}")
        yield
