"""No password of any file, variable or command line comes out of any command; a disk that is full is a sentence."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Ended, Machine

CANARY = "hunter2canary"
LINES = [
    f"x @ HTTPS://me:{CANARY}@code.example/x.whl",
    f"x @ https://me:a'{CANARY}\"b@code.example/x.whl",
    f"x @ https://me:a#{CANARY}@code.example/x.whl",
    f"//me:{CANARY}@code.example/",
    f"git+https://ghp_{CANARY}@code.example/x.git@v1#egg=x",
    f"git+https://{CANARY}:x-oauth-basic@code.example/x.git#egg=x",
    f"x @ https://code.example/x.whl?token={CANARY}",
    f"x @ https://code.example/x.whl?X-Amz-Signature={CANARY}#egg=x",
    f"six  # https://me:{CANARY}@code.example/",
]
OPTIONS = [
    f"--extra-index-url https://{CANARY}@code.example/simple",
    f"--index-url=https://me:{CANARY}@code.example/simple",
    f"-i https://me:{CANARY}@code.example/simple",
    f"--find-links 'https://me:{CANARY}@code.example/'",
    f"# --index-url https://me:{CANARY}@code.example/simple",
    f"--index-url https://me:\\\n  {CANARY}@code.example/simple",
    f"-r https://me:{CANARY}@code.example/more.txt",
]
# The unit tests have every form in every place; these are for every place of every command.
SOME = [LINES[0], LINES[5], OPTIONS[1], OPTIONS[4]]


def refused(machine: Machine, ended: Ended, code: int = 2) -> None:
    """Insist that a command said why it did nothing, and that nobody saw the canary."""
    assert ended.code == code, ended
    assert ended.err
    assert CANARY not in ended.out + ended.err
    assert CANARY not in "".join(str(call) for call in machine.calls())
    assert not machine.argvs("build")


def write(machine: Machine, file: str, text: str) -> None:
    (machine.folder("ds") / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("line", LINES)
def test_a_credential_on_the_command_line_is_refused(ds: Machine, line: str) -> None:
    before = ds.files()
    flags = ("--dry", "--echo")
    refused(ds, ds.pydock(*flags, "install", "ds", "six", line))
    refused(ds, ds.pydock(*flags, "uninstall", "ds", line))
    refused(ds, ds.pydock(*flags, "update", "ds", line))
    assert ds.files() == before


@pytest.mark.parametrize("option", OPTIONS)
def test_a_credential_in_an_option_is_not_repeated(ds: Machine, option: str) -> None:
    refused(ds, ds.pydock("install", "ds", option))
    refused(ds, ds.pydock("install", "ds", *shlex.split(option.replace("# ", "").replace("\\\n  ", ""))))


@pytest.mark.parametrize("line", SOME)
def test_a_credential_in_a_requirements_file_is_refused(ds: Machine, line: str) -> None:
    (ds.project / "more.txt").write_text(f"{line}\n", encoding="utf-8")
    (ds.project / "wanted.txt").write_text("six\n-r more.txt\n", encoding="utf-8")
    before = ds.files()
    for words in (("install", "ds", "-r", "wanted.txt"), ("create", "new", "3.12", "-r", "wanted.txt")):
        for flags in ((), ("--dry",)):
            ended = ds.pydock(*flags, *words)
            refused(ds, ended)
            assert "more.txt, line " in ended.err
    assert ds.files() == before
    assert ds.files("new") == {}


@pytest.mark.parametrize("line", SOME)
@pytest.mark.parametrize("file", ["requirements.in", "requirements.txt"])
def test_a_credential_that_was_written_by_hand_is_refused(ds: Machine, line: str, file: str) -> None:
    write(ds, "requirements.in", "six\n")
    write(ds, file, f"six\n{line}\n")
    before = ds.files()
    for words in (("install", "ds", "six"), ("build", "ds"), ("update", "ds"), ("uninstall", "ds", "six")):
        ended = ds.pydock(*words)
        refused(ds, ended)
        assert f"{file}, line " in ended.err
    assert ds.files() == before


@pytest.mark.parametrize("inv", [False, True])
def test_what_an_installer_says_is_masked(ds: Machine, inv: bool) -> None:
    """pip prints the addresses of its indexes, and the values of variables."""
    words = (
        f"------\n > [5/6] RUN pip install:\n0.5 Collecting x@ https://me:{CANARY}@code.example/x.whl\n"
        f"0.6 token {CANARY}\n------\nERROR: failed to solve\n"
    )
    fake = ds.client.read_text(encoding="utf-8")
    ds.client.write_text(
        fake.replace("exec", f"if [ $1 = build ]; then printf %s {shlex.quote(words)} >&2; exit 1; fi\nexec"),
        encoding="utf-8",
    )
    write(ds, "requirements.txt", "x @ https://me:${TOKEN}@code.example/x.whl\n")
    if inv:
        (ds.project / "tasks.py").write_text(
            "from invoke import Collection\nimport pydock\nnamespace = Collection()\n"
            "namespace.add_collection(Collection.from_module(pydock, name='env'))\n",
            encoding="utf-8",
        )
    ended = (
        ds.inv("env.build", "ds", TOKEN=CANARY) if inv else ds.pydock("--echo", "build", "ds", TOKEN=CANARY)
    )
    assert ended.code == 1
    assert "https://me:****@code.example/x.whl" in ended.err
    assert "token ****" in ended.err
    assert CANARY not in ended.out + ended.err


def test_a_variable_is_passed_as_a_secret_and_shown_nowhere(ds: Machine) -> None:
    write(ds, "requirements.txt", "# ${UNUSED}\nx @ https://me:${TOKEN}@code.example/x.whl\n")
    ended = ds.pydock("--echo", "build", "ds", TOKEN=CANARY)
    [call] = [call for call in ds.calls() if call["argv"][0] == "build"]
    assert f"# env: TOKEN={CANARY}\n" in call["variables"]["PYDOCK_SECRET_PIP_CONF"]
    assert CANARY not in " ".join(call["argv"]) + call["dockerfile"] + ended.out + ended.err
    dry = ds.ok("--dry", "build", "ds", TOKEN=CANARY)
    assert CANARY not in dry.out + dry.err
    ds.forget_calls()
    ended = ds.pydock("build", "ds")
    refused(ds, ended)
    assert "TOKEN is not set" in ended.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PYDOCK_RUN_OPTIONS", f"--env PASSWORD='{CANARY}"),
        ("PYDOCK_BUILD_OPTIONS", f"--build-arg INDEX=https://me:{CANARY}@code.example/"),
        ("PYDOCK_BUILD_OPTIONS", f"--build-arg=INDEX='https://{CANARY}@code.example/"),
        ("PYDOCK_REPOSITORY", f"https://me:{CANARY}@code.example/python"),
        ("PIP_INDEX_URL", f"https://me:{CANARY}#x@code.example/"),
        ("PIP_EXTRA_INDEX_URL", f"https://me:{CANARY}@[::1/"),
        ("PIP_FIND_LINKS", f"https://me:{CANARY}@code.example:port/"),
    ],
)
def test_a_setting_with_a_credential_or_a_mistake_is_not_shown(
    ds: Machine, variable: str, value: str
) -> None:
    variables = {"PYDOCK_PIP_CONFIG": "", "PIP_CONFIG_FILE": "/dev/null", variable: value}
    refused(ds, ds.pydock("build", "ds", **variables))
    refused(ds, ds.pydock("create", "new", "3.12", **variables))
    assert ds.files("new") == {}


def test_options_of_the_user_work_and_are_masked(ds: Machine) -> None:
    """A password for the user's own program is no mistake."""
    options = f"--env API_TOKEN={CANARY} --env URL=postgres://me:{CANARY}@db/x"
    for words in (
        ("config",),
        ("config", "--json"),
        ("--dry", "run", "ds", "true"),
        ("--echo", "run", "ds", "true"),
    ):
        ended = ds.ok(*words, PYDOCK_RUN_OPTIONS=options)
        assert CANARY not in ended.out + ended.err
    assert any(f"API_TOKEN={CANARY}" in argv for argv in ds.argvs("run"))


