"""What this machine passes into builds: variables of requirement lines, and errors that show no password."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest

from pydock import credentials, errors, settings
from pydock.engine import build_secrets
from pydock.engine.build_context import build_context
from pydock.environments import temporary
from pydock.settings import find_home, find_user_home, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydock.settings import Settings

CANARY = "hunter2secret"


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    credentials.forget_secrets()
    yield
    credentials.forget_secrets()


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the variables of a user whose machine has no pip configuration of its own."""
    home = tmp_path / "home"
    home.mkdir()
    own = f"{home}/pip.conf"
    monkeypatch.setattr(
        build_secrets, "pip_config_files", lambda environ: iter([own, environ.get("PIP_CONFIG_FILE", "")])
    )
    return {"HOME": str(home)}


def settings_of(environ: dict[str, str]) -> Settings:
    return load_settings(environ=environ, folder=environ["HOME"])


def describe(environ: dict[str, str], requirements: str = "") -> build_secrets.Network:
    return build_secrets.describe_network(settings_of(environ), environ, requirements=requirements)


MALFORMED = [
    f"https://me:{CANARY}#x@index.example/simple",
    f"https://me:{CANARY}/x@index.example/simple",
    f"https://me:{CANARY}?x@index.example/simple",
    f"https://me:{CANARY}@index.example:port/simple",
    f"https://me:{CANARY}@index.example:99999/simple",
    f"https://me:{CANARY}@[::1/simple",
    f"https://me:{CANARY}@[nonsense]/simple",
    f"https://me:{CANARY}@/simple",
    f"HTTPS://me:{CANARY}@:80/simple",
]


@pytest.mark.parametrize("address", MALFORMED)
@pytest.mark.parametrize("option", ["index-url", "extra-index-url", "find-links"])
def test_a_malformed_index_is_refused_without_its_password(
    environ: dict[str, str], tmp_path: Path, address: str, option: str
) -> None:
    variable = f"PIP_{option.upper().replace('-', '_')}"
    (tmp_path / "home" / "pip.conf").write_text(f"[global]\n{option} = {address}\n", encoding="utf-8")
    for given in (environ, {**environ, variable: address}):
        with pytest.raises(errors.BadSetting) as caught:
            describe(given)
        assert CANARY not in caught.value.message
        assert option in caught.value.message
        assert (variable if variable in given else "pip.conf") in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"index-url = https://me:{CANARY}@h/\n", "line 1 is not in a section"),
        (f"[global]\nindex-url = https://h/\n{CANARY}\n", "line 3 is not of the form"),
        (f"[global]\nindex-url = https://h/\nindex-url = https://me:{CANARY}@h/\n", "line 3 repeats"),
        (f"[global]\n[global]\nindex-url = https://me:{CANARY}@h/\n", "line 2 repeats"),
    ],
)
def test_an_unreadable_pip_configuration_is_not_shown(
    environ: dict[str, str], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "home" / "pip.conf").write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadSetting, match=words) as caught:
        describe(environ)
    assert CANARY not in caught.value.message


def test_a_pip_configuration_that_is_not_text(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home" / "pip.conf").write_bytes(b"[global]\nindex-url = \xff\n")
    with pytest.raises(errors.BadSetting, match="not valid UTF-8"):
        describe(environ)


@pytest.mark.parametrize("proxy", [f"http://me:{CANARY}@[::1", f"me:{CANARY}@proxy:x", f"//{CANARY}@proxy"])
def test_a_malformed_proxy_with_a_password_is_refused_for_sudo(environ: dict[str, str], proxy: str) -> None:
    network = describe({**environ, "HTTPS_PROXY": proxy})
    with (
        pytest.raises(errors.BadSetting) as caught,
        build_secrets.build_arguments(network, by_environment=False),
    ):
        pass
    assert CANARY not in caught.value.message


def test_every_secret_is_known_to_the_redactor(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home" / "pip.conf").write_text(
        "[global]\nindex-url = https://me:secret-1%23@h/\n", encoding="utf-8"
    )
    (tmp_path / "home" / ".netrc").write_text(
        'machine h login me password secret-2\nmachine i\n  password "secret-3 x"\n', encoding="utf-8"
    )
    describe(
        {
            **environ,
            "PIP_EXTRA_INDEX_URL": "https://me:secret-4@h/ https://secret-5-token@h/",
            "https_proxy": "me:secret-6@proxy:3128",
            "TOKEN": "secret-7",
            "INDEX": "https://me:secret-8@h/simple",
            "HOST": "code.example",
        },
        "-i ${INDEX}\nx @ https://me:${TOKEN}@${HOST}/x.whl\n",
    )
    said = " ".join(f"secret-{number}" for number in range(1, 9))
    masked = credentials.redact(f"{said} secret-1%23 secret-3 x secret-5-token x secret-1# code.example")
    for number in (1, 2, 4, 6, 7, 8):
        assert f"secret-{number}" not in masked.replace("secret-1 ", "")
    assert "secret-3 x" not in masked
    assert "secret-5-token" not in masked
    assert "code.example" in masked


def test_variables_go_into_the_secret_pip_conf(environ: dict[str, str]) -> None:
    network = describe(
        {**environ, "TOKEN": "a 'b' $c \\ #d", "OTHER": "x"},
        "# ${COMMENT}\nx @ https://me:${TOKEN}@h/x.whl  # ${ANOTHER}\n",
    )
    assert network.texts == {}
    assert network.secret_texts["pip.conf"] == "[global]\n# env: TOKEN=a 'b' $c \\ #d\n"
    with build_secrets.build_arguments(network, by_environment=True) as given:
        assert given.secrets == ["id=pip.conf,env=PYDOCK_SECRET_PIP_CONF"]
        assert "has credentials" in given.as_shell
        assert "$c" not in given.as_shell
    with build_secrets.build_arguments(network, by_environment=False) as given:
        [secret] = given.secrets
        path = secret.partition("src=")[2]
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    assert not os.path.exists(path)


@pytest.mark.parametrize("given", [{}, {"TOKEN": ""}, {"TOKEN": "a\nb"}, {"TOKEN": "a\x1b[2Jb"}])
def test_a_variable_without_a_usable_value_is_named(environ: dict[str, str], given: dict[str, str]) -> None:
    with pytest.raises(errors.VariableNotSet, match=r"\$\{TOKEN\}") as caught:
        describe({**environ, **given}, "six\n--index-url https://me:${TOKEN}@h/\n")
    assert "b" not in caught.value.message.partition("value of TOKEN")[2].partition("has")[0]


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "1ST", "GIT_SSH_COMMAND"]
)
def test_a_variable_that_the_build_has_itself_is_refused(environ: dict[str, str], name: str) -> None:
    with pytest.raises(errors.BadRequirements, match=name):
        describe({**environ, name: "x"}, f"-f https://h/${{{name}}}/\n")


