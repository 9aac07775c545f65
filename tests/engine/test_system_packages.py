"""System packages: apt with a private repository, Debian's own, and apk."""

from __future__ import annotations

import platform
import re
import secrets
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Callable

import pytest

from .apt_repository import DOCKER_CLEAN, AptRepository
from .index import Index, private_index
from .tools import Project, check_no_trace, docker, files_below, images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux", reason="builds cannot reach servers on this machine"
)

# Stands for apk where the Alpine image has none; it writes what it was given, and leaves something in its cache.
FAKE_APK = """\
#!/bin/sh
echo "$@" >/apk-arguments
echo kept >/etc/apk/cache/x.apk
test ! -f /etc/apk/ca.pem || echo trusted >>/apk-arguments
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Index]:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as served:
        yield served


@pytest.fixture(scope="module")
def repository(index: Index) -> AptRepository:
    """Return a repository with the packages tool-a to tool-d."""
    made = AptRepository(index)
    for letter in "abcd":
        made.publish(f"tool-{letter}")
    return made


@pytest.fixture(scope="module")
def debian(repository: AptRepository, python_image: str) -> Iterator[str]:
    """Return an image of Debian whose apt uses the private repository alone."""
    name = f"pydock-test-apt:{secrets.token_hex(4)}"
    lines = [
        f"FROM {python_image}",
        "RUN rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*"
        f" && printf %b {shlex.quote(DOCKER_CLEAN)} >/etc/apt/apt.conf.d/docker-clean".replace("\n", "\\n")
        + f" && echo {shlex.quote(repository.sources())} >/etc/apt/sources.list",
    ]
    docker("build", "--tag", name, "-", stdin="\n".join(lines) + "\n")
    yield name
    docker("rmi", "--force", name, check=False)


@pytest.fixture
def project_with_ca(project: Project, index: Index) -> Project:
    project.environ["PYDOCK_CA_BUNDLE"] = str(index.bundle)
    return project


def time_of_installation(project: Project, name: str, tool: str) -> str:
    return project.pydock("run", name, tool).stdout


def package_list(project: Project, name: str, file: str = "apt.txt") -> str:
    return (project.environment(name) / file).read_text(encoding="utf-8")


def check_fails_without_changes(project: Project, name: str, *words: str, messages: tuple[str, ...]) -> None:
    before = files_below(project.environment(name)), images(name)
    result = project.pydock(*words, check=False)
    assert result.returncode == 1, result
    for message in messages:
        assert message in result.stderr
    assert (files_below(project.environment(name)), images(name)) == before


def test_unchanged_list_is_not_installed_again(
    project_with_ca: Project, repository: AptRepository, debian: str
) -> None:
    project = project_with_ca
    name = project.create("--base", debian, "--system", "tool-a", version="")
    assert package_list(project, name) == "tool-a\n"
    first = time_of_installation(project, name, "tool-a")
    project.pydock("install", name, "six")
    project.pydock("update", name)
    project.pydock("uninstall", name, "six")
    project.pydock("build", name)
    assert time_of_installation(project, name, "tool-a") == first

    # A new list is installed as a whole, from the cache.
    project.pydock("install", name, "--system", "tool-b", "six")
    downloads = repository.downloads("tool-a")
    (project.environment(name) / "apt.txt").write_text(
        "# mine\n\ntool-a tool-b  # two\r\ntool-c\n", encoding="utf-8"
    )
    project.pydock("build", name)
    second = time_of_installation(project, name, "tool-a")
    assert second != first
    assert time_of_installation(project, name, "tool-c") > second[:1]
    assert repository.downloads("tool-a") == downloads
    project.check_installed(name, ["six"])

    # Another environment does not share that cache.
    other = project.create("--base", debian, "--system", "tool-c,tool-a", version="")
    assert time_of_installation(project, other, "tool-a")
    assert repository.downloads("tool-a") > downloads


def test_image_has_no_trace_of_apt(
    project_with_ca: Project, index: Index, debian: str, tmp_path: Path
) -> None:
    name = project_with_ca.create("--base", debian, "--system", "tool-a", version="")
    certificate = index.authority.read_bytes().splitlines()[1:-1]
    check_no_trace(project_with_ca.current_image(name), certificate, tmp_path)
    left = docker(
        "run", "--rm", f"pydock-{name}", "find", "/var/cache/apt", "/var/lib/apt/lists", "/run", "-type", "f"
    )
    assert left == ""


def test_plain_docker_build_gives_the_same_system_packages(
    project_with_ca: Project, index: Index, debian: str
) -> None:
    name = project_with_ca.create("--base", debian, "--system", "tool-b,tool-a", version="")
    image = f"pydock-test-plain-apt-{secrets.token_hex(4)}"
    folder = str(project_with_ca.environment(name))
    query = ("dpkg-query", "--show")
    try:
        secret = f"id=ca.pem,src={index.bundle}"
        docker("build", "--no-cache", "--secret", secret, "--tag", image, folder)
        assert docker("run", "--rm", image, *query) == docker("run", "--rm", f"pydock-{name}", *query)
        assert docker("run", "--rm", image, "tool-b")
    finally:
        docker("rmi", "--force", image, check=False)


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "-oDPkg::Pre-Invoke::=touch${IFS}/evil tool-a",
        "$(touch /evil)\n`touch /evil`\ntool-a; touch /evil\ntool-a | touch /evil\n",
    ],
)
def test_no_word_of_a_list_is_an_option_or_shell(
    project_with_ca: Project, index: Index, debian: str, line: str
) -> None:
    """pydock refuses the words; the dockerfile does nothing with them either."""
    project = project_with_ca
    name = project.create("--base", debian, "--system", "tool-a", version="")
    path = project.environment(name) / "apt.txt"
    path.write_text(f"{line}\n", encoding="utf-8")
    refused = project.pydock("build", name, check=False)
    assert refused.returncode == 2
    assert "Invalid system package" in refused.stderr

    dockerfile = project.environment(name) / "dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    # Continue after the failure of apt-get, to look at what it has done.
    shown = re.sub(r"(Archives=kept --)\n", r"\1; echo code $?; ls -d /evil /usr/bin/tool-a\n", text)
    assert shown != text
    dockerfile.write_text(shown, encoding="utf-8")
    result = subprocess.run(
        ["docker", "build", "--progress=plain", "--secret", f"id=ca.pem,src={index.bundle}", path.parent],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "code 123" in result.stderr
    assert "cannot access '/evil'" in result.stderr
    assert "cannot access '/usr/bin/tool-a'" in result.stderr


def test_unknown_package_changes_nothing(project_with_ca: Project, debian: str) -> None:
    project = project_with_ca
    name = project.create("--base", debian, version="")
    check_fails_without_changes(
        project,
        name,
        *("install", name, "--system", "tool-a,libpg-dev", "six"),
        messages=("apt found no package 'libpg-dev'; nothing was changed.", "'libpq-dev'"),
    )
    project.pydock("install", name, "--system", "tool-a")
    check_fails_without_changes(
        project,
        name,
        *("install", name, "--system", "tool-a=2.0"),
        messages=("apt found no version '2.0' of system package 'tool-a'; nothing was changed.",),
    )
    failed = project.new_name()
    result = project.pydock("create", failed, "--base", debian, "--system", "nosuch", check=False)
    assert "apt found no package 'nosuch'; nothing was changed. Correct it in the command." in result.stderr
    assert not project.environment(failed).exists()
    assert images(failed) == {}


def test_list_that_is_not_sent_to_the_engine(project_with_ca: Project, debian: str) -> None:
    project = project_with_ca
    name = project.create("--base", debian, version="")
    ignored = project.environment(name) / ".dockerignore"
    ignored.write_text("*\n!requirements.txt\n", encoding="utf-8")
    command = ("install", name, "--system", "tool-a")
    check_fails_without_changes(
        project,
        name,
        *command,
        messages=("The build does not get apt.txt; nothing was changed.", "`!apt.txt`"),
    )
    ignored.write_text("*\n!requirements.txt\n!apt.txt\n", encoding="utf-8")
    project.pydock(*command)
    assert time_of_installation(project, name, "tool-a")


def test_servers_that_cannot_be_reached(project: Project, debian: str) -> None:
    """Without the CA certificate, apt does not trust the repository."""
    project.environ["PYDOCK_CA_BUNDLE"] = "none"
    name = project.create("--base", debian, version="")
    check_fails_without_changes(
        project,
        name,
        *("install", name, "--system", "tool-d"),  # which no other test installs, so no layer has it
        messages=("The servers of the system packages cannot be reached; nothing was changed.",),
    )


def test_cure_of_a_missing_compiler_works_as_printed(
    project: Project, base_image: Callable[[str], str]
) -> None:
    """A source distribution that needs a compiler, in an image that has none, with Debian's own packages."""
    base_image("3.12-slim")
    name = project.create(version="3.12-slim")
    command = ("install", name, "netifaces==0.11.0")
    failed = project.pydock(*command, check=False)
    assert failed.returncode == 1
    assert "because gcc is missing in the image; nothing was changed." in failed.stderr
    [cure] = re.findall(r"Run `pydock ([^`]+)`, and then this command again\.", failed.stderr)
    assert cure == f"install {name} --system build-essential"
    project.pydock(*shlex.split(cure))
    project.pydock(*command)
    assert project.pydock("run", name, "python", "-c", "import netifaces; print('ok')").stdout == "ok\n"
    assert package_list(project, name) == "build-essential\n"


