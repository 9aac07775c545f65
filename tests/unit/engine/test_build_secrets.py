"""What this machine passes into builds: pip's configuration, CA certificates, netrc, proxies."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from pydock import errors
from pydock.engine import build_secrets, configuration
from pydock.engine.build_secrets import (
    Network,
    build_arguments,
    describe_network,
    pip_conf,
    read_pip_options,
    uv_toml,
)

if TYPE_CHECKING:
    from ..conftest import MakeSettings


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the variables of a user whose only configuration is what the test writes."""
    real = configuration.pip_config_files
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(
        build_secrets,
        "pip_config_files",
        lambda variables: [path for path in real(variables) if not path.startswith("/etc/")],
    )
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": f"{tmp_path}/xdg1:{tmp_path}/xdg2"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_pip_files_are_read_in_the_order_of_pip(environ: dict[str, str], tmp_path: Path) -> None:
    places = ["xdg2/pip", "xdg1/pip", ".pip", ".config/pip", "prefix", "own"]
    paths = [tmp_path / place / "pip.conf" for place in places]
    environ["PIP_CONFIG_FILE"] = str(paths[-1])
    for number, path in enumerate(paths):
        write(path, f"[global]\nindex-url = https://index{number}.example/simple\nretries = {number}\n")
        found, options = read_pip_options("", environ)
        assert found == [str(path) for path in paths[: number + 1]]
        assert options == {"index-url": [f"https://index{number}.example/simple"], "retries": [str(number)]}


def test_pip_files_are_those_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/venv")
    environ = {"HOME": "/h"}
    monkeypatch.setattr(sys, "platform", "linux")
    assert list(configuration.pip_config_files(environ)) == [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/.config/pip/pip.conf",
        "/venv/pip.conf",
    ]
    monkeypatch.setattr(sys, "platform", "darwin")
    found = list(
        configuration.pip_config_files({**environ, "XDG_CONFIG_HOME": "/c", "PIP_CONFIG_FILE": "/f"})
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


def test_variables_override_files_and_install_overrides_global(
    environ: dict[str, str], tmp_path: Path
) -> None:
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


def test_local_folders_are_left_out(environ: dict[str, str]) -> None:
    environ["PIP_FIND_LINKS"] = "/opt/wheels https://wheels.example/ ./here file:///x"
    environ["PIP_EXTRA_INDEX_URL"] = "file:///index"
    environ["PIP_TRUSTED_HOST"] = "index.example"
    _, options = read_pip_options("", environ)
    assert options == {"find-links": ["https://wheels.example/"], "trusted-host": ["index.example"]}


def test_pip_config_setting_replaces_detection(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / ".pip" / "pip.conf", "[global]\nindex-url = https://a.example\n")
    mine = write(tmp_path / "mine.conf", "[global]\ntimeout = 9\n")
    environ["PIP_RETRIES"] = "3"
    assert read_pip_options(str(mine), environ) == ([str(mine)], {"timeout": ["9"]})
    assert read_pip_options("none", environ) == ([], {})
    environ["PIP_CONFIG_FILE"] = os.devnull
    assert read_pip_options("", environ) == ([], {"retries": ["3"]})
    with pytest.raises(errors.BadSetting, match=r"Setting 'pip_config' is .*nowhere, which is not a file"):
        read_pip_options(str(tmp_path / "nowhere"), environ)


@pytest.mark.parametrize("content", [b"index-url = x\n", b"\xff\xfe[global]\n"])
def test_invalid_pip_config(environ: dict[str, str], tmp_path: Path, content: bytes) -> None:
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


def test_pip_conf() -> None:
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
        '# uv: index-url = "https://me:hunter2@index.example/simple"\n'
        '# uv: extra-index-url = ["https://a.example/simple", "https://b.example/\\"x\\""]\n'
        '# uv: find-links = ["https://wheels.example/"]\n'
        '# uv: allow-insecure-host = ["index.example"]\n'
        '# uv: index-strategy = "unsafe-best-match"\n'
        "# uv: no-index = true\n"
    )
    assert pip_conf({"cert": ["/ca.pem"]}) == ""


def test_pip_conf_is_read_by_pip_without_the_comments_for_uv(tmp_path: Path) -> None:
    path = write(tmp_path / "pip.conf", pip_conf({**OPTIONS, "find-links": ["https://wheels.example/#x"]}))
    _, options = read_pip_options(str(path), {})
    assert options == {
        **{name: words for name, words in OPTIONS.items() if name != "cert"},
        "find-links": ["https://wheels.example/#x"],
    }


def test_uv_toml() -> None:
    assert uv_toml(OPTIONS) == (
        'index-url = "https://me:hunter2@index.example/simple"\n'
        'extra-index-url = ["https://a.example/simple", "https://b.example/\\"x\\""]\n'
        'find-links = ["https://wheels.example/"]\n'
        'allow-insecure-host = ["index.example"]\n'
        'index-strategy = "unsafe-best-match"\n'
        "no-index = true\n"
    )
    assert uv_toml({"timeout": ["60"], "no-index": ["false"]}) == ""


def test_network_without_configuration(environ: dict[str, str], make_settings: MakeSettings) -> None:
    assert describe_network(make_settings(), environ) == Network({}, {}, {}, [])


