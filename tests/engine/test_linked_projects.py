"""Projects that an environment links: `install -e .`, with the build back ends that people use."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from .test_plain_docker_build import plain_build
from .tools import docker, images

if TYPE_CHECKING:
    from pathlib import Path

    from .tools import Project

MODULE = "import six\nVALUE = 1\ndef main():\n    print('value', VALUE, __file__)\n"
PROJECT = """
[project]
name = "Some.Example"
version = "1.2"
description = "An example"
dependencies = ["six"]
[project.optional-dependencies]
test = ["idna"]
[project.scripts]
say-value = "some_example:main"
"""
SYSTEM = '[build-system]\nrequires = ["{}"]\nbuild-backend = "{}"\n'
SETUP_PY = """
from setuptools import setup
setup(name="Some.Example", version="1.2", py_modules=["some_example"], install_requires=["six"],
      extras_require={"test": ["idna"]}, entry_points={"console_scripts": ["say-value=some_example:main"]})
"""
SETUPTOOLS = SYSTEM.format("setuptools", "setuptools.build_meta")
C_EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_fast(void) { PyObject *made = PyModule_Create(&module);
  PyModule_AddIntConstant(made, "ANSWER", 42); return made; }
"""
# Build back end -> the files of a project.
BACKENDS = {
    "setuptools": {"pyproject.toml": SETUPTOOLS + PROJECT, "src/some_example.py": MODULE},
    "setup.py": {"setup.py": SETUP_PY, "some_example.py": MODULE},
    "hatchling": {
        "pyproject.toml": SYSTEM.format("hatchling", "hatchling.build") + PROJECT,
        "src/some_example/__init__.py": MODULE,
    },
    "flit": {
        "pyproject.toml": SYSTEM.format("flit_core>=3.4", "flit_core.buildapi")
        + PROJECT
        + '[tool.flit.module]\nname = "some_example"\n',
        "some_example.py": MODULE,
    },
    "poetry": {
        "pyproject.toml": SYSTEM.format("poetry-core>=2", "poetry.core.masonry.api")
        + PROJECT
        + '[tool.poetry]\npackages = [{include = "some_example"}]\n',
        "some_example/__init__.py": MODULE,
    },
}


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# A build backend that needs no package: metadata.txt, script.txt and the path of the modules are what a wheel has.
BACKEND = """
import os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "some_example-1.2-py3-none-any.whl", "some_example-1.2.dist-info"
    texts = {f"{info}/METADATA": open("metadata.txt").read(), f"{info}/entry_points.txt": open("scripts.txt").read()}
    texts[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    texts["some_example.pth"] = os.getcwd()
    texts[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*texts, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for file, text in texts.items():
            wheel.writestr(file, text)
    return name
"""
METADATA = """Metadata-Version: 2.1
Name: Some.Example
Version: 1.2
Requires-Dist: six
Requires-Dist: idna; extra == "test"
Provides-Extra: test
"""
QUICK = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "backend.py": BACKEND,
    "metadata.txt": METADATA,
    "scripts.txt": "[console_scripts]\nsay-value = some_example:main\n",
    "some_example.py": MODULE,
}


@pytest.fixture
def linked(project: Project) -> Project:
    """Return a project that is a Python package itself, whose build takes no time."""
    write_files(project.folder, QUICK)
    return project


def module_of(project: Project) -> Path:
    return next(path for path in project.folder.rglob("*.py") if path.stem in {"some_example", "__init__"})


def untagged_images() -> set[str]:
    return set(docker("images", "--all", "--quiet", "--no-trunc", "--filter", "dangling=true").split())


@pytest.mark.parametrize("backend", BACKENDS)
def test_backends(project: Project, backend: str) -> None:
    """The package's dependencies are pinned, its script and metadata work, and edits count at once."""
    write_files(project.folder, BACKENDS[backend])
    name = project.create("-e", ".[test]")
    assert project.requested(name) == ["-e ../../..[test]  # some-example"]
    assert project.packages(name) == ["idna", "six"]
    module = module_of(project)
    assert project.pydock("run", name, "say-value").stdout == f"value 1 {module}\n"
    module.write_text(MODULE.replace("VALUE = 1", "VALUE = 2"))
    below = project.folder / "some" / "folder"
    below.mkdir(parents=True)
    assert project.pydock("run", name, "say-value", folder=below).stdout == f"value 2 {module}\n"
    version = "from importlib.metadata import version; print(version('some-example'))"
    assert project.pydock("run", name, "python", "-c", version).stdout == "1.2\n"


def test_all_commands_keep_the_link(linked: Project, tmp_path: Path) -> None:
    name = linked.create()
    linked.pydock("install", name, "-e", ".")
    place = f"value 1 {module_of(linked)}\n"
    tags = set(images(name))
    assert linked.pydock("run", name, "say-value").stdout == place

    linked.pydock("install", name, "idna")
    assert linked.pydock("run", name, "say-value").stdout == place
    linked.pydock("uninstall", name, "idna")
    assert linked.pydock("run", name, "say-value").stdout == place
    assert linked.packages(name) == ["six"]
    assert set(images(name)) == tags, "the same files and links, so the same tag"
    linked.pydock("update", name)
    dangling = untagged_images()
    linked.pydock("build", name, "--no-cache")
    assert len(untagged_images() - dangling) == 1, "the image before, and none in between"
    assert linked.pydock("run", name, "say-value").stdout == place
    shown = linked.pydock("run", name, "python", "-m", "pip", "freeze").stdout
    assert f"-e {linked.folder}\n" in shown
    assert "some-example" in linked.pydock("packages", name).stdout

    plain = f"plain-{name}"
    try:
        plain_build(linked.environment(name), plain, tmp_path / "pip.conf")
        assert "six" in docker("run", "--rm", plain, "pip", "list"), "everything but the link"
    finally:
        docker("rmi", "--force", plain, check=False)

    linked.pydock("uninstall", name, "some-example")
    assert linked.pydock("run", name, "say-value", check=False).returncode == 127
    assert linked.requested(name) == linked.packages(name) == []