def test_alpine_without_apk_of_its_own(
    project_with_ca: Project, base_image: Callable[[str], str], tmp_path: Path
) -> None:
    """The step gives apk the words of the list, a cache and the CA certificates; none of that is left in the image."""
    alpine = base_image("3.12-alpine")
    base = f"pydock-test-apk:{secrets.token_hex(4)}"
    (tmp_path / "apk").write_text(FAKE_APK, encoding="utf-8")
    (tmp_path / "apk").chmod(0o755)
    (tmp_path / "dockerfile").write_text(
        f"FROM {alpine}\nCOPY apk /usr/local/bin/\nRUN mkdir -p /etc/apk && touch /etc/apk/repositories\n",
        encoding="utf-8",
    )
    docker("build", "--tag", base, str(tmp_path))
    try:
        name = project_with_ca.create("--base", base, "--system", "git,curl>8", version="")
        assert package_list(project_with_ca, name, "apk.txt") == "git\ncurl>8\n"
        shown = project_with_ca.pydock("run", name, "sh", "-c", "cat /apk-arguments; ls -A /etc/apk").stdout
        assert shown == "add -U -- git curl>8\ntrusted\nrepositories\n"
        project_with_ca.pydock("install", name, "--system", "bc")
        shown = project_with_ca.pydock("run", name, "cat", "/apk-arguments").stdout
        assert shown == "add -U -- git curl>8 bc\ntrusted\n"
    finally:
        docker("rmi", "--force", base, check=False)


