"""Settings: every layer over the one below, what is refused, and the home folder they lead to."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from invoke import Collection, Config, Context

import pydock
from pydock import errors, settings
from pydock.commands.session import context_settings
from pydock.settings import DEFAULTS, MEANINGS, Home, find_home, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Place(NamedTuple):
    home: Path
    project: Path

    def load(
        self,
        table: Mapping[str, Any] | None = None,
        command_line: Mapping[str, Any] | None = None,
        **environ: str,
    ) -> settings.Settings:
        return load_settings(
            table, command_line, environ={"HOME": str(self.home), **environ}, folder=str(self.project)
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path / "home", tmp_path / "project")
    found.home.mkdir()
    (found.project / ".pydock").mkdir(parents=True)
    return found


def test_defaults(place: Place) -> None:
    loaded = place.load()
    for name, value in DEFAULTS.items():
        assert name == "home" or getattr(loaded, name) == value
        assert loaded.is_default(name)
    assert loaded.home.folder == str(place.project / ".pydock")


def test_every_setting_has_a_meaning() -> None:
    assert list(MEANINGS) == list(DEFAULTS)


def test_every_layer_lies_over_the_one_below(place: Place) -> None:
    user, project = place.home / ".pydock.yaml", place.project / ".pydock" / "pydock.yaml"
    seen = [(place.load().shell, place.load().sources["shell"])]
    user.write_text("shell: one\n")
    seen.append((place.load().shell, place.load().sources["shell"]))
    project.write_text("shell: two\n")
    seen.append((place.load().shell, place.load().sources["shell"]))
    table = {"shell": "three"}
    seen.append((place.load(table).shell, place.load(table).sources["shell"]))
    loaded = place.load(table, PYDOCK_SHELL="four")
    seen.append((loaded.shell, loaded.sources["shell"]))
    loaded = place.load(table, {"shell": "five"}, PYDOCK_SHELL="four")
    seen.append((loaded.shell, loaded.sources["shell"]))
    assert seen == [
        ("", "default"),
        ("one", str(user)),
        ("two", str(project)),
        ("three", "tasks.py or invoke.yaml"),
        ("four", "environment"),
        ("five", "command line"),
    ]


def test_nothing_said_is_not_nothing(place: Place) -> None:
    (place.home / ".pydock.yaml").write_text("shell: zsh\n")
    (place.project / ".pydock" / "pydock.yaml").write_text("shell:\n")
    assert place.load({"shell": None}).shell == "zsh"
    assert place.load(PYDOCK_SHELL="").shell == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sudo docker", ("sudo", "docker")),
        ("'/opt/my docker'", ("/opt/my docker",)),
        ("podman", ("podman",)),
    ],
)
def test_a_text_is_split_where_words_are_wanted(place: Place, text: str, words: tuple[str, ...]) -> None:
    assert place.load(PYDOCK_ENGINE=text).engine == words
    assert place.load({"engine": text}).engine == words


def test_numbers_in_lists_are_words(place: Place) -> None:
    assert place.load({"run_options": ["--cpus", 2]}).run_options == ("--cpus", "2")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"engin": "podman"}, "has a setting 'engin', which pydock does not know. Did you mean 'engine'?"),
        ({"xyzzy": ""}, "has a setting 'xyzzy', which pydock does not know. `pydock config`"),
        ({"repository": 3.8}, "setting 'repository' takes a text, not 3.8; put it in quotes"),
        ({"shell": ["zsh"]}, "setting 'shell' takes a text"),
        ({"engine": 3}, "setting 'engine' takes a list of words, not 3"),
        ({"engine": []}, "setting 'engine' is empty"),
        ({"engine": ""}, "setting 'engine' is empty"),
        ({"run_options": [["a"]]}, "takes a list of words"),
        ({"run_options": "'"}, "Balance the quotes"),
        ({"mode": "lokal"}, "setting 'mode' is 'lokal'; it takes one of: (empty), local, global"),
        ({"installer": "conda"}, "it takes one of: uv, pip"),
    ],
)
def test_what_means_nothing_is_refused(place: Place, table: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.BadSetting) as caught:
        place.load(table)
    assert words in caught.value.message
    assert "tasks.py or invoke.yaml" in caught.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"shell: [\n", "is no YAML"),
        (b"- shell\n", "must hold lines like"),
        (b"shell\n", "must hold lines like"),
        (b"\xff\n", "cannot be read"),
        (b"1: x\n", "has a setting '1'"),
    ],
)
def test_a_broken_file_is_named(place: Place, content: bytes, words: str) -> None:
    path = place.home / ".pydock.yaml"
    path.write_bytes(content)
    with pytest.raises(errors.BadSetting) as caught:
        place.load()
    assert str(path) in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_nothing(place: Place, content: str) -> None:
    (place.home / ".pydock.yaml").write_text(content)
    assert place.load() == Place(place.home, place.project).load()
    assert place.load().is_default("shell")


def test_a_file_that_is_a_folder_is_named(place: Place) -> None:
    (place.home / ".pydock.yaml").mkdir()
    with pytest.raises(errors.BadSetting, match="cannot be read"):
        place.load()


def test_yaml_needs_no_invoke(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions unbundle it; then the system's own does."""
    (place.home / ".pydock.yaml").write_text("shell: zsh\n")
    assert place.load().shell == "zsh"
    stand_in = SimpleNamespace(safe_load=lambda _: {"shell": "own"}, YAMLError=ValueError)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "yaml", stand_in)
    assert place.load().shell == "own"


