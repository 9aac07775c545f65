"""What of this machine goes into a build: pip's configuration, CA, netrc, proxies."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.engine import build_secrets
from pydock.engine.build_secrets import describe_network, pip_conf, read_pip_options, uv_toml

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import MakeSettings


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the variables of a user whose machine has no configuration but what the test writes."""
    real = build_secrets._pip_config_files
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(
        build_secrets,
        "_pip_config_files",
        lambda variables: [path for path in real(variables) if not path.startswith("/etc/")],
    )
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": f"{tmp_path}/xdg1:{tmp_path}/xdg2"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_pips_files_in_pips_order(environ: dict[str, str], tmp_path: Path) -> None:
    places = ["xdg2/pip", "xdg1/pip", ".pip", ".config/pip", "prefix", "own"]
    paths = [tmp_path / place / "pip.conf" for place in places]
    environ["PIP_CONFIG_FILE"] = str(paths[-1])
    for number, path in enumerate(paths):
        write(path, f"[global]\nindex-url = https://index{number}.example/simple\nretries = {number}\n")
        found, options = read_pip_options("", environ)
        assert found == [str(path) for path in paths[: number + 1]]
        assert options == {"index-url": [f"https://index{number}.example/simple"], "retries": [str(number)]}


def test_pips_files_are_those_of_its_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/venv")
    environ = {"HOME": "/h"}
    monkeypatch.setattr(sys, "platform", "linux")
    assert list(build_secrets._pip_config_files(environ)) == [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/.config/pip/pip.conf",
        "/venv/pip.conf",
    ]
    monkeypatch.setattr(sys, "platform", "darwin")
    found = list(
        build_secrets._pip_config_files({**environ, "XDG_CONFIG_HOME": "/c", "PIP_CONFIG_FILE": "/f"})
    )
    assert found == [
        "/etc/xdg/pip/pip.conf",
        "/Library/Application Support/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/Library/Application Support/pip/pip.conf",
        "/c/pip/pip.conf",
        "/venv/pip.conf",
        "/f",
    ]


def test_variables_go_over_files_and_install_over_global(environ: dict[str, str], tmp_path: Path) -> None:
    write(
        tmp_path / ".config" / "pip" / "pip.conf",
        "[global]\nindex_url = https://a.example\ntimeout = 5\nextra-index-url =\n  https://b.example\n"
        "  https://c.example\n[install]\ntimeout = 7\n[list]\nformat = columns\n",
    )
    environ["PIP_INDEX_URL"] = "https://d.example"
    _, options = read_pip_options("", environ)
    assert options == {
        "index-url": ["https://d.example"],
        "timeout": ["7"],
        "extra-index-url": ["https://b.example", "https://c.example"],
    }


def test_folders_of_this_machine_are_left_out(environ: dict[str, str]) -> None:
    environ["PIP_FIND_LINKS"] = "/opt/wheels https://wheels.example/ ./here file:///x"
    environ["PIP_EXTRA_INDEX_URL"] = "file:///index"
    environ["PIP_TRUSTED_HOST"] = "index.example"
    _, options = read_pip_options("", environ)
    assert options == {"find-links": ["https://wheels.example/"], "trusted-host": ["index.example"]}


def test_a_file_that_is_named_is_the_only_one(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / ".pip" / "pip.conf", "[global]\nindex-url = https://a.example\n")
    mine = write(tmp_path / "mine.conf", "[global]\ntimeout = 9\n")
    environ["PIP_RETRIES"] = "3"
    assert read_pip_options(str(mine), environ) == ([str(mine)], {"timeout": ["9"]})
    assert read_pip_options("none", environ) == ([], {})
    environ["PIP_CONFIG_FILE"] = os.devnull
    assert read_pip_options("", environ) == ([], {"retries": ["3"]})
    with pytest.raises(errors.BadSetting, match=r"Setting 'pip_config' names .*nowhere, which is no file"):
        read_pip_options(str(tmp_path / "nowhere"), environ)


