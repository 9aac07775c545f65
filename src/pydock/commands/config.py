"""`pydock config`."""

from __future__ import annotations

import os
from json import dumps
from typing import TYPE_CHECKING, Any

from pydock.commands.command import command
from pydock.commands.session import context_settings
from pydock.engine.build_secrets import describe_network
from pydock.engine.containers import this_workspace
from pydock.messages import aligned, printable, redacted

if TYPE_CHECKING:
    from invoke import Context

    from pydock.engine.build_secrets import Network
    from pydock.settings import Settings


@command(help={"json": "print JSON"}, examples=["config", "--local config --json"])
def config(c: Context, json: bool = False) -> None:
    """Show the mode, the home folder, the project, and every setting."""
    settings = context_settings(c, refuse_untrusted=False)
    described = describe_settings(settings, describe_network(settings))
    described["project"] = this_workspace(settings).root
    print(redacted(dumps(described, indent=2) if json else settings_table(described)))


def describe_settings(settings: Settings, network: Network) -> dict[str, Any]:
    """Return mode, home folder, and every setting with its value and its source."""
    values = settings._asdict()
    sources = values.pop("sources")
    project_file, untrusted = values.pop("project_file"), values.pop("untrusted")
    home = values.pop("home")
    values["home"] = home.folder
    values["mode"] = home.mode
    detected = {
        "ca_bundle": network.ca_bundle,
        "netrc": network.netrc,
        "pip_config": ":".join(network.pip_configs),
    }
    rows = {}
    for name in sorted(values):
        value, source = values[name], sources[name]
        if name in {"mode", "home"}:
            source = home.reason
        elif name in detected and not value and detected[name]:
            value, source = detected[name], "detected"
        if name in untrusted:
            value, source = untrusted[name], f"{project_file}, not trusted (see `pydock trust`)"
        rows[name] = {"value": list(value) if isinstance(value, tuple) else value, "source": source}
    return {"mode": home.mode, "home": home.folder, "reason": home.reason, "settings": rows}


def settings_table(described: dict[str, Any]) -> str:
    """Return the settings as text with aligned columns."""
    lines = [["SETTING", "VALUE", "SOURCE"]]
    for name, row in described["settings"].items():
        value = row["value"]
        lines.append([name, " ".join(value) if isinstance(value, list) else value or "-", row["source"]])
    folder = os.path.join(described["home"], "envs")
    head = [
        f"Mode: {described['mode']} ({printable(described['reason'])})",
        f"Environments: {printable(folder)}",
        *([f"Project that runs have: {printable(described['project'])}"] if "project" in described else []),
    ]
    return "\n".join([*head, "", aligned(lines)])
