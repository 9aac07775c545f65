"""The command line of pip: what `pip install` and `pip uninstall` ask for, read as pip reads it.

pip's options are sorted by what `pydock install` can do with them. None of them is lost without a word.
"""

from __future__ import annotations

import optparse
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = [
    "cache",
    "check",
    "completion",
    "config",
    "debug",
    "download",
    "freeze",
    "hash",
    "help",
    "index",
    "inspect",
    "install",
    "list",
    "lock",
    "search",
    "show",
    "uninstall",
    "wheel",
]
# Options before the command that have a value, which is not the command.
BEFORE_COMMAND = [
    "--cache-dir",
    "--cert",
    "--client-cert",
    "--exists-action",
    "--keyring-provider",
    "--log",
    "--log-file",
    "--proxy",
    "--python",
    "--retries",
    "--timeout",
    "--default-timeout",
    "--trusted-host",
    "--use-deprecated",
    "--use-feature",
]
# These change nothing of what is installed.
SWITCHES = [
    "-q",
    "--quiet",
    "-v",
    "--verbose",
    "--no-input",
    "--no-color",
    "--disable-pip-version-check",
    "--no-python-version-warning",
    "--debug",
    "--no-cache-dir",
    "--require-virtualenv",
    "--require-venv",
    "--break-system-packages",
    "--no-warn-script-location",
    "--no-warn-conflicts",
    "--compile",
]
SWITCHES_WITH_VALUE = ["--progress-bar", "--root-user-action", "--cache-dir", "--exists-action"]
# These matter to few; pydock's builds have no such option, and say so.
NOT_HEEDED = ["--no-compile", "--no-clean"]
NOT_HEEDED_WITH_VALUE = ["--timeout", "--default-timeout", "--retries", "--resume-retries"]
# Those of a requirements file: they are recorded in requirements.in, because a later build needs them too.
RECORDED = ("--no-index", "--prefer-binary", "--pre", "--require-hashes")
RECORDED_WITH_VALUE = (
    ("--index-url", "-i", "--pypi-url"),
    ("--extra-index-url",),
    ("--find-links", "-f"),
    ("--no-binary",),
    ("--only-binary",),
    ("--trusted-host",),
)
# What to do instead; NAME is the environment's, and ARGUMENTS are those of the call.
IN_DOCKERFILE = (
    "`pydock install` has no such option. To install in your own way, add a line `RUN pip install ...` to the environment's "
    "dockerfile and run `pydock build NAME`."
)
ELSEWHERE = (
    "It installs outside of the environment. To do that in the project's folder, run "
    "`pydock run NAME python -m pip install ARGUMENTS`."
)
AGAIN = "`pydock install` installs what is missing. `pydock build NAME` makes the whole image again from its files."
USER_SITE = "An environment has no user site, as a virtualenv has none. Leave the option out."
CONFIGURATION = (
    "Set PYDOCK_PIP_CONFIG=none instead, or `pip_config` in the settings, to leave out pip's configuration."
)
REFUSED = {
    ("--user",): USER_SITE,
    ("--force-reinstall",): AGAIN,
    ("--ignore-installed", "-I"): AGAIN,
    ("--no-deps", "--no-dependencies"): IN_DOCKERFILE,
    ("--ignore-requires-python",): IN_DOCKERFILE,
    ("--no-build-isolation",): IN_DOCKERFILE,
    ("--check-build-dependencies",): IN_DOCKERFILE,
    ("--use-pep517",): IN_DOCKERFILE,
    ("--no-use-pep517",): IN_DOCKERFILE,
    ("--isolated",): CONFIGURATION,
}
REFUSED_WITH_VALUE = {
    ("--target", "-t"): ELSEWHERE,
    ("--prefix",): ELSEWHERE,
    ("--root",): ELSEWHERE,
    ("--report",): "With --dry-run, pip itself runs, and writes it.",
    ("--python",): "An environment has one Python. `pydock create` makes another environment.",
    ("--python-version",): IN_DOCKERFILE,
    ("--platform",): IN_DOCKERFILE,
    ("--implementation",): IN_DOCKERFILE,
    ("--abi",): IN_DOCKERFILE,
    ("--src", "--source", "--source-dir", "--source-directory"): IN_DOCKERFILE,
    ("--global-option",): IN_DOCKERFILE,
    ("--build-option",): IN_DOCKERFILE,
    (
        "--config-settings",
        "--config-setting",
        "-C",
    ): "Write it after the requirement, in a file that is installed with -r.",
    (
        "--group",
    ): "`pydock create --from pyproject.toml --group GROUP` installs a project's dependency groups.",
    ("--proxy",): "Set HTTPS_PROXY; builds get it too.",
    (
        "--cert",
    ): "Set PYDOCK_CA_BUNDLE to the file, or `ca_bundle` in the settings; runs and builds get it too.",
    ("--client-cert",): IN_DOCKERFILE,
    ("--keyring-provider",): "Put user name and password of the index into ~/.netrc or pip's configuration.",
    ("--log", "--log-file", "--local-log"): "`pydock --echo` shows all that a build prints.",
    ("--use-feature",): IN_DOCKERFILE,
    ("--use-deprecated",): IN_DOCKERFILE,
}