def test_network_with_everything(
    environ: dict[str, str], tmp_path: Path, make_settings: MakeSettings
) -> None:
    ca = write(tmp_path / "ca.pem", "x")
    write(tmp_path / ".netrc", "x")
    environ.update(
        PIP_INDEX_URL="https://me:hunter2@index.example/simple",
        SSL_CERT_FILE=str(ca),
        HTTPS_PROXY="http://proxy.example",
        no_proxy="localhost",
        HTTP_PROXY="",
    )
    found = describe_network(make_settings(), environ)
    options = {"index-url": ["https://me:hunter2@index.example/simple"]}
    assert found == Network(
        {"pip.conf": pip_conf(options), "uv.toml": uv_toml(options)},
        {"ca.pem": str(ca), "netrc": f"{tmp_path}/.netrc"},
        {"HTTPS_PROXY": "http://proxy.example", "no_proxy": "localhost"},
        [],
    )
    assert (found.ca_bundle, found.netrc) == (str(ca), f"{tmp_path}/.netrc")
    assert found.without_ca_bundle() == found._replace(files={"netrc": f"{tmp_path}/.netrc"})


def test_ca_bundle_is_the_first_file_that_exists(
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


def test_ca_bundle_that_is_too_large(
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


CREDENTIALS = 'index-url = "https://me:hunter2@index.example/simple"\n'
PUBLIC = "[global]\ntimeout = 60\nindex-url = https://it's.example/\n"
NETWORK = Network(
    {"pip.conf": PUBLIC, "uv.toml": CREDENTIALS},
    {"netrc": "/h/a,b"},
    {"HTTPS_PROXY": "http://me:hunter2@proxy.example", "no_proxy": "localhost"},
    [],
)


def test_build_arguments_by_environment() -> None:
    with build_arguments(NETWORK, by_environment=True) as given:
        pass
    assert given.secrets == [
        "id=pip.conf,env=PYDOCK_SECRET_PIP_CONF",
        "id=uv.toml,env=PYDOCK_SECRET_UV_TOML",
        'id=netrc,"src=/h/a,b"',
    ]
    assert given.variables == {"PYDOCK_SECRET_PIP_CONF": PUBLIC, "PYDOCK_SECRET_UV_TOML": CREDENTIALS}
    assert given.inherited == ["HTTPS_PROXY", "no_proxy"]
    assert given.arguments == {}


def test_exports_show_no_credentials() -> None:
    with build_arguments(NETWORK, by_environment=True) as given:
        pass
    assert given.as_shell.splitlines()[-1] == "# PYDOCK_SECRET_UV_TOML has credentials and is not shown."
    assert "hunter2" not in given.as_shell
    script = f'{given.as_shell}\nprintf %s "$PYDOCK_SECRET_PIP_CONF"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "index-url = https://me:hunter2@index.example/simple",
        "index-url = https://hunter2@index.example/simple",
        'x = "http://a.example"\ny = ["https://b.example", "https://__token__:hunter2@c.example/"]',
        "index-url = https://me:hunter%402@index.example",
    ],
)
def test_exports_of_every_form_of_credentials(text: str) -> None:
    with build_arguments(Network({"pip.conf": text}, {}, {}, []), by_environment=True) as given:
        assert "hunter" not in given.as_shell


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_build_arguments_by_private_files(umask: int) -> None:
    network = NETWORK._replace(proxies={"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost"})
    before = os.umask(umask)
    try:
        with build_arguments(network, by_environment=False) as given:
            folder = Path(given.secrets[-1].partition("src=")[2]).parent
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
            texts = {path.name: path.read_text() for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == {folder.name: 0o700, "pip.conf": 0o600, "uv.toml": 0o600}
    assert texts == network.texts
    assert given[:-1] == (
        ['id=netrc,"src=/h/a,b"', f"id=pip.conf,src={folder}/pip.conf", f"id=uv.toml,src={folder}/uv.toml"],
        {},
        [],
        network.proxies,
    )
    assert not folder.exists()
    assert f"cat > {folder}/pip.conf " in given.as_shell
    assert f"# {folder}/uv.toml has credentials and is not shown." in given.as_shell


def test_secret_files_are_removed_after_an_error() -> None:
    folders = []

    def fail() -> NoReturn:
        with build_arguments(NETWORK._replace(proxies={}), by_environment=False) as given:
            folders.append(Path(given.secrets[-1].partition("src=")[2]).parent)
            raise errors.BuildFailed("no")

    with pytest.raises(errors.BuildFailed):
        fail()
    assert [folder.name.startswith("pydock-") for folder in folders] == [True]
    assert not folders[0].exists()


@pytest.mark.parametrize(
    "proxy", ["http://me:hunter2@proxy.example:3128", "hunter2@proxy.example", "https://me:hunter2@[::1]/"]
)
def test_proxy_with_password_is_refused_by_value(proxy: str) -> None:
    network = Network({}, {}, {"no_proxy": "localhost", "https_proxy": proxy}, [])
    with (
        pytest.raises(errors.BadSetting, match=r"^https_proxy has a password") as caught,
        build_arguments(network, by_environment=False),
    ):
        pass
    assert "hunter2" not in caught.value.message
