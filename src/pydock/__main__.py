"""The console program: the shortest road to what was asked for.

`--version` and `--help` need nothing; `run` and `shell` need no invoke; everything else goes through the task namespace.
"""

from __future__ import annotations

import sys

from pydock import __version__


def main() -> None:
    """Run the program on `sys.argv`; ends the process with the command's exit code."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        print(f"pydock {__version__}")
        return
    from pydock.command_line import HELP, read_call

    call = read_call(argv)
    if not call.command:
        print(f"pydock {__version__}" if "--version" in call.flags else HELP.rstrip())
        return
    if call.command in {"run", "shell"}:
        from pydock.direct import run_directly

        run_directly(call)  # returns where the direct road is not for this call
    from pydock.lean_invoke import import_invoke

    import_invoke()
    from pydock.program import run_program

    sys.exit(run_program(call))


if __name__ == "__main__":
    main()
