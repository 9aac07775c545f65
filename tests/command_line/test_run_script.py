"""`pydock run script.py`: the environment that a script's metadata asks for."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

SCRIPT = """\
#!/usr/bin/env -S pydock run --script
# /// script
# requires-python = ">=3.9,<3.13"
# dependencies = ["six>=1.15", "requests"]
# ///
import six
"""


def scripts(machine: Machine) -> Path:
    return Path(machine.environ["XDG_CACHE_HOME"]) / "pydock" / "scripts"


def environments(machine: Machine) -> list[Path]:
    folder = scripts(machine) / "envs"
    return sorted(folder.iterdir()) if folder.exists() else []


def write(machine: Machine, text: str = SCRIPT, name: str = "s.py") -> Path:
    path = machine.project / name
    path.write_text(text)
    return path


def last_run(machine: Machine) -> list[str]:
    """Return the command of the last `docker run`, from the image on."""
    argv = machine.argvs("run")[-1]
    start = next(index for index, word in enumerate(argv) if word.startswith("pydock-script-"))
    return [argv[start], *argv[argv.index("sh", start + 4) + 1 :]]


def test_first_run_makes_the_environment(machine: Machine) -> None:
    write(machine)
    ended = machine.ok("run", "s.py", "-x", "--", "a b", "--help")
    assert ended.err.startswith("Making the environment of s.py: Python 3.12, 2 packages.\n")
    assert ended.out == ""
    [folder] = environments(machine)
    assert (folder / "requirements.in").read_text() == (
        "# from the metadata of a script\nsix>=1.15\nrequests\n"
    )
    assert "six==1.16.0\n" in (folder / "requirements.txt").read_text()
    assert "ARG VERSION=3.12\n" in (folder / "dockerfile").read_text()
    image, *command = last_run(machine)
    assert image in machine.tags()
    assert command == ["python", "s.py", "-x", "--", "a b", "--help"]


def test_second_run_is_only_a_run(machine: Machine) -> None:
    path = write(machine)
    machine.ok("run", "s.py")
    machine.forget_calls()
    path.write_text(SCRIPT + "print('edited')\n")
    ended = machine.ok("run", "s.py")
    assert ended.err == ""
    assert {argv[0] for argv in machine.argvs()} <= {"run", "image"}
    assert len(machine.argvs("run")) == 1


def test_both_ways_run_the_same_command(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    machine.forget_calls()
    for argv in (["s.py", "--", "-x"], ["--script", "s.py", "", "a\nb"], [str(machine.project / "s.py")]):
        machine.ok("run", *argv)
        machine.ok("run", "--echo", *argv)
        fast, task = machine.argvs("run")[-2:]
        for argument_list in (fast, task):
            del argument_list[argument_list.index("--name") + 1]
        assert fast == task


def test_scripts_that_need_the_same_share_an_environment(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    again = SCRIPT.replace('["six>=1.15", "requests"]', "['Requests', 'six >= 1.15']  # sorted")
    write(machine, again, "t.py")
    assert machine.ok("run", "t.py").err == ""
    assert len(environments(machine)) == 1
    write(machine, SCRIPT.replace('"requests"', '"scipy"'))
    machine.ok("run", "s.py")
    assert len(environments(machine)) == 2


def test_exit_code_is_that_of_the_script(machine: Machine) -> None:
    write(machine)
    assert machine.pydock("run", "s.py", FAKE_DOCKER_EXIT="7").code == 7
    assert machine.pydock("run", "s.py", FAKE_DOCKER_EXIT="7").code == 7


def test_script_without_metadata_runs_without_packages(machine: Machine) -> None:
    write(machine, "print(1)\n")
    err = machine.ok("run", "s.py").err
    assert (
        err == "Making the environment of s.py: Python 3.14, no packages; it has no block `# /// script`.\n"
    )
    [folder] = environments(machine)
    assert sorted(path.name for path in folder.iterdir()) == ["dockerfile", "requirements.txt"]
    assert machine.ok("run", "s.py").err == ""


def test_script_with_any_name(machine: Machine) -> None:
    path = write(machine, name="tool")
    machine.ok("run", "--script", "tool", "--flag")
    assert last_run(machine)[1:] == ["python", "tool", "--flag"]
    ended = machine.pydock("run", "./tool", "--flag")
    assert ended.code == 2
    assert "`pydock run --script ./tool --flag`" in ended.err
    assert path.exists()


def test_script_from_elsewhere_is_mounted_read_only(machine: Machine) -> None:
    other = machine.project.parent / "bin" / "tool"
    other.write_text(SCRIPT)
    machine.ok("run", "--script", str(other), "x")
    argv = machine.argvs("run")[-1]
    assert f"type=bind,source={other},target=/run/pydock/script/tool,readonly" in argv
    assert f"type=bind,source={machine.project},target=/home/me/project" in argv
    assert last_run(machine)[1:] == ["python", "/run/pydock/script/tool", "x"]


def test_shebang(machine: Machine) -> None:
    machine.add_program("pydock", f'exec "{sys.executable}" -m pydock "$@"')
    path = write(machine, name="tool")
    path.chmod(0o755)
    ended = machine.run([str(path), "-V", "--script"])
    assert ended.code == 0, ended
    assert last_run(machine)[1:] == ["python", "tool", "-V", "--script"]


def test_environment_of_that_name_wins(machine: Machine) -> None:
    machine.add_environment("s.py")
    assert machine.ok("run", "s.py", "true").err == ""
    write(machine)
    ended = machine.ok("run", "s.py", "--", "true")
    assert (
        ended.err
        == "'s.py' is an environment too, and that runs. `pydock run --script s.py` runs the script.\n"
    )
    assert machine.argvs("run")[-1][-1] == "true"
    assert environments(machine) == []
    machine.ok("run", "--script", "s.py")
    assert len(environments(machine)) == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nosuch.py"], "'nosuch.py' is neither an environment nor a script"),
        (["./nosuch.py", "x"], "'./nosuch.py' is neither an environment nor a script"),
        (["--script", "nosuch"], "Script not found: nosuch."),
        (["--script"], "--script needs a file"),
        (["--script", "--echo"], "--script needs a file"),
        (["./tool"], "`pydock run --script ./tool`"),
    ],
)
def test_mistakes(machine: Machine, argv: list[str], words: str) -> None:
    write(machine, name="tool")
    ended = machine.pydock("run", *argv)
    assert (ended.code, machine.calls()) == (2, [])
    assert words in ended.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCRIPT + SCRIPT, "s.py has 2 blocks"),
        ("# /// script\n# x\n", "s.py, line 1: the block `# /// script` has no end"),
        (SCRIPT.replace("six>=1.15", "-r /etc/passwd"), "'-r /etc/passwd' is not a requirement"),
        (SCRIPT.replace(">=3.9,<3.13", ">=4"), "no Python from"),
        (SCRIPT.replace("# dep", "# [dep"), "s.py, block of metadata is not valid TOML"),
    ],
)
def test_invalid_metadata_is_refused_before_anything_is_made(machine: Machine, text: str, words: str) -> None:
    write(machine, text)
    ended = machine.pydock("run", "s.py")
    assert (ended.code, machine.calls(), environments(machine)) == (2, [], [])
    assert words in ended.err


def test_package_that_does_not_exist_leaves_nothing(machine: Machine) -> None:
    write(machine, SCRIPT.replace("requests", "nosuchpackage"))
    ended = machine.pydock("run", "s.py")
    assert ended.code == 1
    assert "nosuchpackage" in ended.err
    assert (environments(machine), machine.tags(), machine.argvs("run")) == ([], [], [])


def test_image_that_was_removed_is_built_again(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    [folder] = environments(machine)
    before = (folder / "requirements.txt").read_text()
    machine.remove_images()
    machine.ok("run", "s.py")
    assert last_run(machine)[0] in machine.tags()
    assert (folder / "requirements.txt").read_text() == before


def test_environment_that_was_removed_is_made_again(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    shutil.rmtree(scripts(machine) / "envs")
    assert "Making the environment" in machine.ok("run", "s.py").err
    assert len(environments(machine)) == 1


def test_dry_run_makes_nothing(machine: Machine) -> None:
    write(machine)
    ended = machine.ok("--dry", "run", "s.py", "x")
    assert "docker build" in ended.out
    assert ended.out.rstrip().endswith("python s.py x")
    assert (environments(machine), machine.argvs("build"), machine.argvs("run")) == ([], [], [])


def test_settings_of_the_scripts_folder_do_not_count(machine: Machine) -> None:
    foreign = machine.project.parent / "clone"
    (foreign / ".pydock").mkdir(parents=True)
    (foreign / ".pydock" / "pydock.yaml").write_text("run_options: --privileged\nrepository: evil/python\n")
    (foreign / ".python-version").write_text("2.7\n")
    (foreign / "s.py").write_text(SCRIPT)
    machine.ok("run", str(foreign / "s.py"))
    [folder] = environments(machine)
    assert "ARG REPOSITORY=python\nARG VERSION=3.12\n" in (folder / "dockerfile").read_text()
    assert "--privileged" not in machine.argvs("run")[-1]


def test_repository_of_other_images_is_refused(machine: Machine) -> None:
    write(machine)
    ended = machine.pydock("run", "s.py", PYDOCK_REPOSITORY="nvidia/cuda")
    assert ended.code == 2
    assert "setting 'repository' is 'nvidia/cuda'" in ended.err


def test_runs_at_the_same_time_make_one_environment(machine: Machine) -> None:
    write(machine)
    started = [machine.start("run", "s.py") for _ in range(3)]
    assert [machine.wait(process).code for process in started] == [0, 0, 0]
    assert len(environments(machine)) == 1
    assert len(machine.argvs("run")) == 3


def make_old(machine: Machine) -> None:
    then = time.time() - 15 * 24 * 3600
    for path in (scripts(machine) / "used").iterdir():
        os.utime(path, (then, then))


def test_clean_removes_environments_that_were_not_used_for_14_days(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    assert machine.ok("clean", "--yes").err == "Nothing to clean.\n"
    make_old(machine)
    [folder] = environments(machine)
    ended = machine.ok("--dry", "clean")
    assert f"environment {folder.name} of a script, not used for 14 days" in ended.err
    assert "docker rmi" in ended.out
    assert environments(machine) == [folder]
    assert "Removed 1." in machine.ok("clean", "--yes").err
    assert (environments(machine), machine.tags()) == ([], [])
    assert not [*(scripts(machine) / "used").iterdir(), *(scripts(machine) / "blocks").iterdir()]
    assert "Making the environment" in machine.ok("run", "s.py").err


def test_use_counts_for_clean(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    make_old(machine)
    machine.ok("run", "s.py")
    assert machine.ok("clean", "--yes").err == "Nothing to clean.\n"


def test_clean_keeps_what_a_container_uses(machine: Machine) -> None:
    write(machine)
    machine.ok("run", "s.py")
    make_old(machine)
    [tag] = [tag for tag in machine.tags() if not tag.endswith(":latest")]

    def run(state: dict[str, Any]) -> None:
        state["containers"]["long"] = [machine.image_id(tag), tag]

    machine.change_state(run)
    assert "is in use by container long" in machine.ok("clean", "--yes").err
    assert len(environments(machine)) == 1


def test_inv_runs_scripts_too(machine: Machine) -> None:
    (machine.project / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\n"
        "namespace = Collection()\nnamespace.add_collection(Collection.from_module(pydock, name='env'))\n"
    )
    write(machine)
    assert machine.inv("env.run", "s.py").code == 0
    assert machine.inv("env.run", "s.py", "a 'b c'").code == 0
    assert last_run(machine)[1:] == ["python", "s.py", "a", "b c"]
