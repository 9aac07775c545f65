"""Settings: the order of sources, invalid values, and the home folder."""

from __future__ import annotations

import os
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


class Folders(NamedTuple):
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
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "home", tmp_path / "project")
    made.home.mkdir()
    (made.project / ".pydock").mkdir(parents=True)
    return made


def test_defaults(folders: Folders) -> None:
    loaded = folders.load()
    for name, value in DEFAULTS.items():
        assert name == "home" or getattr(loaded, name) == value
        assert loaded.is_default(name)
    assert loaded.home.folder == str(folders.project / ".pydock")


def test_every_setting_has_a_meaning() -> None:
    assert list(MEANINGS) == list(DEFAULTS)


def test_order_of_sources(folders: Folders) -> None:
    user, project = folders.home / ".pydock.yaml", folders.project / ".pydock" / "pydock.yaml"
    table = {"shell": "three"}
    seen = []

    def load(*args: Mapping[str, str], **environ: Any) -> None:
        loaded = folders.load(*args, **environ)
        seen.append((loaded.shell, loaded.sources["shell"]))

    load()
    user.write_text("shell: one\n")
    load()
    project.write_text("shell: two\n")
    load()
    load(table)
    load(table, PYDOCK_SHELL="four")
    load(table, {"shell": "five"}, PYDOCK_SHELL="four")
    assert seen == [
        ("", "default"),
        ("one", str(user)),
        ("two", str(project)),
        ("three", "tasks.py or invoke.yaml"),
        ("four", "PYDOCK_* variable"),
        ("five", "command line"),
    ]


def test_null_is_ignored_and_empty_is_a_value(folders: Folders) -> None:
    (folders.home / ".pydock.yaml").write_text("shell: zsh\n")
    (folders.project / ".pydock" / "pydock.yaml").write_text("shell:\n")
    assert folders.load({"shell": None}).shell == "zsh"
    assert folders.load(PYDOCK_SHELL="").shell == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sudo docker", ("sudo", "docker")),
        ("'/opt/my docker'", ("/opt/my docker",)),
        ("nerdctl", ("nerdctl",)),
    ],
)
def test_string_is_split_if_the_setting_is_a_list(
    folders: Folders, text: str, words: tuple[str, ...]
) -> None:
    assert folders.load(PYDOCK_ENGINE=text).engine == words
    assert folders.load({"engine": text}).engine == words


def test_numbers_in_a_list_become_strings(folders: Folders) -> None:
    assert folders.load({"run_options": ["--cpus", 2]}).run_options == ("--cpus", "2")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"engin": "podman"}, "unknown setting 'engin'. Did you mean 'engine'?"),
        ({"xyzzy": ""}, "unknown setting 'xyzzy'. `pydock config`"),
        ({"repository": 3.8}, "setting 'repository' must be a string. Put it in quotes"),
        ({"shell": ["zsh"]}, "setting 'shell' must be a string"),
        ({"engine": 3}, "setting 'engine' must be a list of words"),
        ({"engine": []}, "setting 'engine' is empty"),
        ({"engine": ""}, "setting 'engine' is empty"),
        ({"run_options": [["a"]]}, "must be a list of words"),
        ({"run_options": "'"}, "Check the quotes"),
        ({"mode": "lokal"}, "invalid value 'lokal' for setting 'mode'. Use one of: (empty), local, global"),
        ({"installer": "conda"}, "Use one of: uv, pip"),
    ],
)
def test_invalid_setting(folders: Folders, table: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.BadSetting) as caught:
        folders.load(table)
    assert words in caught.value.message
    assert "tasks.py or invoke.yaml" in caught.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"shell: [\n", "is not valid YAML"),
        (b"- shell\n", "must contain lines such as"),
        (b"shell\n", "must contain lines such as"),
        (b"\xff\n", "is not valid UTF-8"),
        (b"1: x\n", "unknown setting '1'"),
    ],
)
def test_invalid_file(folders: Folders, content: bytes, words: str) -> None:
    path = folders.home / ".pydock.yaml"
    path.write_bytes(content)
    with pytest.raises(errors.BadSetting) as caught:
        folders.load()
    assert str(path) in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n"])
def test_empty_file(folders: Folders, content: str) -> None:
    (folders.home / ".pydock.yaml").write_text(content)
    assert folders.load().is_default("shell")


def test_file_that_is_a_folder(folders: Folders) -> None:
    (folders.home / ".pydock.yaml").mkdir()
    with pytest.raises(errors.BadSetting, match="Cannot read "):
        folders.load()


def test_configure_of_a_parent_collection_keeps_the_defaults(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invoke's `configure` on a parent collection replaces the child's whole table."""
    monkeypatch.chdir(folders.project)
    parent = Collection()
    parent.add_collection(Collection.from_module(pydock, name="env", config={"pydock": {"shell": "zsh"}}))
    parent.configure({"pydock": {"repository": "mirror.example/python"}})
    config = Config(defaults=parent.configuration("env.create"))
    loaded = context_settings(Context(config))
    assert loaded.repository == "mirror.example/python"
    assert loaded.engine == ("docker",)
    assert loaded.prefix == "pydock-"


def test_config_of_the_collection_is_merged_over_the_defaults(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folders.project)
    child = Collection.from_module(pydock, name="env", config={"pydock": {"shell": "zsh"}})
    loaded = context_settings(Context(Config(defaults=child.configuration("create"))))
    assert (loaded.shell, loaded.engine) == ("zsh", ("docker",))


def test_home_setting(folders: Folders) -> None:
    assert folders.load({"home": "."}).home == Home(str(folders.project), "local", "setting `home`")
    assert folders.load({"home": "../x"}).home.folder == str(folders.project.parent / "x")
    assert folders.load({"home": "/abs"}).home.folder == "/abs"
    assert folders.load({"home": "~/x"}).home.folder == os.path.expanduser("~/x")


def test_explicit_mode_takes_precedence(folders: Folders) -> None:
    table = {"home": "elsewhere", "mode": "global"}
    assert folders.load(table).home == Home(
        str(folders.home / ".pydock"), "global", "--global or setting `mode`"
    )
    assert folders.load(table, {"mode": "local"}).home == Home(
        str(folders.project / ".pydock"), "local", "--local or setting `mode`"
    )
    assert folders.load(PYDOCK_MODE="global").home.mode == "global"


def test_home_is_here_or_above_or_global(tmp_path: Path) -> None:
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


def test_search_ends_at_the_users_home(tmp_path: Path) -> None:
    home = tmp_path / "user"
    home.mkdir()
    (tmp_path / ".pydock").mkdir()
    assert find_home("", "", str(home), str(home)).mode == "global"
    assert find_home("", "", str(tmp_path), str(home)).mode == "local"


def test_global_folder_is_not_local_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "project").mkdir(parents=True)
    (real / ".pydock").mkdir()
    (tmp_path / "link").symlink_to(real)
    assert find_home("", "", str(real / "project"), str(tmp_path / "link")).mode == "global"
    assert find_home("", "", str(real), str(tmp_path / "link")).mode == "global"


def test_file_named_pydock_is_not_a_home(tmp_path: Path) -> None:
    (tmp_path / ".pydock").touch()
    assert find_home("", "", str(tmp_path), "/nowhere").mode == "global"


def test_environment_and_folder_are_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, folders: Folders
) -> None:
    monkeypatch.chdir(folders.project)
    monkeypatch.setenv("PYDOCK_SHELL", "zsh")
    assert load_settings().shell == "zsh"