class Install(NamedTuple):
    """What `pip install` asks for."""

    packages: list[str]
    requirement: list[str]
    constraint: list[str]
    editable: list[str]
    upgrade: bool
    options: list[tuple[str, str]]  # long names, for requirements.in
    not_heeded: list[str]


class Uninstall(NamedTuple):
    """What `pip uninstall` asks for."""

    packages: list[str]
    requirement: list[str]


def command_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return pip's command and all other words, also those before it; the command is "" if there is none."""
    for index, word in enumerate(words):
        if not word.startswith("-") and (index == 0 or words[index - 1] not in BEFORE_COMMAND):
            return word, [*words[:index], *words[index + 1 :]]
    return "", [*words]


def is_for_pip_itself(words: Sequence[str]) -> bool:
    """Return whether `pip install` and `uninstall` only answer: `--help`, `--dry-run`."""
    return any(word in {"-h", "--help", "--dry-run", "-V", "--version"} for word in words)


def read_install(words: Sequence[str], name: str) -> Install:
    """Return what the words after `pip install` ask for; raises `UsageError` for options that cannot be honoured."""
    parser = _Parser("install")
    requirement: list[str] = []
    constraint: list[str] = []
    editable: list[str] = []
    upgrade: list[str] = []
    options: list[tuple[str, str]] = []
    not_heeded: list[str] = []
    parser.add("-r", "--requirement", value=requirement.append)
    parser.add("-c", "--constraint", value=constraint.append)
    parser.add("-e", "--editable", value=editable.append)
    parser.add("-U", "--upgrade", switch=upgrade.append)
    parser.add("--upgrade-strategy", value=lambda strategy: _check_strategy(strategy, name))
    for option in RECORDED:
        parser.add(option, switch=_appender(options, option))
    for names in RECORDED_WITH_VALUE:
        parser.add(*names, value=_appender(options, names[0]))
    for option in NOT_HEEDED:
        parser.add(option, switch=not_heeded.append)
    for option in NOT_HEEDED_WITH_VALUE:
        parser.add(option, value=lambda _, option=option: not_heeded.append(option))  # type: ignore[misc]
    parser.ignore()
    parser.refuse(name, words)
    packages = parser.arguments(words)
    return Install(packages, requirement, constraint, editable, bool(upgrade), options, not_heeded)


def read_uninstall(words: Sequence[str], name: str) -> Uninstall:
    """Return what the words after `pip uninstall` ask for; raises `UsageError` for unknown options."""
    parser = _Parser("uninstall")
    files: list[str] = []
    parser.add("-r", "--requirement", value=files.append)
    parser.add("-y", "--yes", switch=lambda _: None)
    parser.ignore()
    parser.refuse(name, words)
    return Uninstall(parser.arguments(words), files)


def _appender(options: list[tuple[str, str]], name: str) -> Callable[[str], None]:
    """Return a function that appends an option with its value; a switch has none."""
    return lambda value: options.append((name, "" if name in RECORDED else value))


def _check_strategy(strategy: str, name: str) -> None:
    if strategy != "only-if-needed":
        raise errors.UsageError(
            f"`pydock install` updates dependencies only if needed. `pydock update {name}` updates all packages, as far as "
            "requirements.in allows."
        )


class _Parser(optparse.OptionParser):
    """pip's parser: options anywhere, several letters together, abbreviations of long names."""

    def __init__(self, command: str) -> None:
        super().__init__(add_help_option=False)
        self._command = command

    def add(
        self,
        *names: str,
        switch: Callable[[str], object] | None = None,
        value: Callable[[str], object] | None = None,
    ) -> None:
        """Add an option: `switch` is called with its name, `value` with its value."""

        def called(option: optparse.Option, spelled: str, given: Any, parser: Any) -> None:  # noqa: ARG001 - optparse's interface
            if value:
                value(given)
            elif switch:
                switch(spelled)

        self.add_option(*names, action="callback", callback=called, type="string" if value else None)

    def ignore(self) -> None:
        """Add the options that change nothing of what is installed."""
        for option in SWITCHES:
            self.add(option, switch=lambda _: None)
        for option in SWITCHES_WITH_VALUE:
            self.add(option, value=lambda _: None)

    def refuse(self, name: str, words: Sequence[str]) -> None:
        """Add the options that raise an error, unless they have another meaning already."""
        arguments = shlex.join(words)
        for table, has_value in ((REFUSED, False), (REFUSED_WITH_VALUE, True)):
            for names, instead in table.items():
                text = instead.replace("NAME", name).replace("ARGUMENTS", arguments)

                def raise_error(_: str, option: str = names[0], text: str = text) -> NoReturn:
                    raise errors.UsageError(
                        f"Option {option} of `pip {self._command}` is not supported. {text}"
                    )

                self.add(*names, **{"value" if has_value else "switch": raise_error})

    def arguments(self, words: Sequence[str]) -> list[str]:
        """Read the words, and return those that are not options."""
        return list(self.parse_args([*words])[1])

    def error(self, msg: str) -> NoReturn:
        raise errors.UsageError(
            f"`pip {self._command}`: {msg}. `pip {self._command} --help` lists the options."
        )
