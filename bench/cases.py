"""The cases to measure, what pydock is compared with, and the target ratios."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Callable

from harness import CHECKOUT, PYDOCK, Case, Comparison, Harness

PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")
LARGE_PACKAGES = ("pandas", "scipy", "scikit-learn")
THIRTY_PACKAGES = Path(__file__).resolve().parent / "thirty-packages.txt"

PLAIN_DOCKERFILE = """\
FROM {base}
RUN apt-get update && apt-get install -y sudo
RUN adduser --quiet --disabled-password --gecos '' worker && echo 'worker ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers
COPY requirements.txt .
RUN pip install -r requirements.txt
USER worker
WORKDIR /home/worker
"""


def start_program(option: str) -> Callable[[Harness], Comparison]:
    def prepare(harness: Harness) -> Comparison:
        harness.run(PYDOCK, "--help")  # the first start unpacks it
        return Comparison(lambda: harness.run(PYDOCK, option), lambda: harness.run(PYTHON, "-c", "pass"))

    return prepare


def run_python(harness: Harness) -> Comparison:
    name = harness.new_name()
    harness.pydock("create", name, harness.version)
    home = f"/home/{harness.run('id', '-un').strip()}/project"
    mount = f"type=bind,source={harness.project},target={home}"
    options = ["--rm", "--init", "--interactive", "--pull", "never", "--log-driver", "none"]
    context = ["--hostname", name, "--mount", mount, "--workdir", home]
    command = ["docker", "run", *options, *context, f"pydock-{name}:latest"]
    return Comparison(
        pydock=lambda: harness.pydock("run", name, "python", "-c", "pass"),
        other=lambda: harness.run(*command, "python", "-c", "pass"),
        before=lambda: time.sleep(0.3),  # the engine is still cleaning up after the previous run
    )


def run_with_files(count: int, size: int) -> Callable[[Harness], Comparison]:
    """Run in an environment whose folder has other files, and in one whose folder has none."""

    def prepare(harness: Harness) -> Comparison:
        empty, full = harness.new_name(), harness.new_name()
        for name in (empty, full):
            harness.pydock("create", name, harness.version)
        folder = harness.project / ".pydock" / "envs" / full / "data"
        for number in range(count):
            path = folder / str(number % 200) / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size)
        return Comparison(
            pydock=lambda: harness.pydock("run", full, "python", "-c", "pass"),
            other=lambda: harness.pydock("run", empty, "python", "-c", "pass"),
            before=lambda: time.sleep(0.3),
        )

    return prepare


def run_with_output(harness: Harness) -> Comparison:
    """Print many short lines through a pipe."""
    name = harness.new_name()
    harness.pydock("create", name, harness.version)
    command = ["sh", "-c", "yes | head -n 2000000"]
    return Comparison(
        pydock=lambda: harness.pydock("run", name, *command),
        other=lambda: harness.run("docker", "run", "--rm", "--init", f"pydock-{name}:latest", *command),
    )


def create_cached(tool: str) -> Callable[[Harness], Comparison]:
    def prepare(harness: Harness) -> Comparison:
        harness.pydock("create", harness.new_name(), harness.version)
        names: list[str] = []
        command = (
            [harness.tool("virtualenv"), "--quiet"]
            if tool == "virtualenv"
            else [harness.tool("python"), "-m", "venv"]
        )

        def create() -> None:
            names.append(harness.new_name())
            harness.pydock("create", names[-1], harness.version)

        return Comparison(
            create,
            lambda: harness.run(*command, str(harness.directory / harness.new_name())),
            after=lambda: harness.delete_environment(names.pop()),
        )

    return prepare


def create_uncached(harness: Harness) -> Comparison:
    context = harness.directory / "plain"
    context.mkdir()
    (context / "Dockerfile").write_text(PLAIN_DOCKERFILE.format(base=harness.base))
    (context / "requirements.txt").touch()
    names: list[str] = []

    def create() -> None:
        names.append(harness.new_name())
        # a new user name invalidates the build cache
        harness.variables["PYDOCK_USER"] = f"u{time.time_ns()}"
        harness.pydock("create", names[-1], harness.version)
        del harness.variables["PYDOCK_USER"]

    image = f"pydock-bench-{harness.new_name()}"
    build = ["docker", "build", "--no-cache", "--quiet", "--tag", image, str(context)]
    return Comparison(
        create, lambda: harness.run(*build), after=lambda: harness.delete_environment(names.pop())
    )


class InstallCase:
    """Install a package and import it twice, in an environment with other packages."""

    def __init__(
        self, harness: Harness, package: str, *, preinstalled: tuple[str, ...], cached: bool
    ) -> None:
        self.harness = harness
        self.package = package
        (self.pinned,) = harness.pinned(package)
        self.cached = cached
        self.name = harness.new_name()
        self.directory = harness.directory / self.name
        self.import_command = ["python", "-c", f"import {package}"]
        self.image = f"pydock-bench-{self.name}:latest"
        self.initial_image = f"pydock-bench-{self.name}:initial"
        harness.pydock("create", self.name, harness.version)
        if preinstalled:
            harness.pydock("install", self.name, *harness.pinned(*preinstalled))
        harness.run("docker", "tag", f"pydock-{self.name}:latest", self.initial_image)
        harness.run("docker", "tag", self.initial_image, self.image)

    def with_pydock(self) -> None:
        self.harness.pydock("install", self.name, self.pinned)
        for _ in range(2):
            self.harness.pydock("run", self.name, *self.import_command)

    def with_docker(self) -> None:
        install_with_docker(self.harness, self.image, self.pinned)
        for _ in range(2):
            self.harness.run("docker", "run", "--rm", "--init", self.image, *self.import_command)

    def with_virtualenv(self) -> None:
        self.harness.run(self.harness.tool("virtualenv"), "--quiet", str(self.directory))
        options = [] if self.cached else ["--no-cache-dir"]
        self.harness.run(str(self.directory / "bin" / "pip"), "install", "--quiet", *options, self.pinned)
        for _ in range(2):
            self.harness.run(str(self.directory / "bin" / "python"), *self.import_command[1:])

    def clear_cache(self) -> None:
        if not self.cached:
            self.harness.run("docker", "builder", "prune", "--all", "--force")

    def reset(self) -> None:
        self.harness.pydock("uninstall", self.name, self.package)
        self.harness.run("docker", "tag", self.initial_image, self.image)
        shutil.rmtree(self.directory, ignore_errors=True)


def install(
    package: str, *, compared_with: str, preinstalled: tuple[str, ...] = (), cached: bool = True
) -> Callable[[Harness], Comparison]:
    def prepare(harness: Harness) -> Comparison:
        case = InstallCase(harness, package, preinstalled=preinstalled, cached=cached)
        other = case.with_docker if compared_with == "docker" else case.with_virtualenv
        if cached:  # fill the caches (pip caches nothing if the package index does not allow it)
            case.with_pydock()
            other()
            case.reset()
        return Comparison(case.with_pydock, other, case.reset, case.clear_cache)

    return prepare


def install_with_docker(harness: Harness, image: str, package: str) -> None:
    """Install a package into an image with docker run, pip install and docker commit."""
    container = harness.new_name()
    pip = f"pip install --quiet {package} && pip freeze > /requirements.txt"
    ca_bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or ""
    options = ["--volume", f"{ca_bundle}:/ca.pem:ro", "--env", "PIP_CERT=/ca.pem"] if ca_bundle else []
    harness.run("docker", "run", "--name", container, "--user", "root", *options, image, "sh", "-c", pip)
    harness.run("docker", "commit", container, image)
    harness.run("docker", "rm", container)


def build_from_files(harness: Harness) -> Comparison:
    name = harness.new_name()
    thirty = harness.directory / "thirty-packages.txt"
    thirty.write_text("\n".join(harness.pinned(*THIRTY_PACKAGES.read_text().split())))
    harness.pydock("create", name, harness.version, "--requirement", str(thirty))
    file = harness.project / ".pydock" / "envs" / name / "requirements.txt"
    pinned = file.read_text()
    lock = harness.directory / f"{name}.txt"
    uv = [harness.tool("uv"), "pip"]
    options = ["--quiet", "--python", harness.tool("python"), "--output-file", str(lock)]
    harness.run(*uv, "compile", *options, str(thirty))
    venv = harness.directory / name

    def build() -> None:
        # a new comment invalidates the build cache, as on another machine
        file.write_text(f"# {time.time_ns()}\n{pinned}")
        harness.pydock("build", name)

    def sync() -> None:
        harness.run(harness.tool("uv"), "venv", "--quiet", "--python", harness.tool("python"), str(venv))
        python = str(venv / "bin" / "python")
        harness.run(*uv, "sync", "--quiet", "--compile-bytecode", "--python", python, str(lock))

    def remove_venv() -> None:
        shutil.rmtree(venv, ignore_errors=True)

    sync()
    remove_venv()
    return Comparison(build, sync, remove_venv)


PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "bench-project"
version = "1"
dependencies = {dependencies}
optional-dependencies.test = {test}
[tool.setuptools]
py-modules = ["bench_project"]
"""
MODULE = "import pydantic, requests\nVALUE = 1\n"
TEST = "import bench_project\ndef test_value():\n    assert bench_project.VALUE == 1\n"


