"""The settings, the source of each, and the home folder that they choose.

In this order, the later wins: defaults, `~/.pydock.yaml`, `<home>/pydock.yaml`, the table `pydock` of invoke's
configuration (a project's `tasks.py` or `invoke.yaml`), `PYDOCK_*` variables, the command line.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import stat

from pydock import errors
from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Words = tuple[str, ...]

DEFAULTS: dict[str, str | Words] = {
    "mode": "",
    "home": "",
    "engine": ("docker",),
    "repository": "python",
    "prefix": "pydock-",
    "user": "",
    "shell": "",
    "installer": "uv",
    "templates": "",
    "run_options": (),
    "build_options": (),
    "ca_bundle": "",
    "pip_config": "",
    "netrc": "",
}

MEANINGS = {
    "mode": "local or global; empty: local if there is a .pydock folder here or above, else global",
    "home": "the folder that contains envs/, instead of .pydock",
    "engine": "the engine's client command: docker, or for example 'sudo docker'",
    "repository": "the base image's repository; VERSION is its tag",
    "prefix": "the beginning of image names, before the environment's name",
    "user": "the user name in the container; empty: your own",
    "shell": "the program that `shell` starts; empty: bash if the image has it, else sh",
    "installer": "uv (pip if the image's Python is too old for uv) or pip",
    "templates": "a folder with your own dockerfile.j2",
    "run_options": "additional arguments for every `docker run`",
    "build_options": "additional arguments for every `docker build`",
    "ca_bundle": "CA certificates for installations; empty: detected; none: no file",
    "pip_config": "the pip configuration to take indexes from; empty: detected; none: no file",
    "netrc": "the netrc file for installations; empty: detected; none: no file",
}

CHOICES = {"mode": ("", "local", "global"), "installer": ("uv", "pip")}


class Home(NamedTuple):
    """The folder that contains `envs/`, its mode, and the rule that chose it."""

    folder: str
    mode: str
    reason: str


class Settings(NamedTuple):
    """Every setting's value, and the source of each."""

    mode: str
    home: Home
    engine: Words
    repository: str
    prefix: str
    user: str
    shell: str
    installer: str
    templates: str
    run_options: Words
    build_options: Words
    ca_bundle: str
    pip_config: str
    netrc: str
    sources: Mapping[str, str]

    def is_default(self, name: str) -> bool:
        return self.sources[name] == "default"


class Layer(NamedTuple):
    """Settings from one source."""

    source: str
    values: Mapping[str, Any]


