"""The settings, the source of each, and the home folder that they choose.

In this order, the later wins: defaults, `~/.pydock.yaml`, `<home>/pydock.yaml`, the table `pydock` of invoke's
configuration (a project's `tasks.py` or `invoke.yaml`), `PYDOCK_*` variables, the command line.

Settings are of two classes. *Harmless* ones take effect from a project's `<home>/pydock.yaml`. *Powerful* ones, which
choose a program or a file of this machine or grant rights, take effect from there only after `pydock trust`.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors, trust
from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    "mount": "project",
    "workdir": "home",
    "installer": "uv",
    "templates": "",
    "pass_env": (),
    "mounts": (),
    "home_volume": "false",
    "run_options": (),
    "keep": "",
    "host_packages": "true",
    "build_options": (),
    "ca_bundle": "",
    "pip_config": "",
    "netrc": "",
    "safe_folders": (),
}

MEANINGS = {
    "mode": "local or global; empty: local if there is a .pydock folder here or above, else global",
    "home": "the folder that contains envs/, instead of .pydock",
    "engine": "the engine's client command: docker, or for example 'sudo docker'",
    "repository": "the base image's repository; VERSION is its tag",
    "prefix": "the beginning of image names, before the environment's name",
    "user": "the user name in the container; empty: your own",
    "shell": "the program that `shell` starts; empty: bash if the image has it, else sh",
    "mount": "what `run` and `shell` mount: the project of the working directory, or the working directory alone (folder)",
    "workdir": "where they start: in the home folder of the container (home), or at the same path as here (same)",
    "installer": "uv (pip if the image's Python is too old for uv) or pip",
    "templates": "a folder with your own dockerfile.j2",
    "pass_env": "variables of yours that every run gets: names, or patterns such as HF_*",
    "mounts": "folders of yours that every run has, at the same path or at another: FOLDER[:PLACE][:ro]",
    "home_volume": "true: the home folder of the container stays, in a volume for each environment",
    "run_options": "additional arguments for every `docker run`",
    "keep": "how long `run` keeps its container ready for the next run, for example 10m; empty: not at all",
    "host_packages": "true: an activated environment has a copy of its packages here, for editors and type checkers",
    "build_options": "additional arguments for every `docker build`",
    "ca_bundle": "CA certificates for installations; empty: detected; none: no file",
    "pip_config": "the pip configuration to take indexes from; empty: detected; none: no file",
    "netrc": "the netrc file for installations; empty: detected; none: no file",
    "safe_folders": "folders that are used although other users own them or can change them; *: all",
}

# Also `prefix`, unless the names still begin with the user's own prefix: other names can replace other images' tags.
POWERFUL = (
    "engine",
    "templates",
    "pass_env",
    "mounts",
    "home_volume",
    "run_options",
    "build_options",
    "ca_bundle",
    "pip_config",
    "netrc",
    "home",
)
TRUST_KIND = "settings"
MAX_SIZE = 1 << 20  # bytes of a settings file
MAX_SECONDS = 366 * 86400  # of a duration

CHOICES = {
    "mode": ("", "local", "global"),
    "installer": ("uv", "pip"),
    "mount": ("project", "folder"),
    "workdir": ("home", "same"),
    "home_volume": ("false", "true"),
    "host_packages": ("true", "false"),
}


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
    mount: str
    workdir: str
    installer: str
    templates: str
    pass_env: Words
    mounts: Words
    home_volume: str
    run_options: Words
    keep: str
    host_packages: str
    build_options: Words
    ca_bundle: str
    pip_config: str
    netrc: str
    safe_folders: Words
    sources: Mapping[str, str]
    project_file: str  # the source of a project's settings; "" if the home folder is the user's own
    untrusted: Mapping[str, Any]  # what a project's file sets without effect, because it is not trusted

    @property
    def seconds_to_keep(self) -> int:
        """How long `run` keeps its container, in seconds."""
        return parse_duration(self.keep) or 0

    def is_default(self, name: str) -> bool:
        return self.sources[name] == "default"


class Layer(NamedTuple):
    """Settings from one source."""

    source: str
    values: Mapping[str, Any]
    content: bytes = b""  # of the file
    is_project: bool = False


def load_settings(
    table: Mapping[str, Any] | None = None,
    command_line: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: str | None = None,
    *,
    refuse_untrusted: bool = True,
) -> Settings:
    """Return the settings in effect.

    `table` is invoke's table `pydock`, `command_line` the settings from flags, `folder` the working directory. Raises
    `BadSetting` for an unknown name, an invalid value, or a file that is not a YAML mapping; `UnsafePath` for a folder
    or file that another user can change; `NotTrusted` for a powerful setting of a project that is not trusted, unless
    `refuse_untrusted` is false: then the setting has no effect.
    """
    environ = os.environ if environ is None else environ
    folder = working_directory() if folder is None else folder
    user_home = find_user_home(environ)
    variables = Layer("PYDOCK_* variable", _from_variables(environ))
    below = [Layer("default", DEFAULTS)]
    if user_home:
        own_file = os.path.join(user_home, ".pydock.yaml")
        trust.check_owner(
            own_file, _merge([Layer("default", {"safe_folders": ()}), variables])[0]["safe_folders"]
        )
        below.append(_file_layer(own_file))
    above = [
        Layer("tasks.py or invoke.yaml", table or {}),
        variables,
        Layer("command line", command_line or {}),
    ]
    _refuse_safe_folders(above[0])
    values, _ = _merge(below + above)
    safe = values["safe_folders"]
    home = find_home(values["mode"], values["home"], folder, user_home, safe)
    of_home = project_file(home, user_home)
    _check_owners(home, of_home.source, safe, whole_way=bool(values["home"]) and not values["mode"])
    values, sources = _merge([*below, of_home, *above])
    untrusted: dict[str, Any] = {}
    powerful = powerful_values(of_home, below) if of_home.is_project else {}
    if any(sources[name] == of_home.source for name in powerful) and not is_trusted(of_home):
        untrusted = {name: value for name, value in powerful.items() if sources[name] == of_home.source}
        if refuse_untrusted:
            raise errors.NotTrusted(_not_trusted(of_home, untrusted))
        harmless = {name: value for name, value in of_home.values.items() if name not in untrusted}
        values, sources = _merge([*below, of_home._replace(values=harmless), *above])
    values["home"] = home
    file = of_home.source if of_home.is_project else ""
    return Settings(**values, sources=sources, project_file=file, untrusted=untrusted)


def project_folder(home: str) -> str:
    """Return the project of a home folder: the folder that contains `.pydock`, else the home folder itself."""
    return os.path.dirname(home) if os.path.basename(home) == ".pydock" else home


def project_file(home: Home, user_home: str) -> Layer:
    """Return the settings of `<home>/pydock.yaml`; they are a project's unless this is the user's global home."""
    layer = _file_layer(os.path.join(home.folder, "pydock.yaml"))
    own = os.path.join(user_home, ".pydock")
    is_project = home.folder != own and os.path.realpath(home.folder) != os.path.realpath(own)
    _refuse_safe_folders(layer)
    return layer._replace(is_project=is_project)


def powerful_values(project: Layer, below: Sequence[Layer]) -> dict[str, str | Words]:
    """Return the powerful settings of a project's file that differ from those of the layers below it."""
    if not project.values:
        return {}
    before, _ = _merge(list(below))
    after, _ = _merge([*below, project])
    found = {name: after[name] for name in POWERFUL if name in project.values and after[name] != before[name]}
    if not after["prefix"].startswith(before["prefix"]):
        found["prefix"] = after["prefix"]
    for name, value in found.items():
        for word in value if isinstance(value, tuple) else (value,):
            if not word.isprintable():
                raise errors.BadSetting(
                    f"{project.source}: setting '{name}' has a control character in {word!a}. Remove it."
                )
    return found


