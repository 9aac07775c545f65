"""The faster import of invoke, and the import without it if invoke is not as expected."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import invoke
import pytest

SUBSTITUTES = ["importlib.metadata", "unittest.mock", "invoke.vendor.yaml"]


def run_python(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder, with its subfolder `site` first on the import path."""
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}/site{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        check=False,
    )


def check(folder: Path, code: str) -> None:
    """Fail if the code fails after `import_invoke()`."""
    done = run_python(folder, "-c", f"import sys\nfrom pydock._speed.invoke import import_invoke\n{code}")
    assert (done.returncode, done.stderr) == (0, "")


def copy_invoke(folder: Path, version: str, last_line: str = "") -> None:
    """Copy the installed invoke as another version, with an additional last line."""
    package = folder / "site" / "invoke"
    shutil.copytree(Path(invoke.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    init = package / "__init__.py"
    init.write_text(f"{init.read_text(encoding='utf-8')}\n{last_line}\n", encoding="utf-8")
    if version:
        metadata = folder / "site" / f"invoke-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: invoke\nVersion: {version}\n")


def test_substitutes_are_not_imported_and_removed(tmp_path: Path) -> None:
    check(
        tmp_path,
        f"import_invoke()\nassert 'invoke' in sys.modules\nassert not set({SUBSTITUTES}) & set(sys.modules)",
    )


def test_invoke_yaml_is_read(tmp_path: Path) -> None:
    (tmp_path / "invoke.yaml").write_text("run:\n  echo: true\n")
    check(
        tmp_path,
        "import_invoke()\nfrom invoke import Config\nconfig = Config(project_location='.')\n"
        "config.load_project()\nassert config.run.echo is True",
    )


def test_substituted_modules_work_afterwards(tmp_path: Path) -> None:
    check(
        tmp_path,
        "import_invoke(); import_invoke()\n"
        "import invoke, importlib.metadata, unittest.mock, invoke.vendor.yaml\n"
        "assert importlib.metadata.version('invoke')[0].isdigit()\n"
        "assert unittest.mock.Mock().x is not None\n"
        "assert invoke.run('exit 0', shell='/bin/sh').ok\n"
        "assert invoke.vendor.yaml.safe_dump('a')",
    )


def test_modules_that_are_already_imported_are_not_replaced(tmp_path: Path) -> None:
    check(
        tmp_path,
        "import importlib.metadata, unittest.mock\nbefore = unittest.mock\nimport_invoke()\n"
        "assert sys.modules['unittest.mock'] is before\n"
        "import invoke\nassert invoke.__version__[0].isdigit()",
    )


# The rest of a process that runs pydock with an invoke that was not imported the fast way.
WHOLE = """\
import_invoke()
assert not [name for name in sys.modules if name.split(".")[0] == "invoke"]
import invoke, importlib.metadata, unittest.mock
assert invoke.__file__.startswith(sys.path[1]), invoke.__file__
assert isinstance(invoke.MockContext(), invoke.Context)
assert invoke.__version__ == importlib.metadata.version("invoke")
"""


def test_unknown_version_is_imported_as_a_whole(tmp_path: Path) -> None:
    copy_invoke(tmp_path, "99.0")
    check(tmp_path, f"{WHOLE}assert invoke.__version__ == '99.0'")


@pytest.mark.parametrize(
    "last_line",
    [
        "from importlib.metadata import PackageNotFoundError",
        "from unittest.mock import MagicMock",
        "from .vendor.yaml import YAMLError",
    ],
)
def test_version_that_needs_a_substituted_module_is_imported_as_a_whole(
    tmp_path: Path, last_line: str
) -> None:
    copy_invoke(tmp_path, "2.99", last_line)
    check(tmp_path, f"{WHOLE}assert invoke.__version__ == '2.99'")


@pytest.mark.parametrize(
    ("version", "last_line"), [("99.0", ""), ("2.99", "import unittest.mock as m; m.ANY")]
)
def test_pydock_works_with_such_versions(tmp_path: Path, version: str, last_line: str) -> None:
    copy_invoke(tmp_path, version, last_line)
    done = run_python(tmp_path, "-m", "pydock", "config", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"mode": "global"' in done.stdout


def test_invoke_without_metadata_is_imported_as_a_whole(tmp_path: Path) -> None:
    copy_invoke(tmp_path, "")
    check(tmp_path, WHOLE)


def test_invoke_in_a_zip_file_is_imported_as_a_whole(tmp_path: Path) -> None:
    copy_invoke(tmp_path, "2.99")
    (tmp_path / "site").rename(tmp_path / "unpacked")
    shutil.make_archive(str(tmp_path / "site"), "zip", tmp_path / "unpacked")
    (tmp_path / "site.zip").rename(tmp_path / "site")
    check(tmp_path, f"{WHOLE}assert invoke.__version__ == '2.99'")
