"""scripts/test.sh: what it runs, in which order, and when it fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from invoke import Context, Exit, Result

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test.sh"
RECORD = '#!/bin/sh\necho "$(basename "$0") $*" >>record\n'
LINT, TESTS, REPORT, ENGINE, ALONE, FREE_REPORT = (
    "inv lint",
    "coverage run -m pytest -n auto --dist loadgroup -m not engine",
    "coverage report",
    "pytest -n auto --dist loadgroup -m engine and not alone",
    "pytest -m engine and alone",
    "coverage report --fail-under=0",
)
ALL = [LINT, TESTS, REPORT, ENGINE, ALONE]


class Checkout:
    """A checkout where everything that the script starts keeps a record, and fails if it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        (folder / ".venv" / "bin").mkdir(parents=True)
        shutil.copy(SCRIPT, folder / "scripts")
        self.add(".venv/bin/inv", '[ "$LINT" != fails ]')
        self.add(
            ".venv/bin/coverage",
            'case $1 in run) [ "$TESTS" != fails ] ;; report) [ "$*" != "$TOO_LOW" ] ;; esac',
        )
        self.add(".venv/bin/pytest", '[ "$ENGINE_TESTS" != fails ] || [ "$2" != "engine and alone" ]')
        self.add("scripts/engine.sh", '[ "$ENGINE" != missing ]')
        self.add("scripts/offline/base-image.sh", "")
        self.add("scripts/shells.sh", '[ "$SHELLS" != missing ]')

    def add(self, path: str, line: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(f"{RECORD}{line}\n", encoding="utf-8")
        (self.folder / path).chmod(0o755)

    def test(self, *arguments: str, **environ: str) -> tuple[int, list[str], str]:
        """Run the script; return its exit code, what it ran, and its last line."""
        variables = {"PATH": os.environ["PATH"], **environ}
        command = [str(self.folder / "scripts" / "test.sh"), *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        ran = (self.folder / "record").read_text(encoding="utf-8").splitlines()
        noteworthy = [line.strip() for line in ran if "combine" not in line and ".sh " not in line]
        return done.returncode, noteworthy, "".join(done.stderr.splitlines()[-1:])


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_lint_comes_first(checkout: Checkout) -> None:
    assert checkout.test() == (0, ALL, "")


@pytest.mark.parametrize(
    ("environ", "failed"),
    [
        ({"LINT": "fails"}, "lint"),
        ({"TESTS": "fails"}, "tests"),
        ({"TOO_LOW": "report"}, "coverage"),
        ({"ENGINE_TESTS": "fails"}, "engine tests"),
        (
            {"LINT": "fails", "TESTS": "fails", "TOO_LOW": "report", "ENGINE_TESTS": "fails"},
            "lint tests coverage engine tests",
        ),
    ],
)
def test_every_failure_is_told_at_the_end(checkout: Checkout, environ: dict[str, str], failed: str) -> None:
    assert checkout.test(**environ) == (1, ALL, f"Failed: {failed}.")


def test_with_arguments_only_those_tests_run(checkout: Checkout) -> None:
    assert checkout.test("tests/unit", TOO_LOW="report") == (
        0,
        ["coverage run -m pytest tests/unit", FREE_REPORT],
        "",
    )


def test_without_shells_the_tests_decide(checkout: Checkout) -> None:
    assert checkout.test(SHELLS="missing") == (0, ALL, "")
    record = (checkout.folder / "record").read_text(encoding="utf-8").splitlines()
    assert record.index("shells.sh ") < record.index(TESTS)


def test_without_an_engine_its_tests_are_skipped(checkout: Checkout) -> None:
    said = "There is no engine: the engine ring is skipped."
    assert checkout.test(ENGINE="missing") == (0, [LINT, TESTS, REPORT], said)
    assert checkout.test(ENGINE="missing", TOO_LOW="report")[0] == 1


def test_without_an_engine_ci_fails(checkout: Checkout) -> None:
    code, ran, said = checkout.test(ENGINE="missing", CI="true")
    assert (code, ran) == (1, [LINT])
    assert said == "There is no engine, and CI needs one."


def test_lint_runs_every_check_and_names_those_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCRIPT.parents[1])
    spec = importlib.util.spec_from_file_location("development_tasks", "tasks.py")
    assert spec is not None
    assert spec.loader is not None
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    ran: list[str] = []

    class Recorder(Context):
        def run(self, command: str, **_: object) -> Result:
            ran.append(command)
            return Result(exited=1 if "mypy" in command or "shellcheck" in command else 0)

    with pytest.raises(Exit, match="lint failed: types, shell scripts") as failure:
        tasks.lint(Recorder())
    assert failure.value.code == 1
    assert len(ran) == 4
    assert ran[-1].endswith(".ci/run")
