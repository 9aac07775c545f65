"""`pydock build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Machine


def test_build_after_a_checkout(machine: Machine) -> None:
    machine.add_environment("ds", "six==1.15.0")
    machine.remove_images()
    assert machine.ok("build", "ds").err == "Built environment 'ds'.\n"
    machine.assert_consistent()


def test_build_after_an_edit_untags_the_previous_image(ds: Machine) -> None:
    [previous] = ds.state()["images"]
    (ds.folder("ds") / "requirements.txt").write_text("six==1.15.0\n")
    assert "has changed since its image was built" in ds.ok("run", "ds", "true").err
    ended = ds.ok("build", "ds")
    assert "The previous image is now untagged; `docker image prune`" in ended.err
    images = ds.state()["images"]
    assert images.pop(previous)["tags"] == []
    [new] = images.values()
    assert new["installed"] == ["six==1.15.0"]
    assert len(new["tags"]) == 2
    assert ds.ok("run", "ds", "true").err == ""


def test_build_options_are_passed_to_docker(ds: Machine) -> None:
    ds.ok("build", "ds", "--no-cache", "--pull", PYDOCK_BUILD_OPTIONS="--network host --add-host 'a b:1'")
    [argv] = ds.argvs("build")
    assert argv[-7:] == [
        "--no-cache",
        "--pull",
        "--network",
        "host",
        "--add-host",
        "a b:1",
        str(ds.folder("ds")),
    ]


def test_build_option_pull_is_not_used_for_local_images(ds: Machine) -> None:
    """`install` builds on the environment's own image, which no registry has."""
    ds.ok("install", "ds", "six", PYDOCK_BUILD_OPTIONS="--pull --network host")
    [argv] = ds.argvs("build")
    assert "--pull" not in argv
    assert "--network" in argv


def test_builder_and_attestations_are_set_by_variables(ds: Machine) -> None:
    ds.ok("build", "ds", BUILDX_BUILDER="remote")
    [build] = ds.calls("build")
    assert build["variables"]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
    assert build["variables"]["BUILDX_BUILDER"] == ""


def test_failed_build_keeps_the_previous_image(ds: Machine) -> None:
    (ds.folder("ds") / "dockerfile").write_text("FROM nonsense/image:1\n")
    tags = ds.tags()
    ended = ds.pydock("build", "ds")
    assert ended.code == 125
    assert "nonsense/image:1" in ended.err
    assert ds.tags() == tags


def test_invalid_line_in_requirements_is_named(ds: Machine) -> None:
    path = ds.folder("ds") / "requirements.txt"
    path.write_text("six\nnot a requirement\n")
    ended = ds.pydock("build", "ds")
    assert ended.code == 2
    assert f"{path}, line 2: Invalid requirement specifier 'not a requirement'" in ended.err
    assert ds.argvs("build") == []
