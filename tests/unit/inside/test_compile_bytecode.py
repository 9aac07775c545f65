"""Bytecode is compiled once per distribution, and restored from the cache when it is installed again."""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import os
import sys
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
    """A site-packages folder, a cache, and the time at which an installation began."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.site = folder / "site-packages"
        self.site.mkdir(parents=True)
        self.cache = cache
        self.since = folder / "since"
        self.since.touch()
        os.utime(self.since, (1000, 1000))

    def install(self, name: str = "six", sources: dict[str, str] | None = None) -> None:
        sources = {"six.py": "x = 1\n", "pkg/mod.py": "y = 2\n"} if sources is None else sources
        for path, text in sources.items():
            (self.site / path).parent.mkdir(exist_ok=True)
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
    made = Image(tmp_path / "image", tmp_path / "cache")
    monkeypatch.setattr(script.sysconfig, "get_path", lambda _: str(made.site))
    return made


def test_new_distribution_is_compiled(script: ModuleType, image: Image) -> None:
    image.install()
    script.main(image.cache, image.since)
    assert sorted(image.compiled()) == ["mod", "six"]
    for name in ("six.py", "pkg/mod.py"):
        assert script.is_compiled(image.site / name)
        assert (image.site / name).stat().st_mtime == script.EPOCH


def test_bytecode_is_restored_from_the_cache(
    script: ModuleType, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.install()
    script.main(image.cache, image.since)
    first = image.compiled()
    for path in image.site.rglob("__pycache__/*"):
        path.unlink()
    monkeypatch.setattr(script, "compile_all", None)  # compiling would fail
    script.main(image.cache, image.since)
    assert image.compiled() == first


def test_older_distribution_is_not_compiled(script: ModuleType, image: Image) -> None:
    image.install()
    [record] = image.site.glob("*.dist-info/RECORD")
    os.utime(record, (999, 999))
    script.main(image.cache, image.since)
    assert image.compiled() == {}
    assert not image.cache.exists()


def test_distribution_without_sources(script: ModuleType, image: Image) -> None:
    image.install("data", {})
    script.main(image.cache, image.since)
    assert not image.cache.exists()


def test_invalid_python_is_skipped(script: ModuleType, image: Image) -> None:
    image.install("odd", {"good.py": "x = 1\n", "template.py": "{% template %}\n"})
    script.main(image.cache, image.since)
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
    script.main(image.cache, image.since)
    assert sorted(image.compiled()) == ["mod", "six"]
    assert len(in_parallel) == (2 if few == 0 else 0)


def test_cache_is_written_atomically(
    script: ModuleType, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.install()
    real = script.compile_all

    def compile_during_another_build(sources: list[Path]) -> None:
        real(sources)
        monkeypatch.setattr(script, "compile_all", real)
        script.compile_and_keep(sources, image.site, kept)

    [record] = image.site.glob("*.dist-info/RECORD")
    kept = image.cache / f"{sys.implementation.cache_tag}-{sys.hexversion}" / script.key_of(record)
    monkeypatch.setattr(script, "compile_all", compile_during_another_build)
    script.main(image.cache, image.since)
    assert list(kept.parent.iterdir()) == [kept]
    names = {str(script.bytecode_of(Path(name))) for name in ("pkg/mod.py", "six.py")}
    assert set(marshal.loads(kept.read_bytes())) == names  # noqa: S302
