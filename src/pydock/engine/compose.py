"""An environment's docker-compose.yml: Compose reads it, `docker run` runs it.

`docker compose config --format json` needs no engine. `docker run` keeps exit codes, signals, the terminal and the speed as they
are without the file. What was read is kept by `compose_cache.py`.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.engine import compose_cache as cache
from pydock.engine.argv import csv_record, passes_environment
from pydock.engine.compose_cache import COMPOSE_FILE, ComposeOptions
from pydock.engine.compose_options import translate
from pydock.engine.compose_powers import powers_of
from pydock.engine.compose_sources import Sources, find_sources
from pydock.engine.endpoint import network_exists
from pydock.environments.content import DOCKERFILE, digest
from pydock.environments.origin import is_own, record_path
from pydock.messages import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

# What Compose itself needs of the caller's variables.
FOR_COMPOSE = ("PATH", "HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR", "LANG")
UNUSED_DAYS = 1  # after which files with values of an earlier reading are removed
MAX_LINES = 5  # of Compose's message


class ComposeProject(NamedTuple):
    """A docker-compose.yml as Compose has read it."""

    config: dict[str, Any]  # Compose's canonical JSON; `$$` is read as `$`
    service: str  # that is the environment
    sources: Sources
    powers: tuple[str, ...]  # what it opens of this machine, in words; "" if it is harmless

    @property
    def name(self) -> str:
        return str(self.config["name"])

    @property
    def companions(self) -> list[str]:
        """The names of the other services, sorted."""
        return sorted(set(self.config["services"]) - {self.service})


def compose_options(
    engine: Engine, settings: Settings, environment: Environment, environ: Mapping[str, str] | None = None
) -> ComposeOptions:
    """Return what the environment's docker-compose.yml adds to a run; nothing if it has none.

    Raises `BadCompose`, `ComposeMissing` without the plugin, and `NotTrusted` if a file from elsewhere would open this machine.
    """
    environ = os.environ if environ is None else environ
    try:
        return cache.known_compose(settings, environment, environ)
    except errors.ComposeNotRead:
        pass
    project = read_project(engine, settings, environment, environ)
    check_trusted(settings, environment, project)
    values = {
        name: environ[name]
        for name in {*project.sources.inherited, *project.sources.variables}
        if name in environ
    }
    made = translate(project.config, project.service, values)
    networks = ComposeOptions(networks=made.networks).beside(settings.run_options).networks
    _check_networks(settings, environment, project, networks)
    for folder in made.folders if not engine.dry else ():
        _make_folder(folder)
    key = cache.entry_key(settings, environment)
    inherited = dict.fromkeys(made.inherited) if passes_environment(settings.engine) else {}
    variables = {
        **made.variables,
        **{name: values[name] for name in made.inherited if name in values and name not in inherited},
    }
    options = list(made.options)
    files: list[str] = []
    if variables:
        lines = "".join(f"{name}={value}\n" for name, value in variables.items())
        files.append(_write_values(key, lines, environ))
        options += ["--env-file", files[-1]]
    for name in inherited:
        options += ["--env", name]
    for target, content in made.files.items():
        files.append(_write_values(key, content, environ))
        fields = ["type=bind", f"source={files[-1]}", f"target={target}", "readonly"]
        options += ["--mount", csv_record(*fields)]
    _remove_unused(key, files, environ)
    found = ComposeOptions(tuple(options), (*made.folders, *files), made.networks)
    if project.sources.unknown:  # read again by every run
        return found._replace(digest=digest([*options, *files]))
    inputs = _inputs(project.sources, environment, environ, by_value=not passes_environment(settings.engine))
    inputs += [cache.state_of_link(path) for path in _mounted_paths(project.config)]
    if project.powers:
        inputs.append(cache.state_by_time(record_path(environment)))  # the trust was for these very files
    return cache.write_entry(settings, environment, inputs, found, environ)


def read_project(
    engine: Engine,
    settings: Settings,
    environment: Environment,
    environ: Mapping[str, str] | None = None,
    *,
    ask: bool = False,
) -> ComposeProject:
    """Let Compose read the environment's docker-compose.yml.

    A file from elsewhere that includes others is not read before it is trusted, because Compose would fetch them. With `ask`, it
    is described as far as it can be.
    """
    environ = os.environ if environ is None else environ
    sources = find_sources(environment.folder)
    if sources.unknown and not is_own(settings, environment):
        powers = (f"read other files ({', '.join(sources.unknown)})",)
        unread = ComposeProject({"name": "", "services": {}}, "", sources, powers)
        if ask:
            return unread
        check_trusted(settings, environment, unread)
    config = _config(engine, environment, sources, environ)
    service = own_service(config, environment)
    return ComposeProject(
        config, service, sources, powers_of(config, service, sources, _root(settings, environment), environ)
    )


def _config(
    engine: Engine, environment: Environment, sources: Sources, environ: Mapping[str, str]
) -> dict[str, Any]:
    given = cache.compose_variables(environment, environ)
    names = {*FOR_COMPOSE, *cache.IDS, *sources.variables}
    if sources.unknown:
        names |= set(given)
    variables = {
        name: given[name] for name in sorted(names) if name in given and not name.startswith("COMPOSE_")
    }
    argv = [find_plugin(environ), "--project-directory", environment.folder]
    for file in sources.compose_files:
        argv += ["--file", file]
    result = engine.query_with([*argv, "config", "--format", "json"], variables)
    if result.failed:
        words = [line for line in result.stderr.splitlines() if "level=warning" not in line]
        reason = printable("\n".join(words[-MAX_LINES:])).strip() or f"exit code {result.exited}"
        raise errors.BadCompose(
            f"Compose cannot read {environment.path(COMPOSE_FILE)}: {reason}\nFix the file."
        )
    try:
        config = _without_doubled_dollars(json.loads(result.stdout))
        return {
            "networks": {},
            "volumes": {},
            "secrets": {},
            "configs": {},
            **config,
            "services": config["services"] or {},
        }
    except (ValueError, KeyError, TypeError) as error:
        raise errors.BadCompose(
            f"Compose printed no JSON for {environment.path(COMPOSE_FILE)}. pydock needs Compose 2.20 or newer."
        ) from error


def _without_doubled_dollars(value: Any) -> Any:
    """Return the value with `$$` as `$`, which Compose doubles so that its output is a Compose file again."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_without_doubled_dollars(one) for one in value]
    if isinstance(value, dict):
        return {name.replace("$$", "$"): _without_doubled_dollars(one) for name, one in value.items()}
    return value


