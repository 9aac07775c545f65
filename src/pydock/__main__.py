"""The console program: the shortest road to what was asked for.

`--version` needs nothing; `run` and `shell` need no invoke; everything else goes through the task namespace.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program on `sys.argv`; ends the process with the command's exit code."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        from pydock import __version__

        print(f"pydock {__version__}")
        return
    from pydock.direct import run_directly

    run_directly(argv)  # returns where the direct road is not for this call
    from pydock.program import run_program

    sys.exit(run_program(argv))


if __name__ == "__main__":
    main()
