"""Whole rendered dockerfiles beside the expected files; own templates; broken ones.

After a change of the templates: `python -m pytest tests/unit/test_rendering.py` shows the difference; copy what is
right from the folder that the message names.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pydock import errors, rendering
from pydock.environments.caller import Caller
from pydock.rendering import packaged_templates, render

EXPECTED = Path(__file__).parent / "rendered"
ME = Caller("me", 1000, 100)
NEW: dict[str, Any] = {"base": "", "repository": "python", "version": "3.12", "caller": ME, "installer": "uv"}
INCREMENT: dict[str, Any] = {
    "image": "pydock-ds:0123abcd-0123456789abcdef",
    "user": "me",
    "asked": "'pandas>=2' six",
    "wanted": "six",
    "bounds": "'pandas>=2'",
    "installer": "uv",
    "frozen": "/usr/local/share/requirements.txt",
    "moment": 1700000000000000000,
    "secrets": ["pip.conf", "netrc"],
    "open_files": ["ca.pem"],
}
RESOLUTION: dict[str, Any] = {
    "image": "pydock-ds:0123abcd-0123456789abcdef",
    "asked": "'pandas>=2' six",
    "installed": "pandas==2.1.0 six==1.15.0",
    "installer": "uv",
    "upgrade_with_uv": "--upgrade-package=six",
    "upgrade_with_pip": "--upgrade six",
    "moment": 1700000000000000000,
    "secrets": [],
    "open_files": [],
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "new-uv": ("dockerfile.j2", NEW),
    "new-pip": ("dockerfile.j2", {**NEW, "installer": "pip"}),
    "new-base": ("dockerfile.j2", {**NEW, "base": "debian:12", "version": ""}),
    "increment-uv": ("increment.dockerfile.j2", INCREMENT),
    "increment-pip": ("increment.dockerfile.j2", {**INCREMENT, "installer": "pip"}),
    "resolution-uv": ("resolution.dockerfile.j2", RESOLUTION),
    "resolution-pip": ("resolution.dockerfile.j2", {**RESOLUTION, "installer": "pip"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_whole_text(case: str, tmp_path: Path) -> None:
    template, values = CASES[case]
    text = render(template, **values)
    (tmp_path / f"{case}.dockerfile").write_text(text)
    assert text == (EXPECTED / f"{case}.dockerfile").read_text(), f"see {tmp_path}"


def test_no_expected_file_is_forgotten() -> None:
    assert sorted(path.stem for path in EXPECTED.iterdir()) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_every_continued_line_goes_on(case: str) -> None:
    """A backslash before an empty line, or a RUN whose last line has one, is no dockerfile."""
    lines = (EXPECTED / f"{case}.dockerfile").read_text().splitlines()
    assert lines
    for line, following in zip(lines, [*lines[1:], ""]):
        assert not (line.endswith("\\") and not following.strip())
        assert line == line.rstrip()


@pytest.mark.parametrize("case", CASES)
def test_every_step_is_valid_shell(case: str) -> None:
    text = (EXPECTED / f"{case}.dockerfile").read_text()
    text = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "")
    steps = re.findall(r"^RUN (?:--mount=\S+ +)*(.*)$", text, re.MULTILINE)
    assert steps
    for step in steps:
        assert re.match(r'(?:: "[^"]*"; +)?set -eu;', step)
        assert "--mount" not in step
        done = subprocess.run(["sh", "-n", "-c", step], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("template", ["dockerfile.j2", "increment.dockerfile.j2", "resolution.dockerfile.j2"])
def test_a_value_that_is_not_given_is_an_error(template: str) -> None:
    with pytest.raises(errors.BadTemplate, match=f"Template {template} cannot be rendered: .* undefined"):
        render(template)


def test_an_own_template_goes_first_and_may_use_ours(tmp_path: Path) -> None:
    (tmp_path / "dockerfile.j2").write_text(
        '{% from "installation.j2" import install %}\nFROM mine:{{ version }}\nRUN {{ install("pip", "x") }}\n'
    )
    assert render("dockerfile.j2", str(tmp_path), **NEW) == "FROM mine:3.12\nRUN python3 -m pip install x\n"
    assert render("increment.dockerfile.j2", str(tmp_path), **INCREMENT).startswith("FROM pydock-ds:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ok\n{% if %}", "Template dockerfile.j2, line 2: "),
        ("{{ verison }}", "'verison' is undefined"),
        ("{{ caller.naem }}", "has no attribute 'naem'"),
        ("{% include 'nowhere.j2' %}", "There is no template 'nowhere.j2' in "),
        ("{{ version|frobnicate }}", "No filter named 'frobnicate'"),
        ("{{ 1 // 0 }}", "cannot be rendered"),
        ("{{ version + 1 }}", "cannot be rendered"),
    ],
)
def test_a_broken_own_template_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "dockerfile.j2").write_text(text)
    with pytest.raises(errors.BadTemplate) as caught:
        render("dockerfile.j2", str(tmp_path), **NEW)
    assert words in caught.value.message


def test_an_own_template_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "dockerfile.j2").write_bytes(b"FROM caf\xe9\n")
    with pytest.raises(errors.BadTemplate, match=r"dockerfile\.j2"):
        render("dockerfile.j2", str(tmp_path), **NEW)


def test_places_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.BadTemplate, match=r"Setting 'templates' names .*nowhere, which is no folder"):
        render("dockerfile.j2", str(tmp_path / "nowhere"), **NEW)
    with pytest.raises(errors.BadTemplate, match=r"There is no template 'nothing\.j2' in "):
        render("nothing.j2")
    monkeypatch.setattr(rendering, "__file__", str(tmp_path / "a" / "b" / "rendering.py"))
    with pytest.raises(errors.BadTemplate, match="the installation is damaged"):
        packaged_templates()
    (tmp_path / "a" / "b" / "templates").mkdir(parents=True)
    assert packaged_templates() == tmp_path / "a" / "b" / "templates"
