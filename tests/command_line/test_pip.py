"""`pydock pip`: pip's command line for an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.commands.pip import NO_PIP

if TYPE_CHECKING:
    from .conftest import Ended, Machine

NO_PIP_IN_IMAGE = (
    "The image of 'ds' has no pip. `pydock install ds pip` installs it; `pydock packages ds` lists the installed packages "
    "without it.\n"
)


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "numpy==1.26.0", "six==1.15.0", requested="numpy\nsix\n")
    return machine


def pip_in_container(machine: Machine) -> list[str]:
    """Return the arguments of the environment's own pip in the last `docker run`."""
    argv = machine.argvs("run")[-1]
    assert argv[-1:] != ["sh"]
    words = argv[len(argv) - argv[::-1].index("-c") :]
    assert "runpy.run_module('pip'" in words[1]
    return words[2:]


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["install", "requests"], "install ds requests"),
        (["install", "requests>=2"], "install ds 'requests>=2'"),
        (["-q", "install", "--no-input", "requests"], "install ds requests"),
        (["--timeout", "100", "install", "requests"], "install ds requests"),
        (["install", "-qq", "--disable-pip-version-check", "requests"], "install ds requests"),
        (["install", "--progress-bar", "off", "--no-cache-dir", "requests"], "install ds requests"),
        (["install", "-r", "wanted.txt"], "install ds -r wanted.txt"),
        (["install", "-rwanted.txt", "-cbounds.txt"], "install ds -r wanted.txt -c bounds.txt"),
        (["install", "--requirement=wanted.txt"], "install ds -r wanted.txt"),
        (["install", "-e", "./project"], "install ds -e ./project"),
        (["install", "./project"], "install ds ./project"),
    ],
)
def test_install_is_that_of_pydock(ds: Machine, words: list[str], call: str) -> None:
    (ds.project / "wanted.txt").write_text("requests\n")
    (ds.project / "bounds.txt").write_text("requests<3\n")
    (ds.project / "project").mkdir()
    (ds.project / "project" / "pyproject.toml").write_text("[project]\nname='project'\nversion='1.0'\n")
    ended = ds.ok("pip", "ds", *words)
    assert f"`pip install` is `pydock {call}` here.\n" in ended.err
    assert ("Ignored, because builds have no such option: --timeout" in ended.err) == ("--timeout" in words)
    wanted = {"./project": "project"}.get(words[-1], "requests")
    assert any(wanted in line for line in [*ds.pins(), ds.files()["requirements.in"].decode()])
    assert ds.ok("run", "ds", "true").err == ""


def test_install_with_upgrade(ds: Machine) -> None:
    ended = ds.ok("pip", "ds", "install", "-U", "six")
    assert "`pydock install ds -U six`" in ended.err
    assert ended.out == "- six==1.15.0\n+ six==1.16.0\n"


