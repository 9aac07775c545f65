"""The direct road and the task's road lead to the same docker command line, whatever the words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from invoke import Exit

from pydock.cli import fast_run, program
from pydock.cli.call import FLAGS, Call, read_call
from pydock.commands import session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What an argument of a process can be: any text without NUL, bytes that are no UTF-8 included.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0")
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    max_size=12,
)
ODD = st.sampled_from(
    ["", "-", "--", "-x", "--local", "--echo", "--help", "'", '"', "\\", "a\nb", "$HOME", "*", "#", "!"]
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    for name in ("ds", "py3.8"):
        (folder / ".pydock" / "envs" / name).mkdir(parents=True)
        (folder / ".pydock" / "envs" / name / "dockerfile").write_text("FROM python:3.12\n")
    client = folder / "client"
    client.write_text("#!/bin/sh\nexit 0\n")
    client.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


class Reached(Exception):
    """The road has come to its docker command."""


def by_the_direct_road(call: Call, variables: dict[str, str]) -> list[str]:
    """Return the argv that the process would become."""
    with (
        mock.patch.dict("os.environ", variables),
        mock.patch.object(fast_run, "container_name", return_value="ds-1"),
        mock.patch.object(fast_run, "leave_nothing_behind", return_value=0),
        mock.patch.object(fast_run, "image_is_there", return_value=True),
        mock.patch("os.set_inheritable"),
        mock.patch("os.execvp", side_effect=Reached) as become,
        pytest.raises(Reached),
    ):
        fast_run.run_directly(call)
    file, argv = become.call_args.args
    assert file == argv[0]
    return list(argv)


def by_the_task(call: Call, variables: dict[str, str]) -> list[str]:
    """Return the argv that the task hands to its runner's process."""
    seen: list[Any] = []

    def started(argv: list[str], **_: Any) -> None:
        seen.append(argv)
        raise Reached

    with (
        mock.patch.dict("os.environ", variables),
        mock.patch.object(session, "container_name", return_value="ds-1"),
        mock.patch.object(session, "leave_nothing_behind", side_effect=lambda *_: sys.maxsize),
        mock.patch("pydock.engine.images.Images.current", return_value=object()),
        mock.patch("os.close"),
        mock.patch("subprocess.Popen", started),
        mock.patch("signal.signal"),
        pytest.raises((Reached, Exit)),
    ):
        program._run(call)
    [argv] = seen
    return list(argv)


@pytest.mark.usefixtures("project")
@hypothesis_settings(max_examples=60)
@given(
    flags=st.sets(st.sampled_from(["--local"])),
    name=st.sampled_from(["ds", "py3.8"]),
    words=st.lists(WORDS | ODD, min_size=1, max_size=5),
    options=st.sampled_from(["", "--env 'A=b c'", "-p 8888:8888"]),
)
@example(flags=set(), name="ds", words=["python", "-c", 'print("a  b $HOME")\n'], options="")
@example(flags=set(), name="ds", words=["", "", "--help"], options="")
@example(flags={"--local"}, name="ds", words=["\udcff", "\r\n", "ü"], options="")
def test_run(flags: set[str], name: str, words: list[str], options: str) -> None:
    call = read_call([*flags, "run", name, *words])
    variables = {"PYDOCK_RUN_OPTIONS": options, "PYDOCK_USER": "me"}
    argv = by_the_direct_road(call, variables)
    assert argv[-len(words) :] == words
    assert by_the_task(call, variables) == argv


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("shell", ["", "fish", "/opt/my shell"])
def test_shell(shell: str) -> None:
    call = read_call(["shell", "ds"])
    assert by_the_direct_road(call, {"PYDOCK_SHELL": shell}) == by_the_task(call, {"PYDOCK_SHELL": shell})


@given(st.lists(st.sampled_from(sorted(FLAGS)), max_size=3), st.lists(WORDS | ODD, max_size=3))
def test_a_call_is_read_without_loss(flags: list[str], words: list[str]) -> None:
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
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_task(argv: list[str]) -> None:
    with mock.patch("os.execvp", side_effect=Reached):
        fast_run.run_directly(read_call(argv))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "trouble", [{"return_value": mock.Mock(returncode=1)}, {"side_effect": FileNotFoundError}]
)
def test_an_engine_that_has_no_image_is_left_to_the_task(trouble: dict[str, Any]) -> None:
    with (
        mock.patch("os.execvp", side_effect=Reached),
        mock.patch("subprocess.run", **trouble),
    ):
        fast_run.run_directly(read_call(["run", "ds", "true"]))
