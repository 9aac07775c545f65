"""The fast way of `run` and the task of the same name give the same docker command line for all arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from invoke import Exit

from pydock.cli import fast_run, program
from pydock.cli.call import FLAGS, Call, read_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Any argument that a process can have: text without NUL, including bytes that are not UTF-8.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0")
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    max_size=12,
)
SPECIAL = st.sampled_from(
    ["", "-", "--", "-x", "--local", "--echo", "--help", "'", '"', "\\", "a\nb", "$HOME", "*", "#", "!"]
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    for name in ("ds", "py3.8"):
        (folder / ".pydock" / "envs" / name).mkdir(parents=True)
        (folder / ".pydock" / "envs" / name / "dockerfile").write_text("FROM python:3.12\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


class Started(Exception):
    """The docker command would start now."""


def argv_of_fast_run(call: Call, variables: dict[str, str]) -> list[str]:
    """Return the argv that would run the container."""
    with (
        mock.patch.dict("os.environ", variables),
        mock.patch("pydock.engine.run_request.container_name", return_value="ds-1"),
        mock.patch.object(fast_run, "ask_for_image", return_value=lambda: ""),
        mock.patch.object(fast_run, "run_watched", side_effect=Started) as run_watched,
        pytest.raises(Started),
    ):
        fast_run.run_container_if_possible(call)
    return list(run_watched.call_args.args[0])


def argv_of_task(call: Call, variables: dict[str, str]) -> list[str]:
    """Return the argv that the task would start."""
    with (
        mock.patch.dict("os.environ", variables),
        mock.patch("pydock.engine.run_request.container_name", return_value="ds-1"),
        mock.patch("pydock.engine.images.Images.current", return_value=object()),
        mock.patch("pydock.engine.client.Engine.run_container", side_effect=Started) as run_container,
        mock.patch("signal.signal"),
        pytest.raises((Started, Exit)),
    ):
        program._run(call)
    return list(run_container.call_args.args[0])


@pytest.mark.usefixtures("project")
@hypothesis_settings(max_examples=60)
@given(
    flags=st.sets(st.sampled_from(["--local"])),
    name=st.sampled_from(["ds", "py3.8"]),
    words=st.lists(WORDS | SPECIAL, min_size=1, max_size=5),
    options=st.sampled_from(["", "--env 'A=b c'", "-p 8888:8888"]),
)
@example(flags=set(), name="ds", words=["python", "-c", 'print("a  b $HOME")\n'], options="")
@example(flags=set(), name="ds", words=["", "", "--help"], options="")
@example(flags=set(), name="ds", words=["--", "--", "python"], options="")
@example(flags={"--local"}, name="ds", words=["\udcff", "\r\n", "ü"], options="")
def test_run_argv_is_the_same(flags: set[str], name: str, words: list[str], options: str) -> None:
    call = read_call([*flags, "run", name, *words])
    variables = {"PYDOCK_RUN_OPTIONS": options, "PYDOCK_USER": "me"}
    expected = words[1:] if words[0] == "--" else words
    assume(expected)
    argv = argv_of_fast_run(call, variables)
    assert argv[-len(expected) :] == expected
    assert argv_of_task(call, variables) == argv


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", [["run", "ds", "python"], ["shell", "ds"], ["exec", "ds", "--", "x"]])
@pytest.mark.parametrize(
    "options",
    [
        ["-e", "A=b c", "--env", "B", "--gpus=all", "--read-only", "--memory", "1g", "--tmpfs", "/t"],
        ["-p", "127.0.0.1:8000-8001:80-81", "-dv", "/:/host:ro", "--entrypoint", "", "--network", "x"],
        [
            "-it",
            "--rm",
            "-eA=1",
            "-u",
            "0",
            "-w/x",
            "--cpus",
            "2",
            "--shm-size=1g",
            "--mount",
            "type=tmpfs,target=/t",
        ],
    ],
)
def test_options_of_docker_are_the_same(command: list[str], options: list[str]) -> None:
    call = read_call([command[0], *options, *command[1:]])
    argv = argv_of_fast_run(call, {})
    assert argv_of_task(call, {}) == argv
    assert "A" not in argv or "A=b c" not in argv


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("shell", ["", "fish", "/opt/my shell"])
def test_shell_argv_is_the_same(shell: str) -> None:
    call = read_call(["shell", "ds"])
    assert argv_of_fast_run(call, {"PYDOCK_SHELL": shell}) == argv_of_task(call, {"PYDOCK_SHELL": shell})


@given(st.lists(st.sampled_from(sorted(FLAGS)), max_size=3), st.lists(WORDS | SPECIAL, max_size=3))
def test_read_call_keeps_every_word(flags: list[str], words: list[str]) -> None:
    call = read_call([*flags, *words])
    own = next((index for index, word in enumerate(words) if word not in FLAGS), len(words))
    assert call.flags == {*flags, *words[:own]}
    assert ([] if call.command is None else [call.command, *call.rest]) == words[own:]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "argv",
    [
        ["--echo", "run", "ds", "true"],
        ["--dry", "run", "ds", "true"],
        ["--help", "run", "ds", "true"],
        ["run", "--local", "ds", "true"],
        ["run", "ds"],
        ["run"],
        ["shell", "ds", "extra"],
        ["shell"],
        ["envs"],
        ["run", "nosuch", "true"],
        ["run", "Bad Name", "true"],
        ["--global", "run", "ds", "true"],
        ["--local", "--global", "run", "ds", "true"],
    ],
)
def test_unusual_call_is_left_to_the_task(argv: list[str]) -> None:
    with (
        mock.patch.object(fast_run, "ask_for_image", return_value=lambda: ""),
        mock.patch.object(fast_run, "run_watched", side_effect=Started),
    ):
        fast_run.run_container_if_possible(read_call(argv))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("engine", ["false", "/nowhere/docker"])
def test_missing_image_or_engine_is_left_to_the_task(engine: str) -> None:
    with (
        mock.patch.dict("os.environ", {"PYDOCK_ENGINE": engine}),
        mock.patch.object(fast_run, "run_watched", side_effect=Started),
    ):
        fast_run.run_container_if_possible(read_call(["run", "ds", "true"]))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "variables",
    [
        {"DOCKER_HOST": "ssh://remote.example"},
        {"PYDOCK_ENGINE": "podman"},
        {"PYDOCK_ENGINE": ""},
        {"PYDOCK_PREFIX": "Invalid"},
    ],
)
def test_engine_or_setting_that_is_refused_is_left_to_the_task(variables: dict[str, str]) -> None:
    with (
        mock.patch.dict("os.environ", variables),
        mock.patch.object(fast_run, "ask_for_image", return_value=lambda: ""),
        mock.patch.object(fast_run, "run_watched", side_effect=Started),
    ):
        fast_run.run_container_if_possible(read_call(["run", "ds", "true"]))
