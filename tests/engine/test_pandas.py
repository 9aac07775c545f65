"""An environment with pandas, and an analysis in it."""

from __future__ import annotations

from .tools import Project, images, untagged

ANALYSIS = """
import pandas as pd
frame = pd.read_csv("data.csv", parse_dates=["day"])
print(frame.groupby("kind")["value"].mean().to_json())
frame.assign(double=frame["value"] * 2).to_csv("out/result.csv", index=False)
"""
DATA = "day,kind,value\n2024-01-01,a,1\n2024-01-02,b,2\n2024-01-03,a,3\n"


def test_analysis_with_pandas(project: Project) -> None:
    (project.folder / "analysis.py").write_text(ANALYSIS, encoding="utf-8")
    (project.folder / "data.csv").write_text(DATA, encoding="utf-8")
    (project.folder / "out").mkdir()
    name = project.create()

    project.pydock("install", name, "pandas<3", "six")
    assert project.pydock("run", name, "python", "analysis.py").stdout == '{"a":2.0,"b":2.0}\n'
    assert (project.folder / "out" / "result.csv").read_text(encoding="utf-8").count("\n") == 4
    assert project.freeze(name) == project.requirements(name)

    project.pydock("uninstall", name, "pandas")
    project.check_installed(name, ["six"])
    assert len(images(name)) == 2
    assert untagged(name) == set()
