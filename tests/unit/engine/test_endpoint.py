"""Where the engine listens, and whether it has an image, asked of its socket or of its client."""

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

    from .conftest import MakeSettings


def use_context(folder: Path, name: str, meta: object) -> None:
    """Make a context of that name, and choose it, as `docker context create` and `use` do."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps(meta))
    (folder / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


def meta_of(host: str) -> dict[str, Any]:
    return {"Name": "far", "Endpoints": {"docker": {"Host": host}}}


def test_the_endpoint_is_found_as_the_client_finds_it(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert endpoint.engine_endpoint(home) == ""
    use_context(tmp_path / ".docker", "far", meta_of("ssh://far.example"))
    assert endpoint.engine_endpoint(home) == "ssh://far.example"
    use_context(tmp_path / "other", "near", meta_of("unix:///run/near.sock"))
    assert (
        endpoint.engine_endpoint({**home, "DOCKER_CONFIG": str(tmp_path / "other")})
        == "unix:///run/near.sock"
    )
    assert endpoint.engine_endpoint({**home, "DOCKER_CONTEXT": "default"}) == ""
    assert endpoint.engine_endpoint({**home, "DOCKER_CONTEXT": "unknown"}) == ""
    assert (
        endpoint.engine_endpoint({**home, "DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "far"}) == "tcp://h:1"
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
def test_a_configuration_without_a_context(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert endpoint.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize("meta", [{}, {"Endpoints": None}, {"Endpoints": {"docker": {}}}, []])
def test_a_context_without_an_endpoint(tmp_path: Path, meta: object) -> None:
    use_context(tmp_path, "odd", meta)
    assert endpoint.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize(
    "host",
    ["", "unix:///var/run/docker.sock", "tcp://localhost:2375", "tcp://127.0.0.1:2375", "tcp://[::1]:1"],
)
def test_an_engine_of_this_machine(make_settings: MakeSettings, host: str) -> None:
    endpoint.check_local(make_settings(), {"DOCKER_HOST": host, "HOME": "/nowhere"})


@pytest.mark.parametrize("host", ["ssh://me@far.example", "tcp://192.0.2.1:2376", "tcp://far.example:2375"])
def test_an_engine_of_another_machine(make_settings: MakeSettings, host: str) -> None:
    variables = {"DOCKER_HOST": host}
    with pytest.raises(errors.EngineRemote, match="docker context use default") as caught:
        endpoint.check_local(make_settings(), variables)
    assert host in caught.value.message
    with pytest.raises(errors.EngineRemote):
        endpoint.check_local(make_settings(engine="sudo /usr/bin/docker"), variables)
    endpoint.check_local(make_settings(engine="podman"), variables)


@contextlib.contextmanager
def engine_that_says(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Listen where an engine would; yield the list of what was asked."""
    asked: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                asked.append(connection.recv(1000))
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker on PATH that knows no image, and writes down what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(f'#!/bin/sh\necho "$@" >> {folder}/said\nexit 1\n')
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "said"


@pytest.mark.parametrize(
    ("answer", "there"), [(b"HTTP/1.0 200 OK\r\n\r\n{}", True), (b"HTTP/1.1 404 Not\r\n", False)]
)
def test_the_engines_socket_knows(
    tmp_path: Path,
    client: Path,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    there: bool,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with engine_that_says(tmp_path / "engine.sock", answer) as asked:
        assert endpoint.image_is_there(make_settings(), "pydock-ds:1-2") is there
    assert asked == [b"GET /images/pydock-ds:1-2/json HTTP/1.0\r\n\r\n"]
    assert not client.exists()


@pytest.mark.parametrize("answer", [b"HTTP/1.0 500 Internal\r\n", b"HTTP/1.0 403 Forbidden", b"", b"hello"])
def test_the_client_is_asked_where_the_socket_does_not_say(
    tmp_path: Path, client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with engine_that_says(tmp_path / "engine.sock", answer):
        assert not endpoint.image_is_there(make_settings(), "pydock-ds:1-2")
    assert client.read_text() == "image inspect --format {{.Id}} pydock-ds:1-2\n"


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "unix://"])
def test_the_client_is_asked_where_there_is_no_socket(
    client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not endpoint.image_is_there(make_settings(), "pydock-ds:1-2")
    assert client.exists()


def test_another_engines_client_is_asked(
    tmp_path: Path, client: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with engine_that_says(tmp_path / "engine.sock", b"HTTP/1.0 200 OK\r\n") as asked:
        assert not endpoint.image_is_there(
            make_settings(engine=f"env {client.parent}/docker"), "pydock-ds:1-2"
        )
        assert not endpoint.image_is_there(make_settings(engine="/nowhere/docker"), "pydock-ds:1-2")
    assert asked == []
