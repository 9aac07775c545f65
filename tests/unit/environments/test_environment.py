"""Image tags: the content tag changes if, and only if, what the image is built from changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.environments.environment import environment_names, find_environment
from pydock.settings import Home

if TYPE_CHECKING:
    from ..conftest import MakeEnvironment, MakeSettings


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"user": "other"}, True),
        ({"repository": "mirror.example/python"}, True),
        ({"shell": "zsh", "installer": "pip", "run_options": ["-p", "1:1"]}, False),
        ({"engine": "sudo docker", "build_options": ["--network", "host"]}, False),
    ],
)
def test_content_tag_depends_on_some_settings(
    make_environment: MakeEnvironment, values: dict[str, Any], changes: bool
) -> None:
    assert (make_environment().content_tag() != make_environment(**values).content_tag()) == changes


@pytest.mark.parametrize("call", ["os.getuid", "os.getgid"])
def test_each_caller_has_own_image(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = make_environment()
    monkeypatch.setattr(call, lambda: 4711)
    after = make_environment()
    assert after.identity != before.identity
    assert after.content_tag().rpartition("-")[2] != before.content_tag().rpartition("-")[2]


def test_identity_depends_on_real_path(tmp_path: Path, make_environment: MakeEnvironment) -> None:
    one = make_environment("one")
    other = make_environment("other")
    assert one.identity != other.identity
    assert one.content_tag().rpartition("-")[2] == other.content_tag().rpartition("-")[2]
    (tmp_path / "envs" / "link").symlink_to(one.folder)
    assert make_environment("link").identity == one.identity


def test_image_tags(make_environment: MakeEnvironment) -> None:
    environment = make_environment("py3.8", prefix="registry.example/team/")
    assert environment.image_name == "registry.example/team/py3.8"
    assert environment.alias == "registry.example/team/py3.8:latest"
    assert environment.candidate == f"{environment.image_name}:{environment.identity}-candidate"
    assert environment.tag_pattern == f"{environment.image_name}:{environment.identity}-*"
    assert re.fullmatch(r"[0-9a-f]{8}", environment.identity)
    digest = environment.content_tag().rpartition("-")[2]
    assert re.fullmatch(r"[0-9a-f]{16}", digest)
    assert environment.content_pattern == f"registry.example/team/*:*-{digest}"
    assert environment.folder not in environment.content_tag()


def test_content_tag_of_requirements_not_written_yet(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    expected = environment.content_tag(b"pandas==2.2.0\n")
    assert expected != environment.content_tag()
    Path(environment.path("requirements.txt")).unlink()
    assert environment.content_tag(b"pandas==2.2.0\n") == expected
    Path(environment.path("requirements.txt")).write_text("pandas==2.2.0\n")
    assert environment.content_tag() == expected


def test_invalid_prefix_is_refused(make_environment: MakeEnvironment) -> None:
    with pytest.raises(errors.BadSetting, match="Setting 'prefix'"):
        make_environment(prefix="Pydock-")


def test_dockerfile_is_read_with_build_arguments(make_environment: MakeEnvironment) -> None:
    environment = make_environment(repository="mirror.example/python")
    Path(environment.path("dockerfile")).write_bytes(
        b"# caf\xe9\nARG REPOSITORY=python\nFROM ${REPOSITORY}:3\n"
    )
    assert environment.dockerfile().base_image == "mirror.example/python:3"


def test_environment_names_need_a_dockerfile(tmp_path: Path, make_environment: MakeEnvironment) -> None:
    home = Home(str(tmp_path), "local", "")
    assert environment_names(Home(str(tmp_path / "nowhere"), "local", "")) == []
    for name in ("b", "a"):
        make_environment(name)
    for name in (".b", "Upper", "c"):
        (tmp_path / "envs" / name).mkdir()
    (tmp_path / "envs" / "Upper" / "dockerfile").touch()
    (tmp_path / "envs" / "file").touch()
    assert environment_names(home) == ["a", "b"]


def test_environment_names_of_unreadable_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(errors.PydockError, match="Cannot read /x/envs: Permission denied"):
        environment_names(Home("/x", "local", ""))


def test_environment_not_found_lists_environments(
    tmp_path: Path, make_settings: MakeSettings, make_environment: MakeEnvironment
) -> None:
    settings = make_settings(home=".")
    with pytest.raises(errors.EnvironmentNotFound, match="No environments exist there yet"):
        find_environment(settings, "ds")
    make_environment("datascience")
    with pytest.raises(errors.EnvironmentNotFound, match="Did you mean 'datascience'"):
        find_environment(settings, "datascienec")
    with pytest.raises(errors.EnvironmentNotFound, match="Environments there: datascience"):
        find_environment(settings, "web")
    (tmp_path / "envs" / "bare").mkdir()
    with pytest.raises(errors.EnvironmentNotFound, match="has no file 'dockerfile'"):
        find_environment(settings, "bare")
    assert find_environment(settings, "datascience").name == "datascience"
