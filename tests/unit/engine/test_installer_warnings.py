"""The warnings of installers that are shown after a success."""

from __future__ import annotations

from pydock.engine.build_output import BuildOutput
from pydock.engine.installer_warnings import warnings_of

from ...fake_docker.messages import build_output


def warnings_in(text: str) -> list[str]:
    output = BuildOutput()
    output.feed(text.encode())
    output.end()
    return warnings_of(output)


def test_yanked_version() -> None:
    assert warnings_in(build_output("yanked.json")) == [
        '`attrs==21.1.0` is yanked (reason: "Installable but not importable on Python 3.4.")'
    ]


def test_yanked_version_with_pip() -> None:
    [found] = warnings_in(build_output("pip-yanked.json"))
    assert "'requests' candidate (version 2.32.0" in found
    assert found.endswith("Reason for being yanked: Yanked due to conflicts with CVE-2024-35195 mitigation")
    assert "wanted.txt" not in found


def test_no_warning() -> None:
    assert warnings_in(build_output("install.json")) == []


def test_warnings_of_other_steps_are_not_shown() -> None:
    line = "#1 0.1 warning: x\n"
    assert warnings_in(f"#1 [1/2] RUN make\n{line}") == []
    assert warnings_in(f"#1 [1/2] RUN pip install x\n{line}{line}") == ["x"]
