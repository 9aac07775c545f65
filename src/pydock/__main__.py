"""The console program: the shortest road to what was asked for.

`--version` and `--help` need nothing; `run` and `shell` need no invoke; everything else goes through the task namespace.
"""

from __future__ import annotations

import errno
import os
import sys

from pydock import __version__


def main() -> None:
    """Run the program on `sys.argv`; ends the process with the command's exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by the caller
            stream.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # arguments need be no text
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as we live
    try:
        try:
            code = _main(sys.argv[1:])
        finally:  # argparse exits by itself
            print(end="", flush=True)
    except BrokenPipeError:  # whoever reads our output has left: docs.python.org/3/library/signal.html
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except KeyboardInterrupt:  # before the program proper, or while it takes the direct road
        print("pydock: Interrupted; nothing was changed.", file=sys.stderr)
        code = 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"pydock: The output cannot be written: {error.strerror}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)


def _main(argv: list[str]) -> int:
    if argv == ["--version"]:
        print(f"pydock {__version__}")
        return 0
    from pydock.cli.call import HELP, read_call

    call = read_call(argv)
    if call.command is None:
        print(f"pydock {__version__}" if "--version" in call.flags else HELP.rstrip())
        return 0
    if call.command in {"run", "shell"}:
        from pydock.cli.fast_run import run_directly

        run_directly(call)  # returns where the direct road is not for this call
    import gc

    gc.disable()  # a short life, of which looking for cycles among what is imported would take a tenth
    from pydock._speed.invoke import import_invoke

    import_invoke()
    from pydock.cli.program import run_program

    return run_program(call)


if __name__ == "__main__":
    main()
