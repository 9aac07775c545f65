"""Rendered dockerfiles compared with the expected files in `rendered`, users' own templates, and errors.

After a change of the templates, copy the new files from the folder that the failed test names, if they are right.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pydock import errors, rendering
from pydock.environments.caller import Caller
from pydock.environments.shells import SHELLS
from pydock.rendering import packaged_templates, render

EXPECTED = Path(__file__).parent / "rendered"
NEW: dict[str, Any] = {
    "base": "",
    "repository": "python",
    "version": "3.12",
    "caller": Caller("me", 1000, 100),
    "installer": "uv",
}
STEP: dict[str, Any] = {
    "image": "pydock-ds:0123abcd-0123456789abcdef",
    "uid": 1000,
    "timestamp": 1700000000000000000,
    "secrets": [],
    "wheels": False,
}
INCREMENT = {**STEP, "program": "increment.sh", "user": "me", "resolved": ""}
RESOLVE = {**STEP, "program": "resolve.sh", "user": "", "resolved": "/resolved"}
FETCH = {**RESOLVE, "program": "fetch_uv.sh", "uid": None, "timestamp": 0, "resolved": "/wheels"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "new": ("dockerfile.j2", NEW),
    "new-base": ("dockerfile.j2", {**NEW, "base": "debian:12", "version": ""}),
    "increment": ("step.dockerfile.j2", INCREMENT),
    "increment-secrets": ("step.dockerfile.j2", {**INCREMENT, "secrets": ["netrc", "pip.conf"]}),
    "increment-wheels": ("step.dockerfile.j2", {**INCREMENT, "wheels": True}),
    "resolve": ("step.dockerfile.j2", RESOLVE),
    "resolve-secrets": ("step.dockerfile.j2", {**RESOLVE, "secrets": ["netrc", "pip.conf"]}),
    "fetch": ("step.dockerfile.j2", FETCH),
    "system-apt": ("system.dockerfile.j2", {"file": "apt.txt"}),
    "system-apk": ("system.dockerfile.j2", {"file": "apk.txt"}),
}
TEMPLATES = sorted({template for template, _ in CASES.values()})
SCRIPTS = [
    *(f"completion.{shell}.j2" for shell in SHELLS),
    "activate.fish.j2",
    "activate.sh.j2",
    "shell_hook.j2",
    "wrapper.sh.j2",
]  # see exports/test_facade.py


def expected(case: str) -> str:
    return (EXPECTED / f"{case}.dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_rendered_text(case: str, tmp_path: Path) -> None:
    template, values = CASES[case]
    text = render(template, **values)
    (tmp_path / f"{case}.dockerfile").write_text(text, encoding="utf-8")
    assert text == expected(case), f"see {tmp_path}"


def test_every_expected_file_has_a_case() -> None:
    assert sorted(path.stem for path in EXPECTED.iterdir()) == sorted(CASES)


def test_every_template_has_a_case() -> None:
    assert sorted(path.name for path in packaged_templates().iterdir()) == sorted([*TEMPLATES, *SCRIPTS])


def test_installer_does_not_change_the_dockerfile() -> None:
    """pydock's `pip` reads the installer from the build context, so the folder need not change with the setting."""
    assert render("dockerfile.j2", **{**NEW, "installer": "pip"}) == render("dockerfile.j2", **NEW)


@pytest.mark.parametrize("case", CASES)
def test_dockerfile_is_short(case: str) -> None:
    lines = expected(case).splitlines()
    assert len(lines) <= 25
    assert [line for line in lines if len(line) > 110] == []


@pytest.mark.parametrize("case", CASES)
def test_line_continuations(case: str) -> None:
    """A backslash before an empty line, or at the end of the last line, is an error in a dockerfile."""
    lines = expected(case).splitlines()
    assert lines
    for line, following in zip(lines, [*lines[1:], ""]):
        assert not (line.endswith("\\") and not following.strip())
        assert line == line.rstrip()


@pytest.mark.parametrize("case", CASES)
def test_run_instructions_are_valid_shell(case: str) -> None:
    text = re.sub(r"^ *#.*\n", "", expected(case), flags=re.MULTILINE).replace("\\\n", "")
    commands = re.findall(r"^RUN (?:\s*--mount=\S+)*(.*)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        assert "--mount" not in command
        done = subprocess.run(["sh", "-n", "-c", command], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("template", [*TEMPLATES, *SCRIPTS])
def test_missing_value_is_an_error(template: str) -> None:
    with pytest.raises(errors.BadTemplate, match=f"Template {template} cannot be rendered: .* undefined"):
        render(template)


def test_own_template_replaces_the_packaged_one_and_may_include_others(tmp_path: Path) -> None:
    (tmp_path / "dockerfile.j2").write_text('FROM mine:{{ version }}\n{% include "more.j2" %}')
    (tmp_path / "more.j2").write_text("USER {{ caller.name }}\n")
    assert render("dockerfile.j2", str(tmp_path), **NEW) == "FROM mine:3.12\nUSER me\n"
    assert render("step.dockerfile.j2", str(tmp_path), **INCREMENT) == expected("increment")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ok\n{% if %}", "Template dockerfile.j2, line 2: "),
        ("{{ verison }}", "'verison' is undefined"),
        ("{{ caller.naem }}", "has no attribute 'naem'"),
        ("{% include 'nowhere.j2' %}", "Template 'nowhere.j2' was not found in "),
        ("{{ version|frobnicate }}", "No filter named 'frobnicate'"),
        ("{{ 1 // 0 }}", "cannot be rendered"),
        ("{{ version + 1 }}", "cannot be rendered"),
    ],
)
def test_invalid_own_template(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "dockerfile.j2").write_text(text)
    with pytest.raises(errors.BadTemplate) as caught:
        render("dockerfile.j2", str(tmp_path), **NEW)
    assert words in caught.value.message


def test_own_template_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "dockerfile.j2").write_bytes(b"FROM caf\xe9\n")
    with pytest.raises(errors.BadTemplate, match=r"dockerfile\.j2 is not valid UTF-8"):
        render("dockerfile.j2", str(tmp_path), **NEW)


def test_missing_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        errors.BadTemplate, match=r"Setting 'templates' is .*nowhere, which is not a directory"
    ):
        render("dockerfile.j2", str(tmp_path / "nowhere"), **NEW)
    with pytest.raises(errors.BadTemplate, match=r"Template 'nothing\.j2' was not found in "):
        render("nothing.j2")
    monkeypatch.setattr(rendering, "__file__", str(tmp_path / "a" / "b" / "rendering.py"))
    with pytest.raises(errors.BadTemplate, match="the installation is damaged"):
        packaged_templates()
    (tmp_path / "a" / "b" / "templates").mkdir(parents=True)
    assert packaged_templates() == tmp_path / "a" / "b" / "templates"
