"""The single file: what it is made of, and that it runs wherever there is a Python."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from pydock.exports.facade import START_SINGLE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.conftest import Machine, Workbench

MONTH = 31 * 24 * 60 * 60


@pytest.fixture
def entries(single_file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(single_file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def unpacked(machine: Machine, single_file: Path) -> Path:
    """The folder of a first start on the machine."""
    machine.succeed(sys.executable, single_file, "--help")
    (place,) = machine.cache.iterdir()
    return place


def temporary_places(machine: Machine) -> list[Path]:
    return list(machine.temporary.glob(f"pydock-{os.geteuid()}-*/*"))


def make_older(path: Path, seconds: int) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


# What it is made of


def test_built_twice_it_is_the_same(workbench: Workbench, single_file: Path) -> None:
    before = workbench.files()
    environ = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C", "COLUMNS": "40"}
    again = workbench.root / "again"
    script = workbench.checkout / "scripts" / "single_file" / "build.py"
    workbench.python(script, again, environ=environ, umask=0o077)
    for name, mode in (("pydock", 0o755), ("pydock.sha256", 0o644)):
        assert (again / name).read_bytes() == (single_file.parent / name).read_bytes()
        assert (again / name).stat().st_mode & 0o777 == mode
    assert workbench.files() == before


def test_checksum_is_its_own(single_file: Path) -> None:
    digest = hashlib.sha256(single_file.read_bytes()).hexdigest()
    assert single_file.with_name("pydock.sha256").read_text(encoding="ascii") == f"{digest}  pydock\n"


def test_has_pydock_as_in_the_wheel(entries: dict[str, bytes], direct_wheel: Path) -> None:
    with zipfile.ZipFile(direct_wheel) as wheel:
        package = {name: wheel.read(name) for name in wheel.namelist() if name.startswith("pydock/")}
    assert {name: content for name, content in entries.items() if name.startswith("pydock/")} == package


def test_has_what_runs_and_the_licences(entries: dict[str, bytes]) -> None:
    packages = {name.split("/")[0] for name in entries if ".dist-info/" not in name}
    programs = {"__main__.py", "start.py", "preloaded.py", "run.modules"}
    assert packages == {*programs, "pydock", "invoke", "jinja2", "markupsafe", "packaging", "tomli"}
    infos = {name.split("/", 1)[0] for name in entries if ".dist-info/" in name}
    for info in infos:
        kept = {name.split("/")[1] for name in entries if name.startswith(f"{info}/")}
        assert kept == {"METADATA", "licenses"}
    assert {info.split("-")[0] for info in infos} == {
        "pydock_env",
        "invoke",
        "jinja2",
        "markupsafe",
        "packaging",
        "tomli",
    }
    assert not [name for name in entries if re.search(r"\.(so|pyd|pyc|pyi|c)$|^bin/|/tests/", name)]


def test_says_nothing_of_where_it_was_built(entries: dict[str, bytes], workbench: Workbench) -> None:
    assert not [name for name, content in entries.items() if str(workbench.root).encode() in content]


# Where it runs


def test_every_python_runs_it(machine: Machine, single_file: Path, python: str) -> None:
    pydock = (python, "-I", single_file)
    assert machine.succeed(*pydock, "--version") == "pydock " + version_of(single_file) + "\n"
    machine.succeed(*pydock, "--local", "create", "ds", "3.12")
    assert "3.12" in (machine.work / ".pydock/envs/ds/dockerfile").read_text(encoding="utf-8")
    assert "ds" in machine.succeed(*pydock, "envs", "--json")
    assert machine.run(*pydock, "run", "ds", "echo", "two  words").returncode == 7  # as the docker here says
    assert any(call.startswith("run ") and call.endswith(" echo two  words") for call in machine.docker_calls)


def test_every_python_reads_toml(machine: Machine, single_file: Path, python: str) -> None:
    (machine.work / "pyproject.toml").write_text("[project]\nrequires-python = '<3.12'\n", encoding="utf-8")
    printed = machine.succeed(python, "-I", single_file, "--local", "--dry", "create", "x", "--from", ".")
    assert "VERSION=3.11\nFROM " in printed


def version_of(single_file: Path) -> str:
    return single_file.read_bytes().split(b"\n")[1].split()[2].decode().rstrip(",")


def test_dry_run_renders_and_makes_nothing(machine: Machine, single_file: Path) -> None:
    printed = machine.succeed(sys.executable, single_file, "--local", "--dry", "create", "x", "3.12")
    assert "VERSION=3.12\nFROM " in printed
    assert "docker build " in printed
    assert not (machine.work / ".pydock").exists()


@pytest.mark.parametrize("name", ["pydock", "pydock.py", "tool with spaces"])
def test_runs_under_any_name(machine: Machine, single_file: Path, name: str) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    shutil.copy(single_file, machine.work / name)
    assert machine.succeed(f"./{name}", "--help").startswith("usage: pydock ")
    assert "usage: pydock create " in machine.succeed(f"./{name}", "create", "--help")


def test_starts_without_what_site_packages_run_at_each_start(machine: Machine, single_file: Path) -> None:
    (machine.bin / "python3").symlink_to(sys.executable)
    (machine.work / "sitecustomize.py").write_text("print('slow')\n", encoding="utf-8")
    assert machine.succeed(str(single_file), "--version", PYTHONPATH=str(machine.work)).startswith("pydock ")


def test_starts_in_an_activated_shell(machine: Machine, single_file: Path) -> None:
    """The first `python3` on PATH is the environment's there, and would start a container."""
    (machine.bin / "python3").symlink_to(sys.executable)
    programs = machine.work / "a home" / ".pydock" / "venvs" / "0123abcd-ds" / "ds" / "bin"
    programs.mkdir(parents=True)
    (programs / "python3").write_text("#!/bin/sh\nexit 99\n", encoding="utf-8")
    (programs / "python3").chmod(0o755)
    for path in (f"{programs}:{machine.bin}:/usr/bin:/bin", f"{machine.bin}:{programs}"):
        assert machine.succeed(str(single_file), "--version", PATH=path).startswith("pydock ")


