"""What an installation added is compiled; nothing is restored from a cache."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import pydock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SCRIPT = Path(pydock.__file__).parent / "inside" / "compile_bytecode.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_bytecode", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Image:
    """A site-packages folder, and the time at which an installation began."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site-packages"
        self.site.mkdir(parents=True)
        self.since = folder / "since"
        self.since.touch()
        os.utime(self.since, (1000, 1000))

    def install(self, name: str = "six", sources: dict[str, str] | None = None) -> None:
        sources = {"six.py": "x = 1\n", "pkg/mod.py": "y = 2\n"} if sources is None else sources
        for path, text in sources.items():
            (self.site / path).parent.mkdir(exist_ok=True, parents=True)
            (self.site / path).write_text(text)
        record = self.site / f"{name}-1.0.dist-info" / "RECORD"
        record.parent.mkdir()
        lines = [f"{path},sha256={hash(text)},{len(text)}" for path, text in sources.items()]
        record.write_text("\n".join([*lines, "../../bin/six.py,,", "gone.py,,", ""]))

    def compiled(self) -> dict[str, bytes]:
        return {
            path.name.split(".")[0]: path.read_bytes() for path in sorted(self.site.rglob("__pycache__/*"))
        }


@pytest.fixture
def image(tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Image:
    made = Image(tmp_path / "image")
    monkeypatch.setattr(script.sysconfig, "get_path", lambda _: str(made.site))
    return made


def test_new_distribution_is_compiled(script: ModuleType, image: Image) -> None:
    image.install()
    script.main(image.since)
    assert sorted(image.compiled()) == ["mod", "six"]
    for name in ("six.py", "pkg/mod.py"):
        assert script.is_compiled(str(image.site / name))


def test_bytecode_that_is_valid_stays(script: ModuleType, image: Image) -> None:
    image.install()
    script.main(image.since)
    (image.site / "pkg" / "__pycache__").joinpath("marker").touch()
    first = {path: path.stat().st_mtime_ns for path in image.site.rglob("__pycache__/*")}
    script.main(image.since)
    assert {path: path.stat().st_mtime_ns for path in image.site.rglob("__pycache__/*")} == first


def test_changed_source_is_compiled_again(script: ModuleType, image: Image) -> None:
    image.install(sources={"six.py": "x = 1\n"})
    script.main(image.since)
    old = image.compiled()
    (image.site / "six.py").write_text("x = 22\n")
    os.utime(image.site / "six.py", (2000, 2000))
    script.main(image.since)
    assert image.compiled() != old


def test_older_distribution_is_not_compiled(script: ModuleType, image: Image) -> None:
    image.install()
    [record] = image.site.glob("*.dist-info/RECORD")
    os.utime(record, (999, 999))
    script.main(image.since)
    assert image.compiled() == {}


def test_tests_of_a_package_are_not_compiled(script: ModuleType, image: Image) -> None:
    image.install(sources={"pkg/a.py": "", "pkg/tests/b.py": "", "pkg/tests/c/d.py": "", "tests.py": ""})
    script.main(image.since)
    assert sorted(image.compiled()) == ["a", "tests"]


def test_distribution_without_sources(script: ModuleType, image: Image) -> None:
    image.install("data", {})
    script.main(image.since)
    assert image.compiled() == {}


def test_invalid_python_is_skipped(script: ModuleType, image: Image) -> None:
    image.install("odd", {"good.py": "x = 1\n", "template.py": "{% template %}\n"})
    script.main(image.since)
    assert sorted(image.compiled()) == ["good"]


@pytest.mark.parametrize("few", [0, 100])
def test_many_sources_are_compiled_in_parallel(
    script: ModuleType, image: Image, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    in_parallel: list[str] = []

    def pool_map(function: Callable[[str], bool], words: list[str], chunksize: int) -> list[bool]:
        assert chunksize > 0
        in_parallel.extend(words)
        return [function(word) for word in words]

    def pool() -> contextlib.AbstractContextManager[SimpleNamespace]:
        return contextlib.nullcontext(SimpleNamespace(map=pool_map))

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", pool)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(script, "FEW", few)
    image.install()
    script.main(image.since)
    assert sorted(image.compiled()) == ["mod", "six"]
    assert len(in_parallel) == (2 if few == 0 else 0)
