"""The one door to the engine: every docker call is quoted, printed, run and checked here."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine import diagnosis
from pydock.engine.containers import ENGINE_FAILED, run_watched, start_container_watcher
from pydock.engine.endpoint import check_supported
from pydock.engine.foreground import run_client
from pydock.engine.process import EngineRunner
from pydock.messages import redacted, shell_words, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO, Callable

    from invoke import Context, Result

    from pydock.engine.build_output import BuildOutput
    from pydock.engine.run_request import RunRequest
    from pydock.engine.system_packages import BuildTarget
    from pydock.settings import Settings

# An inherited builder may be of the container driver, which does not see local images. Attestations would turn every
# tag into an index of two manifests.
BUILD_VARIABLES = {
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "BUILDX_BUILDER": "",
    "DOCKER_BUILDKIT": "1",
}
# The same for a client that does not get our environment.
BUILD_OPTIONS = ("--builder", "default", "--provenance=false", "--sbom=false")
# What a client says that knows neither rawjson nor how to ignore it.
UNKNOWN_PROGRESS = re.compile(r"(?:invalid|unknown|unsupported) progress|invalid argument .*--progress")
VARIABLES = {"DOCKER_CLI_HINTS": "false"}
# What a user's invoke.yaml may say of commands in general, and would break these.
NOT_FROM_CONFIGURATION: dict[str, Any] = {
    "disown": False,
    "dry": False,
    "echo": False,
    "encoding": None,
    "fallback": True,
    "replace_env": False,
    "timeout": None,
    "watchers": [],
}


class Engine:
    """Runs docker commands through invoke's `ctx.run` and turns failures into typed errors.

    With `--dry` (pydock's, or invoke's own) queries still run, but changes are only printed.
    """

    def __init__(self, context: Context, settings: Settings, seconds: float = 0) -> None:
        """`seconds` is how long a query may take before its client is killed; 0: as long as it wants."""
        check_supported(settings)
        self.client = settings.engine
        self._context = context
        self._settings = settings
        self._seconds = seconds
        self._rootless: bool | None = None
        self._warned: set[str] = set()  # warnings of installers

    @property
    def dry(self) -> bool:
        return bool(self._context.config.run.dry)

    @property
    def passes_environment(self) -> bool:
        """Whether the client gets our environment variables; `sudo docker` and other wrappers may not."""
        return docker.passes_environment(self.client)

    @property
    def build_options(self) -> tuple[str, ...]:
        """Options that every build needs if the client does not get `BUILD_VARIABLES`."""
        return () if self.passes_environment else BUILD_OPTIONS

    @property
    def rootless(self) -> bool:
        """Whether the engine runs as the user, so that root in the container *is* the caller outside."""
        if self._rootless is None:
            # If we are root, the engine cannot be rootless for anybody else; that saves a query in most containers.
            self._rootless = os.getuid() != 0 and "rootless" in self.query(
                docker.security_options(self.client)
            )
        return self._rootless

    def query(self, argv: Sequence[str]) -> str:
        """Run a command that changes nothing; return its stdout."""
        return self._checked(argv, self._run(argv)).stdout

    def query_with(self, argv: Sequence[str], variables: Mapping[str, str]) -> Result:
        """Run a query with these variables only; return its result, which may be a failure."""
        self._echo(argv)
        result: Result = self._start(argv, variables, only_these=True)
        return result

    def query_found(self, argv: Sequence[str]) -> str:
        """Run a query that fails if anything that it asks for is missing; return its stdout, which has the rest.

        An engine that does not answer still raises.
        """
        return str(self._raise_for_engine(self._run(argv)).stdout)

    def query_all_found(self, argvs: Sequence[Sequence[str]]) -> list[str]:
        """Run independent queries at the same time; see `query_found`."""
        return [str(self._raise_for_engine(result).stdout) for result in self._run_all(argvs)]

    def results(self, argvs: Sequence[Sequence[str]]) -> list[Result]:
        """Run independent queries at the same time; return their results, which may be failures of any kind.

        Raises `EngineNotFound` if there is no client.
        """
        return self._run_all(argvs)

    def modify(self, argv: Sequence[str]) -> str:
        """Run a command that changes images or containers; return its stdout. With `--dry`, print it, return ""."""
        if self.dry:
            print(shell_words(argv))
            return ""
        return self._checked(argv, self._run(argv)).stdout

    def try_to_modify_all(self, argvs: Sequence[Sequence[str]]) -> bool:
        """Run independent changes that may fail at the same time; return whether all succeeded."""
        if self.dry:
            for argv in argvs:
                self.modify(argv)
            return True
        return all(self._raise_for_engine(result).ok for result in self._run_all(argvs))

    def try_to_modify(self, argv: Sequence[str]) -> bool:
        """Run a change that may fail, such as removing what may be gone; return whether it succeeded."""
        return bool(self._raise_for_engine(self._run(argv)).ok)

    def build(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str],
        context_as_shell: str = "",
        target: BuildTarget | None = None,
    ) -> None:
        """Run a `docker build`, and show what it does; with `--echo`, all of its output.

        `variables` carry what must not be on the command line. `context_as_shell` are shell commands that recreate
        the temporary part of the build context, for `--dry` and `--echo`. `target` is for messages. Raises `BuildFailed`, `PackagesUnavailable` or
        another error with the reason, and keeps the log of the build. Prints the installer's warnings.
        """
        if self.dry:
            print(_with_context(context_as_shell, argv))
            return
        self._echo(argv, context_as_shell)
        result, output = self._run_build(argv, variables, "rawjson")
        if result.failed and UNKNOWN_PROGRESS.search("\n".join(output.messages)):
            result, output = self._run_build(argv, variables, "plain")
        if result.ok:
            self._warn_once(output)
            return
        from pydock.engine import build_failure  # only for failures
        from pydock.engine.build_log import keep_log

        diagnosis.raise_for_engine(self.client, output.text())
        error = build_failure.error_of(self.client, output, target)
        if isinstance(error, (errors.BuildFailed, errors.PackagesUnavailable)):
            path = keep_log([shell_words(argv), *output.log])
            error.message += f"\nThe full log is in {path}" if path else ""
        raise error

    def _run_build(
        self, argv: Sequence[str], variables: Mapping[str, str], mode: str
    ) -> tuple[Result, BuildOutput]:
        """Run a build that shows its progress, with BuildKit's output in this mode."""
        from pydock.engine.progress import Progress  # only for builds

        place = len(self.client) + 1  # after the word `build`, so that an option of the user's wins
        options = () if self.passes_environment else ("--progress", mode)
        words = [*argv[:place], *options, *argv[place:]]
        environ = {**BUILD_VARIABLES, "BUILDKIT_PROGRESS": mode, **variables}
        with contextlib.closing(Progress(everything=bool(self._context.config.run.echo))) as progress:
            result = self._start(words, environ, functools.partial(EngineRunner, progress=progress))
        return result, progress.output

    def _warn_once(self, output: BuildOutput) -> None:
        from pydock.engine.installer_warnings import warnings_of  # only for builds

        for text in warnings_of(output):
            if text not in self._warned:
                self._warned.add(text)
                warn(f"Warning: {text}")

    @property
    def is_plain(self) -> bool:
        """Whether commands run as they are: not printed, and without prefixes of invoke's context."""
        return not (self.dry or self._context.config.run.echo or self._with_prefixes(["x"]) != ["x"])

    def run_container(self, argv: Sequence[str], container: str, request: RunRequest | None = None) -> int:
        """Run a container's client on our own stdin, stdout and stderr; return its exit code.

        `request` has the settings of this run and variables for the client's environment.
        """
        settings = request.settings if request else self._settings
        variables = request.variables if request else {}
        return self._on_our_streams(
            argv, variables, lambda words, environ: run_watched(words, settings, container, environ)
        )

    def show(self, argv: Sequence[str]) -> int:
        """Run a client that only prints, on our own stdout and stderr; return its exit code."""
        return self._on_our_streams(argv, {}, run_client)

    def _on_our_streams(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str],
        run: Callable[[Sequence[str], Mapping[str, str]], int],
    ) -> int:
        shown = [*(f"{name}={shell_words([value])}" for name, value in variables.items()), shell_words(argv)]
        if self.dry:
            print(*shown)
            return 0
        if self._context.config.run.echo:
            print(*shown, file=sys.stderr)
        environ = {**os.environ, **self._context.config.run.env, **VARIABLES, **variables}
        try:
            return run(self._with_prefixes(argv), environ)
        except OSError as error:
            raise self._not_started(error) from error

    def run_and_capture(self, argv: Sequence[str], container: str) -> Result:
        """Run a container without our streams; return its output and exit code. However it ends, it is removed."""
        watcher = start_container_watcher(self._settings, container)
        try:
            result: Result = self._run(argv)
            if result.ok:
                os.write(watcher, b"0")
            return self._raise_for_engine(result) if result.exited == ENGINE_FAILED else result
        finally:
            os.close(watcher)

    @contextlib.contextmanager
    def container_beside(
        self, argv: Sequence[str], container: str, stdin: IO[bytes], seconds: float
    ) -> Iterator[Callable[[], Result]]:
        """Start a container that reads `stdin`; yield a function that waits for it and returns its result.

        It may take so many seconds. However it ends, it is removed.
        """
        watcher = start_container_watcher(self._settings, container)
        try:
            self._echo(argv)
            runner = functools.partial(EngineRunner, seconds=seconds, stdin=stdin)
            promise = self._start(argv, runner=runner, asynchronous=True)
            wait = functools.cache(promise.join)
            try:
                yield wait
                if wait().ok:
                    os.write(watcher, b"0")
            finally:
                promise.runner.stop_if_running()
        finally:
            os.close(watcher)

    def _run(self, argv: Sequence[str], *, asynchronous: bool = False) -> Any:
        """Return invoke's `Result`, or its `Promise` of one."""
        self._echo(argv)
        if self._seconds:
            runner = functools.partial(EngineRunner, seconds=self._seconds)
            return self._start(argv, runner=runner, asynchronous=asynchronous)
        return self._start(argv, asynchronous=asynchronous)

    def _start(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str] | None = None,
        runner: Callable[[Context], EngineRunner] = EngineRunner,
        *,
        asynchronous: bool = False,
        only_these: bool = False,
    ) -> Any:
        """Start a client with invoke; with `only_these` variables, and not our own ones too."""
        with self._engine_runner(runner):
            return self._context.run(
                shlex.join(self._with_prefixes(argv)),
                warn=True,
                hide=True,
                asynchronous=asynchronous,
                pty=False,
                in_stream=False,
                env={**VARIABLES, **(variables or {})},
                **{**NOT_FROM_CONFIGURATION, "replace_env": only_these},
            )

    def _run_all(self, argvs: Sequence[Sequence[str]]) -> list[Result]:
        started = [self._run(argv, asynchronous=True) for argv in argvs]
        return [promise.join() for promise in started]

    def _checked(self, argv: Sequence[str], result: Result) -> Result:
        if self._raise_for_engine(result).failed:
            raise diagnosis.failure(argv, result)
        return result

    def _raise_for_engine(self, result: Result) -> Result:
        if result.failed:
            diagnosis.raise_for_engine(self.client, f"{result.stdout}\n{result.stderr}")
        return result

    def _echo(self, argv: Sequence[str], context_as_shell: str = "") -> None:
        if self._context.config.run.echo:
            print(_with_context(context_as_shell, argv), file=sys.stderr)

    def _with_prefixes(self, argv: Sequence[str]) -> list[str]:
        """Return the command as a task's `c.cd(…)` and `c.prefix(…)` want it to run; invoke expects a shell's command."""
        before = [f"cd {shlex.quote(self._context.cwd)}"] if self._context.cwd else []
        before += self._context.command_prefixes
        if not before:
            return list(argv)
        return [self._context.config.run.shell, "-c", " && ".join([*before, f"exec {shlex.join(argv)}"])]

    @contextlib.contextmanager
    def _engine_runner(self, runner: Callable[[Context], EngineRunner]) -> Iterator[None]:
        """Let invoke run commands with this runner, and translate the failures of starting one."""
        context, runners = self._context, self._context.config.runners
        before = runners.local, context.command_cwds, context.command_prefixes
        runners.local = runner
        context._set(command_cwds=[], command_prefixes=[])  # noqa: SLF001 - invoke's way to set what is not configuration
        try:
            yield
        except OSError as error:
            raise self._not_started(error) from error
        finally:
            runners.local = before[0]
            context._set(command_cwds=before[1], command_prefixes=before[2])  # noqa: SLF001

    def _not_started(self, error: OSError) -> errors.PydockError:
        if isinstance(error, FileNotFoundError):
            return diagnosis.client_not_found(self.client)
        if error.errno == errno.E2BIG:
            return errors.UsageError(
                "The arguments are too long for this system (`getconf ARG_MAX`; one argument: 128 KiB on Linux). Put "
                "them into a file, or pass them on stdin."
            )
        return errors.EngineNotFound(f"Cannot start {self.client[0]}: {error.strerror}.")


def _with_context(context_as_shell: str, argv: Sequence[str]) -> str:
    """Return the command as shell lines that can be pasted as they are."""
    return redacted(f"{context_as_shell}\n{shell_words(argv)}" if context_as_shell else shell_words(argv))
