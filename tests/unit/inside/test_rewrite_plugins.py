"""pytest's cache of installed plugins: what pytest would write, for what is installed now, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc

import pydock

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(pydock.__file__).parent / "inside" / "rewrite_plugins.py"
ENTRY_POINTS = "[console_scripts]\nx = y\n\n[pytest11]\nplugin = plugin\n"


@pytest.fixture
def script(site: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("rewrite_plugins", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _: str(site))
    module.really_become_nobody = module.become_nobody  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "become_nobody", lambda: None)  # who could not read the folder of a test
    return module


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / f"pytest-{pytest.__version__}.dist-info").mkdir()
    return tmp_path


def install(site: Path, name: str, sources: dict[str, str], entry_points: str = ENTRY_POINTS) -> Path:
    """Install a distribution a while ago; return its RECORD."""
    for path, text in sources.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    record = site / f"{name}-1.0.dist-info" / "RECORD"
    record.parent.mkdir(exist_ok=True)
    (record.parent / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    record.write_text(
        "".join(f"{path},,\n" for path in (*sources, "../bin/x.py", "gone.py")), encoding="utf-8"
    )
    os.utime(record, (1000, 1000))
    return record


def cache_of(site: Path, source: str) -> Path:
    path = site / source
    return path.parent / "__pycache__" / (path.stem + PYC_TAIL)


def caches(site: Path) -> list[str]:
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.pyc"))


def test_cache_is_what_pytest_reads(script: ModuleType, site: Path) -> None:
    record = install(site, "plugin", {"plugin.py": "assert 1 == 2\n", "package/deep/module.py": "x = 1\n"})
    script.main()
    for source in ("plugin.py", "package/deep/module.py"):
        code = _read_pyc(site / source, cache_of(site, source))
        assert code is not None
        assert code.co_filename == str(site / source)
    code = _read_pyc(site / "plugin.py", cache_of(site, "plugin.py"))
    assert code is not None
    with pytest.raises(AssertionError, match="assert 1 == 2"):
        exec(code, {})  # noqa: S102 - the test's own
    text = record.read_text(encoding="utf-8")
    assert f"__pycache__/plugin{PYC_TAIL},,\n" in text, "an installer removes it with the rest"
    assert f"package/deep/__pycache__/module{PYC_TAIL},,\n" in text


def test_only_valid_files_of_plugins_are_rewritten(script: ModuleType, site: Path) -> None:
    install(site, "plugin", {"plugin.py": "(", "good.py": "", "package/tests/test_x.py": ""})
    install(site, "other", {"other.py": ""}, entry_points="[console_scripts]\nx = y\n")
    script.main()
    assert caches(site) == [f"__pycache__/good{PYC_TAIL}"]


def test_what_is_installed_again_is_rewritten_again(
    script: ModuleType, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = install(site, "plugin", {"plugin.py": "x = 1\n"})
    script.main()
    with monkeypatch.context() as patch:
        patch.delattr(script, "start")
        script.main()  # which finds nothing to do
    install(site, "plugin", {"plugin.py": "x = 20\n"})
    os.utime(record)
    os.utime(cache_of(site, "plugin.py"), (2000, 2000))
    script.main()
    code = _read_pyc(site / "plugin.py", cache_of(site, "plugin.py"))
    assert code is not None
    assert 20 in code.co_consts


def test_many_files_are_rewritten_by_several_processes(
    script: ModuleType, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    install(site, "plugin", {f"package/m{number}.py": f"x = {number}\n" for number in range(50)})
    script.main()
    for number in range(50):
        source = f"package/m{number}.py"
        assert _read_pyc(site / source, cache_of(site, source)) is not None


def test_without_pytest_or_with_another_nothing_is_written(
    script: ModuleType, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "plugin", {"plugin.py": ""})
    [pytest_info] = site.glob("pytest-*")
    pytest_info.rename(site / "pytest-0.1.dist-info")
    script.main()
    (site / "pytest-0.1.dist-info").rmdir()
    monkeypatch.delattr(script, "start")
    script.main()
    assert caches(site) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_pytest_runs_as_nobody_without_variables(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a package like any other, and secrets of the build are root's."""
    monkeypatch.setattr(script, "become_nobody", script.really_become_nobody)
    if not (python := shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        pytest.skip("no Python that everybody may run")
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setenv("TOKEN", "secret")
    report = "import os, sys; os.write(int(sys.argv[2]), repr((os.getresuid(), os.getresgid(), os.getgroups(), os.environ.get('TOKEN'))).encode())"
    monkeypatch.setattr(script, "REWRITE", report)
    process, output, _ = script.start([str(tmp_path / "x.py")], PYC_TAIL)
    assert process.wait(60) == 0
    output.seek(0)
    assert output.read().decode() == repr(((65534,) * 3, (65534,) * 3, [], None))
    output.close()
