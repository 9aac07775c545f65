"""`pydock run script.py` on a real engine."""

from __future__ import annotations

import os
import secrets
import signal
import time
from typing import TYPE_CHECKING

import pytest

from .test_signals import HANDLER, run_and_signal
from .tools import containers, images, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from .tools import Project

SCRIPT = """\
#!/usr/bin/env -S pydock run --script
# /// script
# requires-python = "==3.12.*"
# dependencies = ["six", "six!=99.{unique}"]
# ///
import sys

import six

print(sys.version_info[:2], six.__name__, sys.argv[1:], len(sys.stdin.read()))
sys.exit(7 if "fail" in sys.argv else 0)
"""


class Script:
    """A script in a project of its own, with an environment that no other test has."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.cache = project.home / "cache"
        project.environ["XDG_CACHE_HOME"] = str(self.cache)
        self.text = SCRIPT.replace("{unique}", str(secrets.randbelow(1 << 40)))
        self.path = project.folder / "s.py"
        self.path.write_text(self.text)

    def environment(self) -> Path:
        """Return the folder of its environment; the test's images are removed by this name."""
        [folder] = (self.cache / "pydock" / "scripts" / "envs").iterdir()
        self.project.names.append(folder.name)
        return folder


@pytest.fixture
def script(project: Project) -> Script:
    return Script(project)


def test_script_runs_in_the_environment_that_it_asks_for(script: Script) -> None:
    project = script.project
    first = project.pydock("run", "s.py", "-x", "--", "a b", stdin="four")
    folder = script.environment()
    assert first.stdout == "(3, 12) six ['-x', '--', 'a b'] 4\n"
    assert (folder / "requirements.txt").read_text().startswith("six==")
    before = images(folder.name)
    script.path.write_text(script.text.replace("import six\n", "import six  # edited\n"))
    second = project.pydock("run", "s.py", "fail", check=False)
    assert (second.returncode, second.stderr) == (7, "")
    assert images(folder.name) == before


def test_script_from_elsewhere_is_read_only(script: Script, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "tool"
    other.parent.mkdir()
    (other.parent / "neighbour").write_text("")
    own = "\nimport os\nprint(os.listdir(os.path.dirname(__file__)), os.access(__file__, os.W_OK), os.listdir())\n"
    other.write_text(script.text.replace("import sys\n", f"{own}import sys\n"))
    done = script.project.pydock("run", "--script", str(other))
    script.environment()
    assert done.stdout.startswith("['tool'] False ")
    assert "s.py" in done.stdout


def test_signals_reach_the_script_in_its_first_run_and_later(script: Script) -> None:
    block = script.text.partition("import sys")[0]
    script.path.write_text(block + HANDLER)
    for _ in range(2):
        assert run_and_signal(script.project, ["run", "s.py"], signal.SIGTERM) == (b"SIGTERM\n", 9)
    name = script.environment().name
    wait_until(lambda: containers(name) == [], "the containers to be removed")


def test_unused_environment_is_removed_by_clean(script: Script) -> None:
    script.project.pydock("run", "s.py")
    folder = script.environment()
    [used] = (script.cache / "pydock" / "scripts" / "used").iterdir()
    then = time.time() - 15 * 24 * 3600
    os.utime(used, (then, then))
    script.project.pydock("clean", "--yes")
    assert not folder.exists()
    assert images(folder.name) == {}