def test_options_of_a_requirements_file_are_recorded(ds: Machine) -> None:
    index = "https://index.example/simple"
    ended = ds.ok(
        "pip",
        "ds",
        "install",
        "--pre",
        "--extra-index-url",
        index,
        "--no-binary=a,b",
        "requests",
        "-i",
        index,
    )
    recorded = [
        "--pre",
        f"--extra-index-url {index}",
        "--no-binary a",
        "--no-binary b",
        f"--index-url {index}",
    ]
    assert f"It records in requirements.in, for all packages: {', '.join(recorded)}.\n" in ended.err
    assert ds.files()["requirements.in"].decode().splitlines() == ["numpy", "six", "requests", *recorded]
    [build] = ds.calls("build")
    assert set(recorded) <= set(build["context"]["wanted.txt"]["text"].splitlines())


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--user", "x"], "Option --user of `pip install` is not supported. An environment has no user site"),
        (["-t", "lib", "x"], "`pydock run ds python -m pip install -t lib x`"),
        (["--target=lib", "x"], "Option --target of `pip install`"),
        (["x", "--prefix", "/x"], "Option --prefix"),
        (["x", "--root", "/x"], "Option --root"),
        (["--force-reinstall", "x"], "`pydock build ds`"),
        (["-I", "x"], "Option --ignore-installed"),
        (["--no-deps", "x"], "`RUN pip install ...`"),
        (["--upgrade-strategy", "eager", "x"], "`pydock update ds`"),
        (["-C", "a=b", "x"], "Option --config-settings"),
        (["--cert", "x.pem", "x"], "PYDOCK_CA_BUNDLE"),
        (["--find-links", "./wheels", "x"], "a path, which a build does not see"),
        (["--no-such-option", "x"], "no such option: --no-such-option"),
        (["x", "-r"], "-r option requires 1 argument"),
        (["--index-url", "https://me:hunter2@index.example/simple", "x"], "~/.netrc"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(ds: Machine, words: list[str], answer: str) -> None:
    before = ds.home_and_project(), ds.state()
    ended = ds.pydock("pip", "ds", "install", *words)
    assert ended.code == 2, ended
    assert answer in ended.err
    assert "hunter2" not in ended.err
    assert (ds.home_and_project(), ds.state(), ds.calls()) == (*before, [])


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_no_requirement_is_an_error_with_the_exit_code_of_pip(ds: Machine, command: str) -> None:
    ended = ds.pydock("pip", "ds", command)
    assert (ended.code, ended.err.partition(",")[0]) == (
        1,
        f"You must give at least one requirement to {command}",
    )
    assert ds.calls() == []


@pytest.mark.parametrize("words", [["six", "-y"], ["-r", "wanted.txt", "--yes"], ["-y", "SIX"]])
def test_uninstall_does_not_ask(ds: Machine, words: list[str]) -> None:
    (ds.project / "wanted.txt").write_text("six\n")
    ended = ds.ok("pip", "ds", "uninstall", *words)
    assert ended.out == "- six==1.15.0\n"
    assert "`pip uninstall` is `pydock uninstall ds six` here.\n" in ended.err
    assert ds.pins() == ["numpy==1.26.0"]


def test_uninstall_skips_what_is_not_installed(ds: Machine) -> None:
    ended = ds.ok("pip", "ds", "uninstall", "-y", "nosuch")
    assert ended.err == "Skipping nosuch as it is not installed.\n"
    assert ds.calls() == []
    ended = ds.ok("pip", "ds", "uninstall", "-y", "nosuch", "six")
    assert ended.out == "- six==1.15.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--outdated", "--format", "json"],
        ["freeze"],
        ["show", "-f", "six"],
        ["--version"],
        ["install", "--dry-run", "--report", "-", "x"],
        ["install", "--help"],
        ["download", "six", "-d", "a b"],
        ["config", "list"],
        ["index", "versions", "--", "six"],
        ["", "-h"],
        [],
    ],
)
def test_everything_else_is_done_by_the_pip_of_the_environment(ds: Machine, words: list[str]) -> None:
    ended = ds.pydock("pip", "ds", *words, FAKE_DOCKER_EXIT="3")
    assert (ended.code, ended.out, ended.err) == (3, "", "")
    assert pip_in_container(ds) == words
    ds.ok("--dry", "pip", "ds", *words)


def test_flags_before_the_name_are_those_of_pydock(ds: Machine) -> None:
    assert "docker run" in ds.ok("pip", "--dry", "ds", "list").out + ds.ok("--dry", "pip", "ds", "list").err
    assert ds.argvs("run") == []
    assert ds.ok("pip", "--help").out.startswith("usage: pydock pip [OPTIONS] NAME [ARGUMENT...]\n")
    assert ds.pydock("pip", "--nosuch", "ds").code == 2
    assert ds.pydock("pip").code == 2


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["freeze"], 0, "numpy==1.26.0\nsix==1.15.0\n", ""),
        (["list", "--format=freeze"], 0, "numpy==1.26.0\nsix==1.15.0\n", ""),
        (["show", "six"], 0, "Name: six\nVersion: 1.15.0\n", ""),
        (["show", "nosuch"], 1, "", "Package(s) not found: nosuch\n"),
        (
            ["check"],
            1,
            "",
            NO_PIP_IN_IMAGE,
        ),
    ],
)
def test_an_image_without_pip(ds: Machine, words: list[str], code: int, out: str, err: str) -> None:
    assert ds.pydock("pip", "ds", *words, FAKE_DOCKER_EXIT=str(NO_PIP)) == (code, out, err)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["install", "six"], "The environment's name is missing: `pydock pip NAME install six`."),
        (["list"], "The environment's name is missing: `pydock pip NAME list`."),
        (["nosuch", "list"], "Environment 'nosuch' not found"),
        (["ds", "config", "set", "global.index-url", "x"], "`pip config set global.index-url x` outside"),
    ],
)
def test_mistakes(ds: Machine, words: list[str], answer: str) -> None:
    ended: Ended = ds.pydock("pip", *words)
    assert ended.code in {1, 2}
    assert answer in ended.err
    assert ds.calls() == []


