"""The console program: the shortest way to what was asked for.

`--version` needs no import; `run` and `shell` need no invoke; everything else goes through the task namespace.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from pydock import __version__


def main(*, needs_site: bool = False) -> None:
    """Run the program on `sys.argv`, and exit with the command's exit code.

    `needs_site`: Python was started without `site` (`-S`), which finds the packages that most commands need.
    """
    if (
        sys.stderr is None
    ):  # closed by the caller; a file would become file descriptor 0, 1 or 2 of other programs
        sys.stderr = io.StringIO()
    try:
        try:
            code = _main(sys.argv[1:], needs_site=needs_site)
        finally:  # argparse exits by itself
            print(end="", flush=True)
    except BrokenPipeError:  # nobody reads our output any more: docs.python.org/3/library/signal.html
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except KeyboardInterrupt:  # before the task program has its handlers, or in the fast way
        from pydock.messages import interrupted_message

        print(f"pydock: {interrupted_message()}", file=sys.stderr)
        code = 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"pydock: Cannot write the output: {error.strerror}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)


def _main(argv: list[str], *, needs_site: bool) -> int:
    if argv in (["--version"], ["-V"]):
        print(f"pydock {__version__}")
        return 0
    import gc

    gc.disable()  # a short-lived process: garbage collection would cost 10 % of start-up
    if "/.pydock/venvs/" in os.environ.get("PATH", ""):
        from pydock.environments.facade import leave_facades  # only in activated shells

        leave_facades(os.environ)
    from pydock.cli.call import RUN, read_call

    call = read_call(argv)
    if call.command is None and call.flags & {"--version", "-V"}:
        print(f"pydock {__version__}")
        return 0
    if call.command in (*RUN, "shell"):
        from pydock.cli.fast_run import run_container_if_possible

        run_container_if_possible(call)  # returns if the call needs the task
    if needs_site:
        import site

        site.main()
    from pydock.messages import print_any_text

    print_any_text()
    from pydock._speed.invoke import import_invoke

    import_invoke()
    from pydock.cli.program import run_program

    return run_program(call)


if __name__ == "__main__":
    main()
