"""A corporate network: its CA bundle and its proxy are available in builds, and not in the image."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pydock.engine.tools import FETCH, PROGRAMS

from .index import ca_bundle
from .tools import Project, check_no_trace, found_in_image, inspect, recording_docker

PROXY = "http://someone:canary-proxy@203.0.113.9:3128"  # reserved for documentation (TEST-NET-3)


def certificates(bundle: Path) -> list[bytes]:
    """Return one line of each certificate that no other has."""
    return [part.split()[10] for part in bundle.read_bytes().split(b"-----BEGIN CERTIFICATE-----")[1:]]


@pytest.fixture
def intercepting_ca() -> Path:
    """Return this machine's CA bundle. Skip if no proxy of this network intercepts TLS."""
    bare = subprocess.run(
        ["docker", "run", "--rm", "python:3.12", "pip", "--retries", "1", "install", "six"],
        check=False,
        capture_output=True,
        text=True,
    )
    if bare.returncode == 0:
        pytest.skip("no proxy intercepts TLS here; test_private_index.py has its own CA")
    assert "CERTIFICATE_VERIFY_FAILED" in bare.stdout + bare.stderr
    assert ca_bundle(), "TLS is intercepted, but no variable names a CA bundle"
    return Path(ca_bundle())


def test_ca_bundle_is_used_and_not_in_image(project: Project, intercepting_ca: Path, tmp_path: Path) -> None:
    recorder = recording_docker(tmp_path)
    name = project.create(variables=recorder.variables)
    project.pydock("install", name, "six", variables=recorder.variables)
    project.pydock("build", name, "--no-cache", variables=recorder.variables)
    project.check_installed(name, ["six"])
    image = project.current_image(name)
    ours = set(certificates(intercepting_ca))
    ours -= found_in_image("python:3.12", ours, tmp_path)
    assert ours, "the base image has all certificates of the bundle, so this test proves nothing"
    check_no_trace(image, ours, tmp_path)
    assert recorder.all_contexts()
    for context in recorder.named_contexts():
        assert set(context) <= {*PROGRAMS, FETCH, "installer"}
        assert not [line for line in ours for content in context.values() if line in content]
    base = {variable.partition("=")[0] for variable in inspect("python:3.12")["Config"]["Env"]}
    assert {variable.partition("=")[0] for variable in inspect(image)["Config"]["Env"]} == base


def test_error_without_ca_bundle_names_the_setting(project: Project, intercepting_ca: Path) -> None:
    project.environ["PYDOCK_CA_BUNDLE"] = "none"
    name = project.create()
    result = project.pydock("install", name, "six==1.15.0", check=False)
    assert result.returncode == 1
    assert "PYDOCK_CA_BUNDLE" in result.stderr
    assert project.requirements(name) == []


def test_proxy_reaches_build_and_not_image(project: Project, tmp_path: Path) -> None:
    recorder = recording_docker(tmp_path)
    variables = {**recorder.variables, "HTTP_PROXY": PROXY, "https_proxy": PROXY}
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    step = (
        'RUN test -n "$HTTP_PROXY" && test -n "$https_proxy" && echo "$HTTP_PROXY" | wc -c > /proxy-length\n'
    )
    text = dockerfile.read_text(encoding="utf-8")
    dockerfile.write_text(text.replace("WORKDIR", f"{step}WORKDIR", 1), encoding="utf-8")
    built = project.pydock("--echo", "build", name, variables=variables)
    ran = project.pydock("run", name, "sh", "-c", "cat /proxy-length; env")
    assert ran.stdout.splitlines()[0] == str(len(PROXY) + 1)
    assert "canary-proxy" not in ran.stdout
    assert "--build-arg HTTP_PROXY " in recorder.calls()
    assert "canary-proxy" not in recorder.calls() + built.stderr
    check_no_trace(project.current_image(name), [b"canary-proxy"], tmp_path)
