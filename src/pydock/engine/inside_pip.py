"""Packages that a program installs in a container: they are lost with it, and somebody has to say so.

`run NAME pip install X` is recognized by its words, before it runs, which costs other runs nothing. An interactive shell
looks itself: before each prompt (bash) and at its end, it compares a few times of change, with its own builtins.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGES = {"install", "uninstall"}
# With these, pip changes nothing, or something that is not in the environment.
HARMLESS = {"--dry-run", "--help", "-h", "--target", "-t", "--prefix", "--root"}
# Shells that read what the variable ENV or PROMPT_COMMAND names.
SHELLS = {"bash", "sh", "dash", "ash"}

# CALL, NAME and FILE are filled in. pip and uv mark what was asked for with a file REQUESTED. A shell that is started in
# this one inherits neither variable.
LOOKS = r"""unset ENV PROMPT_COMMAND
__pydock_pip() {
  local folder info all asked
  for folder in "$HOME"/.local/lib/python*/site-packages /usr/local/lib/python*/site-packages; do
    [ "$folder" -nt FILE ] || continue
    for info in "$folder"/*.dist-info; do
      [ "$info" -nt FILE ] || continue
      [ -e "$info/REQUESTED" ] && { info=${info##*/}; asked="$asked ${info%%-*}"; }
      info=${info##*/}; all="$all ${info%%-*}"
    done
  done
  [ "$all" ] && [ "$all" != "$__pydock_seen" ] || return 0
  __pydock_seen=$all
  printf 'Not kept in environment NAME:%s. `CALLinstall NAME%s` keeps what you installed.\n' "$all" "${asked:-$all}" >&2
}
[ "${BASH_VERSION-}" ] && PROMPT_COMMAND=__pydock_pip
trap '__pydock_seen=; __pydock_pip; rm -f FILE' EXIT
"""


def lost_changes(command: Sequence[str]) -> list[str]:
    """Return pip's words if the command is a pip that changes packages of the container it runs in, else nothing."""
    program = os.path.basename(command[0])
    words = list(command[1:])
    if program.startswith("python") and "-m" in words[:-1]:
        place = words.index("-m")
        program, words = words[place + 1], words[place + 2 :]
    elif program == "uv" and words[:1] == ["pip"]:
        program, words = "pip", words[1:]
    if program.rstrip("0123456789.") != "pip" or any(word.partition("=")[0] in HARMLESS for word in words):
        return []
    first = next((word for word in words if not word.startswith("-")), "")
    return words if first in CHANGES else []


def shell_script(command: Sequence[str], name: str, call: str) -> str:
    """Return shell commands before an interactive shell, which then says what of its packages will be lost; else "".

    `name` is the environment's, `call` how the user calls pydock's commands.
    """
    if os.path.basename(command[0]) not in SHELLS:
        return ""
    looks = LOOKS.replace("NAME", name).replace("CALL", call).replace("FILE", '"$__pydock_file"')
    quoted = looks.replace("'", "'\\''")
    return (
        'if [ ! "${ENV-}${PROMPT_COMMAND-}" ]; then ENV=/tmp/.pydock-$$; '
        f"if {{ printf '%s\\n' \"__pydock_file=$ENV\" '{quoted}' >\"$ENV\"; }} 2>/dev/null; "
        'then export ENV PROMPT_COMMAND=". $ENV"; else unset ENV; fi; fi; '
    )