@pytest.mark.parametrize("text", ["$TOKEN", "${token}", "$(TOKEN)", "${TO KEN}", "${}"])
def test_what_installers_do_not_replace_is_no_variable(text: str) -> None:
    assert build_secrets.variable_names(f"x @ https://h/{text}\n") == []


# Settings


@pytest.mark.parametrize("name", ["run_options", "build_options", "engine"])
def test_unbalanced_quotes_are_not_shown(tmp_path: Path, name: str) -> None:
    environ = {"HOME": str(tmp_path), f"PYDOCK_{name.upper()}": f"--env PASSWORD='{CANARY}"}
    with pytest.raises(errors.BadSetting, match="Check the quotes") as caught:
        load_settings(environ=environ, folder=str(tmp_path))
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        f"run_options: '--env PASSWORD={CANARY}\n",
        f"- {CANARY}\n",
        f"{CANARY}\n",
        f"run_options: {{a: {CANARY}}}\n",
        f"shell: [{CANARY}]\n",
        f"a: *{CANARY}\n",
        f"a: b: {CANARY}\n",
        f"a: !!{CANARY} b\n",
    ],
)
def test_a_settings_file_with_a_mistake_is_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / ".pydock.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadSetting) as caught:
        load_settings(environ={"HOME": str(tmp_path)}, folder=str(tmp_path))
    assert CANARY not in caught.value.message
    assert ".pydock.yaml" in caught.value.message


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    (tmp_path / ".pydock.yaml").write_text("shell: zsh\na: b: c\n", encoding="utf-8")
    with pytest.raises(errors.BadSetting, match="line 2: mapping values are not allowed here"):
        load_settings(environ={"HOME": str(tmp_path)}, folder=str(tmp_path))


# Home folders and temporary folders


def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    for environ in ({}, {"HOME": ""}):
        assert find_user_home(environ) == ""
        with pytest.raises(errors.UsageError, match="HOME is not set"):
            load_settings(environ=environ, folder=str(tmp_path))
        found = load_settings(command_line={"mode": "local"}, environ=environ, folder=str(tmp_path))
        assert found.home.folder == f"{tmp_path}/.pydock"
        found = load_settings(environ={**environ, "PYDOCK_HOME": "here"}, folder=str(tmp_path))
        assert found.home.folder == f"{tmp_path}/here"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".pydock").mkdir()
    assert find_home("", "", str(tmp_path), "").mode == "local"


def test_the_home_of_a_user_without_the_variable() -> None:
    assert find_user_home({}).startswith("/")
    assert settings.find_user_home({"HOME": "/h"}) == "/h"


def test_a_full_or_missing_temporary_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/pydock-x")

    monkeypatch.setenv("TMPDIR", "/somewhere")
    monkeypatch.setattr(tempfile, "mkdtemp", fails)
    with (
        pytest.raises(errors.PydockError, match=r"in /somewhere: No space left.*TMPDIR"),
        temporary.temporary_folder(),
    ):
        pass


def test_a_disk_that_fills_up_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def fails(path: str, *rest: int, **options: int) -> int:
        if path.endswith("installer.sh") and rest[0] & os.O_WRONLY:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "open", fails)
    context = build_context(("installer.sh",), {"installer": "uv\n"})
    with pytest.raises(errors.PydockError, match=r"Cannot write .*installer.sh: No space left"), context:
        pass


def test_a_failure_of_many_files_has_a_reason(tmp_path: Path) -> None:
    failure = shutil.Error([("a", "b", "[Errno 28] No space left on device")])
    assert errors.reason(failure) == "[Errno 28] No space left on device"
    assert errors.from_system(OSError(errno.EDQUOT, "Disk quota exceeded", "/x")).message.startswith(
        "Cannot write /x"
    )
    assert "/y" in errors.from_system(PermissionError(errno.EACCES, "Permission denied", b"/y")).message
