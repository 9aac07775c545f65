"""Requirement files of many shapes: both installers install what pip installs, or nothing."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from . import requirement_files
from .index import source
from .open_index import wheel
from .requirement_files import CASES, Case
from .tools import dockerfile_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .tools import Project

INSTALLERS = ["uv", "pip"]
ARCHIVE = "archive.tar.gz"  # a source distribution whose address does not name the package


EXTRAS = [
    "Provides-Extra: x",
    "Provides-Extra: y",
    'Requires-Dist: example; extra == "x"',
    'Requires-Dist: other; extra == "y"',
]
WHEELS = {
    **{
        f"example-{version}-py3-none-any.whl": wheel("example", version)
        for version in ("1.0", "1.1", "2.0", "3.0rc1", "4.0")
    },
    "other-1.0-py3-none-any.whl": wheel("other", "1.0"),
    "needs-1.0-py3-none-any.whl": wheel("needs", "1.0", "Requires-Dist: example<2"),
    "extras-1.0-py3-none-any.whl": wheel("extras", "1.0", *EXTRAS),
    "dotted_name_x-1.0-py3-none-any.whl": wheel("dotted.name-x", "1.0"),
}

FILES = {**WHEELS, ARCHIVE: source("example", "1.0", "")}


@pytest.fixture(scope="module")
def address(gateway: str) -> Iterator[str]:
    """Serve two indexes to this machine and to builds: `simple/`, and `other/`, which has one newer version."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            folder, _, rest = self.path.lstrip("/").partition("/")
            body = self._page(folder, rest.strip("/")) if self.path.endswith("/") else FILES.get(rest)
            self.send_response(404 if body is None else 200)
            self.send_header(
                "Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream"
            )
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def _page(self, folder: str, project: str) -> bytes | None:
            files = [
                name
                for name in WHEELS
                if name.split("-")[0].replace("_", "-") == project
                and (folder == "other") == ("-4.0-" in name)
            ]
            lines = [
                f'<a href="/files/{name}#sha256={hashlib.sha256(WHEELS[name]).hexdigest()}">{name}</a>'
                for name in files
            ]
            return "\n".join(lines).encode() if lines else None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = http.server.ThreadingHTTPServer((gateway, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"{gateway}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def write(case: Case, folder: Path, address: str) -> Path:
    """Write the files of a case; return the path of r.txt."""
    words = {
        "OTHER_INDEX": f"http://{address}/other/",
        "INDEX": f"http://{address}/simple/",
        "HOST": address,
        "WHEEL": f"http://{address}/files/example-1.0-py3-none-any.whl",
        "HASH_1": hashlib.sha256(WHEELS["example-1.0-py3-none-any.whl"]).hexdigest(),
    }
    for name, content in case.files.items():
        for word, value in words.items():
            content = content.replace(word.encode(), value.encode())  # noqa: PLW2901
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return folder / "r.txt"


def configuration(address: str) -> dict[str, str]:
    host = address.partition(":")[0]
    return {"PIP_INDEX_URL": f"http://{address}/simple/", "PIP_TRUSTED_HOST": host, "PIP_FIND_LINKS": ""}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_recorded_verdict_is_that_of_pip(case: Case, tmp_path: Path, address: str) -> None:
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--dry-run",
                "--ignore-installed",
                "--quiet",
                "--report",
                "-",
            ),
            *("-r", str(write(case, tmp_path, address))),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "PIP_CONFIG_FILE": "/dev/null",
            "HOME": str(tmp_path),
            **configuration(address),
        },
    )
    if case.installed is None:
        assert done.returncode != 0, done.stdout
    else:
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout or '{"install": []}')
        assert pins(report) == set(case.installed)


def pins(report: Mapping[str, list[dict[str, dict[str, str]]]]) -> set[str]:
    found = [item["metadata"] for item in report["install"]]
    return {f"{item['name'].replace('.', '-')}=={item['version']}" for item in found}


