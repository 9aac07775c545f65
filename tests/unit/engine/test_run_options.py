"""Options of `docker run` before NAME: how they are read, and what Docker gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.cli.call import Call, read_run_call
from pydock.engine.run_options import check_container_name, docker_words, read_options

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import MakeSettings


@pytest.mark.parametrize(
    ("words", "values", "rest"),
    [
        (["ds", "-e", "A"], {}, ["ds", "-e", "A"]),
        (
            ["-e", "A=1", "--env", "B", "--env=C=2", "-eD=3", "-e=E", "x"],
            {"env": ["A=1", "B", "C=2", "D=3", "E"]},
            ["x"],
        ),
        (["--env-file", ".env", "--env-file=b"], {"env_file": [".env", "b"]}, []),
        (
            ["-v", "./a b:/a", "--mount", "type=tmpfs,target=/t"],
            {"volume": ["./a b:/a"], "mount": ["type=tmpfs,target=/t"]},
            [],
        ),
        (["-p8888:80", "-p", "0:1", "--publish=2"], {"publish": ["8888:80", "0:1", "2"]}, []),
        (
            ["--gpus", "all", "--shm-size=1g", "-m", "1g", "--memory", "2g"],
            {"gpus": "all", "shm_size": "1g", "memory": "2g"},
            [],
        ),
        (
            ["--cpus=1.5", "--net", "host", "-u0", "-w", "/x"],
            {"cpus": "1.5", "network": ["host"], "user": "0", "workdir": "/x"},
            [],
        ),
        (
            ["--read-only", "--tmpfs", "/t", "--name", "n"],
            {"read_only": True, "tmpfs": ["/t"], "container_name": "n"},
            [],
        ),
        (["-d", "--detach=false", "--entrypoint="], {"detach": False, "entrypoint": ""}, []),
        (["-dp", "1:1", "ds"], {"detach": True, "publish": ["1:1"]}, ["ds"]),
        (["-it", "--rm", "--init", "-i", "ds"], {}, ["ds"]),
        (["-e", "-x", "ds"], {"env": ["-x"]}, ["ds"]),
        (["--script", "s.py"], {}, ["--script", "s.py"]),
        (["-e", "A", "--device", "x"], {"env": ["A"]}, ["--device", "x"]),
        (["-x"], {}, ["-x"]),
        (["-dx"], {}, ["-dx"]),
        (["-"], {}, ["-"]),
        (["--", "ds"], {}, ["--", "ds"]),
    ],
)
def test_read_options(words: list[str], values: dict[str, Any], rest: list[str]) -> None:
    assert read_options(words) == (values, rest)


@pytest.mark.parametrize("words", [["-e"], ["--env"], ["-dp"], ["--gpus"]])
def test_missing_value(words: list[str]) -> None:
    with pytest.raises(errors.UsageError, match="needs a value"):
        read_options(words)


def test_flags_of_pydock_may_be_between() -> None:
    call = Call(frozenset(["--local"]), "run", ["-e", "A", "--echo", "-e", "B", "ds", "--dry", "-e", "C"])
    found, values = read_run_call(call)
    assert found == Call(frozenset(["--local", "--echo"]), "run", ["ds", "--dry", "-e", "C"])
    assert values == {"env": ["A", "B"]}


@pytest.mark.parametrize(
    ("values", "words", "variables"),
    [
        ({}, [], {}),
        ({"detach": False, "gpus": "", "env": [], "container_name": "n"}, [], {}),
        (
            {"gpus": "all", "env": ["A"], "read_only": True},
            ["--env", "A", "--gpus", "all", "--read-only"],
            {},
        ),
        ({"env": ["A=1=2", "B=", "=x"]}, ["--env", "A", "--env", "B", "--env", "=x"], {"A": "1=2", "B": ""}),
        # what the docker client itself reads
        *(
            ({"env": [f"{name}=x"]}, ["--env", f"{name}=x"], {})
            for name in (
                "PATH",
                "HOME",
                "DOCKER_HOST",
                "http_proxy",
                "LD_PRELOAD",
                "GODEBUG",
                "XDG_CONFIG_HOME",
            )
        ),
    ],
)
def test_docker_words(values: dict[str, Any], words: list[str], variables: dict[str, str]) -> None:
    assert docker_words(values, by_name=True) == (words, variables)


def test_values_are_words_for_a_client_that_gets_no_variables() -> None:
    assert docker_words({"env": ["A=1"]}, by_name=False) == (["--env", "A=1"], {})


def test_files_and_folders_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker would make a folder on this machine, which belongs to root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / ".env").write_text("A=1\n")
    for written in ("./data", "~/data", str(tmp_path / "data")):
        words, _ = docker_words({"volume": [f"{written}:/data:ro"], "env_file": [".env"]}, by_name=True)
        assert words == ["--env-file", ".env", "--volume", f"{tmp_path}/data:/data:ro"]
    assert docker_words({"volume": ["name:/x", "/x"]}, by_name=True)[0][1::2] == ["name:/x", "/x"]
    with pytest.raises(errors.UsageError, match=f"mkdir -p {tmp_path}/out"):
        docker_words({"volume": ["./out:/out"]}, by_name=True)
    with pytest.raises(errors.UsageError, match="not found"):
        docker_words({"env_file": ["nowhere"]}, by_name=True)


@pytest.mark.parametrize("name", ["", "a", "-ab", ".ab", "a b", "a/b", "a\n", "a?b", "é1"])
def test_names_that_no_container_has(make_settings: MakeSettings, name: str) -> None:
    settings = make_settings(engine="false")
    with pytest.raises(errors.UsageError):
        check_container_name(settings, name)
    check_container_name(settings, "my_web-1.x")
    with pytest.raises(errors.ContainerExists):
        check_container_name(make_settings(engine="true"), "my_web-1.x")
