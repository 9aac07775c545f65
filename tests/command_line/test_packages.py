"""`pydock install`, `uninstall` and `update`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pydock.engine.tools import PROGRAMS, tools_digest

if TYPE_CHECKING:
    from .conftest import Machine

PANDAS = ("numpy==2.1.0", "pandas==2.2.1", "python-dateutil==2.9.0", "six==1.16.0")


def test_install_records_requested_and_installed_packages(ds: Machine) -> None:
    ended = ds.ok("install", "ds", "pandas>=2", "six")
    assert ended.out.splitlines() == [f"+ {line}" for line in PANDAS]
    assert ended.err == ""
    assert ds.files()["requirements.in"] == b"pandas>=2\nsix\n"
    assert ds.pins() == list(PANDAS)
    ds.assert_consistent()


def test_install_keeps_installed_packages_and_comments(machine: Machine) -> None:
    machine.add_environment("ds", "numpy==1.26.0", requested="# arrays\nnumpy<2  # not yet\n")
    assert machine.ok("install", "ds", "requests").out == "+ requests==2.31.0\n"
    assert machine.files()["requirements.in"] == b"# arrays\nnumpy<2  # not yet\nrequests\n"
    assert machine.pins() == ["numpy==1.26.0", "requests==2.31.0"]
    machine.assert_consistent()


def test_install_gives_the_build_what_was_requested(machine: Machine) -> None:
    machine.add_environment("ds", "numpy==1.26.0", requested="# arrays\nnumpy<2  # not yet\n")
    machine.ok("install", "ds", "requests>=2", PYDOCK_INSTALLER="pip")
    [build] = machine.calls("build")
    assert sorted(build["context"]) == [
        "bounds.txt",
        "constraints.txt",
        "dockerfile",
        "requested.txt",
        "wanted.txt",
    ]
    programs = build["named_contexts"]["pydock"]
    assert programs["installer"]["text"] == "pip\n"
    assert programs["increment.sh"]["mode"] == "755"
    texts = {name: file["text"] for name, file in build["context"].items()}
    assert texts["wanted.txt"] == "requests>=2\n"
    assert texts["bounds.txt"] == "numpy<2\nrequests>=2\n"
    assert texts["constraints.txt"] == ""
    assert texts["requested.txt"] == "numpy<2\nrequests>=2\n"


def test_install_mounts_the_tools_image(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    [build] = ds.calls("build")
    assert build["named_contexts"]["pydock"] == {"image": {"text": f"pydock--tools:{tools_digest()}"}}


def test_install_looks_for_its_images_in_one_call(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    [call] = [argv for argv in ds.argvs("image") if argv[1] == "inspect"]
    assert f"pydock--tools:{tools_digest()}" in call


def test_install_for_another_platform_mounts_another_tools_image(ds: Machine) -> None:
    ds.ok("install", "ds", "six", DOCKER_DEFAULT_PLATFORM="linux/arm64")
    [build] = ds.calls("build")
    assert (
        build["named_contexts"]["pydock"]["image"]["text"] == f"pydock--tools:{tools_digest('linux/arm64')}"
    )


def test_install_without_a_uv_uses_a_folder_with_the_same_programs(ds: Machine) -> None:
    ds.ok("install", "ds", "six", FAKE_DOCKER_TOOLS="missing")
    fetch, build = ds.calls("build")
    assert sorted(fetch["named_contexts"]["pydock"]) == ["fetch_uv.sh", "installer", "installer.sh"]
    assert sorted(fetch["context"]) == ["dockerfile", "uv.txt"]
    assert "type=cache" not in fetch["dockerfile"]
    assert sorted(build["named_contexts"]["pydock"]) == sorted([*PROGRAMS, "installer"])


def test_every_environment_has_its_own_caches(machine: Machine) -> None:
    for name in ("a", "b"):
        machine.ok("create", name, "3.12")
        machine.ok("install", name, "six")
    words = [
        [word for word in argv if word.startswith("BUILDKIT_CACHE_MOUNT_NS=")]
        for argv in machine.argvs("build")
    ]
    assert [len(found) for found in words] == [1] * 4
    assert len({found[0] for found in words}) == 2
    assert words[0] == words[1]


def test_update_gives_the_build_what_is_installed(machine: Machine) -> None:
    machine.add_environment("ds", "numpy==1.26.0", "six==1.15.0", requested="numpy<2\nsix\n")
    machine.ok("update", "ds", "six")
    context = machine.calls("build")[0]["context"]
    texts = {name: file["text"] for name, file in context.items()}
    assert texts["requested.txt"] == "numpy<2\nsix\n"
    assert texts["installed.txt"] == "numpy==1.26.0\nsix==1.15.0\n"
    assert texts["upgrade-names.txt"] == "six\n"
    assert texts["upgrade-lines.txt"] == "six\n"


def test_requirement_specifiers_are_not_read_by_a_shell(ds: Machine) -> None:
    specifiers = [
        "six>=1.0",
        "requests[socks,use_chardet]>=2;python_version>'3' and os_name!='$(touch x)'",
        "numpy<2",
    ]
    ds.ok("install", "ds", *specifiers)
    assert ds.files()["requirements.in"].decode().splitlines() == specifiers
    assert ds.pins() == ["numpy==1.26.0", "requests==2.31.0", "six==1.16.0"]
    [build] = ds.calls("build")
    assert build["context"]["wanted.txt"]["text"].splitlines() == specifiers
    assert "touch" not in build["dockerfile"] + " ".join(build["argv"])
    assert list(ds.project.iterdir()) == []


def test_install_of_an_installed_package(machine: Machine) -> None:
    machine.add_environment("ds", "six==1.16.0", requested="six\n")
    ended = machine.ok("install", "ds", "six")
    assert (ended.out, ended.err) == ("", "Nothing to change in 'ds'.\n")
    machine.assert_consistent()


def test_install_of_a_dependency_records_the_request(machine: Machine) -> None:
    machine.add_environment("ds", *PANDAS, requested="pandas\n")
    ended = machine.ok("install", "ds", "numpy")
    assert (ended.out, ended.err) == ("", "No package of 'ds' changed; requirements.in was updated.\n")
    assert machine.files()["requirements.in"] == b"pandas\nnumpy\n"
    machine.assert_consistent()


def test_install_changes_a_version(machine: Machine) -> None:
    machine.add_environment("ds", "six==1.16.0", requested="six\n")
    assert machine.ok("install", "ds", "six==1.15.0").out == "- six==1.16.0\n+ six==1.15.0\n"
    machine.assert_consistent()


def test_install_from_a_requirements_file(ds: Machine) -> None:
    (ds.project / "reqs.txt").write_text("--extra-index-url https://index.example/simple\nsix \\\n  >=1.0\n")
    ds.ok("install", "ds", "requests", "--requirement", "reqs.txt")
    assert ds.files()["requirements.in"] == (
        b"requests\n--extra-index-url https://index.example/simple\nsix \\\n  >=1.0\n"
    )
    assert ds.files()["requirements.txt"] == (
        b"--extra-index-url https://index.example/simple\nrequests==2.31.0\nsix==1.16.0\n"
    )


def test_install_from_a_url(ds: Machine) -> None:
    url = "git+https://code.example/team/fromurl.git#egg=fromurl"
    ds.ok("install", "ds", url)
    assert ds.files()["requirements.in"].decode() == f"{url}\n"
    assert ds.pins() == [f"fromurl @ {url}"]
    ds.assert_consistent()


def test_install_into_an_environment_of_a_dockerfile_alone(machine: Machine) -> None:
    folder = machine.folder("plain")
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    machine.ok("build", "plain")
    machine.ok("install", "plain", "six")
    assert sorted(machine.files("plain")) == ["dockerfile", "requirements.in", "requirements.txt"]
    assert machine.ok("run", "plain", "true").err == ""


def test_install_after_an_edit_builds_the_edited_files_first(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.txt").write_text("six==1.15.0\n")
    assert ds.ok("install", "ds", "requests").out == "+ requests==2.31.0\n"
    assert ds.pins() == ["requests==2.31.0", "six==1.15.0"]
    assert len(ds.argvs("build")) == 2


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["install", "ds", "nosuchpackage"], 1, "nosuchpackage was not found"),
        (["install", "ds", "oldnumpy", "numpy>=2"], 1, "depends on numpy<2"),
        (["install", "ds", "./wheel.whl"], 2, "'./wheel.whl': neither a folder nor a wheel"),
        (["install", "ds", "pandas=2"], 2, "Invalid requirement specifier 'pandas=2'"),
        (["install", "ds", "six;touch hostile", "$(touch hostile)"], 2, "Invalid requirement specifier"),
        (["install", "ds"], 2, "No packages given"),
        (["install", "ds", ""], 2, "No packages given"),
        (["install", "nosuch", "six"], 1, "Environment 'nosuch' not found"),
        (["install", "dss", "six"], 1, "Did you mean 'ds'?"),
        (["install", "ds", "-r", "missing.txt"], 2, "Requirements file not found: missing.txt"),
        (["install", "ds", "--index-url", "https://index.example"], 2, "--index-url"),
        (["uninstall", "ds", "numpy"], 1, "numpy is needed by other requested packages (pandas)"),
        (["uninstall", "ds", "requests", "scipy"], 1, "requests and scipy are not installed in 'ds'"),
        (["uninstall", "ds", "six>=1"], 2, "Invalid package name 'six>=1'"),
        (["uninstall", "ds"], 2, "required: PACKAGE. usage: pydock uninstall [OPTIONS] NAME PACKAGE..."),
        (["uninstall", "ds", ""], 2, "package"),
        (["update", "ds", "requests"], 1, "requests is not installed"),
        (["build", "nosuch"], 1, "Environment 'nosuch' not found"),
        (["build", "Bad"], 2, "Try 'bad'"),
    ],
)
def test_refused_change_leaves_files_and_images_unchanged(
    machine: Machine, argv: list[str], code: int, words: str
) -> None:
    machine.add_environment("ds", *PANDAS, requested="pandas\n")
    before, tags = machine.files(), machine.tags()
    ended = machine.pydock(*argv)
    assert ended.code == code, ended
    assert words in " ".join(ended.err.split())
    assert ended.out == ""
    assert (machine.files(), machine.tags()) == (before, tags)
    assert list(machine.project.iterdir()) == []
    assert list(machine.temporary.iterdir()) == []


@pytest.mark.parametrize("command", ["build", "create", "cp", "tag"])
def test_failed_install_leaves_files_unchanged(machine: Machine, command: str) -> None:
    machine.add_environment("ds", "six==1.15.0", requested="# mine\n\nsix   # old\n")
    before, tags = machine.files(), machine.tags()
    ended = machine.pydock("install", "ds", "requests", FAKE_DOCKER_FAIL=f"{command}:layer-missing")
    assert ended.code == (1 if command == "build" else 125)
    assert "layer does not exist" in ended.err
    assert machine.files() == before
    assert machine.tags() == tags
    machine.ok("install", "ds", "requests")
    machine.assert_consistent()


def test_requirements_edited_during_an_install_are_not_overwritten(ds: Machine) -> None:
    edited = ds.folder("ds") / "requirements.txt"
    tags = ds.tags()
    ended = ds.pydock("install", "ds", "six", FAKE_DOCKER_EDIT=str(edited))
    assert ended.code == 1
    assert "was edited while the command ran; nothing was changed" in ended.err
    assert edited.read_text() == "# edited during the build\n"
    assert sorted(ds.files()) == ["dockerfile", "requirements.txt"]
    assert ds.tags() == tags


@pytest.mark.parametrize(
    "command", [("install", "ds", "six"), ("uninstall", "ds", "requests"), ("update", "ds")]
)
def test_copied_file_edited_during_a_change_makes_it_fail(ds: Machine, command: tuple[str, ...]) -> None:
    ds.ok("install", "ds", "requests")
    extra = ds.folder("ds") / "extra"
    extra.write_text("")
    with (ds.folder("ds") / "dockerfile").open("a") as file:
        file.write("COPY extra /srv/\n")
    ds.ok("build", "ds")
    before, images = ds.files(), ds.state()["images"]
    ended = ds.pydock(*command, FAKE_DOCKER_EDIT=str(extra))
    assert ended.code == 1
    assert "was edited while the command ran; nothing was changed" in ended.err
    assert {**ds.files(), "extra": b""} == before
    assert ds.state()["images"] == images
    ds.ok(*command)
    assert len(ds.tags()) == 2


def test_image_with_many_layers_is_built_again_with_few(ds: Machine) -> None:
    def add_layers(state: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        [image] = state["images"].values()
        image["layers"] = [f"sha256:{number}" for number in range(40)]

    ds.change_state(add_layers)
    ds.ok("install", "ds", "six")
    assert len(ds.image("pydock-ds:latest")["layers"]) < 5
    ds.assert_consistent()


def test_uninstall_removes_dependencies_that_nothing_else_needs(machine: Machine) -> None:
    machine.add_environment("ds", *PANDAS, "requests==2.30.0", requested="pandas\n# the web\nrequests\n")
    ended = machine.ok("uninstall", "ds", "Pandas")
    assert ended.out.splitlines() == [f"- {line}" for line in PANDAS]
    assert machine.files()["requirements.in"] == b"# the web\nrequests\n"
    assert machine.pins() == ["requests==2.30.0"]
    machine.assert_consistent()


def test_update_keeps_to_the_requested_bounds(machine: Machine) -> None:
    machine.add_environment(
        "ds", "numpy==1.26.0", "scipy==1.10.0", "six==1.15.0", requested="scipy<1.12\nsix\n"
    )
    assert machine.ok("update", "ds", "six").out == "- six==1.15.0\n+ six==1.16.0\n"
    assert machine.ok("update", "ds").out.splitlines() == [
        "- numpy==1.26.0",
        "+ numpy==2.1.0",
        "- scipy==1.10.0",
        "+ scipy==1.11.0",
    ]
    assert machine.files()["requirements.in"] == b"scipy<1.12\nsix\n"
    machine.assert_consistent()
    assert machine.ok("update", "ds").err == "Nothing to change in 'ds'.\n"


def test_file_that_cannot_be_read_is_named(ds: Machine) -> None:
    path = ds.folder("ds") / "requirements.txt"
    path.unlink()
    path.mkdir()
    ended = ds.pydock("install", "ds", "six")
    assert ended.code == 1
    assert f"Cannot read {path}: Is a directory." in ended.err


def test_lock_file_of_another_tool_names_the_command_that_exports_it(ds: Machine) -> None:
    (ds.project / "uv.lock").write_text("version = 1\n")
    ended = ds.pydock("install", "ds", "-r", "uv.lock")
    assert (ended.code, ds.calls()) == (2, [])
    assert "Run `uv export --format requirements-txt --no-emit-project > requirements.txt`" in ended.err


def test_environment_file_of_conda(ds: Machine) -> None:
    (ds.project / "environment.yml").write_text("dependencies: [python, gdal, {pip: [six]}]\n")
    ended = ds.ok("install", "ds", "-r", "environment.yml")
    assert ended.out == "+ six==1.16.0\n"
    assert "Packages of conda are not installed: gdal." in ended.err


def test_edited_bound_is_not_forgotten(machine: Machine) -> None:
    """Another installation does not apply an edited bound, so the reminder stays until `update`."""
    machine.add_environment("ds", "six==1.16.0", requested="six\n")
    machine.ok("install", "ds", "requests")
    (machine.folder("ds") / "requirements.in").write_text("six<1.16\nrequests\n")
    for package in ("numpy", "scipy"):
        machine.ok("install", "ds", package)
        assert "six==1.16.0" in machine.pins()
        assert "`pydock update ds`" in machine.ok("envs").err + machine.ok("run", "ds", "true").err
    machine.ok("update", "ds")
    assert "six==1.15.0" in machine.pins()
    assert "pydock update" not in machine.ok("envs").err + machine.ok("run", "ds", "true").err
