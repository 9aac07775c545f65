"""`pydock doctor` on a real engine."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

import pytest

from .index import USER, private_index
from .tools import docker
from .users import ordinary_user

if TYPE_CHECKING:
    from .tools import Project


def examine(project: Project, **variables: str) -> dict[str, dict[str, Any]]:
    result = project.pydock("doctor", "--json", check=False, variables=variables)
    found = json.loads(result.stdout)
    assert result.returncode == (0 if found["ok"] else 1)
    assert "canary" not in result.stdout + result.stderr
    return {check["name"]: check for check in found["checks"]}


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, check in found.items() if check["ok"] is False]


@pytest.mark.skipif(platform.system() != "Linux", reason="containers cannot reach servers on this machine")
def test_index_with_a_password(
    runner: Project, gateway: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The container asks as an installation does: with pip's configuration, the netrc file and the CA bundle."""
    with private_index(tmp_path_factory.mktemp("index"), gateway) as index:
        config, netrc = runner.folder.parent / "pip.conf", runner.folder.parent / "netrc"
        config.write_text(f"[global]\nindex-url = {index.url}\n")
        netrc.write_text(f"machine {gateway} login {USER} password {index.password}\n")
        ca = {"PYDOCK_CA_BUNDLE": str(index.bundle)}
        common = {"PYDOCK_PIP_CONFIG": str(config), "PYDOCK_NETRC": "none"}
        assert "refuses the user or the password" in examine(runner, **common, **ca)["index"]["detail"]
        common["PYDOCK_NETRC"] = str(netrc)
        found = examine(runner, **common, **ca)
        assert failed(found) == []
        for name in ("client", "engine", "permission", "buildx", "location", "files", "index", "disk"):
            assert found[name]["ok"] is True, found[name]
        assert index.requests == ["/simple/pip/"]
        config.write_text(f"[global]\nindex-url = {index.url_with_password}\n")
        assert failed(examine(runner, **common, PYDOCK_CA_BUNDLE="none")) == ["index"]
    found = examine(runner, **common, **ca)
    assert failed(found) == ["index"]
    assert "refused" in found["index"]["detail"]
    assert list(runner.folder.iterdir()) == []
    assert "pydock-doctor-" not in docker("ps", "--all", "--format", "{{.Names}}")


@pytest.mark.parametrize("may_use_docker", [True, False])
def test_ordinary_user(python_image: str, may_use_docker: bool) -> None:
    with ordinary_user(may_use_docker=may_use_docker) as user:
        found = examine(user, PYDOCK_PIP_CONFIG="none")
        if may_use_docker:
            assert found["files"]["ok"] is True, found["files"]
            assert "is yours" in found["files"]["detail"]
        else:
            assert failed(found) == ["permission"]
            assert "usermod" in found["permission"]["hint"]
            assert found["buildx"]["ok"] is True