def load_settings(
    table: Mapping[str, Any] | None = None,
    command_line: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Settings:
    """Return the settings in effect.

    `table` is invoke's table `pydock`, `command_line` the settings from flags, `folder` the working directory. Raises
    `BadSetting` for an unknown name, an invalid value, or a file that is not a YAML mapping.
    """
    environ = os.environ if environ is None else environ
    folder = working_directory() if folder is None else folder
    user_home = find_user_home(environ)
    below = [Layer("default", DEFAULTS)]
    if user_home:
        below.append(_file_layer(os.path.join(user_home, ".pydock.yaml")))
    above = [
        Layer("tasks.py or invoke.yaml", table or {}),
        Layer("PYDOCK_* variable", _from_variables(environ)),
        Layer("command line", command_line or {}),
    ]
    values, _ = _merge(below + above)
    home = find_home(values["mode"], values["home"], folder, user_home)
    values, sources = _merge([*below, _file_layer(os.path.join(home.folder, "pydock.yaml")), *above])
    values["home"] = home
    return Settings(**values, sources=sources)


def find_home(mode: str, home: str, folder: str, user_home: str) -> Home:
    """Return the home folder by the rules: explicit mode, setting `home`, a `.pydock` here or above, global.

    The search above the working directory ends below the user's own home, whose `.pydock` is the global one. It skips
    folders of other users: whoever can create `/tmp/.pydock` must not decide what we run.
    """
    if mode == "local":
        return Home(os.path.join(folder, ".pydock"), "local", "--local or setting `mode`")
    if mode == "global":
        return Home(_global_folder(user_home), "global", "--global or setting `mode`")
    if home:
        return Home(
            os.path.normpath(os.path.join(folder, os.path.expanduser(home))), "local", "setting `home`"
        )
    here, end = folder, os.path.realpath(user_home) if user_home else ""
    while os.path.realpath(here) != end:
        candidate = os.path.join(here, ".pydock")
        if _is_folder_to_trust(candidate, anyone=here == folder):
            return Home(candidate, "local", f"{candidate} exists")
        if here == os.path.dirname(here):
            break
        here = os.path.dirname(here)
    return Home(_global_folder(user_home), "global", "no .pydock folder in this folder or above")


def find_user_home(environ: Mapping[str, str]) -> str:
    """Return the user's home folder as the shell finds it: HOME, else the user's entry in passwd; "" if neither is set."""
    if environ.get("HOME"):
        return environ["HOME"]
    import pwd  # rarely needed

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a uid without an entry, as in some containers
        return ""


def _global_folder(user_home: str) -> str:
    if not user_home:
        raise errors.UsageError(
            f"HOME is not set, and user {os.getuid()} has no home folder, so there is no place for global environments. "
            "Set HOME, or use --local for an environment in this folder."
        )
    return os.path.join(user_home, ".pydock")


def working_directory() -> str:
    """Return the working directory; raises `UsageError` if it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise errors.UsageError(
            "The working directory no longer exists. Change to another one and try again."
        ) from error


def _is_folder_to_trust(path: str, *, anyone: bool) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (anyone or status.st_uid in {os.getuid(), 0})


def _merge(layers: list[Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer in layers:
        for name, value in layer.values.items():
            if value is None:
                continue
            values[name] = _checked(name, value, layer.source)
            sources[name] = layer.source
    return values, sources


def _checked(name: str, value: Any, source: str) -> str | Words:
    """Return `value` as the type of its default; a text is split into words if the setting is a list."""
    if name not in DEFAULTS:
        raise errors.BadSetting(
            f"{source}: unknown setting '{name}'.{errors.did_you_mean(name, DEFAULTS)} `pydock config` lists the settings."
        )
    if isinstance(DEFAULTS[name], tuple):
        if isinstance(value, str):
            value = _split(name, value, source)
        if not isinstance(value, (list, tuple)) or not all(isinstance(word, (str, int)) for word in value):
            raise errors.BadSetting(f"{source}: setting '{name}' must be a list of words.")
        if name == "engine" and not value:
            raise errors.BadSetting(f"{source}: setting 'engine' is empty. Set it to docker, or remove it.")
        return tuple(str(word) for word in value)
    if not isinstance(value, str):
        raise errors.BadSetting(f"{source}: setting '{name}' must be a string. Put it in quotes.")
    if name in CHOICES and value not in CHOICES[name]:
        choices = ", ".join(choice or "(empty)" for choice in CHOICES[name])
        raise errors.BadSetting(
            f"{source}: invalid value {value!r} for setting '{name}'. Use one of: {choices}."
        )
    return value


def _split(name: str, text: str, source: str) -> list[str]:
    if text.isascii() and text.isprintable() and not set(text) & set("\\'\""):
        return text.split()
    import shlex  # takes longer to import than this module

    try:
        return shlex.split(text)
    except ValueError as error:
        raise errors.BadSetting(
            f"{source}: invalid value for setting '{name}': {error}. Check the quotes."
        ) from error


def _from_variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[variable] for name in DEFAULTS if (variable := f"PYDOCK_{name.upper()}") in environ}


def _yaml_problem(error: Exception) -> str:
    """Return where the problem is and what, but nothing of the file's text, which may contain a password."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or ""
    place = f", line {mark.line + 1}" if mark else ""
    return f"{place}: {problem}" if problem and "'" not in problem else place


def _file_layer(path: str) -> Layer:
    hint = "Fix the file or remove it."
    try:
        text = errors.read_file(path, errors.BadSetting, hint).decode()
    except FileNotFoundError:
        return Layer(path, {})
    except UnicodeDecodeError as error:
        raise errors.BadSetting(f"{path} is not valid UTF-8: {error}. {hint}") from error
    from pydock._speed.yaml import import_yaml

    yaml = import_yaml()
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise errors.BadSetting(f"{path} is not valid YAML{_yaml_problem(error)}. {hint}") from error
    if not isinstance(values, (dict, type(None))):
        raise errors.BadSetting(f"{path} must contain lines such as `shell: zsh`.")
    return Layer(path, {str(name): value for name, value in (values or {}).items()})
