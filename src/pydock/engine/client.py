"""The one door to the engine: every docker call is quoted, echoed, run and judged here."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine import diagnosis
from pydock.engine.process import EngineRunner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from invoke import Context, Result

    from pydock.settings import Settings

# Attestations would make every tag an index of two manifests; the hints are advertising; an inherited
# builder may be of the container driver, which does not see local images.
BUILD_VARIABLES = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "BUILDX_BUILDER": "", "DOCKER_BUILDKIT": "1"}
VARIABLES = {"DOCKER_CLI_HINTS": "false"}


class Engine:
    """Runs docker commands through invoke's `ctx.run`, and turns failures into typed errors.

    Under `--dry` (pydock's, or invoke's own) questions are still asked, changes are only printed.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        self.client = settings.engine
        self._context = context
        self._rootless: bool | None = None

    @property
    def dry(self) -> bool:
        return bool(self._context.config.run.dry)

    def ask(self, argv: Sequence[str]) -> str:
        """Run a command that changes nothing; return its stdout."""
        return self._judged(argv, self._run(argv)).stdout

    def answers(self, argv: Sequence[str]) -> bool:
        """Run a question whose failure means no, such as `docker image inspect`; an absent engine raises."""
        return self.attempt(argv).ok

    def attempt(self, argv: Sequence[str]) -> Result:
        """Run a command whose failure is no news; an engine that does not answer still raises."""
        result: Result = self._run(argv)
        if result.failed:
            diagnosis.raise_for_engine(self.client, result)
        return result

    def attempt_all(self, argvs: Sequence[Sequence[str]]) -> list[Result]:
        """Run questions that need nothing of one another, side by side."""
        results = self._run_all(argvs)
        for result in results:
            if result.failed:
                diagnosis.raise_for_engine(self.client, result)
        return results

    def change(self, argv: Sequence[str]) -> str:
        """Run a command that changes images or containers; return its stdout, nothing under `--dry`."""
        if self.dry:
            print(shlex.join(argv))
            return ""
        return self._judged(argv, self._run(argv)).stdout

    def change_all(self, argvs: Sequence[Sequence[str]]) -> None:
        """Run commands that need nothing of one another, side by side."""
        if self.dry:
            for argv in argvs:
                self.change(argv)
            return
        for argv, result in zip(argvs, self._run_all(argvs)):
            self._judged(argv, result)

    def build(self, argv: Sequence[str], variables: Mapping[str, str], made_by: str = "") -> None:
        """Run a `docker build`, its progress shown on a terminal.

        `variables` carry what no command line may; `made_by` are the shell lines that would make a context that is
        there only meanwhile.
        """
        if self.dry:
            print(_after(made_by, argv))
            return
        environment = {**BUILD_VARIABLES, **variables}
        self._judged(argv, self._run(argv, environment, made_by=made_by, progress=sys.stderr.isatty()))

    def terminal(self, argv: Sequence[str]) -> int:
        """Run a command on our own stdin, stdout and stderr; return its exit code."""
        if self.dry:
            print(shlex.join(argv))
            return 0
        self._echo(argv)
        with self._our_runner():
            result = self._context.run(
                shlex.join(argv), warn=True, echo=False, dry=False, pty=False, hide=False, env=VARIABLES
            )
        if result.exited == diagnosis.NOT_FOUND and shutil.which(self.client[0]) is None:
            diagnosis.raise_for_engine(self.client, result)
        return int(result.exited)

    @property
    def rootless(self) -> bool:
        """Whether the engine runs as its user, so that root inside *is* the caller outside."""
        if self._rootless is None:
            # An engine of root's own cannot be anybody else's; that spares most containers and CI the question.
            self._rootless = os.getuid() != 0 and "rootless" in self.ask(docker.security_options(self.client))
        return self._rootless

    def _run(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str] | None = None,
        *,
        made_by: str = "",
        progress: bool = False,
        asynchronous: bool = False,
    ) -> Any:
        """Return invoke's `Result`, or its `Promise` of one."""
        self._echo(argv, made_by)
        with self._our_runner():
            return self._context.run(
                shlex.join(argv),
                warn=True,
                echo=False,
                dry=False,
                hide=True,
                asynchronous=asynchronous,
                pty=progress,
                in_stream=False,
                env={**VARIABLES, **(variables or {})},
            )

    def _run_all(self, argvs: Sequence[Sequence[str]]) -> list[Result]:
        begun = [self._run(argv, asynchronous=True) for argv in argvs]
        return [promise.join() for promise in begun]

    def _judged(self, argv: Sequence[str], result: Result) -> Result:
        if result.failed:
            diagnosis.raise_for_engine(self.client, result)
            raise diagnosis.failure(argv, result)
        return result

    def _echo(self, argv: Sequence[str], made_by: str = "") -> None:
        if self._context.config.run.echo:
            print(_after(made_by, argv), file=sys.stderr)

    @contextlib.contextmanager
    def _our_runner(self) -> Iterator[None]:
        runners = self._context.config.runners
        before = runners.local
        runners.local = EngineRunner
        try:
            yield
        except FileNotFoundError as error:
            raise diagnosis.client_not_found(self.client) from error
        except PermissionError as error:
            raise errors.EngineNotFound(f"{self.client[0]} cannot be started: {error.strerror}.") from error
        finally:
            runners.local = before


def _after(made_by: str, argv: Sequence[str]) -> str:
    """Return the command as shell lines that can be copied and run as they are."""
    return f"{made_by}\n{shlex.join(argv)}" if made_by else shlex.join(argv)