def project_settings(settings: Settings) -> tuple[Layer, dict[str, str | Words]]:
    """Return a project's file and its powerful settings; nothing if the home folder is the user's own."""
    if not settings.project_file:
        return Layer("", {}), {}
    user_home = os.environ.get("HOME") or os.path.expanduser("~")
    layer = project_file(settings.home, user_home)
    below = [Layer("default", DEFAULTS), _file_layer(os.path.join(user_home, ".pydock.yaml"))]
    return layer, powerful_values(layer, below)


def remember_trusted(project: Layer) -> None:
    """Remember that the user trusts exactly this content; raises `OSError` or `UnsafePath`."""
    trust.check_state_folder(project_folder(os.path.dirname(project.source)))
    trust.remember(TRUST_KIND, os.path.realpath(project.source), trust.hex_digest(project.content))


def is_trusted(project: Layer) -> bool:
    """Return whether the user has trusted exactly this content of a project's file."""
    trust.check_state_folder(project_folder(os.path.dirname(project.source)))
    known = trust.remembered(TRUST_KIND, os.path.realpath(project.source))
    return known == trust.hex_digest(project.content)


def _not_trusted(project: Layer, untrusted: Mapping[str, Any]) -> str:
    names = ", ".join(f"'{name}'" for name in untrusted)
    changed = trust.remembered(TRUST_KIND, os.path.realpath(project.source))
    why = "has changed since you trusted it" if changed else "is not trusted"
    return (
        f"{project.source} sets {names}, which can run programs on this machine, or read your files or variables, and it {why}. "
        "Nothing was run. `pydock trust` shows what it would allow, and allows it."
    )