def test_inv_takes_one_quoted_text(ds: Machine) -> None:
    (ds.project / "tasks.py").write_text(
        "from invoke import Collection\nfrom pydock.commands.namespace import namespace as env\n"
        "namespace = Collection(env)\n"
    )
    ended = ds.inv("env.pip", "ds", "install 'requests>=2'")
    assert ended.code == 0, ended
    assert "`inv env.install ds 'requests>=2'`" in ended.err
    assert "requests==2.31.0" in ds.pins()


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["pip", "install", "six>1"], "`pydock pip ds install 'six>1'`"),
        (["pip3.12", "-q", "install", "six"], "`pydock pip ds -q install six`"),
        (
            ["/usr/local/bin/python3", "-X", "dev", "-m", "pip", "uninstall", "six"],
            "`pydock pip ds uninstall six`",
        ),
        (["uv", "pip", "install", "six"], "`pydock pip ds install six`"),
    ],
)
def test_a_change_that_is_lost_with_its_container_is_named(ds: Machine, words: list[str], call: str) -> None:
    ended = ds.pydock("run", "ds", *words, FAKE_DOCKER_EXIT="5")
    command = words[-2].partition(" ")[0] if words[-2] in {"install", "uninstall"} else "install"
    assert (ended.code, ended.err) == (
        5,
        f"`pip {command}` changes only this container, and is lost with it. {call} changes the environment.\n",
    )
    assert ds.argvs("run")[-1][-len(words) :] == words


@pytest.mark.parametrize(
    "words",
    [
        ["pip", "list"],
        ["pip", "install", "--dry-run", "six"],
        ["pip", "install", "--target=lib", "six"],
        ["pip", "download", "install"],
        ["python", "-m", "pipx", "install", "six"],
        ["python", "-m"],
        ["npm", "install"],
    ],
)
def test_other_commands_need_no_such_words(ds: Machine, words: list[str]) -> None:
    assert ds.ok("run", "ds", *words).err == ""
    assert ds.ok("run", "ds", "pip", "install", "six", PYDOCK_HOME_VOLUME="true").err == ""


def test_only_an_interactive_shell_looks_for_added_packages(ds: Machine) -> None:
    for words, looks in (
        (["shell", "ds"], True),
        (["run", "ds", "bash"], True),
        (["run", "ds", "sh", "-c", "true"], False),
        (["run", "ds", "python"], False),
        (["run", "ds", "zsh"], False),
    ):
        assert ds.in_terminal(b"", *words)[0] == 0
        assert ("__pydock_pip" in " ".join(ds.argvs("run")[-1])) == looks, words
        ds.ok(*words)
        assert "__pydock_pip" not in " ".join(ds.argvs("run")[-1])
    assert ds.in_terminal(b"", "shell", "ds", "--help")[0] == 0


@pytest.mark.parametrize(
    "command", [["install", "ds", "requests"], ["uninstall", "ds", "six"], ["update", "ds"]]
)
def test_a_container_that_runs_meanwhile_is_named(ds: Machine, command: list[str]) -> None:
    process = ds.start("run", "ds", "sleep", FAKE_DOCKER_PAUSE="run:started")
    ds.wait_for_pause()
    [container] = ds.state()["containers"]
    ended = ds.ok(*command)
    message = f"Still running with the previous packages: {container}. New runs have the new ones.\n"
    assert ended.err.endswith(message)
    ds.resume()
    assert ds.wait(process).code == 0
    assert "Still running" not in ds.ok("install", "ds", "scipy").err


def test_a_container_of_another_environment_is_not_named(ds: Machine) -> None:
    ds.change_state(
        lambda state: state["containers"].update(
            {"ds-0123456789ab": ["sha256:other", "pydock-ds:00000000-1"]}
        )
    )
    ds.change_state(
        lambda state: state["images"].update(
            {"sha256:other": {"tags": ["pydock-ds:00000000-1"], "layers": []}}
        )
    )
    assert "Still running" not in ds.ok("install", "ds", "requests").err
