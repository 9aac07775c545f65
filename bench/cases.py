"""The rows of the table: what is measured, against what, and the ratio to reach."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Callable

from workbench import CHECKOUT, PYDOCK, Case, Sides, Workbench

PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")
SCIENCE = ("pandas", "scipy", "scikit-learn")
THIRTY = Path(__file__).resolve().parent / "thirty-packages.txt"

NAIVE_DOCKERFILE = """\
FROM {base}
RUN apt-get update && apt-get install -y sudo
RUN adduser --quiet --disabled-password --gecos '' worker && echo 'worker ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers
COPY requirements.txt .
RUN pip install -r requirements.txt
USER worker
WORKDIR /home/worker
"""


def start(option: str) -> Callable[[Workbench], Sides]:
    return lambda bench: Sides(lambda: bench.run(PYDOCK, option), lambda: bench.run(PYTHON, "-c", "pass"))


def run_python(bench: Workbench) -> Sides:
    name = bench.name()
    bench.pydock("create", name, bench.version)
    home = f"/home/{bench.run('id', '-un').strip()}/project"
    mount = f"type=bind,source={bench.project},target={home}"
    flags = ["--rm", "--init", "--interactive", "--pull", "never", "--hostname", name, "--log-driver", "none"]
    by_hand = ["docker", "run", *flags, "--mount", mount, "--workdir", home, f"pydock-{name}:latest"]
    return Sides(
        ours=lambda: bench.pydock("run", name, "python", "-c", "pass"),
        theirs=lambda: bench.run(*by_hand, "python", "-c", "pass"),
        before=lambda: time.sleep(0.3),  # the engine tidies up behind the side before
    )


def print_lines(bench: Workbench) -> Sides:
    """Print many short lines through a pipe, as a filter or an export does."""
    name = bench.name()
    bench.pydock("create", name, bench.version)
    words = ["sh", "-c", "yes | head -n 2000000"]
    return Sides(
        ours=lambda: bench.pydock("run", name, *words),
        theirs=lambda: bench.run("docker", "run", "--rm", "--init", f"pydock-{name}:latest", *words),
    )


def create_known(other: str) -> Callable[[Workbench], Sides]:
    def prepare(bench: Workbench) -> Sides:
        bench.pydock("create", bench.name(), bench.version)
        names: list[str] = []
        command = (
            [bench.tool("virtualenv"), "--quiet"]
            if other == "virtualenv"
            else [bench.tool("python"), "-m", "venv"]
        )

        def ours() -> None:
            names.append(bench.name())
            bench.pydock("create", names[-1], bench.version)

        return Sides(
            ours,
            lambda: bench.run(*command, str(bench.folder / bench.name())),
            after=lambda: bench.forget(names.pop()),
        )

    return prepare


def create_first(bench: Workbench) -> Sides:
    context = bench.folder / "naive"
    context.mkdir()
    (context / "Dockerfile").write_text(NAIVE_DOCKERFILE.format(base=bench.base))
    (context / "requirements.txt").touch()
    names: list[str] = []

    def ours() -> None:
        names.append(bench.name())
        # a user name that was never seen is a first of its kind: nothing of it is in any cache
        bench.variables["PYDOCK_USER"] = f"u{time.time_ns()}"
        bench.pydock("create", names[-1], bench.version)
        del bench.variables["PYDOCK_USER"]

    image = f"pydock-bench-{bench.name()}"
    build = ["docker", "build", "--no-cache", "--quiet", "--tag", image, str(context)]
    return Sides(ours, lambda: bench.run(*build), after=lambda: bench.forget(names.pop()))


class InstallCase:
    """Install a package and import it twice, in an environment that holds others already."""

    def __init__(self, bench: Workbench, package: str, *, held: tuple[str, ...], cached: bool) -> None:
        self.bench = bench
        self.package = package
        (self.pinned,) = bench.pinned(package)
        self.cached = cached
        self.name = bench.name()
        self.folder = bench.folder / self.name
        self.importing = ["python", "-c", f"import {package}"]
        self.image, self.held_image = f"pydock-bench-{self.name}:latest", f"pydock-bench-{self.name}:held"
        bench.pydock("create", self.name, bench.version)
        if held:
            bench.pydock("install", self.name, *bench.pinned(*held))
        bench.run("docker", "tag", f"pydock-{self.name}:latest", self.held_image)
        bench.run("docker", "tag", self.held_image, self.image)

    def with_pydock(self) -> None:
        self.bench.pydock("install", self.name, self.pinned)
        for _ in range(2):
            self.bench.pydock("run", self.name, *self.importing)

    def by_hand(self) -> None:
        naive_install(self.bench, self.image, self.pinned)
        for _ in range(2):
            self.bench.run("docker", "run", "--rm", "--init", self.image, *self.importing)

    def with_virtualenv(self) -> None:
        self.bench.run(self.bench.tool("virtualenv"), "--quiet", str(self.folder))
        options = [] if self.cached else ["--no-cache-dir"]
        self.bench.run(str(self.folder / "bin" / "pip"), "install", "--quiet", *options, self.pinned)
        for _ in range(2):
            self.bench.run(str(self.folder / "bin" / "python"), *self.importing[1:])

    def forget_caches(self) -> None:
        if not self.cached:
            self.bench.run("docker", "builder", "prune", "--all", "--force")

    def undo(self) -> None:
        self.bench.pydock("uninstall", self.name, self.package)
        self.bench.run("docker", "tag", self.held_image, self.image)
        shutil.rmtree(self.folder, ignore_errors=True)


def install(
    package: str, *, against: str, held: tuple[str, ...] = (), cached: bool = True
) -> Callable[[Workbench], Sides]:
    def prepare(bench: Workbench) -> Sides:
        case = InstallCase(bench, package, held=held, cached=cached)
        theirs = case.by_hand if against == "naive" else case.with_virtualenv
        if cached:  # caches get warm, as far as a side has one: an index may forbid pip to keep what it sends
            case.with_pydock()
            theirs()
            case.undo()
        return Sides(case.with_pydock, theirs, case.undo, case.forget_caches)

    return prepare


def naive_install(bench: Workbench, image: str, package: str) -> None:
    """Do by hand what pydock's specification describes: run, pip install, commit, tag."""
    container = bench.name()
    pip = f"pip install --quiet {package} && pip freeze > /requirements.txt"
    ca = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or ""
    trust = ["--volume", f"{ca}:/ca.pem:ro", "--env", "PIP_CERT=/ca.pem"] if ca else []
    bench.run("docker", "run", "--name", container, "--user", "root", *trust, image, "sh", "-c", pip)
    bench.run("docker", "commit", container, image)
    bench.run("docker", "rm", container)


