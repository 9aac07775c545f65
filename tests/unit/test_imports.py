"""The import rule, and which modules each command imports."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import pydock
from pydock.environments.scripts import remember
from pydock.settings import load_settings

PACKAGE = Path(pydock.__file__).parent
REPOSITORY = Path(__file__).parents[2]

# The same text is in CONTRIBUTING.md and docs/design.md.
RULE = "cli → commands → packages, exports → engine → environments → settings, trust, messages, rendering, credentials, errors, _speed"
LEVELS = [[name.strip() for name in level.split(",")] for level in RULE.split("→")]
LEVEL = {part: number for number, level in enumerate(LEVELS) for part in level}
# `pydock` imports the tasks when `Collection.from_module(pydock)` looks for them.
ENTRY_POINTS = {"pydock", "pydock.__main__"}
# The only modules that may import these packages outside of `if TYPE_CHECKING:`, in functions included.
HEAVY = {
    "invoke": {
        "_speed.invoke",
        "cli.program",
        "commands.command",
        "commands.logs",
        "commands.namespace",
        "commands.run",
        "engine.process",
    },
    "jinja2": {"rendering"},
    "packaging": {
        "engine.links",
        "engine.tools",
        "packages.declared_requirements",
        "packages.compiled_files",
        "packages.pins",
        "packages.projects",
        "packages.pyproject",
        "packages.python_version",
        "packages.requirement_files",
        "packages.requirements",
        "packages.script_metadata",
    },
    "tomli": {"packages.toml_files"},
}


def module_of(path: Path) -> str:
    """Return a module's dotted name, for example `pydock.engine.argv`."""
    words = ["pydock", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str) -> set[str]:
    """Return what a module imports at run time, in functions included."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
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
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= submodules
            if len(submodules) < len(node.names):
                found.add(str(node.module))
        todo += ast.iter_child_nodes(node)
    return found


def own_imports(module: str) -> set[str]:
    return {name for name in imports(module) if name.split(".")[0] == "pydock"} - {module}


def part_of(module: str) -> str:
    """Return the module's word in the rule: `engine` for `pydock.engine.argv`."""
    return module.split(".")[1]


def test_rule_names_every_part_of_the_package() -> None:
    parts = {part_of(module) for module in MODULES if module not in ENTRY_POINTS}
    assert parts - {"inside"} <= set(LEVEL)


@pytest.mark.parametrize("module", sorted(set(MODULES) - ENTRY_POINTS))
def test_imports_go_only_to_the_right(module: str) -> None:
    names = {name for name in own_imports(module) if name != "pydock"}  # for __version__
    if part_of(module) == "inside":
        assert names == set()
        return
    level = LEVEL[part_of(module)]
    left = {name for name in names if LEVEL[part_of(name)] < level}
    beside = {name for name in names if LEVEL[part_of(name)] == level and part_of(name) != part_of(module)}
    last = level == len(LEVELS) - 1  # its parts may import each other; the test for cycles covers them
    assert (left, set() if last else beside) == (set(), set())


def test_imports_have_no_cycles() -> None:
    graph = {module: own_imports(module) & set(MODULES) for module in set(MODULES) - ENTRY_POINTS}
    while free := {module for module, names in graph.items() if not names & set(graph)}:
        graph = {module: names for module, names in graph.items() if module not in free}
    assert graph == {}


