"""Folders of setting `mounts`, and the home folder that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.engine.data import data_options, home_volume
from pydock.settings import Home

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import MakeEnvironment, MakeSettings


@pytest.fixture
def options(make_settings: MakeSettings, make_environment: MakeEnvironment, tmp_path: Path) -> Options:
    return Options(make_settings, make_environment, tmp_path)


class Options:
    """What `data_options` gives for settings, in a project and a home folder below `folder`."""

    def __init__(self, make_settings: MakeSettings, make_environment: MakeEnvironment, folder: Path) -> None:
        self._settings, self._environment, self._folder = make_settings, make_environment(), folder
        for name in ("home/.cache/hf", "home/data", "project/.pydock", "data", "a, b:c"):
            (folder / name).mkdir(parents=True)

    def __call__(self, *, mode: str = "local", **values: Any) -> list[str]:
        settings = self._settings(**values)._replace(home=Home(f"{self._folder}/project/.pydock", mode, ""))
        words = data_options(settings, self._environment, {"HOME": f"{self._folder}/home"})
        assert set(words[::2]) <= {"--mount"}
        return words[1::2]

    @property
    def volume(self) -> str:
        return home_volume(self._environment)


@pytest.mark.parametrize(
    ("text", "source", "place", "mode"),
    [
        ("{}/data", "{}/data", "{}/data", ""),
        ("{}/data:ro", "{}/data", "{}/data", ",readonly"),
        ("{}/data:rw", "{}/data", "{}/data", ""),
        ("{}/data:/sets:ro", "{}/data", "/sets", ",readonly"),
        ("../data:ro", "{}/data", "{}/data", ",readonly"),
        ("~/data", "{}/home/data", "{}/home/data", ""),
        ("{}/./data/../data", "{}/data", "{}/data", ""),
        ("/usr:/mnt/usr:ro", "/usr", "/mnt/usr", ",readonly"),
    ],
)
def test_mounts(options: Options, tmp_path: Path, text: str, source: str, place: str, mode: str) -> None:
    source, place = source.format(tmp_path), place.format(tmp_path)
    expected = f"type=bind,source={source},target={place}{mode}"
    assert options(mounts=[text.format(tmp_path)]) == [expected]


def test_mount_of_any_name(options: Options, tmp_path: Path) -> None:
    quoted = f'type=bind,"source={tmp_path}/a, b:c","target={tmp_path}/a, b:c",readonly'
    assert options(mounts=[f"{tmp_path}/a, b:c:ro"]) == [quoted]


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("/nowhere/x", "local", "does not exist"),
        ("../data", "global", "relative path"),
        ("/usr", "local", "'/usr:/mnt/usr'"),
        ("~/", "local", "would hide"),
    ],
)
def test_wrong_mounts(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, mode: str, message: str
) -> None:
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    with pytest.raises(errors.BadSetting, match=message):
        options(mounts=[text], mode=mode)


def test_caches_beside_a_mounted_one_can_be_written(options: Options, tmp_path: Path) -> None:
    """The engine makes ~/.cache for root if only ~/.cache/hf is mounted."""
    hub = f"{tmp_path}/home/.cache/hf:/home/me/.cache/hf"
    assert options(mounts=[hub])[0] == "type=tmpfs,target=/home/me/.cache,tmpfs-mode=1777"
    assert len(options(mounts=[hub])) == 2
    assert "tmpfs" not in options(mounts=[hub], home_volume="true")[0]


def test_home_volume(options: Options) -> None:
    volume = options.volume
    assert volume.startswith("pydock-ds-")
    assert volume.endswith("-home")
    expected = f"type=volume,source={volume},target=/home/me,volume-label=pydock.home"
    assert options(home_volume=True) == [expected]
    assert options(home_volume=False) == []
    with pytest.raises(errors.BadSetting):
        options(home_volume="maybe")
