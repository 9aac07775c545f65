"""What every ring shares: a test that is not of the engine ring cannot reach an engine, nor the user's files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples every time and however slow the machine is.
hypothesis.settings.register_profile("pydock", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("pydock")

HERE = Path(__file__).parent
WITH_A_REAL_ENGINE = (HERE / "engine", HERE / "packaging")
CLIENTS = ("docker", "podman", "nerdctl")
UNSET = ("PYDOCK_", "DOCKER_", "BUILDX_", "BUILDKIT_", "INVOKE_", "PIP_", "UV_", "NETRC", "FAKE_DOCKER")
UNSET_TOO = {
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
GUARD = """\
#!/bin/sh
echo "a test reached for the real engine: $0 $*" >&2
exit 99
"""


@pytest.fixture(scope="session")
def guard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose engine clients fail loudly."""
    folder = tmp_path_factory.mktemp("guard")
    for name in CLIENTS:
        (folder / name).write_text(GUARD)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def nobody_elses_machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, guard_folder: Path
) -> Iterator[None]:
    """Give the test a home of its own and engine clients that fail, unless it is of a ring that has the real one."""
    path = Path(str(request.node.path))
    if request.node.get_closest_marker("engine") or any(
        folder in path.parents for folder in WITH_A_REAL_ENGINE
    ):
        yield
        return
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(UNSET) or name in UNSET_TOO:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS"):
            patch.setenv(name, str(home / f".{name.lower()}"))
        patch.setenv("DOCKER_HOST", f"unix://{home}/nobody-listens-here.sock")
        patch.setenv("PATH", f"{guard_folder}{os.pathsep}{os.environ['PATH']}")
        yield