def _refuse_safe_folders(layer: Layer) -> None:
    if "safe_folders" in layer.values:
        raise errors.BadSetting(
            f"{layer.source}: setting 'safe_folders' is for the user to set, in ~/.pydock.yaml or as "
            "PYDOCK_SAFE_FOLDERS. Remove it here."
        )


def _check_owners(home: Home, file: str, safe_folders: Words, *, whole_way: bool) -> None:
    check = trust.check_way if whole_way else trust.check_owner
    check(home.folder, safe_folders)
    trust.check_owner(os.path.join(home.folder, "envs"), safe_folders)
    trust.check_owner(file, safe_folders)


def find_home(mode: str, home: str, folder: str, user_home: str, safe_folders: Words = ()) -> Home:
    """Return the home folder by the rules: explicit mode, setting `home`, a `.pydock` here or above, global.

    The search above the working directory ends below the user's own home, whose `.pydock` is the global one. Raises
    `UnsafePath` for a folder of another user: anybody can create `/tmp/.pydock`, and must not decide what we run.
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
        if os.path.isdir(candidate):
            trust.check_owner(candidate, safe_folders)
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
            f"{source}: unknown setting {name!r}.{errors.did_you_mean(name, DEFAULTS)} `pydock config` lists the settings."
        )
    if isinstance(DEFAULTS[name], tuple):
        if isinstance(value, str):
            value = _split(name, value, source)
        if not isinstance(value, (list, tuple)) or not all(isinstance(word, (str, int)) for word in value):
            raise errors.BadSetting(f"{source}: setting '{name}' must be a list of words.")
        if name == "engine" and not value:
            raise errors.BadSetting(f"{source}: setting 'engine' is empty. Set it to docker, or remove it.")
        return tuple(str(word) for word in value)
    value = _as_text(name, value)
    if not isinstance(value, str):
        raise errors.BadSetting(f"{source}: setting '{name}' must be a string. Put it in quotes.")
    if name not in POWERFUL and not value.isprintable():
        raise errors.BadSetting(f"{source}: setting '{name}' has a control character. Remove it.")
    if name in CHOICES and value not in CHOICES[name]:
        choices = ", ".join(choice or "(empty)" for choice in CHOICES[name])
        raise errors.BadSetting(
            f"{source}: invalid value {value!r} for setting '{name}'. Use one of: {choices}."
        )
    return _checked_duration(value, source) if name == "keep" else value


def _as_text(name: str, value: Any) -> Any:
    """Return YAML's `true` or a number of seconds as text, where the setting takes one."""
    if isinstance(value, bool):
        return str(value).lower() if "true" in CHOICES.get(name, ()) else value
    return str(value) if name == "keep" and isinstance(value, int) else value


def _checked_duration(value: str, source: str) -> str:
    if parse_duration(value) is None:
        raise errors.BadSetting(
            f"{source}: invalid value {value!r} for setting 'keep'. Use for example 90s, 10m or 2h; empty keeps nothing."
        )
    return value


def parse_duration(text: str) -> int | None:
    """Return the seconds in `90s`, `10m`, `2h`, or in a number of seconds; None if it is none of these, or over a year."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    number = text[:-1] if unit else text
    if not text:
        return 0
    if not (number.isascii() and number.isdigit()) or len(number) > 8:  # noqa: PLR2004
        return None
    seconds = int(number) * (unit or 1)
    return seconds if seconds <= MAX_SECONDS else None


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
        text = (content := errors.read_file(path, errors.BadSetting, hint, limit=MAX_SIZE)).decode()
    except FileNotFoundError:
        return Layer(path, {})
    except UnicodeDecodeError as error:
        raise errors.BadSetting(f"{path} is not valid UTF-8: {error}. {hint}") from error
    from pydock._speed.yaml import import_yaml

    yaml = import_yaml()
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date such as 2001-02-30 is a ValueError
        raise errors.BadSetting(f"{path} is not valid YAML{_yaml_problem(error)}. {hint}") from error
    except RecursionError as error:
        raise errors.BadSetting(f"{path} is nested too deeply. {hint}") from error
    if not isinstance(values, (dict, type(None))):
        raise errors.BadSetting(f"{path} must contain lines such as `shell: zsh`.")
    return Layer(path, {str(name): value for name, value in (values or {}).items()}, content)