@pytest.mark.parametrize("content", [b"index-url = x\n", b"\xff\xfe[global]\n"])
def test_a_broken_configuration_is_named(environ: dict[str, str], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pip.conf"
    path.write_bytes(content)
    with pytest.raises(errors.BadSetting, match="PYDOCK_PIP_CONFIG=none") as caught:
        read_pip_options(str(path), environ)
    assert str(path) in caught.value.message


OPTIONS = {
    "index-url": ["https://me:hunter2@index.example/simple"],
    "extra-index-url": ["https://a.example/simple", 'https://b.example/"x"'],
    "find-links": ["https://wheels.example/"],
    "trusted-host": ["index.example"],
    "no-index": ["True"],
    "timeout": ["60"],
    "retries": ["2"],
    "cert": ["/ca.pem"],
}


def test_the_whole_pip_conf() -> None:
    assert pip_conf(OPTIONS) == (
        "[global]\n"
        "index-url = https://me:hunter2@index.example/simple\n"
        "no-index = True\n"
        "timeout = 60\n"
        "retries = 2\n"
        "extra-index-url =\n    https://a.example/simple\n"
        '    https://b.example/"x"\n'
        "find-links =\n    https://wheels.example/\n"
        "trusted-host =\n    index.example\n"
    )
    assert pip_conf({"cert": ["/ca.pem"]}) == ""


def test_the_whole_uv_toml() -> None:
    assert uv_toml(OPTIONS) == (
        'index-url = "https://me:hunter2@index.example/simple"\n'
        'extra-index-url = ["https://a.example/simple", "https://b.example/\\"x\\""]\n'
        'find-links = ["https://wheels.example/"]\n'
        'allow-insecure-host = ["index.example"]\n'
        'index-strategy = "unsafe-best-match"\n'
        "no-index = true\n"
    )
    assert uv_toml({"timeout": ["60"], "no-index": ["false"]}) == ""


def test_nothing_to_say_is_nothing(environ: dict[str, str], make_settings: MakeSettings) -> None:
    assert describe_network(make_settings(), environ) == build_secrets.Network({}, {}, [], "", [], "")


def test_everything_at_once(environ: dict[str, str], tmp_path: Path, make_settings: MakeSettings) -> None:
    ca = write(tmp_path / "a,b" / "ca.pem", "x")
    write(tmp_path / ".netrc", "x")
    environ.update(
        PIP_INDEX_URL="https://me:hunter2@index.example/simple",
        SSL_CERT_FILE=str(ca),
        HTTPS_PROXY="http://proxy.example",
        no_proxy="localhost",
        HTTP_PROXY="",
    )
    found = describe_network(make_settings(), environ)
    assert list(found.secrets.values()) == [
        "id=pip.conf,env=PYDOCK_SECRET_PIP_CONF",
        "id=uv.toml,env=PYDOCK_SECRET_UV_TOML",
        f'id=ca.pem,"src={ca}"',
        f"id=netrc,src={tmp_path}/.netrc",
    ]
    assert list(found.variables) == ["PYDOCK_SECRET_PIP_CONF", "PYDOCK_SECRET_UV_TOML"]
    assert found.variables["PYDOCK_SECRET_UV_TOML"].startswith('index-url = "https://me:hunter2@')
    assert found.proxies == ["HTTPS_PROXY", "no_proxy"]
    assert (found.ca_bundle, found.netrc) == (str(ca), f"{tmp_path}/.netrc")


def test_the_ca_bundle_is_the_first_that_is_there(
    environ: dict[str, str], tmp_path: Path, make_settings: MakeSettings
) -> None:
    write(tmp_path / ".pip" / "pip.conf", f"[global]\ncert = {tmp_path}/cert.pem\n")
    seen = []
    for name in ("cert", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT"):
        environ[name] = str(tmp_path / f"{name}.pem")
        seen.append(describe_network(make_settings(), environ).ca_bundle)
        write(tmp_path / f"{name}.pem", "x")
    seen.append(describe_network(make_settings(), environ).ca_bundle)
    assert [os.path.basename(path) for path in seen] == [
        "",
        "cert.pem",
        "CURL_CA_BUNDLE.pem",
        "REQUESTS_CA_BUNDLE.pem",
        "SSL_CERT_FILE.pem",
        "PIP_CERT.pem",
    ]
    mine = write(tmp_path / "mine.pem", "x")
    assert describe_network(make_settings(ca_bundle=str(mine)), environ).ca_bundle == str(mine)
    assert describe_network(make_settings(ca_bundle="none"), environ).ca_bundle == ""
    with pytest.raises(errors.BadSetting, match="Setting 'ca_bundle'"):
        describe_network(make_settings(ca_bundle="/nowhere.pem"), environ)


def test_a_ca_bundle_that_is_too_large_is_named(
    environ: dict[str, str], tmp_path: Path, make_settings: MakeSettings
) -> None:
    ca = write(tmp_path / "ca.pem", "x" * 500 * 1024)
    assert describe_network(make_settings(ca_bundle=str(ca)), environ).ca_bundle == str(ca)
    write(ca, "x" * (500 * 1024 + 1))
    for settings, variables in (
        (make_settings(ca_bundle=str(ca)), environ),
        (make_settings(), {**environ, "PIP_CERT": str(ca)}),
    ):
        with pytest.raises(errors.BadSetting, match="larger than 500 KiB"):
            describe_network(settings, variables)


def test_netrc(environ: dict[str, str], tmp_path: Path, make_settings: MakeSettings) -> None:
    assert describe_network(make_settings(), environ).netrc == ""
    own = write(tmp_path / ".netrc", "")
    other = write(tmp_path / "other", "")
    assert describe_network(make_settings(), environ).netrc == str(own)
    environ["NETRC"] = str(other)
    assert describe_network(make_settings(), environ).netrc == str(other)
    assert describe_network(make_settings(netrc=str(own)), environ).netrc == str(own)
    assert describe_network(make_settings(netrc="none"), environ).netrc == ""
