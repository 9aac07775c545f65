"""inside/probe.py, with a server of this process as the package index."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pydock.engine.build_context import PROGRAMS
from pydock.inside import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(PROGRAMS, "probe.py")


@contextlib.contextmanager
def serving(statuses: dict[str, int], seen: list[tuple[str, str]]) -> Iterator[str]:
    """Answer with a status for each path, and note what was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            seen.append((self.path, self.headers.get("Authorization", "")))
            status = statuses.get(self.path, 404)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer_of(**request: Any) -> dict[str, Any]:
    """Run the program as a container does."""
    given = {"file": "", "text": "t", "pip_conf": "", "netrc": "", "ca": "", "seconds": 5, **request}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM.read_text(encoding="utf-8")],
        input=json.dumps(given).encode(),
        capture_output=True,
        check=True,
        env={},
    )
    assert done.stderr == b""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("status", [200, 302, 401, 404, 503])
def test_status_of_an_index(status: int) -> None:
    seen: list[tuple[str, str]] = []
    with serving({"/simple/pip/": status}, seen) as host:
        [found] = answer_of(pip_conf=f"[global]\nindex-url = http://{host}/simple/\n")["indexes"]
    assert found == {"address": f"http://{host}", "status": status, "error": "", "kind": ""}
    assert seen == [("/simple/pip/", "")]


@pytest.mark.parametrize("place", ["address", "netrc"])
def test_password(place: str) -> None:
    seen: list[tuple[str, str]] = []
    with serving({"/simple/pip/": 200}, seen) as host:
        user = "me:pass%40word@" if place == "address" else ""
        netrc = "machine 127.0.0.1 login me password pass@word\n" if place == "netrc" else ""
        found = answer_of(pip_conf=f"[global]\nindex-url = http://{user}{host}/simple\n", netrc=netrc)
    assert "pass" not in json.dumps(found["indexes"])
    assert seen == [("/simple/pip/", "Basic " + base64.b64encode(b"me:pass@word").decode())]


def test_several_indexes_and_pages() -> None:
    seen: list[tuple[str, str]] = []
    with serving({"/wheels": 200, "/a/pip/": 200}, seen) as host:
        text = f"[global]\nindex-url = http://{host}/a\nextra-index-url = http://{host}/b\nfind-links = http://{host}/wheels\n"
        found = answer_of(pip_conf=text)["indexes"]
        only = answer_of(pip_conf=f"{text}no-index = true\n")["indexes"]
    assert [index["status"] for index in found] == [200, 200, 404]
    assert [index["status"] for index in only] == [200]


def test_index_that_does_not_answer() -> None:
    with serving({}, []) as host:
        pass
    [found] = answer_of(pip_conf=f"[global]\nindex-url = http://{host}/simple\n")["indexes"]
    assert (found["status"], found["error"], found["kind"]) == (
        0,
        "Connection refused",
        "ConnectionRefusedError",
    )


def test_writing_a_file(tmp_path: Path) -> None:
    path = tmp_path / "written"
    found = answer_of(file=str(path), text="abc", pip_conf="[global]\nno-index = true\n")
    assert (found["unwritten"], path.read_text()) == ("", "abc")
    assert 0 < found["free"] <= found["size"]
    found = answer_of(file=str(tmp_path / "no" / "file"), pip_conf="[global]\nno-index = true\n")
    assert found["unwritten"] == "No such file or directory"


def test_addresses() -> None:
    assert probe.addresses("[global]\nindex-url = https://a/simple\ntrusted-host =\n    a\n    b:1\n") == (
        ["https://a/simple/pip/"],
        {"a", "b:1"},
    )


@pytest.mark.parametrize(("default", "found"), [("https://d/simple", ["https://d/simple/pip/"]), ("", [])])
def test_default_index(monkeypatch: pytest.MonkeyPatch, default: str, found: list[str]) -> None:
    monkeypatch.setattr(probe, "default_index", lambda: default)
    assert probe.addresses("") == (found, set())


def test_default_index_is_that_of_the_installed_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "dist-packages" / "pip" / "_internal" / "models"
    models.mkdir(parents=True)
    monkeypatch.setattr(os, "__file__", str(tmp_path / "os.py"))
    monkeypatch.setattr(probe, "default_index_of_bundled_pip", lambda: "bundled")
    (models / "index.py").write_text(
        'TestPyPI = 1\nPyPI = PackageIndex(\n    "https://d/", file_storage_domain="x"\n)\n'
    )
    assert probe.default_index() == "https://d/simple"
    (models / "index.py").write_text("PyPI = something else\n")
    assert probe.default_index() == "bundled"


def test_default_index_of_the_pip_that_python_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    name = "pip._internal.models.index"
    module = SimpleNamespace(PyPI=SimpleNamespace(simple_url="https://d/simple"))
    monkeypatch.setitem(sys.modules, name, module)
    assert probe.default_index_of_bundled_pip() == "https://d/simple"
    monkeypatch.setitem(sys.modules, name, None)  # there is no pip
    assert probe.default_index_of_bundled_pip() == ""


def test_password_of() -> None:
    password_of = probe.password_of
    assert password_of("https://a/", "") is None
    assert password_of("https://me@a/", "") == ("me", "")
    assert password_of("https://a/", "machine b login x password y") is None
    assert password_of("https://a/", "machine a login x password y") == ("x", "y")
    assert password_of("https://a/", "nonsense a") is None


@pytest.mark.parametrize("trusted", [set(), {"localhost"}])
def test_certificates_of_trusted_hosts_do_not_count(trusted: set[str]) -> None:
    answer: dict[str, Any] = {}
    request = {"ca": "", "netrc": "", "seconds": 1}
    with serving({}, []) as host:  # which speaks no TLS
        probe.ask(f"https://localhost:{host.rpartition(':')[2]}/", request, trusted, answer)
    assert "SSL" in answer["error"]
    answer.clear()
    probe.ask("https://localhost/", {**request, "ca": "no certificate"}, trusted, answer)
    assert answer["error"]
