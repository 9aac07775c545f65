"""Which of the caller's variables a run gets: those of the terminal and the language, and what setting `pass_env` names.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

from pydock import errors
from pydock.engine.argv import passes_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.settings import Settings

ALWAYS = ("TERM", "COLORTERM", "NO_COLOR", "CI")
LOCALES = "/usr/lib/locale"  # of glibc; musl has none, and takes any name
BUILT_IN = {"C", "POSIX", "C.UTF-8", "C.utf8"}
SAFE_SIGNS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-")
# What a pattern never means: these describe this machine. A name without `*` does.
OF_THIS_MACHINE = {
    *("PATH", "HOME", "USER", "LOGNAME", "PWD", "OLDPWD", "SHLVL", "SHELL", "HOSTNAME", "TMPDIR", "_"),
    *("XDG_RUNTIME_DIR", "VIRTUAL_ENV", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "TZ"),
}


def passed_variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables for every run; None: the client takes the value from its own environment.

    Raises `BadSetting` if setting `pass_env` names a variable and the client does not get our environment: the value
    would be on its command line, which everybody can read.
    """
    by_name = passes_environment(settings.engine)
    names = [name for name in ALWAYS if environ.get(name)]
    names += [name for name, value in environ.items() if _is_language(name) and _says_something(name, value)]
    found: dict[str, str | None] = {name: None if by_name else environ[name] for name in names}
    for name in _matching(settings.pass_env, environ):
        if not by_name:
            raise errors.BadSetting(
                f"Setting 'pass_env' names {name}, and '{' '.join(settings.engine)}' may not pass variables on, so its "
                "value would be visible to all users of this machine. Use an engine without `sudo`."
            )
        found[name] = None
    return found


def _is_language(name: str) -> bool:
    return name == "LANG" or name.startswith("LC_")


def _says_something(name: str, value: str) -> bool:
    """Return whether a language that every image has was chosen by somebody.

    Where no language is set, LANG is C, and Python itself sets LC_CTYPE (PEP 538); images have LANG=C.UTF-8.
    """
    return value in BUILT_IN and not (name == "LANG" and "." not in value) and name != "LC_CTYPE"


def _matching(patterns: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    return [name for name in environ if any(_matches(name, pattern) for pattern in patterns)]


def _matches(name: str, pattern: str) -> bool:
    """Return whether a pattern, in which `*` stands for any text, names a variable."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    if name in OF_THIS_MACHINE or not name.startswith(first):
        return False
    place = len(first)
    for part in others[:-1]:
        place = name.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(name) - len(others[-1]) >= place and name.endswith(others[-1])


def language_script(environ: Mapping[str, str], own: set[str]) -> str:
    """Return shell commands that set the caller's language if the image has it; `own` are variables that are set anyway.

    A program that is given a locale that does not exist warns, or knows no letters but ASCII.
    """
    groups: dict[str, list[str]] = {}
    for name, value in environ.items():
        is_usual = _is_language(name) and name not in own and value not in BUILT_IN and value
        if is_usual and set(name) | set(value) <= SAFE_SIGNS:
            groups.setdefault(value, []).append(name)
    script = ""
    for value, names in groups.items():
        language, dot, charset = value.partition(".")
        folder = f"{language}{dot}{charset.lower().replace('-', '')}"
        archive = f"{LOCALES}/locale-archive"
        script += (
            f"if test -e {LOCALES}/{folder} || {{ test -e {archive} && grep -aqF {folder} {archive}; }}; "
            f"then export {' '.join(f'{name}={value}' for name in names)}; fi; "
        )
    return script
