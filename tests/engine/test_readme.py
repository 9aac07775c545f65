"""Runs the commands that README.md shows, and compares its tables with the program.

Rules for README.md:

- A ```bash block with a line that begins with one of `PROGRAMS` is run as a whole, in a new project with the demo's
  files, with `pydock` and `inv` on PATH and with the first ```python block as tasks.py. So is an indented block
  before the first heading of the second level.
- The blocks use the environment names `datascience` and `dev`. If a block has no word `create`, the environment
  `datascience` exists, without packages.
- A block with `-e` is run in a folder with a Python package that has the extra `test` and a test.
- A block with a line that begins with `docker` is run in the environment's folder. If it passes a secret, the
  environment has a package to install. It may use the variable SSL_CERT_FILE.
- Every line of any other ```bash block is `make TARGET`, installs pydock from its repository, or names a file of the
  repository by its URL.
- The first ```yaml block is a settings file. The ```dockerfile block is what `pydock create datascience 3.12` writes
  for the user alice.
- Every command appears as `pydock COMMAND …` in backquotes, and every setting in backquotes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .index import ca_bundle
from .tools import (
    REPOSITORY,
    TIMEOUT,
    Project,
    docker,
    dockerfile_for,
    remove_images_and_containers,
)

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
NAME = "datascience"
PROGRAMS = ("pydock ", "inv ", "docker ", "./pydock.py ", 'eval "$(pydock ')


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def indented(text: str) -> list[str]:
    blocks = re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks]


BLOCKS = [*indented(README.split("\n## ", maxsplit=1)[0]), *fenced("bash")]
RUN = [block for block in BLOCKS if any(line.startswith(PROGRAMS) for line in block.splitlines())]


@pytest.fixture
def readme_project(project: Project) -> Project:
    """Return a project as the README's reader has it: the demo's files, a tasks.py, pydock and inv on PATH."""
    for file in ("analysis.py", "seattle-weather.csv"):
        shutil.copy(REPOSITORY / "demo" / file, project.folder)
    (project.folder / "tasks.py").write_text(fenced("python")[0])
    project.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    project.environ.setdefault("SSL_CERT_FILE", ca_bundle())
    return project


@pytest.mark.xdist_group("environments named datascience and dev")
@pytest.mark.parametrize("block", RUN, ids=lambda block: block.splitlines()[0][:40])
def test_commands(readme_project: Project, block: str) -> None:
    project = readme_project
    project.names += [NAME, "dev"]
    if "create" not in block:
        project.pydock("create", NAME, "3.12")
    if block.startswith("./pydock.py"):
        (project.folder / "pydock.py").symlink_to(Path(sys.executable).parent / "pydock")
    if " -e " in block:
        write_package(project.folder)
    folder = project.environment(NAME) if re.search("^docker ", block, re.MULTILINE) else project.folder
    if "--secret" in block:
        (folder / "requirements.txt").write_text("six\n", encoding="utf-8")
    try:
        done = subprocess.run(
            ["bash", "-euc", block],
            check=False,
            cwd=folder,
            env=project.environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    finally:
        docker("rmi", NAME, check=False)
        remove_images_and_containers([NAME, "dev"])
        scripts = project.home / ".cache" / "pydock" / "scripts"
        for path in (scripts / "envs").glob("*"):  # others may have an image of that name
            project.pydock("delete", path.name, "--yes", variables={"PYDOCK_HOME": str(scripts)})


def write_package(folder: Path) -> None:
    metadata = '[project]\nname = "example"\nversion = "1"\noptional-dependencies.test = ["pytest"]\n'
    (folder / "pyproject.toml").write_text(f"{metadata}[tool.setuptools]\npy-modules = ['example']\n")
    (folder / "example.py").write_text("VALUE = 1\n")
    (folder / "test_example.py").write_text(
        "from example import VALUE\n\ndef test_value():\n    assert VALUE == 1\n"
    )


def test_other_blocks_name_targets_and_files_that_exist() -> None:
    others = [block for block in BLOCKS if block not in RUN]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for line in "".join(others).splitlines():
        if line.startswith("make "):
            assert f"\n{line.split()[1]}:" in makefile, line
        elif line != "pip install git+https://github.com/apiad/pydock":
            path = re.search(r"pydock/main/(\S+)", line)
            assert path, f"no test runs {line!r}"
            assert (REPOSITORY / path.group(1)).is_file(), line


def test_dockerfile() -> None:
    assert fenced("dockerfile") == [dockerfile_for("alice")]


def test_settings_file(readme_project: Project) -> None:
    """`pydock config` shows each setting of the README's example, with the file as its source."""
    text = fenced("yaml")[0]
    (readme_project.home / ".pydock.yaml").write_text(text, encoding="utf-8")
    shown = readme_project.pydock("config").stdout
    settings = re.findall(r"^(\w+): *(.*?)(?: +#.*)?$", text, re.MULTILINE)
    assert settings
    for name, value in settings:
        assert re.search(rf"^{name} +{re.escape(value)} +.*\.pydock\.yaml$", shown, re.MULTILINE), name


def test_every_command_and_setting_is_described(project: Project) -> None:
    commands = project.pydock("--help").stdout.partition("commands:")[2].partition("options:")[0]
    names = re.findall(r"^  ([a-z]+)  ", commands, re.MULTILINE)
    assert "create" in names
    for command in names:
        assert f"`pydock {command}" in README, command
    settings = project.pydock("config").stdout.split("\n\n")[1].splitlines()[1:]
    for setting in (line.split()[0] for line in settings):
        assert f"`{setting}`" in README, setting