# pip reads the lines that pip reads, so of these a few are enough for it.
BOTH = (
    "name",
    "conflict",
    "dependency and bound",
    "two extras",
    "marker that does not",
    "comment in a continued line",
)
RUNS = [
    pytest.param(case, installer, id=f"{name}-{installer}")
    for name, case in CASES.items()
    for installer in INSTALLERS
    if installer == "uv" or name in requirement_files.FILES or name in BOTH
]


@pytest.mark.parametrize(("case", "installer"), RUNS)
def test_requirement_file_installs_what_pip_installs(
    project: Project,
    shared_home: Project,  # with it, the engine has uv, which is not in the index here
    case: Case,
    installer: str,
    address: str,
) -> None:
    project.environ.update(configuration(address), PYDOCK_INSTALLER=installer)
    file = write(case, project.folder, address)
    name = project.new_name()
    result = project.pydock("create", name, "3.12", "-r", str(file), check=False)
    assert "Traceback" not in result.stderr
    assert "uv could not be downloaded" not in result.stderr
    if case.installed is None:
        assert result.returncode in {1, 2}, result.stderr
        assert not project.environment(name).exists()
        return
    assert result.returncode == 0, result.stderr
    assert versions(project, name) == set(case.installed)
    written = (
        (project.environment(name) / "requirements.in").read_text(encoding="utf-8") if case.installed else ""
    )
    for comment in ("# note", "# old", "# é"):
        assert (comment in written) == any(comment in _decoded(content) for content in case.files.values())
    pinned = (project.environment(name) / "requirements.txt").read_text(encoding="utf-8")
    if set(pinned.splitlines()) != set(
        case.installed
    ):  # options, hashes or addresses: the file alone gives the same
        project.pydock("build", name, "--no-cache")
        assert versions(project, name) == set(case.installed)


def _decoded(content: bytes) -> str:
    return content.decode("utf-16" if b"\0" in content else "latin-1" if b"latin-1" in content else "utf-8")


