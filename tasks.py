"""This project's own tasks: the environments, imported as any project would, beside the development tasks."""

from invoke import Collection, Context, task

import pydock


@task
def lint(c: Context) -> None:
    """Check style, types and shell scripts."""
    c.run("ruff check . && ruff format --check .", pty=True)
    c.run("mypy", pty=True)
    c.run("shellcheck scripts/*.sh scripts/install/*.sh", pty=True)


namespace = Collection(lint)
namespace.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"home": "."}}))