def build_checkout(bench: Workbench) -> Sides:
    name = bench.name()
    thirty = bench.folder / "thirty-packages.txt"
    thirty.write_text("\n".join(bench.pinned(*THIRTY.read_text().split())))
    bench.pydock("create", name, bench.version, "--requirement", str(thirty))
    file = bench.project / ".pydock" / "envs" / name / "requirements.txt"
    pinned = file.read_text()
    lock = bench.folder / f"{name}.txt"
    uv = [bench.tool("uv"), "pip"]
    bench.run(
        *uv, "compile", "--quiet", "--python", bench.tool("python"), "--output-file", str(lock), str(thirty)
    )
    folder = bench.folder / name

    def ours() -> None:
        # a comment makes the file new to the build cache, as after a checkout on another machine
        file.write_text(f"# {time.time_ns()}\n{pinned}")
        bench.pydock("build", name)

    def theirs() -> None:
        bench.run(bench.tool("uv"), "venv", "--quiet", "--python", bench.tool("python"), str(folder))
        python = str(folder / "bin" / "python")
        bench.run(*uv, "sync", "--quiet", "--compile-bytecode", "--python", python, str(lock))

    def after() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    theirs()
    after()
    return Sides(ours, theirs, after)


def list_many(bench: Workbench) -> Sides:
    make_many(bench, 200)
    return Sides(lambda: bench.pydock("envs"), lambda: bench.run("docker", "images"))


def make_many(bench: Workbench, count: int) -> None:
    for _ in range(count - len(bench.environments())):
        bench.pydock("create", bench.name(), bench.version)


CASES = [
    Case("start", "`--version`", "`python -c pass`", 2, start("--version"), 15),
    Case("start", "`--help`", "`python -c pass`", 12, start("--help"), 15),
    Case("run", "`run ENV python -c pass`", "`docker run` by hand", 1.10, run_python, 31),
    Case("run", "`run`, 2,000,000 lines of output", "`docker run` with its log", 1, print_lines),
    Case("create", "`create`, version used before", "virtualenv, warm", 0.6, create_known("virtualenv"), 21),
    Case("create", "`create`, version used before", "`python -m venv`", 0.1, create_known("venv")),
    Case("create", "`create`, first of its version", "dockerfile with apt and sudo", 0.2, create_first),
    Case("install", "pandas, two imports", "virtualenv and pip", 0.35, install("pandas", against="pip")),
    Case("install", "pandas, two imports", "run, pip, commit", 0.25, install("pandas", against="naive")),
    Case(
        "install",
        "pandas, two imports, nothing cached",
        "virtualenv and pip",
        0.8,
        install("pandas", against="pip", cached=False),
    ),
    Case(
        "install",
        "six beside pandas, scipy, scikit-learn",
        "run, pip, commit",
        0.35,
        install("six", against="naive", held=SCIENCE),
    ),
    Case("build", "`build`, 30 packages with pandas", "`uv pip sync`", 1.5, build_checkout),
    Case("envs", "`envs`, 200 environments", "`docker images`", 5, list_many),
]