@pytest.fixture
def without_zip(machine: Machine, single_file: Path) -> Path:
    """A copy of the single file of which only the text before the zip is left."""
    (machine.bin / "python3").symlink_to(sys.executable)
    beginning, start, _ = single_file.read_bytes().split(b"\n# start\n")
    copy = machine.work / "pydock"
    copy.write_bytes(b"\n# start\n".join([beginning, start, b""]))
    copy.chmod(0o755)
    return copy


def test_later_starts_do_not_open_the_zip(machine: Machine, unpacked: Path, without_zip: Path) -> None:
    assert unpacked.exists()
    assert machine.succeed(str(without_zip), "--version").startswith("pydock ")
    assert "usage: pydock create " in machine.succeed(str(without_zip), "create", "--help")


def test_later_starts_leave_what_they_must_not_use(
    machine: Machine, unpacked: Path, without_zip: Path
) -> None:
    unpacked.parent.chmod(0o777)
    assert machine.run(str(without_zip), "--version").returncode != 0
    unpacked.parent.chmod(0o755)
    make_older(unpacked, 2 * 24 * 60 * 60)  # the other way marks it as used
    assert machine.run(str(without_zip), "--version").returncode != 0


@pytest.mark.parametrize("variable", ["PYTHONPATH", "HOME"])
def test_modules_of_the_folder_change_nothing(
    machine: Machine, unpacked: Path, single_file: Path, variable: str
) -> None:
    """Neither those of the working directory nor those that PYTHONPATH names, whether it is unpacked or not."""
    assert unpacked.exists()
    (machine.bin / "python3").symlink_to(sys.executable)
    for module in ("os", "stat", "time", "runpy", "start", "preloaded", "pydock", "invoke"):
        (machine.work / f"{module}.py").write_text(
            f"raise SystemExit('the wrong {module}')", encoding="utf-8"
        )
    value = {"PYTHONPATH": str(machine.work), "HOME": str(machine.work)}[variable]
    assert machine.succeed(str(single_file), "--version", **{variable: value}).startswith("pydock ")
    machine.succeed(str(single_file), "--local", "config", **{variable: value})


def test_scripts_of_an_environment_start_it(machine: Machine, single_file: Path) -> None:
    command = [sys.executable, "-IS", "-c", START_SINGLE_FILE, str(single_file)]
    for _ in range(2):  # the first unpacks
        assert "usage: pydock create " in machine.succeed(*command, "create", "--help")
    assert f"'{START_SINGLE_FILE}'".encode() in single_file.read_bytes()


def test_old_python_is_told_in_a_sentence(machine: Machine, single_file: Path, old_python: str) -> None:
    (machine.bin / "python3").symlink_to(shutil.which(old_python) or old_python)
    assert machine.run(str(single_file), "envs").stderr.startswith("pydock needs Python 3.9 or newer")
    result = machine.run(old_python, single_file, "envs")
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"pydock needs Python 3\.9 or newer, and this is Python [0-9.]+ .*\n", result.stderr)


@pytest.mark.parametrize("shebang", [b"#!/bin/x", b"#!/usr/bin/env " + b"python3.12" * 9])
def test_shebang_may_have_any_length(
    machine: Machine, single_file: Path, python: str, shebang: bytes
) -> None:
    other = machine.work / "pydock"
    content = single_file.read_bytes()
    other.write_bytes(shebang + content[content.index(b"\n") :])
    assert machine.succeed(python, other, "--version").startswith("pydock ")


