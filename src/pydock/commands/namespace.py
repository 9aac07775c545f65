"""The task namespace: the collection that `pydock` maps its commands onto and that projects import."""

from __future__ import annotations

from invoke import Collection

from pydock.commands import tasks

namespace = Collection.from_module(tasks, name="env")