def versions(project: Project, name: str) -> set[str]:
    """Return the versions of the test's packages that are installed, whatever they were installed from."""
    names = {wheel.split("-")[0].replace("_", "-") for wheel in WHEELS}
    script = (
        "import importlib.metadata as m\n"
        f"for n in {sorted(names)!r}:\n"
        "    try: print(n + '==' + m.version(n))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    return set(project.pydock("run", name, "python", "-c", script).stdout.split())


@pytest.fixture(params=INSTALLERS)
def indexed(request: pytest.FixtureRequest, project: Project, shared_home: Project, address: str) -> Project:
    """Return a project whose index is the test's, for both installers."""
    project.environ.update(configuration(address), PYDOCK_INSTALLER=request.param)
    return project


def test_address_without_a_name_is_known_by_its_package(indexed: Project, address: str) -> None:
    name = indexed.create()
    (indexed.folder / "r.txt").write_text(
        f'http://{address}/files/{ARCHIVE}  # mine\nother ; python_version > "3"\n'
    )
    assert indexed.pydock("install", name, "-r", "r.txt").returncode == 0
    assert indexed.requested(name) == [
        f"example @ http://{address}/files/{ARCHIVE}  # mine",
        'other ; python_version > "3"',
    ]
    assert versions(indexed, name) == {"example==1.0", "other==1.0"}
    indexed.pydock("uninstall", name, "example")
    assert versions(indexed, name) == {"other==1.0"}


def pylock(address: str, digest: str) -> str:
    url = f"http://{address}/files/example-1.0-py3-none-any.whl"
    wheels = f"[{{url = '{url}', hashes = {{sha256 = '{digest}'}}}}]"
    return f"lock-version = '1.0'\n[[packages]]\nname = 'example'\nversion = '1.0'\nwheels = {wheels}\n"


def test_lock_file_installs_what_it_locks(indexed: Project, address: str) -> None:
    digest = hashlib.sha256(WHEELS["example-1.0-py3-none-any.whl"]).hexdigest()
    (indexed.folder / "pylock.toml").write_text(pylock(address, digest))
    name = indexed.new_name()
    indexed.pydock("create", name, "3.12", "-r", "pylock.toml")
    assert versions(indexed, name) == {"example==1.0"}
    entry = f"example==1.0 \\\n    --hash=sha256:{digest}\n"
    for file in ("requirements.in", "requirements.txt"):
        assert (indexed.environment(name) / file).read_text() == entry


def test_lock_file_with_another_hash_installs_nothing(indexed: Project, address: str) -> None:
    (indexed.folder / "pylock.toml").write_text(pylock(address, "0" * 64))
    name = indexed.create()
    result = indexed.pydock("install", name, "-r", "pylock.toml", check=False)
    assert result.returncode == 1
    assert versions(indexed, name) == set()


def test_project_installs_its_extras_and_groups(indexed: Project) -> None:
    (indexed.folder / "pyproject.toml").write_text(
        "[project]\nname = 'demo'\nrequires-python = '<3.13'\ndependencies = ['needs']\n"
        "[project.optional-dependencies]\nmore = ['demo[extra]']\nextra = ['extras[x]']\n"
        "[dependency-groups]\ntest = [{include-group = 'Base'}]\nbase = ['other']\n"
    )
    name = indexed.new_name()
    indexed.pydock("create", name, "--from", "pyproject.toml", "--extra", "more", "--group", "test")
    assert versions(indexed, name) == {"example==1.1", "extras==1.0", "needs==1.0", "other==1.0"}
    assert indexed.requested(name) == [
        "# from pyproject.toml",
        "needs",
        "# from pyproject.toml, extra more",
        "extras[x]",
        "# from pyproject.toml, group test",
        "other",
    ]


def test_later_installations_into_files_with_hashes(indexed: Project) -> None:
    name = indexed.create()
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in WHEELS.items()}
    example = hashes["example-1.0-py3-none-any.whl"]
    (indexed.folder / "r.txt").write_text(f"example==1.0 --hash=sha256:{example}\n")
    indexed.pydock("install", name, "-r", "r.txt")
    indexed.pydock("install", name, "other")
    expected = (
        f"example==1.0 \\\n    --hash=sha256:{example}\n"
        f"other==1.0 \\\n    --hash=sha256:{hashes['other-1.0-py3-none-any.whl']}\n"
    )
    file = indexed.environment(name) / "requirements.txt"
    assert file.read_text() == expected
    indexed.pydock("update", name)
    assert file.read_text() == expected
    indexed.pydock("build", name, "--no-cache")
    file.write_text(expected.replace(example, "0" * 64))
    assert indexed.pydock("build", name, "--no-cache", check=False).returncode == 1


def test_constraints_bound_later_installations_and_updates(indexed: Project) -> None:
    name = indexed.create()
    (indexed.folder / "c.txt").write_text("example<1.1\n")
    indexed.pydock("install", name, "other", "-c", "c.txt")
    (indexed.folder / "c.txt").unlink()
    indexed.pydock("install", name, "example")
    indexed.pydock("update", name)
    assert versions(indexed, name) == {"example==1.0", "other==1.0"}
    assert indexed.pydock("install", name, "example>=2", check=False).returncode == 1
    assert indexed.requested(name) == ["other", "# constraint: example<1.1", "example"]


def test_constraints_of_this_machine(indexed: Project) -> None:
    name = indexed.create()
    (indexed.folder / "c.txt").write_text("example<2\n")
    indexed.pydock("install", name, "example", variables={"PIP_CONSTRAINT": str(indexed.folder / "c.txt")})
    assert versions(indexed, name) == {"example==1.1"}
    assert indexed.requested(name) == ["example"]


def test_python_of_a_virtual_environment_of_the_base(indexed: Project) -> None:
    text = dockerfile_for("root").replace(
        "COPY requirements.txt",
        "RUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY requirements.txt",
    )
    name = indexed.write_environment(text)
    indexed.pydock("build", name)
    indexed.pydock("install", name, "example<2")
    script = "import example; print(example.__file__)"
    assert indexed.pydock("run", name, "python", "-c", script).stdout.startswith("/opt/venv/")
    indexed.pydock("build", name, "--no-cache")
    assert indexed.pydock("run", name, "python", "-c", script).stdout.startswith("/opt/venv/")
