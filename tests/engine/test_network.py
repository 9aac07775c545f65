"""A company's network: its CA and its proxy reach the build, and stay out of the image."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .index import CA_VARIABLES
from .tools import Project, docker, inspect, layers_holding, recording_docker

PROXY = "http://someone:canary-proxy@203.0.113.9:3128"  # TEST-NET-3: nobody is there


def certificates(bundle: Path) -> list[bytes]:
    """Return one telling line of each certificate."""
    return [part.split()[10] for part in bundle.read_bytes().split(b"-----BEGIN CERTIFICATE-----")[1:]]


@pytest.fixture
def ca_bundle() -> Path:
    """Return this network's own CA bundle; where nobody re-signs, there is none and nothing to test."""
    bundle = next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), "")
    bare = subprocess.run(
        ["docker", "run", "--rm", "python:3.12", "pip", "--retries", "1", "install", "six"],
        check=False,
        capture_output=True,
        text=True,
    )
    if bare.returncode == 0:
        pytest.skip("this network does not re-sign TLS; test_private_index.py has an authority of its own")
    assert "CERTIFICATE_VERIFY_FAILED" in bare.stdout + bare.stderr
    assert bundle, "a network that re-signs, and no variable that names its CA"
    return Path(bundle)


def test_installs_where_a_bare_container_cannot(project: Project, ca_bundle: Path, tmp_path: Path) -> None:
    name = project.create()
    project.pydock("install", name, "six")
    assert project.freeze(name)[0].startswith("six==")
    image = project.current_image(name)
    # what the base image has of the bundle is not pydock's doing
    ours = set(certificates(ca_bundle)) - set(
        layers_holding("python:3.12", certificates(ca_bundle), tmp_path)
    )
    assert ours, "the base image has every certificate of the bundle: nothing can be told from it"
    assert layers_holding(image, ours, tmp_path) == []
    base = {variable.partition("=")[0] for variable in inspect("python:3.12")["Config"]["Env"]}
    assert {variable.partition("=")[0] for variable in inspect(image)["Config"]["Env"]} == base


def test_without_the_ca_it_says_which_setting_helps(project: Project, ca_bundle: Path) -> None:
    project.environ["PYDOCK_CA_BUNDLE"] = "none"
    name = project.create()
    result = project.pydock("install", name, "six==1.15.0", check=False)
    assert result.returncode == 1
    assert "PYDOCK_CA_BUNDLE" in result.stderr
    assert project.requirements(name) == []


def test_a_proxy_reaches_the_build_and_nothing_else(project: Project, tmp_path: Path) -> None:
    variables, log = recording_docker(tmp_path)
    variables.update(HTTP_PROXY=PROXY, https_proxy=PROXY)
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    step = (
        'RUN test -n "$HTTP_PROXY" && test -n "$https_proxy" && echo "$HTTP_PROXY" | wc -c > /proxy-length\n'
    )
    text = dockerfile.read_text(encoding="utf-8")
    dockerfile.write_text(text.replace("WORKDIR", f"{step}WORKDIR", 1), encoding="utf-8")
    said = project.pydock("--echo", "build", name, variables=variables)
    ran = project.pydock("run", name, "sh", "-c", "cat /proxy-length; env", variables=variables)
    assert ran.stdout.splitlines()[0] == str(len(PROXY) + 1)
    assert "canary-proxy" not in ran.stdout
    assert "--build-arg HTTP_PROXY " in log.read_text(encoding="utf-8")
    image = project.current_image(name)
    for text in (
        log.read_text(encoding="utf-8"),
        said.stderr,
        json.dumps(inspect(image)),
        docker("history", "--no-trunc", image),
    ):
        assert "canary-proxy" not in text
    assert layers_holding(image, [b"canary-proxy"], tmp_path) == []