def test_pythonpath_changes_nothing(machine: Machine, single_file: Path) -> None:
    for module in ("pydock", "invoke", "jinja2", "markupsafe", "packaging", "tomli"):
        (machine.work / f"{module}.py").write_text(
            f"raise SystemExit('the wrong {module}')", encoding="utf-8"
        )
    pydock = (sys.executable, single_file)
    machine.succeed(*pydock, "--local", "create", "ds", "3.12", PYTHONPATH=str(machine.work))
    machine.succeed(*pydock, "--local", "config", PYTHONPATH=str(machine.work))


# What it unpacks


def test_version_unpacks_nothing(machine: Machine, single_file: Path) -> None:
    machine.succeed(sys.executable, single_file, "--version")
    assert not list(machine.home.iterdir())
    assert not list(machine.temporary.iterdir())


def test_unpacks_once_and_compiles_once(machine: Machine, single_file: Path, unpacked: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in unpacked.rglob("*"))
    assert re.fullmatch(rf"[0-9a-f]{{16}}-{sys.implementation.cache_tag}", unpacked.name)
    machine.succeed(sys.executable, single_file, "config")
    assert sorted((path, path.stat().st_mtime_ns) for path in unpacked.rglob("*")) == before
    assert list(machine.cache.iterdir()) == [unpacked]
    assert not list(machine.temporary.iterdir())


def test_modules_of_run_are_in_one_file_each_after_those_that_it_needs(
    machine: Machine, unpacked: Path
) -> None:
    names = (unpacked / "run.modules").read_text(encoding="ascii").split()
    assert {"pydock.__main__", "pydock.cli.fast_run", "pydock.engine.warm_run"} <= {*names}
    alone = machine.work / "alone"
    alone.mkdir()
    for name in ("preloaded.py", "run.marshal"):
        shutil.copy(unpacked / name, alone)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import preloaded; preloaded.import_modules(sys.argv[1]); "
        "import pydock.cli.fast_run as last; print(last.__file__, *(n for n in sys.modules if n[:6] == 'pydock'))"
    )
    path, *imported = machine.succeed(sys.executable, "-I", "-c", code, alone).split()
    assert imported == names
    assert path == f"{alone}/pydock/cli/fast_run.py"


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\xa9"])
def test_runs_without_that_file(
    machine: Machine, single_file: Path, unpacked: Path, content: bytes | None
) -> None:
    kept = unpacked / "run.marshal"
    if content is None:
        kept.unlink()
    else:
        kept.write_bytes(content)
    assert "'nosuch' not found" in machine.run(sys.executable, single_file, "run", "nosuch", "true").stderr


@pytest.mark.parametrize("variable", ["PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"])
def test_bytecode_is_what_runs(machine: Machine, single_file: Path, variable: str) -> None:
    environ = {variable: str(machine.root / "elsewhere")}
    machine.succeed(sys.executable, single_file, "--help", **environ)
    (place,) = machine.cache.iterdir()
    for source in place.rglob("*.py"):
        source.write_text("this is no Python any more", encoding="utf-8")
    machine.succeed(sys.executable, single_file, "config", **environ)


def test_several_may_start_at_once(machine: Machine, single_file: Path) -> None:
    started = [machine.start(sys.executable, single_file, "config") for _ in range(4)]
    for process in started:
        _, stderr = process.communicate()
        assert (process.returncode, stderr) == (0, "")
    assert len(list(machine.cache.iterdir())) == 1


def test_another_content_is_another_folder(machine: Machine, single_file: Path, unpacked: Path) -> None:
    other = machine.work / "pydock"
    with zipfile.ZipFile(single_file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(unpacked.name[:16].encode(), b"0123456789abcdef"))
    machine.succeed(sys.executable, other, "--help")
    assert len(list(machine.cache.iterdir())) == 2


NO_CACHE: list[dict[str, str | None]] = [
    {"HOME": None},
    {"HOME": "missing"},
    {"HOME": "/proc/missing"},
    {"XDG_CACHE_HOME": "/dev/null/cache"},
    {"XDG_CACHE_HOME": "relative", "HOME": None},
]


@pytest.mark.parametrize("environ", NO_CACHE, ids=str)
def test_without_a_cache_a_private_temporary_folder_does(
    machine: Machine, single_file: Path, environ: dict[str, str | None]
) -> None:
    for _ in range(2):
        machine.succeed(sys.executable, single_file, "--local", "--help", **environ)
    (place,) = temporary_places(machine)
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert not list(machine.home.iterdir())


