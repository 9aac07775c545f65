"""The engine's address, and whether the engine has an image, by its socket or by its client."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.engine import endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..conftest import MakeProgram, MakeSettings

IMAGE = "pydock-ds:0123abcd-0123456789abcdef"


def use_context(folder: Path, name: str, meta: object) -> None:
    """Create a context and select it, as `docker context create` and `docker context use` do."""
    metadata = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    metadata.mkdir(parents=True)
    (metadata / "meta.json").write_text(json.dumps(meta))
    (folder / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


def meta_of(host: str) -> dict[str, Any]:
    return {"Name": "remote", "Endpoints": {"docker": {"Host": host}}}


def test_engine_endpoint_follows_the_order_of_the_client(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert endpoint.engine_endpoint(home) == ""
    use_context(tmp_path / ".docker", "remote", meta_of("ssh://remote.example"))
    assert endpoint.engine_endpoint(home) == "ssh://remote.example"
    use_context(tmp_path / "other", "local", meta_of("unix:///run/local.sock"))
    assert (
        endpoint.engine_endpoint({**home, "DOCKER_CONFIG": str(tmp_path / "other")})
        == "unix:///run/local.sock"
    )
    assert endpoint.engine_endpoint({**home, "DOCKER_CONTEXT": "default"}) == ""
    assert endpoint.engine_endpoint({**home, "DOCKER_CONTEXT": "unknown"}) == ""
    assert (
        endpoint.engine_endpoint({**home, "DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "remote"})
        == "tcp://h:1"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"currentContext": ""}',
        b'{"currentContext": "default"}',
        b'{"currentContext": null}',
        b'{"currentContext": broken',
        b'["currentContext"]',
        b'"currentContext"',
        b"\xff",
    ],
)
def test_config_without_context(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert endpoint.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize("meta", [{}, {"Endpoints": None}, {"Endpoints": {"docker": {}}}, []])
def test_context_without_endpoint(tmp_path: Path, meta: object) -> None:
    use_context(tmp_path, "odd", meta)
    assert endpoint.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize(
    "host",
    ["", "unix:///var/run/docker.sock", "tcp://localhost:2375", "tcp://127.0.0.1:2375", "tcp://[::1]:1"],
)
def test_local_engine(make_settings: MakeSettings, host: str) -> None:
    endpoint.check_local(make_settings(), {"DOCKER_HOST": host, "HOME": "/nowhere"})


@pytest.mark.parametrize(
    "host", ["ssh://me@remote.example", "tcp://192.0.2.1:2376", "tcp://remote.example:2375"]
)
def test_remote_engine(make_settings: MakeSettings, host: str) -> None:
    variables = {"DOCKER_HOST": host}
    with pytest.raises(errors.EngineRemote, match="docker context use default") as caught:
        endpoint.check_local(make_settings(), variables)
    assert host in caught.value.message
    with pytest.raises(errors.EngineRemote):
        endpoint.check_local(make_settings(engine="sudo /usr/bin/docker"), variables)
    endpoint.check_local(make_settings(engine="podman"), variables)  # does not read DOCKER_HOST


@pytest.mark.parametrize(
    "engine", ["podman", "/usr/bin/podman", "podman-remote", "sudo podman", "podman --remote"]
)
def test_podman_is_not_supported(make_settings: MakeSettings, engine: str) -> None:
    with pytest.raises(errors.EngineNotSupported) as caught:
        endpoint.check_supported(make_settings(engine=engine))
    assert caught.value.code == 125
    assert f"setting 'engine' is '{engine}', from tasks.py or invoke.yaml" in caught.value.message
    assert "PYDOCK_ENGINE=docker" in caught.value.message


@pytest.mark.parametrize("engine", ["docker", "sudo docker", "/opt/podman-desktop/bin/docker", "nerdctl"])
def test_other_clients_are_supported(make_settings: MakeSettings, engine: str) -> None:
    endpoint.check_supported(make_settings(engine=engine))


@contextlib.contextmanager
def fake_engine(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Answer every request at a socket; yield the list of requests."""
    requests: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                requests.append(connection.recv(1000))
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def client(tmp_path: Path, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker on PATH that finds no image; return the file to which it writes its arguments."""
    folder = make_program(tmp_path / "bin" / "docker", f'echo "$@" >> {tmp_path}/calls\nexit 1').parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path / "calls"


@pytest.mark.parametrize(
    ("answer", "exists"), [(b"HTTP/1.0 200 OK\r\n\r\n{}", True), (b"HTTP/1.1 404 Not\r\n", False)]
)
def test_image_exists_by_socket(
    tmp_path: Path,
    client: Path,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    exists: bool,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with fake_engine(tmp_path / "engine.sock", answer) as requests:
        assert endpoint.image_exists(make_settings(), IMAGE) is exists
    assert requests == [f"GET /images/{IMAGE}/json HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode()]
    assert not client.exists()


def test_id_of_an_image(tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    body = b'{"Id":"sha256:12ab","RepoTags":["a:b"]}'
    with fake_engine(tmp_path / "engine.sock", b"HTTP/1.0 200 OK\r\n\r\n" + body) as requests:
        assert endpoint.find_image(make_settings(), IMAGE) == "sha256:12ab"
    assert len(requests) == 1


def test_image_that_only_the_client_finds_has_no_known_id(
    tmp_path: Path, make_program: MakeProgram, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_program(tmp_path / "bin" / "docker", "echo sha256:1").parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert endpoint.find_image(make_settings(), IMAGE) == ""


@pytest.mark.parametrize("answer", [b"HTTP/1.0 500 Internal\r\n", b"HTTP/1.0 403 Forbidden", b"", b"hello"])
def test_image_exists_by_client_if_the_socket_gives_no_answer(
    tmp_path: Path, client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with fake_engine(tmp_path / "engine.sock", answer):
        assert not endpoint.image_exists(make_settings(), IMAGE)
    assert client.read_text() == f"image inspect --format {{{{.Id}}}} {IMAGE}\n"


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "unix://"])
def test_image_exists_by_client_if_there_is_no_socket(
    client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not endpoint.image_exists(make_settings(), IMAGE)
    assert client.exists()


def test_image_exists_by_client_if_the_client_is_not_docker(
    tmp_path: Path, client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with fake_engine(tmp_path / "engine.sock", b"HTTP/1.0 200 OK\r\n") as requests:
        assert not endpoint.image_exists(make_settings(engine=f"env {client.parent}/bin/docker"), IMAGE)
        assert not endpoint.image_exists(make_settings(engine="/nowhere/docker"), IMAGE)
    assert requests == []