def test_alpine(project: Project, base_image: Callable[[str], str]) -> None:
    image = base_image("3.12-alpine")
    if "apk" not in docker("run", "--rm", image, "sh", "-c", "command -v apk || true"):
        pytest.skip("python:3.12-alpine is a stand-in without apk")
    name = project.create("--system", "tree", version="3.12-alpine")
    assert package_list(project, name, "apk.txt") == "tree\n"
    assert "tree v" in project.pydock("run", name, "tree", "--version").stdout
    check_fails_without_changes(
        project,
        name,
        *("install", name, "--system", "no-such-package"),
        messages=("apk found no package 'no-such-package'; nothing was changed.",),
    )


def test_cure_with_inv(project_with_ca: Project, debian: str) -> None:
    (project_with_ca.folder / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\nns = Collection()\n"
        f"ns.add_collection(Collection.from_module(pydock, name='env', config={{'pydock': {{'home': {str(project_with_ca.folder / '.pydock')!r}}}}}))\n",
        encoding="utf-8",
    )
    name = project_with_ca.create("--base", debian, version="")
    subprocess.run(
        [sys.executable, "-m", "invoke", "env.install", name, "--system", "tool-a,tool-b"],
        check=True,
        cwd=project_with_ca.folder,
        env=project_with_ca.environ,
        capture_output=True,
    )
    assert time_of_installation(project_with_ca, name, "tool-b")
