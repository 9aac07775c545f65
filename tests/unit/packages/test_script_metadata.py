"""What a script's block of metadata asks for."""

from __future__ import annotations

import pytest

from pydock import errors
from pydock.packages.python_version import STABLE
from pydock.packages.script_metadata import parse_metadata


def test_dependencies_and_python() -> None:
    found = parse_metadata("requires-python = '<3.12'\ndependencies = ['six>=1', 'pandas']\n", "s.py")
    assert found.python == "3.11"
    assert [line.text for line in found.lines] == ["six>=1", "pandas"]


@pytest.mark.parametrize("block", ["", "[tool.uv]\nexclude-newer = '2024-01-01'\n"])
def test_block_without_anything_is_the_newest_python(block: str) -> None:
    assert parse_metadata(block, "s.py") == (STABLE[0], [])


def test_order_and_spelling_do_not_matter() -> None:
    one = parse_metadata(
        "dependencies = ['Python_Dateutil >= 2', 'six; python_version<\"3.12\"', 'six']\n", "s.py"
    )
    two = parse_metadata(
        "dependencies = ['six', \"six ; python_version < '3.12'\", 'python-dateutil>=2', 'six']\n", "t"
    )
    assert one.normalized() == two.normalized()
    other = parse_metadata("dependencies = ['six', 'python-dateutil>=3']\n", "s.py")
    assert other.normalized() != one.normalized()


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("dependencies = [\n", "is not valid TOML"),
        ("dependencies = 'six'\n", "dependencies is not a list"),
        ("dependencies = ['--index-url=https://evil.example']\n", "is not a requirement"),
        ("dependencies = ['-r /etc/passwd']\n", "is not a requirement"),
        ("dependencies = ['six @ file:///etc']\n", "is a local path"),
        ("dependencies = ['six @ https://h.example/${AWS_SECRET_ACCESS_KEY}.zip']\n", "has a variable"),
        ("dependencies = ['six']\n[tool.uv.sources]\nSix = {path = '..'}\n", "takes 'six' from elsewhere"),
        ("requires-python = '>=4'\n", "no Python from"),
        ("requires-python = 3\n", "is not a specifier"),
    ],
)
def test_invalid_metadata_names_the_script(block: str, words: str) -> None:
    with pytest.raises(errors.BadProject) as raised:
        parse_metadata(block, "s.py")
    assert words in raised.value.message
    assert raised.value.message.startswith("s.py, block of metadata")


def test_indexes_of_a_script_do_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    parse_metadata("[[tool.uv.index]]\nurl = 'https://evil.example'\n", "s.py")
    assert "s.py, block of metadata: the indexes in [[tool.uv.index]] do not count" in capsys.readouterr().err