def test_a_parents_configure_does_not_lose_the_defaults(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invoke's `configure` on a parent collection replaces the child's whole table."""
    monkeypatch.chdir(place.project)
    parent = Collection()
    parent.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"shell": "zsh"}}))
    parent.configure({"pydock": {"repository": "mirror.example/python"}})
    config = Config(defaults=parent.configuration("env.create"))
    loaded = context_settings(Context(config))
    assert loaded.repository == "mirror.example/python"
    assert loaded.engine == ("docker",)
    assert loaded.prefix == "pydock-"


def test_the_child_collections_config_is_laid_over_the_defaults(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.project)
    child = Collection.from_module(pydock, name="env", config={"pydock": {"shell": "zsh"}})
    loaded = context_settings(Context(Config(defaults=child.configuration("create"))))
    assert (loaded.shell, loaded.engine) == ("zsh", ("docker",))


def test_a_home_setting_names_the_folder(place: Place) -> None:
    assert place.load({"home": "."}).home == Home(str(place.project), "local", "setting `home`")
    assert place.load({"home": "../x"}).home.folder == str(place.project.parent / "x")
    assert place.load({"home": "/abs"}).home.folder == "/abs"
    assert place.load({"home": "~/x"}).home.folder == os.path.expanduser("~/x")


def test_an_explicit_mode_wins(place: Place) -> None:
    table = {"home": "elsewhere", "mode": "global"}
    assert place.load(table).home == Home(str(place.home / ".pydock"), "global", "asked for")
    assert place.load(table, {"mode": "local"}).home == Home(
        str(place.project / ".pydock"), "local", "asked for"
    )
    assert place.load(PYDOCK_MODE="global").home.mode == "global"


def test_home_here_above_or_global(tmp_path: Path) -> None:
    home = tmp_path / "user"
    below = home / "work" / "project" / "src"
    below.mkdir(parents=True)
    (home / ".pydock").mkdir()

    def found(folder: Path) -> str:
        return find_home("", "", str(folder), str(home)).folder

    assert found(below) == str(home / ".pydock")
    (home / "work" / ".pydock").mkdir()
    assert found(below) == str(home / "work" / ".pydock")
    (below / ".pydock").mkdir()
    assert found(below) == str(below / ".pydock")
    assert found(home) == str(home / ".pydock")
    assert find_home("", "", str(home), str(home)).mode == "global"


def test_looking_above_ends_at_the_users_home(tmp_path: Path) -> None:
    home = tmp_path / "user"
    home.mkdir()
    (tmp_path / ".pydock").mkdir()
    assert find_home("", "", str(home), str(home)).mode == "global"
    assert find_home("", "", str(tmp_path), str(home)).mode == "local"


def test_the_global_folder_is_never_local_by_another_path(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "project").mkdir(parents=True)
    (real / ".pydock").mkdir()
    (tmp_path / "link").symlink_to(real)
    assert find_home("", "", str(real / "project"), str(tmp_path / "link")).mode == "global"
    assert find_home("", "", str(real), str(tmp_path / "link")).mode == "global"


def test_a_file_named_pydock_is_no_home(tmp_path: Path) -> None:
    (tmp_path / ".pydock").touch()
    assert find_home("", "", str(tmp_path), "/nowhere").mode == "global"


def test_a_foreign_folder_above_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / ".pydock").mkdir()
    real = os.stat

    def foreign(path: str) -> os.stat_result:
        status = list(real(path))
        status[4] = 4711  # st_uid
        return os.stat_result(status)

    monkeypatch.setattr(os, "stat", foreign)
    above = find_home("", "", str(below), "/nowhere")
    here = find_home("", "", str(tmp_path), "/nowhere")
    monkeypatch.undo()
    assert above.mode == "global"
    assert here.mode == "local"


def test_without_an_environment_the_process_is_asked(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    monkeypatch.chdir(place.project)
    monkeypatch.setenv("PYDOCK_SHELL", "zsh")
    assert load_settings().shell == "zsh"