def find_plugin(environ: Mapping[str, str]) -> str:
    """Return the path of Compose; raises `ComposeMissing`."""
    from shutil import which

    for path in cache.plugin_paths(environ):
        if os.access(path, os.X_OK):
            return path
    found = which(cache.PLUGIN, path=environ.get("PATH"))
    if found:
        return found
    raise errors.ComposeMissing(
        f"The environment has a {COMPOSE_FILE}, and Docker's compose plugin is not installed. {cache.INSTALL_COMPOSE}"
    )


def own_service(config: dict[str, Any], environment: Environment) -> str:
    """Return the name of the service that is the environment: the one that builds the folder, or has its image."""
    services: dict[str, dict[str, Any]] = config["services"]
    found = [
        name
        for name, service in services.items()
        if _builds(service.get("build") or {}, environment.folder)
        or (not service.get("build") and service.get("image") in {environment.alias, environment.image_name})
    ]
    if len(found) > 1:  # such as a worker
        found = [name for name in ("env", environment.name) if name in found][:1] or found
    if len(found) == 1:
        return found[0]
    several = (
        f"{len(found)} services build this folder ({', '.join(sorted(found))})"
        if found
        else "no service builds this folder"
    )
    raise errors.BadCompose(
        f"{environment.path(COMPOSE_FILE)}: {several}, so pydock does not know which one the environment is. "
        + (
            f"Call it '{environment.name}' or 'env'."
            if found
            else f"Give it `build: {{context: ., dockerfile: {DOCKERFILE}}}`."
        )
    )


