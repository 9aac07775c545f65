"""Which of the caller's variables a run gets."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pydock import errors
from pydock.engine import variables
from pydock.engine.variables import language_script, passed_variables

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import MakeSettings

ENVIRON = {
    "TERM": "xterm",
    "NO_COLOR": "",
    "CI": "1",
    "LANG": "C.UTF-8",
    "LC_ALL": "de_DE.UTF-8",
    "HF_TOKEN": "secret",
    "HF_HOME": "/h",
    "PATH": "/bin",
    "HOME": "/home/u",
    "FOO": "1",
    "MY_HF_X": "1",
}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], set()),
        (["FOO", "NOT_SET"], {"FOO"}),
        (["HF_*"], {"HF_TOKEN", "HF_HOME"}),
        (["*HF_*"], {"HF_TOKEN", "HF_HOME", "MY_HF_X"}),
        (["HF*TOKEN", "F*O"], {"HF_TOKEN", "FOO"}),
        (["M*HF*X"], {"MY_HF_X"}),
        (["HF_TOKEN*TOKEN", "x*", "*x*y"], set()),
        (["hf_*", "H[F]_*", "HF_?OKEN"], set()),
        (["PATH"], {"PATH"}),
        (["*"], {"NO_COLOR", "HF_TOKEN", "HF_HOME", "FOO", "MY_HF_X", "LC_ALL"}),
    ],
)
def test_pass_env(make_settings: MakeSettings, patterns: list[str], names: set[str]) -> None:
    found = passed_variables(make_settings(pass_env=patterns), ENVIRON)
    assert set(found) - {"TERM", "CI", "LANG"} == names
    assert set(found.values()) == {None}, "no value is on a command line"
    assert {"TERM", "CI", "LANG"} <= set(found)


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"LANG": "C"}, []),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "C.UTF-8"}, ["LANG"]),
        ({"LC_ALL": "C", "LANG": "POSIX"}, ["LC_ALL"]),
        ({"LC_ALL": "de_DE.UTF-8"}, []),
    ],
)
def test_languages_that_every_image_has(
    make_settings: MakeSettings, environ: dict[str, str], names: list[str]
) -> None:
    assert list(passed_variables(make_settings(), environ)) == names


def test_client_without_our_variables(make_settings: MakeSettings) -> None:
    found = passed_variables(make_settings(engine="sudo docker", pass_env=["BAR"]), ENVIRON)
    assert found == {"TERM": "xterm", "CI": "1", "LANG": "C.UTF-8"}
    with pytest.raises(errors.BadSetting, match="HF_TOKEN") as raised:
        passed_variables(make_settings(engine="sudo docker", pass_env=["HF_TOKEN"]), ENVIRON)
    assert "secret" not in raised.value.message


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([], "C.UTF-8 -"),
        (["de_DE.utf8"], "de_DE.UTF-8 de_DE.UTF-8"),
        (["fr_FR.utf8"], "C.UTF-8 -"),
        (["locale-archive"], "de_DE.UTF-8 de_DE.UTF-8"),
    ],
)
def test_language_only_if_the_image_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str], expected: str
) -> None:
    monkeypatch.setattr(variables, "LOCALES", str(tmp_path))
    for name in made:
        (tmp_path / name).write_bytes(b"\0de_DE.utf8\0" if name == "locale-archive" else b"")
    script = language_script({"LANG": "de_DE.UTF-8", "LC_TIME": "de_DE.UTF-8"}, set())
    shown = subprocess.run(
        ["sh", "-euc", f'{script}echo "$LANG ${{LC_TIME:--}}"'],
        env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert (shown.stdout, shown.stderr) == (f"{expected}\n", "")


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({"LANG": "C.UTF-8"}, set()),
        ({"LANG": ""}, set()),
        ({"LANG": "$(touch x)"}, set()),
        ({"LC_ALL; x": "de_DE"}, set()),
        ({"LANG": "de_DE.UTF-8"}, {"LANG"}),
        ({"LANGUAGE": "de"}, set()),
    ],
)
def test_nothing_to_say_about_the_language(environ: dict[str, str], own: set[str]) -> None:
    assert language_script(environ, own) == ""