def test_read_only_cache_is_none(machine: Machine, single_file: Path) -> None:
    machine.cache.mkdir(parents=True, mode=0o500)
    if os.access(machine.cache, os.W_OK):
        pytest.skip("root writes everywhere")
    machine.succeed(sys.executable, single_file, "--help")
    assert temporary_places(machine)


def test_folder_that_others_may_write_to_is_not_trusted(
    machine: Machine, single_file: Path, unpacked: Path
) -> None:
    machine.cache.chmod(0o777)
    (unpacked / "pydock" / "__main__.py").write_text("raise SystemExit('planted')", encoding="utf-8")
    shutil.rmtree(unpacked / "pydock" / "__pycache__")
    machine.succeed(sys.executable, single_file, "--help")
    assert temporary_places(machine)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_folder_of_somebody_else_is_not_trusted(machine: Machine, single_file: Path, unpacked: Path) -> None:
    os.chown(machine.cache, 65534, 65534)
    (unpacked / "pydock" / "__main__.py").write_text("raise SystemExit('planted')", encoding="utf-8")
    shutil.rmtree(unpacked / "pydock" / "__pycache__")
    machine.succeed(sys.executable, single_file, "--help")
    assert temporary_places(machine)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in the homes of others")
def test_root_leaves_nothing_in_a_users_home(machine: Machine, single_file: Path) -> None:
    os.chown(machine.home, 65534, 65534)
    machine.succeed(sys.executable, single_file, "--help")
    assert not list(machine.home.iterdir())
    assert temporary_places(machine)


def test_temporary_folder_is_renewed_before_cleaners_leave_holes(machine: Machine, single_file: Path) -> None:
    machine.succeed(sys.executable, single_file, "--help", HOME=None)
    (place,) = temporary_places(machine)
    make_older(place.parent, 2 * 24 * 60 * 60)
    machine.succeed(sys.executable, single_file, "--help", HOME=None)
    assert len(temporary_places(machine)) == 2
    make_older(place.parent, MONTH)
    for other in temporary_places(machine):
        make_older(other.parent, MONTH)
    machine.succeed(sys.executable, single_file, "--help", HOME=None)
    assert len(temporary_places(machine)) == 1


def run_where_nothing_can_be_written(
    machine: Machine, single_file: Path, *arguments: str
) -> tuple[int, str, str]:
    script = 'ulimit -f 0; exec "$@"'
    result = machine.run("/bin/sh", "-c", script, "sh", sys.executable, single_file, *arguments, HOME=None)
    return result.returncode, result.stdout, result.stderr


def test_without_any_place_it_runs_from_within(machine: Machine, single_file: Path) -> None:
    home = machine.work / ".pydock"
    home.mkdir()
    (home / "pydock.yaml").write_text("repository: registry.example/python\n", encoding="utf-8")
    code, stdout, stderr = run_where_nothing_can_be_written(machine, single_file, "--local", "config")
    assert (code, stderr) == (0, "")
    assert "registry.example/python" in stdout


def test_without_any_place_it_says_what_it_cannot_do(machine: Machine, single_file: Path) -> None:
    code, stdout, stderr = run_where_nothing_can_be_written(
        machine, single_file, "--local", "create", "x", "3.12"
    )
    assert (code, stdout) == (1, "")
    assert re.fullmatch(r"pydock finds no folder .* XDG_CACHE_HOME=.*\n", stderr)


def test_damaged_file_says_so(machine: Machine, single_file: Path) -> None:
    damaged = machine.work / "pydock"
    content = bytearray(single_file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    result = machine.run(sys.executable, damaged, "--help")
    assert result.returncode == 1
    assert re.fullmatch(r".* is damaged \(.*\)\. Download it again\.\n", result.stderr)
    assert not list(machine.cache.iterdir())


# What it cleans away


def test_versions_unused_for_a_month_go(machine: Machine, single_file: Path) -> None:
    old, recent, foreign = (
        machine.cache / name
        for name in ("0123456789abcdef-cpython-39", "fedcba9876543210-cpython-39", "foreign")
    )
    for folder in (old, recent, foreign):
        (folder / "pydock").mkdir(parents=True)
    machine.cache.chmod(0o700)
    make_older(old, MONTH)
    make_older(foreign, MONTH)
    machine.succeed(sys.executable, single_file, "--help")
    assert not old.exists()
    assert recent.exists()
    assert foreign.exists()
    assert len(list(machine.cache.iterdir())) == 3


def test_start_marks_its_version_as_used(machine: Machine, single_file: Path, unpacked: Path) -> None:
    make_older(unpacked, MONTH)
    machine.succeed(sys.executable, single_file, "--help")
    assert time.time() - unpacked.stat().st_mtime < 1000
    assert list(machine.cache.iterdir()) == [unpacked]