def _builds(build: dict[str, Any], folder: str) -> bool:
    context = build.get("context") or ""
    return os.path.realpath(context) == os.path.realpath(folder) and build.get("dockerfile", DOCKERFILE) in {
        DOCKERFILE,
        "Dockerfile",  # Compose's default; BuildKit also finds the name in lower case
    }


def check_trusted(settings: Settings, environment: Environment, project: ComposeProject) -> None:
    """Raise `NotTrusted` if the file opens this machine, and neither is the user's own nor trusted."""
    if not project.powers or is_own(settings, environment):
        return
    allowed = "; ".join(project.powers)
    raise errors.NotTrusted(
        f"{environment.path(COMPOSE_FILE)} would {allowed}. You neither wrote it here nor trusted it. Nothing was run. "
        f"`pydock trust {environment.name}` shows all that it would allow, and allows it."
    )


def _check_networks(
    settings: Settings, environment: Environment, project: ComposeProject, networks: Sequence[str]
) -> None:
    missing = [name for name in networks if not network_exists(settings, name)]
    if not missing:
        return
    external = {top["name"] for top in project.config["networks"].values() if top.get("external")}
    if set(missing) & external:
        raise errors.BadCompose(
            f"{environment.path(COMPOSE_FILE)}: the external network '{missing[0]}' does not exist. Create it: "
            f"`docker network create {missing[0]}`."
        )
    raise errors.BadCompose(
        f"The services of environment '{environment.name}' do not run ({', '.join(project.companions) or missing[0]}). "
        f"Start them: `pydock up {environment.name}`."
    )


def _root(settings: Settings, environment: Environment) -> str:
    """Return the folder whose files a run may see anyway: the project that has the environment."""
    from pydock.settings import project_folder

    return (
        os.path.realpath(project_folder(settings.home.folder))
        if settings.home.mode == "local"
        else environment.folder
    )


def _inputs(
    sources: Sources, environment: Environment, environ: Mapping[str, str], *, by_value: bool
) -> list[str]:
    # Compose resolves what it gets itself, such as HOME; others are passed on by their names.
    resolved = sources.inherited if by_value else set(sources.inherited) & set(FOR_COMPOSE)
    names = {*sources.variables, *cache.IDS, *resolved}
    return [
        *(cache.state_of_file(path) for path in sources.files),
        *(cache.state_by_time(path) for path in cache.plugin_paths(environ)),
        *(cache.state_of_variable(name, environment, environ) for name in sorted(names)),
    ]


def _mounted_paths(config: dict[str, Any]) -> list[str]:
    """Return the files and folders of this machine that the project mounts."""
    volumes = [volume for service in config["services"].values() for volume in service.get("volumes") or ()]
    found = [volume["source"] for volume in volumes if volume["type"] == "bind"]
    for kind in ("secrets", "configs"):
        found += [top["file"] for top in config[kind].values() if "file" in top]
    return sorted(set(found))


def _make_folder(path: str) -> None:
    """Make a mounted folder that does not exist, as Compose does; but it belongs to the caller, and not to root."""
    try:
        os.makedirs(path, exist_ok=True) if not os.path.lexists(path) else None
    except OSError as error:
        raise errors.BadCompose(
            f"{COMPOSE_FILE} mounts {path}, which does not exist and cannot be made: {error.strerror}. Make it."
        ) from error


def _write_values(key: str, content: str, environ: Mapping[str, str]) -> str:
    """Write a private file named after its content; return its path."""
    path = f"{cache.entry_path(key, environ)}-{digest([content])[:16]}"
    try:
        cache.write_private(path, content)
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {path}: {error.strerror}. The values of {COMPOSE_FILE} are passed in this file, because other users "
            "can read command lines. Set XDG_CACHE_HOME to a folder that you can write."
        ) from error
    return path


def _remove_unused(key: str, keep: Sequence[str], environ: Mapping[str, str]) -> None:
    beginning, folder = f"compose-{key}-", cache.cache_folder(environ)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        is_unused = name.startswith(beginning) and path not in keep
        if is_unused and os.lstat(path).st_mtime < time.time() - UNUSED_DAYS * 86400:
            os.unlink(path)