def test_project(*, cached: bool) -> Callable[[Harness], Comparison]:
    """From a checkout of a project to its first green test."""

    def prepare(harness: Harness) -> Comparison:
        folder = harness.project
        dependencies, test = harness.pinned("pydantic", "requests"), harness.pinned("pytest")
        (folder / "pyproject.toml").write_text(PROJECT.format(dependencies=dependencies, test=test))
        (folder / "bench_project.py").write_text(MODULE)
        (folder / "test_bench_project.py").write_text(TEST)
        venv, names = harness.directory / harness.new_name(), [""]
        pip = [str(venv / "bin" / "pip"), "install", "--quiet", *([] if cached else ["--no-cache-dir"])]

        def with_pydock() -> None:
            names[0] = harness.new_name()
            harness.pydock("create", names[0], harness.version, "-e", ".[test]")
            harness.pydock("run", names[0], "pytest", "-q")

        def with_venv() -> None:
            harness.run(harness.tool("python"), "-m", "venv", str(venv))
            harness.run(*pip, "--editable", ".[test]")
            harness.run(str(venv / "bin" / "pytest"), "-q")

        def clear_cache() -> None:
            if not cached:
                harness.run("docker", "builder", "prune", "--all", "--force")

        def reset() -> None:
            harness.delete_environment(names[0])
            shutil.rmtree(venv, ignore_errors=True)
            shutil.rmtree(folder / "bench_project.egg-info", ignore_errors=True)

        return Comparison(with_pydock, with_venv, reset, clear_cache)

    return prepare


