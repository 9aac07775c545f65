"""This project's own tasks: the environments, imported as any project would, beside the development tasks."""

import shlex
import shutil
import sys
from pathlib import Path

from invoke import Collection, Context, task

import pydock

PYTHON = shlex.quote(sys.executable)


@task
def lint(c: Context) -> None:
    """Check style, types and shell scripts."""
    c.run(f"{PYTHON} -m ruff check . && {PYTHON} -m ruff format --check . && {PYTHON} -m mypy")
    if shutil.which("shellcheck"):
        scripts = [*Path("scripts").rglob("*.sh"), Path(".ci/run")]
        c.run(f"shellcheck {shlex.join(map(str, scripts))}")
    else:
        print("shellcheck is not installed; the shell scripts were not checked.", file=sys.stderr)


namespace = Collection(lint)
namespace.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"home": "."}}))
