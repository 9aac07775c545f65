"""Every command that the README shows, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .tools import PATIENCE, REPOSITORY, Project, docker, remove_everything

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
NAME = "datascience"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


# The block at the very top stands for itself; the others are fenced.
SHOWN = ["\n".join(line.strip() for line in README.split("\n\n")[2].splitlines()), *blocks("bash")]
RUNNABLE = ("pydock ", "inv ", "docker ", "./pydock.py ")
RUN = [block for block in SHOWN if block.startswith(RUNNABLE)]


@pytest.fixture
def newcomer(project: Project) -> Project:
    """Return a project as the README's reader has one: the demo's files, pydock and inv on PATH."""
    for file in ("analysis.py", "seattle-weather.csv"):
        shutil.copy(REPOSITORY / "demo" / file, project.folder)
    (project.folder / "tasks.py").write_text(blocks("python")[0])
    project.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return project


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.splitlines()[0][:40])
def test_commands_of_the_readme(newcomer: Project, block: str) -> None:
    if "create" not in block:
        newcomer.pydock("create", NAME, "3.12")
    newcomer.names += [NAME, "dev"]
    if block.startswith("./pydock.py"):
        (newcomer.folder / "pydock.py").symlink_to(Path(sys.executable).parent / "pydock")
    folder = newcomer.environment(NAME) if block.startswith("docker") else newcomer.folder
    try:
        done = subprocess.run(
            ["bash", "-euc", block],
            check=False,
            cwd=folder,
            env=newcomer.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    finally:
        docker("rmi", NAME, check=False)
        remove_everything([NAME, "dev"])


def test_every_block_is_run_or_known() -> None:
    others = [block for block in SHOWN if block not in RUN]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for line in "".join(others).splitlines():
        if line.startswith("make "):
            assert f"\n{line.split()[1]}:" in makefile, line
        else:
            path = re.search(r"pydock/main/(\S+)", line)
            assert path, f"no test runs {line!r}"
            assert (REPOSITORY / path.group(1)).is_file(), line


def test_the_settings_file(newcomer: Project) -> None:
    (newcomer.home / ".pydock.yaml").write_text(blocks("yaml")[0])
    shown = newcomer.pydock("config").stdout
    assert re.search(r"^engine +podman +.*\.pydock\.yaml$", shown, re.MULTILINE)
    assert "mirror.example/library/python" in shown


def test_the_tables_name_every_command_and_setting(project: Project) -> None:
    listed = project.pydock("--help").stdout
    for command in re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE):
        assert f"`pydock {command}" in README, command
    settings = project.pydock("config").stdout.split("\n\n")[1].splitlines()[1:]
    for setting in (line.split()[0] for line in settings):
        assert f"`{setting}`" in README, setting