@pytest.mark.parametrize("text", [f"index-url = https://me:{CANARY}@h/\n", f"[global]\n{CANARY}\n"])
def test_a_broken_pip_configuration_is_not_shown(ds: Machine, text: str) -> None:
    path = ds.home / "pip.conf"
    path.write_text(text, encoding="utf-8")
    for words in (("config",), ("build", "ds"), ("install", "ds", "six")):
        refused(ds, ds.pydock(*words, PYDOCK_PIP_CONFIG=str(path)))


def test_a_broken_settings_file_is_not_shown(ds: Machine) -> None:
    (ds.home / ".pydock.yaml").write_text(f"run_options: '--env A={CANARY}\n", encoding="utf-8")
    for words in (("config",), ("envs",), ("run", "ds", "true")):
        refused(ds, ds.pydock(*words))


# A disk that is full


def with_no_space(machine: Machine, *words: str) -> Ended:
    """Run pydock while no file can be written (setrlimit(2), RLIMIT_FSIZE)."""
    command = shlex.join([sys.executable, "-m", "pydock", *words])
    for name in [name for name in machine.environ if name.startswith("COVERAGE_")]:
        del machine.environ[name]  # coverage could not write its data either, and would say so
    return machine.run(["sh", "-c", f"ulimit -f 0; exec {command}"])


@pytest.mark.parametrize("words", [("create", "new", "3.12"), ("--dry", "create", "new", "3.12")])
def test_a_full_disk_is_a_sentence(machine: Machine, words: tuple[str, ...]) -> None:
    ended = with_no_space(machine, *words)
    assert ended.code == 1
    assert ended.err.startswith("Cannot ")
    assert "Internal error" not in ended.err
    assert machine.files("new") == {}


def test_a_full_disk_of_the_engine_in_uvs_words(ds: Machine) -> None:
    words = "error: Failed to install: x-1.0.whl\n  Caused by: No space left on device (os error 28)\n"
    fake = ds.client.read_text(encoding="utf-8")
    ds.client.write_text(
        fake.replace("exec", f"if [ $1 = build ]; then printf %s {shlex.quote(words)} >&2; exit 1; fi\nexec"),
        encoding="utf-8",
    )
    ended = ds.pydock("build", "ds")
    assert ended.code == 125
    assert "system df" in ended.err


def test_no_home_variable(ds: Machine) -> None:
    del ds.environ["HOME"]
    ended = ds.pydock("--local", "envs")
    assert (ended.code, "No environments" in ended.err) == (0, True)
    assert ds.pydock("config").code == 0