def list_environments(harness: Harness) -> Comparison:
    create_environments(harness, 200)
    return Comparison(lambda: harness.pydock("envs"), lambda: harness.run("docker", "images"))


def create_environments(harness: Harness, count: int) -> None:
    for _ in range(count - len(harness.environments())):
        harness.pydock("create", harness.new_name(), harness.version)


CASES = [
    Case("start", "`--version`", "`python -c pass`", 2, start_program("--version"), 15),
    Case("start", "`--help`", "`python -c pass`", 12, start_program("--help"), 15),
    Case("run", "`run ENV python -c pass`", "`docker run`", 1.10, run_python, 31),
    Case("run", "`run`, 2,000,000 lines of output", "`docker run` with logging", 1, run_with_output),
    Case(
        "run", "`run`, 1 GB in the folder", "`run`, empty folder", 1.10, run_with_files(1, 1_000_000_000), 21
    ),
    Case(
        "run",
        "`run`, 20,000 files in the folder",
        "`run`, empty folder",
        1.10,
        run_with_files(20_000, 100),
        21,
    ),
    Case("create", "`create`, cached", "`virtualenv`, cached", 0.6, create_cached("virtualenv"), 21),
    Case("create", "`create`, cached", "`python -m venv`", 0.1, create_cached("venv")),
    Case(
        "create", "`create`, not cached", "`docker build`, Dockerfile with apt and sudo", 0.2, create_uncached
    ),
    Case(
        "install",
        "`install` pandas, two imports",
        "virtualenv and pip",
        0.35,
        install("pandas", compared_with="pip"),
    ),
    Case(
        "install",
        "`install` pandas, two imports",
        "`docker run`, pip, `docker commit`",
        0.25,
        install("pandas", compared_with="docker"),
    ),
    Case(
        "install",
        "`install` pandas, two imports, not cached",
        "virtualenv and pip",
        0.8,
        install("pandas", compared_with="pip", cached=False),
    ),
    Case(
        "install",
        "`install` six after pandas, scipy and scikit-learn, two imports",
        "`docker run`, pip, `docker commit`",
        0.35,
        install("six", compared_with="docker", preinstalled=LARGE_PACKAGES),
    ),
    Case("build", "`build`, 30 packages with pandas", "`uv pip sync`", 1.5, build_from_files),
    Case(
        "project",
        "`create -e '.[test]'`, first green test",
        "`python -m venv`, `pip install -e`",
        1.2,
        test_project(cached=True),
    ),
    Case(
        "project",
        "`create -e '.[test]'`, first green test, not cached",
        "`python -m venv`, `pip install -e`",
        1.2,
        test_project(cached=False),
    ),
    Case("envs", "`envs`, 200 environments", "`docker images`", 5, list_environments),
]
