"""PyYAML from invoke, or the installed one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nfrom pydock._speed.yaml import import_yaml\n{code}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{folder}/site{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_bundled_yaml_is_imported_without_invoke(tmp_path: Path) -> None:
    run(
        tmp_path,
        "yaml = import_yaml()\nassert yaml.safe_load('a: [1]') == {'a': [1]}\nassert import_yaml() is yaml\n"
        "assert yaml.YAMLError\nassert 'invoke' not in sys.modules",
    )


@pytest.mark.parametrize("has_invoke", [True, False], ids=["invoke without yaml", "no invoke"])
def test_installed_yaml_is_imported_if_invoke_has_none(tmp_path: Path, has_invoke: bool) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "yaml.py").write_text("def safe_load(text):\n    return ['installed', text]\n")
    if has_invoke:
        (site / "invoke" / "vendor").mkdir(parents=True)
        (site / "invoke" / "__init__.py").touch()
        prepare = ""
    else:
        prepare = "import importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    run(tmp_path, f"{prepare}assert import_yaml().safe_load('a') == ['installed', 'a']")


def test_settings_are_read_with_the_installed_yaml(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "invoke").mkdir(parents=True)
    (site / "invoke" / "__init__.py").touch()
    (site / "yaml.py").write_text(
        "YAMLError = ValueError\ndef safe_load(text):\n    return {'shell': text}\n"
    )
    (tmp_path / ".pydock.yaml").write_text("zsh")
    run(
        tmp_path,
        "from pydock.settings import load_settings\n"
        f"assert load_settings(environ={{'HOME': {str(tmp_path)!r}}}, folder='/').shell == 'zsh'",
    )
