"""What `pydock config` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.commands.config import describe_settings, settings_table
from pydock.engine.build_secrets import CA_BUNDLE, NETRC, Network
from pydock.settings import DEFAULTS

if TYPE_CHECKING:
    from ..conftest import MakeSettings

NETWORK = Network({}, {CA_BUNDLE: "/ca.pem", NETRC: "/netrc"}, {}, ["/a.conf", "/b.conf"])


def test_settings_table() -> None:
    described = {
        "mode": "global",
        "home": "/h/.pydock",
        "reason": "--global",
        "settings": {
            "engine": {"value": ["sudo", "docker"], "source": "PYDOCK_* variable"},
            "netrc": {"value": "", "source": "default"},
        },
    }
    assert settings_table(described) == (
        "Mode: global (--global)\n"
        "Environments: /h/.pydock/envs\n"
        "\n"
        "SETTING  VALUE        SOURCE\n"
        "engine   sudo docker  PYDOCK_* variable\n"
        "netrc    -            default"
    )


def test_every_setting_is_described(make_settings: MakeSettings) -> None:
    described = describe_settings(make_settings(prefix="x-"), Network({}, {}, {}, []))
    assert list(described["settings"]) == sorted(DEFAULTS)
    assert described["settings"]["prefix"] == {"value": "x-", "source": "tasks.py or invoke.yaml"}
    assert described["settings"]["netrc"] == {"value": "", "source": "default"}
    assert described["settings"]["mode"] == {"value": described["mode"], "source": described["reason"]}
    assert described["settings"]["home"]["value"] == described["home"]


def test_detected_files_are_shown_unless_set(make_settings: MakeSettings) -> None:
    rows = describe_settings(make_settings(netrc="/mine"), NETWORK)["settings"]
    assert rows["ca_bundle"] == {"value": "/ca.pem", "source": "detected"}
    assert rows["pip_config"] == {"value": "/a.conf:/b.conf", "source": "detected"}
    assert rows["netrc"] == {"value": "/mine", "source": "tasks.py or invoke.yaml"}
