"""Imports go one way, and nothing is imported before it is needed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import pydock

PACKAGE = Path(pydock.__file__).parent

# From the street down to the cellar: a module imports from floors below its own, and from nowhere else.
FLOORS = [
    ["__main__"],
    ["program"],
    ["task_namespace", "lean_invoke"],
    ["environment_tasks"],
    ["workshop", "direct"],
    ["packages", "listing", "running", "endpoint"],
    ["build_steps"],
    ["images", "files", "requirements", "rendering"],
    ["engine", "network"],
    ["engine_errors", "runner", "docker_commands", "messages"],
    ["environment"],
    ["image_names"],
    ["settings", "caller", "command_line"],
    ["errors", "spelling", "named_tuple"],
    ["__init__"],
]
FLOOR = {module: len(FLOORS) - number for number, floor in enumerate(FLOORS) for module in floor}
# Served late, for `Collection.from_module(pydock)`: the one way up.
LATE = {("__init__", "task_namespace")}
# Who may name a heavy module outside of `if TYPE_CHECKING:`; a function's own import counts too.
HEAVY = {
    "invoke": {"program", "task_namespace", "lean_invoke", "environment_tasks", "runner"},
    "jinja2": {"rendering"},
    "packaging": {"requirements", "packages"},
}


def imports(module: str) -> set[str]:
    """Return what a module imports when it runs, wherever in it."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import"
            name = str(node.module)
            within = {
                f"pydock.{alias.name}" for alias in node.names if (PACKAGE / f"{alias.name}.py").exists()
            }
            found |= within if name == "pydock" and within else {name}
            if name == "pydock" and len(within) < len(node.names):
                found.add("pydock")
        todo += ast.iter_child_nodes(node)
    return found


def inner(module: str) -> set[str]:
    names = {name for name in imports(module) if name.split(".")[0] == "pydock"}
    return {name.partition(".")[2] or "__init__" for name in names}


MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def test_every_module_has_its_floor() -> None:
    assert sorted(FLOOR) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    upward = {
        name
        for name in inner(module) - {module}
        if FLOOR[name] >= FLOOR[module] and (module, name) not in LATE
    }
    assert upward == set()


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_modules_are_named_by_few(heavy: str) -> None:
    users = {module for module in MODULES if heavy in {name.split(".")[0] for name in imports(module)}}
    assert users == HEAVY[heavy]


def test_nothing_else_is_needed() -> None:
    """What does not come with Python is declared in pyproject.toml, or comes with what is (yaml, with invoke)."""
    names = {name.split(".")[0] for module in MODULES for name in imports(module)} - {"pydock"}
    specs = {name: importlib.util.find_spec(name) for name in names}
    foreign = {name for name, spec in specs.items() if spec is None or "site-packages" in str(spec.origin)}
    assert foreign == {"invoke", "jinja2", "packaging", "yaml"}


REPORT = """
import atexit, os, sys
def report(*_):
    print("MODULES", *sorted(set(sys.modules) - before), file=sys.stderr, flush=True)
os.execvp = lambda *_: (report(), os._exit(0))
atexit.register(report)
sys.argv = ["pydock", *sys.argv[1:]]
before = set(sys.modules)
from pydock.__main__ import main
main()
"""


def loaded(tmp_path: Path, *argv: str) -> set[str]:
    """Run pydock in a fresh interpreter; return the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *argv], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    [line] = [line for line in done.stderr.splitlines() if line.startswith("MODULES ")]
    return set(line.split()[1:])


@pytest.mark.parametrize("argv", [["--version"], ["--help"], []])
def test_what_needs_nothing_imports_nothing(tmp_path: Path, argv: list[str]) -> None:
    names = loaded(tmp_path, *argv)
    ours = {name for name in names if name.startswith("pydock.")}
    assert ours <= {"pydock.__main__", "pydock.command_line", "pydock.named_tuple"}
    assert not names & {"invoke", "jinja2", "packaging", "argparse", "subprocess"}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with an environment and a docker that knows every image."""
    folder = tmp_path / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    client = tmp_path / "client"
    client.write_text("#!/bin/sh\nexit 0\n")
    client.chmod(0o755)
    monkeypatch.setenv("PYDOCK_ENGINE", str(client))
    return tmp_path


@pytest.mark.parametrize("argv", [["run", "ds", "true"], ["shell", "ds"], ["--local", "run", "ds", "true"]])
def test_the_direct_road_is_light(built: Path, argv: list[str]) -> None:
    names = loaded(built, *argv)
    assert "pydock.direct" in names
    assert not names & {
        "invoke",
        "jinja2",
        "packaging",
        "argparse",
        "json",
        "re",
        "typing",
        "hashlib",
        "socket",
        "pydock.program",
    }


def test_looking_renders_nothing(built: Path) -> None:
    names = loaded(built, "envs")
    assert "invoke" in names
    assert not names & {"jinja2", "packaging", "asyncio", "unittest.mock", "importlib.metadata"}


@pytest.mark.parametrize("argv", [["create", "--help"], ["config"], ["nonsense"]])
def test_other_commands_need_no_jinja(built: Path, argv: list[str]) -> None:
    names = loaded(built, *argv)
    assert not names & {"jinja2", "packaging", "asyncio"}


def test_importing_the_package_imports_nothing() -> None:
    code = (
        "import sys; import pydock; assert not {'invoke', 'jinja2'} & set(sys.modules); "
        "from pydock import namespace; from invoke import Collection; assert isinstance(namespace, Collection); "
        "assert pydock.ns is pydock.namespace; assert 'jinja2' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_package_has_not() -> None:
    with pytest.raises(AttributeError, match="module 'pydock' has no attribute 'nonsense'"):
        _ = pydock.nonsense


def test_invokes_own_files_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "invoke.yaml").write_text("run:\n  echo: true\n")
    code = (
        "from pydock.lean_invoke import import_invoke; import_invoke(); from invoke import Config; "
        "config = Config(project_location='.'); config.load_project(); assert config.run.echo is True"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_invoke_is_whole_again_for_others() -> None:
    """The stand-ins for what invoke only tests with are gone after the import."""
    code = (
        "from pydock.lean_invoke import import_invoke; import_invoke(); import_invoke(); "
        "import invoke, importlib.metadata, unittest.mock; "
        "assert importlib.metadata.version('invoke')[0].isdigit(); assert unittest.mock.Mock().x is not None; "
        "assert invoke.run('exit 0').ok; "
        "import invoke.vendor.yaml; assert invoke.vendor.yaml.safe_dump('a')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
