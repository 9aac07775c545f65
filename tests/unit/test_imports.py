"""Imports follow one rule, and nothing is imported before it is needed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import pydock

PACKAGE = Path(pydock.__file__).parent
REPOSITORY = Path(__file__).parents[2]

# The one rule. The same sentence is in CONTRIBUTING.md and docs/design.md.
RULE = "cli → commands → packages, exports → engine → environments → settings, messages, rendering, credentials, errors, _speed"
LEVELS = [[name.strip() for name in level.split(",")] for level in RULE.split("→")]
LEVEL = {part: number for number, level in enumerate(LEVELS) for part in level}
# `Collection.from_module(pydock)` asks the package itself for the tasks, which are imported only then.
ENTRY_POINTS = {"pydock", "pydock.__main__"}
# The only modules that may import something slow outside of `if TYPE_CHECKING:`, within functions or not.
HEAVY = {
    "invoke": {
        "_speed.invoke",
        "cli.program",
        "commands.namespace",
        "commands.tasks",
        "engine.process",
    },
    "jinja2": {"rendering"},
    "packaging": {"packages.requirements", "packages.change"},
}


def module_of(path: Path) -> str:
    """Return a module's dotted name, with `pydock.` in front: `pydock.engine.argv`."""
    words = ["pydock", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str) -> set[str]:
    """Return what a module imports when it runs, wherever in it."""
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
    """Return the word of the rule that a module belongs to: `engine` for `pydock.engine.argv`."""
    return module.split(".")[1]


def test_the_rule_names_every_part_of_the_package() -> None:
    parts = {part_of(module) for module in MODULES if module not in ENTRY_POINTS}
    assert parts - {"inside"} <= set(LEVEL)


@pytest.mark.parametrize("module", sorted(set(MODULES) - ENTRY_POINTS))
def test_imports_go_to_the_right_only(module: str) -> None:
    names = {name for name in own_imports(module) if name != "pydock"}  # for __version__
    if part_of(module) == "inside":
        assert names == set()
        return
    level = LEVEL[part_of(module)]
    to_the_left = {name for name in names if LEVEL[part_of(name)] < level}
    beside = {name for name in names if LEVEL[part_of(name)] == level and part_of(name) != part_of(module)}
    last = level == len(LEVELS) - 1  # what everything may use; the test for cycles covers it
    assert (to_the_left, set() if last else beside) == (set(), set())


def test_imports_have_no_cycles() -> None:
    graph = {module: own_imports(module) & set(MODULES) for module in set(MODULES) - ENTRY_POINTS}
    while free := {module for module, names in graph.items() if not names & set(graph)}:
        graph = {module: names for module, names in graph.items() if module not in free}
    assert graph == {}


def test_the_rule_is_written_down_where_people_look() -> None:
    for page in ("CONTRIBUTING.md", "docs/design.md"):
        assert RULE in (REPOSITORY / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("heavy", HEAVY)
def test_heavy_modules_are_named_by_few(heavy: str) -> None:
    users = {module for module in MODULES if heavy in {name.split(".")[0] for name in imports(module)}}
    assert users == {f"pydock.{module}" for module in HEAVY[heavy]}


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
    assert ours <= {
        "pydock.__main__",
        "pydock.cli",
        "pydock.cli.call",
        "pydock._speed",
        "pydock._speed.named_tuple",
    }
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
    assert "pydock.cli.fast_run" in names
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
        "pydock.cli.program",
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
        "from pydock._speed.invoke import import_invoke; import_invoke(); from invoke import Config; "
        "config = Config(project_location='.'); config.load_project(); assert config.run.echo is True"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_invoke_is_whole_again_for_others() -> None:
    """The stand-ins for what invoke only tests with are gone after the import."""
    code = (
        "from pydock._speed.invoke import import_invoke; import_invoke(); import_invoke(); "
        "import invoke, importlib.metadata, unittest.mock; "
        "assert importlib.metadata.version('invoke')[0].isdigit(); assert unittest.mock.Mock().x is not None; "
        "assert invoke.run('exit 0').ok; "
        "import invoke.vendor.yaml; assert invoke.vendor.yaml.safe_dump('a')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
