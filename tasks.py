"""This project's own tasks: the environments, imported as any project would, beside the development tasks."""

import shlex
import sys
from pathlib import Path

from invoke import Collection, Context, Exit, task

import pydock

PYTHON = shlex.quote(sys.executable)
SHELLCHECK = shlex.quote(str(Path(sys.executable).with_name("shellcheck")))


@task
def lint(c: Context) -> None:
    """Check style, types and shell scripts; all of them, even if the first one fails."""
    scripts = [*Path("scripts").rglob("*.sh"), Path(".ci/run")]
    checks = {
        "style": f"{PYTHON} -m ruff check .",
        "format": f"{PYTHON} -m ruff format --check .",
        "types": f"{PYTHON} -m mypy",
        "shell scripts": f"{SHELLCHECK} {shlex.join(map(str, scripts))}",
    }
    failed = [name for name, command in checks.items() if not c.run(command, warn=True)]
    if failed:
        raise Exit(f"lint failed: {', '.join(failed)}", code=1)


namespace = Collection(lint)
namespace.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"home": "."}}))
