"""The settings, where each came from, and the home folder that they lead to.

Laid over one another, the later wins: defaults, `~/.pydock.yaml`, `<home>/pydock.yaml`, the table `pydock`
of invoke's configuration (a project's `tasks.py` or `invoke.yaml`), `PYDOCK_*` variables, the command line.

Imported by every `pydock run`, so nothing heavy is imported here.
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
    "mode": "local, global, or empty for the rule (local where a .pydock folder is)",
    "home": "the folder that holds envs/, instead of .pydock",
    "engine": "the engine's client command: docker, podman, 'sudo docker'",
    "repository": "the base image's repository; VERSION is its tag",
    "prefix": "what an image's name begins with, before the environment's name",
    "user": "the user's name inside; empty for the caller's own",
    "shell": "what `shell` starts; empty for bash, else sh",
    "installer": "uv (pip where there is no uv) or pip",
    "templates": "a folder with a dockerfile.j2 of your own",
    "run_options": "extra arguments for every `docker run`",
    "build_options": "extra arguments for every `docker build`",
    "ca_bundle": "CA certificates for installations; empty to detect, 'none' for none",
    "pip_config": "the pip configuration to take indexes from; empty to detect, 'none' for none",
    "netrc": "the netrc file for installations; empty to detect, 'none' for none",
}

CHOICES = {"mode": ("", "local", "global"), "installer": ("uv", "pip")}


class Home(NamedTuple):
    """The folder that holds `envs/`, the mode it stands for, and the rule that led there."""

    folder: str
    mode: str
    reason: str


class Settings(NamedTuple):
    """Every setting's value; `sources` says where each one came from."""

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
    source: str
    values: Mapping[str, Any]


def load_settings(
    table: Mapping[str, Any] | None = None,
    command_line: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Settings:
    """Return the settings in force.

    `table` is invoke's table `pydock`, `command_line` what flags said, `folder` the working directory.
    Raises `BadSetting` for an unknown name, a value of the wrong kind, or a file that is no YAML table.
    """
    environ = os.environ if environ is None else environ
    folder = working_directory() if folder is None else folder
    user_home = environ.get("HOME") or os.path.expanduser("~")
    below = [Layer("default", DEFAULTS), _file_layer(os.path.join(user_home, ".pydock.yaml"))]
    above = [
        Layer("tasks.py or invoke.yaml", table or {}),
        Layer("environment", _from_environment(environ)),
        Layer("command line", command_line or {}),
    ]
    values, _ = _merge(below + above)
    home = find_home(values["mode"], values["home"], folder, user_home)
    values, sources = _merge([*below, _file_layer(os.path.join(home.folder, "pydock.yaml")), *above])
    values["home"] = home
    return Settings(**values, sources=sources)


def find_home(mode: str, home: str, folder: str, user_home: str) -> Home:
    """Return the home folder by the rules: explicit mode, setting `home`, a `.pydock` here or above, global.

    Looking above the working directory ends below the user's own home (whose `.pydock` is the global one),
    and passes over folders of other users: who may write `/tmp/.pydock` must not decide what we run.
    """
    global_folder = os.path.join(user_home, ".pydock")
    if mode == "local":
        return Home(os.path.join(folder, ".pydock"), "local", "asked for")
    if mode == "global":
        return Home(global_folder, "global", "asked for")
    if home:
        return Home(
            os.path.normpath(os.path.join(folder, os.path.expanduser(home))), "local", "setting `home`"
        )
    here, end = folder, os.path.realpath(user_home)
    while os.path.realpath(here) != end:
        candidate = os.path.join(here, ".pydock")
        if _is_folder_to_trust(candidate, anyone=here == folder):
            return Home(candidate, "local", f"found {candidate}")
        if here == os.path.dirname(here):
            break
        here = os.path.dirname(here)
    return Home(global_folder, "global", "no .pydock folder here or above")


def working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise errors.UsageError(
            "The working directory does not exist any more. Change to one that does and try again."
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
    """Return `value` as the kind of its default; a text is split into words where words are wanted."""
    if name not in DEFAULTS:
        from pydock.errors import did_you_mean

        raise errors.BadSetting(
            f"{source} has a setting '{name}', which pydock does not know.{did_you_mean(name, DEFAULTS)} "
            "`pydock config` lists the settings."
        )
    if isinstance(DEFAULTS[name], tuple):
        if isinstance(value, str):
            value = _split(name, value, source)
        if not isinstance(value, (list, tuple)) or not all(isinstance(word, (str, int)) for word in value):
            raise errors.BadSetting(f"{source}: setting '{name}' takes a list of words, not {value!r}.")
        if name == "engine" and not value:
            raise errors.BadSetting(f"{source}: setting 'engine' is empty; say docker or podman.")
        return tuple(str(word) for word in value)
    if not isinstance(value, str):
        raise errors.BadSetting(f"{source}: setting '{name}' takes a text, not {value!r}; put it in quotes.")
    if name in CHOICES and value not in CHOICES[name]:
        choices = ", ".join(choice or "(empty)" for choice in CHOICES[name])
        raise errors.BadSetting(f"{source}: setting '{name}' is {value!r}; it takes one of: {choices}.")
    return value


def _split(name: str, text: str, source: str) -> list[str]:
    if text.isascii() and text.isprintable() and not set(text) & set("\\'\""):
        return text.split()
    import shlex  # takes longer than all of this module

    try:
        return shlex.split(text)
    except ValueError as error:
        raise errors.BadSetting(
            f"{source}: setting '{name}' is {text!r}: {error}. Balance the quotes."
        ) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[variable] for name in DEFAULTS if (variable := f"PYDOCK_{name.upper()}") in environ}


def _file_layer(path: str) -> Layer:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return Layer(path, {})
    except (OSError, UnicodeDecodeError) as error:
        raise errors.BadSetting(f"{path} cannot be read: {error}. Mend the file or remove it.") from error
    yaml = import_yaml()
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise errors.BadSetting(
            f"{path} is no YAML: {' '.join(str(error).split())}. Mend the file."
        ) from error
    if not isinstance(values, (dict, type(None))):
        raise errors.BadSetting(f"{path} must hold lines like `engine: podman`, not {values!r}.")
    return Layer(path, {str(name): value for name, value in (values or {}).items()})


def import_yaml() -> Any:
    """Return the PyYAML that invoke carries, without importing invoke, which costs half a `docker run`."""
    import importlib.util  # only where a settings file is

    invoke = importlib.util.find_spec("invoke")
    folder = os.path.join(os.path.dirname(invoke.origin or ""), "vendor", "yaml") if invoke else ""
    spec = importlib.util.spec_from_file_location(
        "pydock_yaml", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if not os.path.isdir(folder) or spec is None or spec.loader is None:
        import yaml  # distributions unbundle it

        return yaml
    import sys

    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
