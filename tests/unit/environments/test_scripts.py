"""Blocks of metadata in scripts, and the records of their environments."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pydock import errors
from pydock.environments import scripts
from pydock.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pydock.settings import Settings

# From the specification.
REFERENCE = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
BLOCK = "# /// script\n# dependencies = ['six']\n# ///\n"


def reference_block(text: str) -> str:
    """Return what the reference implementation reads; raises `ValueError` for two blocks."""
    matches = [match for match in REFERENCE.finditer(text) if match["type"] == "script"]
    if len(matches) > 1:
        raise ValueError
    if not matches:
        return ""
    return "".join(
        line[2:] if line.startswith("# ") else line[1:]
        for line in matches[0]["content"].splitlines(keepends=True)
    )


def block_of(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    return scripts.read_block(str(path))


LINES = st.lists(
    st.sampled_from(
        [
            "# /// script",
            "# /// other",
            "# /// a_b",
            "# ///",
            "#",
            "# x",
            "#x",
            "",
            "x = 1",
            "# /// script ",
            " # ///",
        ]
    ),
    max_size=12,
)


@given(LINES)
@example(["# /// script", "# x", "# ///", "# /// script", "# y", "# ///"])
@example(["# /// script", "# x", "# ///", "", "# /// script", "# y", "# ///"])
@example(["# /// other", "# /// script", "# x", "# ///"])
@example(["# /// script", "# ///"])
def test_blocks_are_those_of_the_specification(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("script") / "s.py"
    text = "\n".join([*lines, ""])
    try:
        expected = reference_block(text)
    except ValueError:
        with pytest.raises(errors.BadProject, match="blocks `# /// script`"):
            block_of(path, text)
        return
    try:
        found = block_of(path, text)
    except errors.BadProject as error:
        found = error.message
    # The specification ignores a block without an end.
    ignored = "has no end" in found and (expected == "" or text.count("# /// script") > 1)
    assert found == expected or ignored


@pytest.mark.parametrize(
    "text",
    [BLOCK, f"\ufeff{BLOCK}", BLOCK.replace("\n", "\r\n"), f"#!/bin/x\n{BLOCK}import six\n", BLOCK[:-1]],
)
def test_block(tmp_path: Path, text: str) -> None:
    assert block_of(tmp_path / "s.py", text) == "dependencies = ['six']\n"


def test_last_possible_line_ends_the_block(tmp_path: Path) -> None:
    text = "# /// script\n# a = '''\n# ///\n# '''\n# ///\n# after\n"
    assert block_of(tmp_path / "s.py", text) == "a = '''\n///\n'''\n"


def test_script_of_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_bytes(b"\xff\x00\n" + BLOCK.encode())
    assert scripts.read_block(str(path)) == "dependencies = ['six']\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{BLOCK}\n{BLOCK}", "has 2 blocks `# /// script`"),
        ("\n# /// script\n# x\n\n# ///\n", "line 2: the block `# /// script` has no end"),
    ],
)
def test_invalid_blocks_name_the_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(errors.BadProject) as raised:
        block_of(tmp_path / "s.py", text)
    assert words in raised.value.message
    assert str(tmp_path / "s.py") in raised.value.message


def test_file_that_is_not_a_script(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.py")
    with pytest.raises(errors.BadProject, match="not a regular file"):
        scripts.read_block(str(tmp_path / "s.py"))
    with pytest.raises(FileNotFoundError):
        scripts.read_block(str(tmp_path / "t.py"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return load_settings(folder=str(tmp_path))


def add(settings: Settings, name: str, block: str) -> Path:
    folder = settings_home() / "envs" / name
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    scripts.remember(settings, block, name)
    scripts.mark_used(name)
    return folder


def settings_home() -> Path:
    from pathlib import Path

    return Path(scripts.script_home(os.environ).folder)


def test_environment_of_a_block_is_remembered(settings: Settings) -> None:
    assert scripts.known_environment(settings, "a") is None
    folder = add(settings, "script-1", "a")
    found = scripts.known_environment(settings, "a")
    assert found
    assert (found.name, found.folder) == ("script-1", os.path.realpath(folder))
    for other in (
        settings._replace(repository="mirror.example/python"),
        settings._replace(user="you"),
        settings._replace(installer="pip"),
        settings._replace(templates="/t"),
    ):
        assert scripts.known_environment(other, "a") is None
    assert scripts.known_environment(settings, "b") is None


@pytest.mark.parametrize("content", [b"", b"script-2", b"../x", b"\xff", b"script-1\n", b"x" * 1000])
def test_record_that_names_no_environment_counts_for_nothing(settings: Settings, content: bytes) -> None:
    add(settings, "script-1", "a")
    [record] = (settings_home() / "blocks").iterdir()
    record.write_bytes(content)
    try:
        assert scripts.known_environment(settings, "a") is None
    except errors.PydockError:
        assert len(content) == 1000


def test_record_of_another_user_is_refused(settings: Settings) -> None:
    add(settings, "script-1", "a")
    (settings_home() / "blocks").chmod(0o777)
    with pytest.raises(errors.UnsafePath):
        scripts.known_environment(settings, "a")


def test_unused_environments(settings: Settings) -> None:
    add(settings, "script-1", "a")
    add(settings, "script-2", "b")
    home = scripts.script_home(os.environ)
    now = time.time()
    assert scripts.unused_environments(home, now) == []
    old = now - 14 * 24 * 3600 - 60
    os.utime(settings_home() / "used" / "script-1", (old, old))
    assert scripts.unused_environments(home, now) == ["script-1"]
    scripts.mark_used("script-1")
    assert scripts.unused_environments(home, now) == []


def test_environment_that_was_never_used_is_as_old_as_its_folder(settings: Settings) -> None:
    folder = add(settings, "script-1", "a")
    (settings_home() / "used" / "script-1").unlink()
    home = scripts.script_home(os.environ)
    assert scripts.unused_environments(home, time.time()) == []
    os.utime(folder, (0, 0))
    assert scripts.unused_environments(home, time.time()) == ["script-1"]


def test_forget_removes_the_records_of_one_environment(settings: Settings) -> None:
    add(settings, "script-1", "a")
    add(settings, "script-2", "b")
    scripts.forget(scripts.script_home(os.environ), "script-1")
    assert len(list((settings_home() / "blocks").iterdir())) == 1
    assert [path.name for path in (settings_home() / "used").iterdir()] == ["script-2"]


def test_home_of_scripts() -> None:
    assert scripts.script_home({"HOME": "/h"}).folder == "/h/.cache/pydock/scripts"
    assert scripts.script_home({"HOME": "/h", "XDG_CACHE_HOME": "/c"}).folder == "/c/pydock/scripts"
    assert scripts.script_home({"HOME": "/h", "XDG_CACHE_HOME": "c"}).folder == "/h/.cache/pydock/scripts"
    with pytest.raises(errors.UsageError, match="HOME is not set"):
        scripts.script_home({"HOME": "relative"})
