"""What `pydock doctor` does: it asks the engine, starts the container that looks, and collects the checks.

Whatever is wrong with the machine is in one of the checks, and not an error.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine import checks, container_checks, diagnosis, leftovers, probe
from pydock.engine.build_secrets import describe_network
from pydock.engine.checks import Check
from pydock.engine.client import Engine
from pydock.engine.containers import selinux_enforces
from pydock.engine.endpoint import engine_endpoint
from pydock.engine.images import Images, listed_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from invoke import Context, Result

    from pydock.engine.build_secrets import Network
    from pydock.engine.images import ListedImage
    from pydock.settings import Settings

SECONDS = 5  # that the engine may take to answer
SECONDS_WITH_PASSWORD = 60  # if its client may ask for one


def examine(c: Context, settings: Settings, folder: str) -> list[Check]:
    """Return all checks of this machine, for this working directory."""
    found = [_settings_check(settings), checks.home_check(settings.home.folder)]
    network: Network | None = None
    try:
        network = describe_network(settings)
    except (errors.PydockError, OSError) as error:
        found.append(Check("network", False, words_of(error), "pydock config"))
    try:
        by_name = docker.passes_environment(settings.engine)
        engine = Engine(c, settings, SECONDS if by_name else SECONDS_WITH_PASSWORD)
        queries = [docker.system_information(settings.engine), docker.list_images(settings.engine)]
        results = engine.results(queries)
    except errors.EngineError as error:
        found.append(Check("client", False, words_of(error), _install_hint(settings)))
        return checks.in_order(found, "Needs the client.")
    info = checks.read_info(results[0].stdout)
    unusable = _unusable(settings, results, info, queries)
    if unusable:
        return checks.in_order([*found, *unusable], "Needs the engine.")
    found += _simple_checks(settings, info)
    if network:
        host_network = "host" in " ".join(probe.network_options(settings.build_options)).split()
        found.append(checks.network_check(network, os.environ, info, host_network=host_network))
    try:
        labelled = _with_tags(results[1].stdout)
        image = probe.choose_image(settings, labelled, lambda: _bases(engine, settings))
    except (errors.PydockError, ValueError, LookupError, TypeError) as error:
        hint = shlex.join(queries[1])
        words = f"`{hint}` does not print what Docker's client prints: {words_of(error)}"
        others = [check for check in found if check.name != "client"]
        return checks.in_order([*others, Check("client", False, words, hint)], "Needs the client.")
    found += _checks_with_container(engine, settings, network, folder, info, labelled, image)
    return checks.in_order(found, "Needs the engine.")


def _endpoint(settings: Settings) -> str:
    return engine_endpoint(os.environ) if settings.engine[-1].endswith("docker") else ""


def _bases(engine: Engine, settings: Settings) -> list[ListedImage]:
    """Return the base images on this machine, newest first."""
    listing = docker.list_images(settings.engine, [probe.base_pattern(settings)])
    return _with_tags(engine.query(listing))


def _settings_check(settings: Settings) -> Check:
    if settings.untrusted:
        names = ", ".join(settings.untrusted)
        return Check(
            "settings", False, f"{settings.project_file} is not trusted, and sets {names}.", "pydock trust"
        )
    return Check("settings", True, f"{settings.home.mode} environments, in {settings.home.folder}")


def _unusable(
    settings: Settings, results: Sequence[Result], info: Mapping[str, Any], queries: Sequence[Sequence[str]]
) -> list[Check]:
    """Return the checks that fail if the engine cannot be used, none if it can."""
    client = settings.engine
    failed = next((pair for pair in zip(queries, results) if pair[1].failed), None)
    if failed is None:
        described = checks.client_check(client, info)
        return [] if described.ok else [described]
    known = [checks.client_check(client, info)] if info else []
    plugins = checks.plugin_versions(info) if info else None
    known += [checks.buildx_check(plugins), checks.compose_check(plugins)] if plugins else []
    try:
        diagnosis.raise_for_engine(client, f"{failed[1].stdout}\n{failed[1].stderr}")
    except errors.EngineForbidden as error:
        hint = "sudo usermod -aG docker $USER && newgrp docker"
        return [*known, Check("permission", False, _first_sentence(error), hint)]
    except errors.PydockError as error:
        hint = "unset DOCKER_HOST" if os.environ.get("DOCKER_HOST") else _start_hint(error)
        where = engine_endpoint(os.environ)
        at = f" (at {checks.without_user(where)})" if where else ""
        return [*known, Check("engine", False, f"{_first_sentence(error).rstrip('.')}{at}.", hint)]
    unknown = diagnosis.failure(failed[0], failed[1])
    if "docker endpoint" in failed[1].stderr:  # DOCKER_HOST or DOCKER_CONTEXT is wrong, or the chosen context
        last = failed[1].stderr.strip().splitlines()[-1]
        hint = "unset DOCKER_HOST DOCKER_CONTEXT; docker context use default"
        return [Check("engine", False, f"The engine's address is wrong: {last}.", hint)]
    return [
        *known,
        Check("engine" if info else "client", False, words_of(unknown), f"{shlex.join(client)} version"),
    ]


def _with_tags(listing: str) -> list[ListedImage]:
    return [image for image in listed_images(listing) if not image.tag.endswith(":<none>")]


def _simple_checks(settings: Settings, info: Mapping[str, Any]) -> list[Check]:
    plugins = checks.plugin_versions(info)
    return [
        checks.client_check(settings.engine, info),
        checks.engine_check(settings.engine, info),
        Check("permission", True, f"You can use the engine, as {shlex.join(settings.engine)}"),
        checks.buildx_check(plugins),
        checks.compose_check(plugins),
        checks.location_check(_endpoint(settings), info, sys.platform),
        checks.selinux_check(info, enforces=selinux_enforces()),
    ]


def _checks_with_container(
    engine: Engine,
    settings: Settings,
    network: Network | None,
    folder: str,
    info: Mapping[str, Any],
    labelled: Sequence[ListedImage],
    image: probe.ProbeImage | None,
) -> list[Check]:
    """Return the checks of files, index, disk and leftovers; the leftovers are looked for while the container runs."""
    held = container_checks.held_text({image.id: image.size for image in labelled})
    reason = ""
    if engine.dry:
        reason = "With --dry, no container is started."
    elif image is None:
        reason = "Needs an image with Python, and there is none here. `pydock create NAME VERSION` makes one."
    elif network is None:
        reason = "Needs the check 'network'."
    if reason or image is None or network is None:
        skipped = [Check(name, None, reason) for name in ("files", "index")]
        return [*skipped, _disk_without_container(info, held, reason), _leftovers(engine, settings, labelled)]
    given, note = network, ""
    if not image.trusted and network.credentials():
        given, note = (
            network.without_credentials(),
            ", without your credentials, as no image here is only yours",
        )
    is_remote = checks.location_check(_endpoint(settings), info, sys.platform).ok is False
    with probe.folder_to_write("" if is_remote else folder) as (place, reason):
        try:
            with probe.probe(
                engine, settings, image, given, place, rootless=checks.is_rootless(info)
            ) as wait:
                beside = _leftovers(engine, settings, labelled)
                result = wait()
        except (errors.PydockError, OSError) as error:
            needs = "Needs the check 'files'."
            return [
                Check("files", False, words_of(error), "df -h /tmp"),
                Check("index", None, needs),
                _disk_without_container(info, held, needs),
                _leftovers(engine, settings, labelled),
            ]
    answer = result.answer
    if answer is None:
        return [*_without_answer(settings, image, result, info, held, folder), beside]
    files = container_checks.files_check(answer, folder, result.uid, info)
    return [
        files if place else Check("files", None, reason),
        container_checks.index_check(answer["indexes"], note, proxy=bool(given.proxies)),
        container_checks.disk_check(answer["free"], held),
        beside,
    ]


def _without_answer(
    settings: Settings,
    image: probe.ProbeImage,
    result: probe.ProbeResult,
    info: Mapping[str, Any],
    held: str,
    folder: str,
) -> list[Check]:
    """Return the checks for a container that did not answer."""
    words = result.reason.strip() or "it printed nothing that can be used"
    needs = "Needs the container of check 'files'."
    skipped = [Check("index", None, needs), _disk_without_container(info, held, needs)]
    if result.code in probe.NO_PROGRAM or not result.code:
        reason = f"Needs an image with Python 3.6 or newer; {image.image} has none."
        return [Check("files", None, reason), *skipped]
    try:
        diagnosis.raise_for_engine(settings.engine, words)
    except errors.DiskFull as error:
        failed = Check("disk", False, f"{_first_sentence(error)} {held}", "pydock clean")
        return [Check("files", None, "Needs free disk space."), skipped[0], failed]
    except errors.PydockError as error:
        words = error.message
    if "bind source path does not exist" in words or "mounts denied" in words:
        detail = f"The engine cannot mount {folder}: {words.splitlines()[0]}"
        return [Check("files", False, detail, "docker context ls"), *skipped]
    detail = f"No container can be started: {words.splitlines()[0]}"
    hint = shlex.join([*settings.engine, "run", "--rm", image.image, "true"])
    return [Check("files", False, detail, hint), *skipped]


def _disk_without_container(info: Mapping[str, Any], held: str, reason: str) -> Check:
    """Return the check of the disk for an engine whose folder is on this machine."""
    root = info.get("DockerRootDir")
    with contextlib.suppress(OSError, ValueError):
        if isinstance(root, str) and os.path.isabs(root):
            status = os.statvfs(root)
            return container_checks.disk_check(status.f_bavail * status.f_frsize, held)
    return Check("disk", None, f"{reason} {held}.")


def _leftovers(engine: Engine, settings: Settings, labelled: Sequence[ListedImage]) -> Check:
    try:
        found = leftovers.find_leftovers(engine, Images(engine, settings), labelled)
    except (errors.PydockError, ValueError, LookupError, TypeError) as error:  # or an answer that is none
        return Check("leftovers", None, f"Cannot look for them: {words_of(error)}")
    return container_checks.leftovers_check(len(found.tags), len(found.containers))


def words_of(error: Exception) -> str:
    """Return what to say of an error; an interruption is none, and ends the command."""
    if isinstance(error, errors.Interrupted):
        raise error
    if isinstance(error, errors.PydockError):
        return error.message
    return errors.from_system(error).message if isinstance(error, OSError) else str(error)


def _first_sentence(error: errors.PydockError) -> str:
    return f"{error.message.partition('. ')[0].rstrip('.')}."


def _start_hint(error: errors.PydockError) -> str:
    if isinstance(error, errors.DiskFull):
        return "docker system df"
    if sys.platform == "darwin":
        return "open -a Docker"
    return "sudo systemctl restart docker" if "in time" in error.message else "sudo systemctl start docker"


def _install_hint(settings: Settings) -> str:
    if settings.engine != ("docker",):
        return "pydock config"
    if sys.platform == "darwin" and shutil.which("brew"):
        return "brew install --cask docker"
    return "curl -fsSL https://get.docker.com | sudo sh"