def test_new_metadata_counts_after_another_install(linked: Project) -> None:
    name = linked.create("-e", ".")
    (linked.folder / "metadata.txt").write_text(
        METADATA.replace("idna; extra", "sniffio; extra") + "Requires-Dist: idna\n"
    )
    (linked.folder / "scripts.txt").write_text("[console_scripts]\nsay-other = some_example:main\n")
    linked.pydock("install", name, "-e", ".")
    assert linked.packages(name) == ["idna", "six"]
    assert linked.pydock("run", name, "say-other").stdout.startswith("value 1")
    assert linked.pydock("run", name, "say-value", check=False).returncode == 127
    assert len(set(images(name).values())) == 1, "no earlier image is left"


def test_pip_installs_links_too(linked: Project) -> None:
    linked.environ["PYDOCK_INSTALLER"] = "pip"
    name = linked.create("-e", ".[test]")
    assert linked.packages(name) == ["idna", "six"]
    linked.pydock("install", name, "-e", ".")
    assert linked.pydock("run", name, "say-value").stdout == f"value 1 {module_of(linked)}\n"


def test_several_projects_in_a_requirements_file(project: Project) -> None:
    """In a repository of several packages, one needs the other; the command starts above them."""
    write_files(project.folder / "libs" / "a b", QUICK)
    other = {
        "backend.py": BACKEND.replace("some_example", "other"),
        "metadata.txt": METADATA.replace("Some.Example", "other").replace("six", "some-example"),
        "scripts.txt": "",
        "other.py": "import some_example\nprint(some_example.VALUE, __file__)\n",
    }
    write_files(project.folder / "libs" / "other", {**QUICK, **other})
    (project.folder / "reqs.txt").write_text("-e 'libs/a b[test]'\n-e ./libs/other # ours\nsix\n")
    name = project.create("-r", "reqs.txt")
    assert project.requested(name) == [
        "-e '../../../libs/a b[test]'  # some-example",
        "-e ../../../libs/other  # ours",
        "six",
    ]
    assert project.packages(name) == ["idna", "six"]
    shown = project.pydock("run", name, "python", "-c", "import os, other; print(os.getcwd())").stdout
    assert shown == f"1 {project.folder}/libs/other/other.py\n{project.folder}\n"


def test_compiled_extension_and_version_from_git(project: Project) -> None:
    """The extension is compiled into the project's folder, as pip does; setuptools-scm reads Git's tags."""
    write_files(
        project.folder,
        {
            "pyproject.toml": SYSTEM.format('setuptools", "setuptools-scm>=8', "setuptools.build_meta")
            + '[project]\nname = "fast"\ndynamic = ["version"]\n[tool.setuptools_scm]\n',
            "setup.py": "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('fast', ['fast.c'])])\n",
            "fast.c": C_EXTENSION,
        },
    )
    for words in (
        ["init", "--quiet"],
        ["add", "pyproject.toml", "setup.py", "fast.c"],
        ["-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "--quiet", "--message", "Add"],
        ["tag", "v4.5.6"],
    ):
        subprocess.run(["git", *words], cwd=project.folder, check=True)
    name = project.create()
    dockerfile = project.environment(name) / "dockerfile"
    tools = "RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev git"
    dockerfile.write_text(dockerfile.read_text().replace("USER 0:0\n", f"USER 0:0\n{tools}\n", 1))

    project.pydock("install", name, "-e", ".")
    code = "import fast; from importlib.metadata import version; print(fast.ANSWER, version('fast'))"
    assert project.pydock("run", name, "python", "-c", code).stdout == "42 4.5.6\n"
    assert list(project.folder.glob("fast*.so"))


def test_missing_compiler_is_named(project: Project) -> None:
    write_files(
        project.folder,
        {
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(name='fast', ext_modules=[Extension('fast', ['fast.c'])])\n",
            "fast.c": C_EXTENSION,
        },
    )
    name = project.create()
    before = (project.environment(name) / "requirements.txt").read_bytes()
    failed = project.pydock("install", name, "-e", ".", check=False)
    assert failed.returncode == 1
    assert "gcc" in failed.stderr
    assert "build-essential" in failed.stderr
    assert len(failed.stderr.splitlines()) <= 12
    assert (project.environment(name) / "requirements.txt").read_bytes() == before
    assert not (project.environment(name) / "requirements.in").exists() or project.requested(name) == []


def test_failing_build_is_explained(linked: Project) -> None:
    (linked.folder / "backend.py").write_text("raise SystemExit('no luck')\n")
    name = linked.create()
    failed = linked.pydock("install", name, "-e", ".", check=False)
    assert failed.returncode == 1
    assert "no luck" in failed.stderr
    assert str(linked.folder) in failed.stderr
    assert "The full log is in" in failed.stderr