def test_rule_is_documented() -> None:
    for page in ("CONTRIBUTING.md", "docs/design.md"):
        assert RULE in (REPOSITORY / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_packages_are_imported_by_few_modules(heavy: str) -> None:
    users = {module for module in MODULES if heavy in {name.split(".")[0] for name in imports(module)}}
    assert users == {f"pydock.{module}" for module in HEAVY[heavy]}


def test_dependencies_are_declared() -> None:
    """Every third-party import is declared in pyproject.toml, or is bundled with invoke (yaml)."""
    names = {name.split(".")[0] for module in MODULES for name in imports(module)} - {"pydock"}
    names.remove("tomllib")  # of the standard library, from Python 3.11 on
    specs = {name: importlib.util.find_spec(name) for name in names}
    third_party = {name for name, spec in specs.items() if spec is None or "-packages" in str(spec.origin)}
    assert third_party == {
        "invoke",
        "jinja2",
        "packaging",
        "pip",
        "tomli",
        "yaml",
    }  # pip is that of images


REPORT = """
import atexit, os, sys
def report(*_):
    print("MODULES", *sorted(set(sys.modules) - before), file=sys.stderr, flush=True)
end, ours = os._exit, os.getpid()
os._exit = lambda code: (report() if os.getpid() == ours else None, end(code))
atexit.register(report)
sys.argv = ["pydock", *sys.argv[1:]]
before = set(sys.modules)
from pydock.__main__ import main
main()
"""


def imported_by(tmp_path: Path, *argv: str) -> set[str]:
    """Run pydock in a new interpreter; return the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *argv], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    [line] = [line for line in done.stderr.splitlines() if line.startswith("MODULES ")]
    return set(line.split()[1:])


def test_version_imports_no_other_module(tmp_path: Path) -> None:
    names = imported_by(tmp_path, "--version")
    assert {name for name in names if name.startswith("pydock.")} == {"pydock.__main__"}
    assert not names & {"invoke", "argparse", "re", "subprocess", "typing"}


@pytest.mark.parametrize("argv", [["--help"], [], ["-h"], ["--local", "--help"]])
def test_help_imports_no_jinja(tmp_path: Path, argv: list[str]) -> None:
    names = imported_by(tmp_path, *argv)
    assert "pydock.commands.namespace" in names
    assert not names & {"jinja2", "packaging", "asyncio", "unittest.mock", "importlib.metadata"}
    assert not names & {"pydock.packages.change", "pydock.packages.requirements"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with an environment, and set a client that finds every image."""
    folder = tmp_path / ".pydock" / "envs" / "ds"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    client = tmp_path / "client"
    client.write_text("#!/bin/sh\nexit 0\n")
    client.chmod(0o755)
    monkeypatch.setenv("PYDOCK_ENGINE", str(client))
    return tmp_path


@pytest.mark.parametrize("argv", [["run", "ds", "true"], ["shell", "ds"], ["--local", "run", "ds", "true"]])
def test_fast_run_imports_few_modules(
    project: Path, argv: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project))
    imported_by(project, *argv)  # the first run after a change parses pip's configuration
    names = imported_by(project, *argv)
    assert "pydock.cli.fast_run" in names
    assert not names & {
        "invoke",
        "jinja2",
        "packaging",
        "argparse",
        "collections",
        "encodings.ascii",
        "enum",
        "json",
        "re",
        "typing",
        "hashlib",
        "socket",
        "pydock.cli.program",
    }


def test_fast_run_of_a_script_reads_no_toml(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project))
    folder = project / "pydock" / "scripts" / "envs" / "script-1"
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    (project / "s.py").write_text("# /// script\n# dependencies = ['six']\n# ///\n")
    remember(load_settings(folder=str(project)), "dependencies = ['six']\n", "script-1")
    imported_by(project, "run", "s.py")  # the first run after a change parses pip's configuration
    names = imported_by(project, "run", "s.py")
    assert "pydock.environments.scripts" in names
    assert not names & {
        "invoke",
        "jinja2",
        "packaging",
        "tomllib",
        "tomli",
        "argparse",
        "json",
        "re",
        "typing",
        "hashlib",
        "pydock.cli.program",
    }


def test_envs_imports_no_jinja(project: Path) -> None:
    names = imported_by(project, "envs")
    assert "invoke" in names
    assert not names & {"jinja2", "packaging", "asyncio", "unittest.mock", "importlib.metadata"}


@pytest.mark.parametrize("argv", [["create", "--help"], ["config"], ["nonsense"]])
def test_other_commands_import_no_jinja(project: Path, argv: list[str]) -> None:
    names = imported_by(project, *argv)
    assert not names & {"jinja2", "packaging", "asyncio"}


def test_package_imports_no_invoke() -> None:
    code = (
        "import sys; import pydock; assert not {'invoke', 'jinja2'} & set(sys.modules); "
        "from pydock import namespace; from invoke import Collection; assert isinstance(namespace, Collection); "
        "assert pydock.ns is pydock.namespace; assert 'jinja2' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'pydock' has no attribute 'nonsense'"):
        _ = pydock.nonsense
