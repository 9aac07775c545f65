"""Whether requirements.in was edited: with and without a record of pydock's last change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from pydock.environments import registry, requested

if TYPE_CHECKING:
    from pydock.environments.environment import Environment

PINS = "numpy==2.0\npandas==2.2\npython-dateutil==2.9\nsix==1.16.0 \\\n    --hash=sha256:00\n"
WISHES = "# tools\npandas>=2  # frames\nsix\n# constraint: numpy<3\n"


@pytest.fixture
def environment(
    make_environment: Callable[[str], Environment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return make_environment("ds")


def write(environment: Environment, wishes: str, pins: str = PINS) -> None:
    Path(environment.path("requirements.in")).write_text(wishes)
    Path(environment.path("requirements.txt")).write_text(pins)


SAME = {
    "the same": WISHES,
    "other comments": "pandas>=2\n\n\n  # frames and more\nsix # small\n# constraint: numpy<3\n",
    "another order": "# constraint: numpy<3\nsix\npandas>=2\n",
    "other blanks": "  pandas>=2  \n\tsix\n# constraint: numpy<3  \n",
    "a continued line": "pandas>=2 \\\n  # frames\nsix\n# constraint: numpy<3\n",
    "other line ends": WISHES.replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + WISHES,
}
# Without a record, these are not seen: nothing tells that they were not so from the beginning.
SEEN_WITH_RECORD = {
    "another bound": WISHES.replace(">=2", ">=1"),
    "a removed line": WISHES.replace("six\n", ""),
    "another constraint": WISHES.replace("numpy<3", "numpy<2"),
    "a removed constraint": WISHES.replace("# constraint: numpy<3\n", ""),
    "an option": f"--pre\n{WISHES}",
    "a marker": f'{WISHES}tomli; python_version < "3.11"\n',
    "an address": f"{WISHES}git+https://h.example/x.git\nhttps://h.example/y-1.0.tar.gz\n",
    "a path": f"{WISHES}-e ../..\n",
}
ALWAYS_SEEN = {
    "a new name": f"{WISHES}idna\n",
    "a new name with a bound": f"{WISHES}idna>=2\n",
    "a new name with extras": f"{WISHES}httpx[http2]  # fast\n",
    "a new name with blanks": f"{WISHES}idna (<3)\n",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_asks_for_the_same_is_not_edited(environment: Environment, text: str) -> None:
    write(environment, WISHES)
    requested.remember(environment)
    write(environment, text)
    assert not requested.is_edited(environment)
    registry.forget(environment.identity)
    assert not requested.is_edited(environment)


@pytest.mark.parametrize("text", SEEN_WITH_RECORD.values(), ids=SEEN_WITH_RECORD)
def test_edits_since_the_last_change(environment: Environment, text: str) -> None:
    write(environment, WISHES)
    requested.remember(environment)
    write(environment, text)
    assert requested.is_edited(environment)
    write(
        environment, text, PINS + "tzdata==2024.1\n"
    )  # both files are from elsewhere: from a colleague, for example
    assert not requested.is_edited(environment)
    registry.forget(environment.identity)
    write(environment, text)
    assert not requested.is_edited(environment)


@pytest.mark.parametrize("text", ALWAYS_SEEN.values(), ids=ALWAYS_SEEN)
def test_names_that_are_not_installed(environment: Environment, text: str) -> None:
    write(environment, text)
    assert requested.is_edited(environment)
    requested.remember(environment)
    assert not requested.is_edited(environment)


def test_names_in_other_spellings(environment: Environment) -> None:
    write(environment, "Python_DateUtil\nPANDAS[excel]==2.2\n")
    assert not requested.is_edited(environment)


def test_one_of_the_files_alone(environment: Environment) -> None:
    Path(environment.path("requirements.txt")).write_text(PINS)
    assert not requested.is_edited(environment)
    requested.remember(environment)
    Path(environment.path("requirements.txt")).unlink()
    Path(environment.path("requirements.in")).write_text(WISHES)
    assert not requested.is_edited(environment)


def test_record_goes_with_the_environment(environment: Environment, tmp_path: Path) -> None:
    write(environment, WISHES)
    registry.remember(environment)
    requested.remember(environment)
    folder = tmp_path / "state" / "pydock" / "environments"
    assert len(list(folder.iterdir())) == 2
    assert list(registry.known_folders()) == [environment.identity]
    registry.forget(environment.identity)
    assert not list(folder.iterdir())


def test_no_place_for_a_record(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    write(environment, WISHES)
    requested.remember(environment)
    assert not requested.is_edited(environment)
