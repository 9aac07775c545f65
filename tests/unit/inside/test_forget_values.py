"""What an installer recorded gets variables in place of their values."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from pydock.inside import forget_values

if TYPE_CHECKING:
    from pathlib import Path


def install(site: Path, name: str, url: str) -> Path:
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "direct_url.json").write_text(json.dumps({"url": url, "archive_info": {}}), encoding="utf-8")
    record = f"{name}.py,,\r\n{name}-1.0.dist-info/direct_url.json,sha256=old,10\r\n{name}-1.0.dist-info/RECORD,,\r\n"
    (folder / "RECORD").write_bytes(record.encode())
    return folder


def url_of(folder: Path) -> str:
    return str(json.loads((folder / "direct_url.json").read_text(encoding="utf-8"))["url"])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "site"
    made.mkdir()
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(made))
    (tmp_path / "start").touch()
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://h/\n# uv: x\n# env: QUERY=se/cret+1\n# env: LONG=se/cret+1-longer\n# env: S=1\n",
        encoding="utf-8",
    )
    return made


@pytest.mark.parametrize(
    ("recorded", "left"),
    [
        ("https://h/x.whl?token=se/cret+1", "https://h/x.whl?token=${QUERY}"),
        ("https://h/x.whl?token=se%2Fcret%2B1#sha256=0", "https://h/x.whl?token=${QUERY}#sha256=0"),
        ("https://h/x.whl?token=se/cret%2B1", "https://h/x.whl?token=${QUERY}"),
        ("https://h/x.whl?token=se/cret+1-longer", "https://h/x.whl?token=${LONG}"),
        ("https://me:se%2Fcret%2B1@h:1/x.whl", "https://me:${QUERY}@h:1/x.whl"),
        ("https://h/x-1.0.whl", "https://h/x-1.0.whl"),
    ],
)
def test_a_recorded_address_has_variables(site: Path, tmp_path: Path, recorded: str, left: str) -> None:
    folder = install(site, "x", recorded)
    forget_values.main(str(tmp_path / "start"), str(tmp_path / "pip.conf"))
    assert url_of(folder) == left
    if left != recorded:
        content = (folder / "direct_url.json").read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        line = f"x-1.0.dist-info/direct_url.json,sha256={digest},{len(content)}\r\n"
        assert line in (folder / "RECORD").read_bytes().decode()
        assert (folder / "RECORD").read_bytes().startswith(b"x.py,,\r\n")


def test_without_variables_nothing_is_touched(site: Path, tmp_path: Path) -> None:
    folder = install(site, "x", "https://h/x.whl?token=se/cret+1")
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://h/\n", encoding="utf-8")
    forget_values.main(str(tmp_path / "start"), str(tmp_path / "pip.conf"))
    forget_values.main(str(tmp_path / "start"), str(tmp_path / "no-pip.conf"))
    assert url_of(folder).endswith("se/cret+1")


def test_installer_sh_gives_the_variables_to_the_installer_alone(tmp_path: Path) -> None:
    """The values are taken as they are, whatever signs they have; `Network.secret_texts` writes the same lines."""
    from pydock.engine.build_context import PROGRAMS
    from pydock.engine.build_secrets import Network

    value = "a 'b' \"c\" $d `e` \\ #f %g = *"
    text = Network({}, {}, {}, [], {"TOKEN": value, "OTHER": " x "}).secret_texts["pip.conf"]
    (tmp_path / "pip.conf").write_text(text, encoding="utf-8")
    with open(f"{PROGRAMS}/installer.sh", encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index("with_variables() ("), text.index("# install_packages FILE")
    function = text[begin:end].replace("/etc/pip.conf", str(tmp_path / "pip.conf"))
    show = f'{sys.executable} -c \'import os; print([os.environ.get(n) for n in ("TOKEN", "OTHER")])\''
    script = (
        f"set -eu\n{function}\nwith_variables {show}\n{show}\nif with_variables false; then echo no; fi\n"
    )
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={})
    assert done.stdout.splitlines() == [repr([value, " x "]), "[None, None]"]
