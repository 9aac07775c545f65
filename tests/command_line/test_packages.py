"""`pydock install`, `uninstall`, `update` and `build`: what they change, and what a failure leaves as it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

PANDAS = ("numpy==2.1.0", "pandas==2.2.1", "python-dateutil==2.9.0", "six==1.16.0")


def pins(machine: Machine, name: str = "ds") -> list[str]:
    return machine.files(name)["requirements.txt"].decode().splitlines()


def assert_whole(machine: Machine, name: str = "ds") -> None:
    """Insist that image and folder agree: one image, with both of its names, that holds what the file says."""
    [image] = machine.state()["images"].values()
    assert len(image["tags"]) == 2
    assert image["installed"] == pins(machine, name)
    assert machine.state()["containers"] == {}
    assert not [file for file in machine.files(name) if file.startswith(".")]
    assert "has changed since" not in machine.ok("run", name, "true").err


def test_install_records_what_was_asked_and_what_is_there(ds: Machine) -> None:
    ended = ds.ok("install", "ds", "pandas>=2", "six")
    assert ended.out.splitlines() == [f"+ {line}" for line in PANDAS]
    assert ended.err == ""
    assert ds.files()["requirements.in"] == b"pandas>=2\nsix\n"
    assert pins(ds) == list(PANDAS)
    assert_whole(ds)


def test_install_adds_to_what_is_there(machine: Machine) -> None:
    machine.given("ds", "numpy==1.26.0", asked="# arrays\nnumpy<2  # not yet\n")
    assert machine.ok("install", "ds", "requests").out == "+ requests==2.31.0\n"
    assert machine.files()["requirements.in"] == b"# arrays\nnumpy<2  # not yet\nrequests\n"
    assert pins(machine) == ["numpy==1.26.0", "requests==2.31.0"]
    assert_whole(machine)


def test_install_of_what_is_there_says_so(machine: Machine) -> None:
    machine.given("ds", "six==1.16.0", asked="six\n")
    ended = machine.ok("install", "ds", "six")
    assert (ended.out, ended.err) == ("", "Nothing to change in 'ds'.\n")
    assert_whole(machine)


def test_install_of_what_came_along_records_the_wish(machine: Machine) -> None:
    machine.given("ds", *PANDAS, asked="pandas\n")
    ended = machine.ok("install", "ds", "numpy")
    assert (ended.out, ended.err) == (
        "",
        "The packages of 'ds' stay as they are; requirements.in now says what was asked for.\n",
    )
    assert machine.files()["requirements.in"] == b"pandas\nnumpy\n"
    assert_whole(machine)


def test_install_changes_a_version(machine: Machine) -> None:
    machine.given("ds", "six==1.16.0", asked="six\n")
    assert machine.ok("install", "ds", "six==1.15.0").out == "- six==1.16.0\n+ six==1.15.0\n"
    assert_whole(machine)


def test_install_from_a_file(ds: Machine) -> None:
    (ds.project / "reqs.txt").write_text("--extra-index-url https://index.example/simple\nsix \\\n  >=1.0\n")
    ds.ok("install", "ds", "requests", "--requirement", "reqs.txt")
    assert ds.files()["requirements.in"] == (
        b"requests\n--extra-index-url https://index.example/simple\nsix >=1.0\n"
    )
    assert ds.files()["requirements.txt"] == (
        b"--extra-index-url https://index.example/simple\nrequests==2.31.0\nsix==1.16.0\n"
    )


def test_install_of_a_url(ds: Machine) -> None:
    ds.ok("install", "ds", "git+https://code.example/team/fromurl.git#egg=fromurl")
    assert ds.files()["requirements.in"] == b"git+https://code.example/team/fromurl.git#egg=fromurl\n"
    assert_whole(ds)


def test_install_into_a_folder_that_somebody_else_wrote(machine: Machine) -> None:
    """A dockerfile alone is an environment."""
    folder = machine.folder("plain")
    folder.mkdir(parents=True)
    (folder / "dockerfile").write_text("FROM python:3.12\n")
    machine.ok("build", "plain")
    machine.ok("install", "plain", "six")
    assert sorted(machine.files("plain")) == ["dockerfile", "requirements.in", "requirements.txt"]
    machine.ok("run", "plain", "true")
    assert "has changed since" not in machine.ok("run", "plain", "true").err


def test_install_after_an_edit_builds_what_was_edited_first(ds: Machine) -> None:
    (ds.folder("ds") / "requirements.txt").write_text("six==1.15.0\n")
    assert ds.ok("install", "ds", "requests").out == "+ requests==2.31.0\n"
    assert pins(ds) == ["requests==2.31.0", "six==1.15.0"]
    assert len(ds.argvs("build")) == 2
    ds.change_state(lambda state: state["images"].clear())
    printed = ds.ok("--dry", "install", "ds", "numpy").out
    assert printed.count("docker build ") == 2
    assert ds.run(["sh", "-ec", printed]).code == 0


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["install", "ds", "nosuchpackage"], 1, "nosuchpackage was not found"),
        (["install", "ds", "oldnumpy", "numpy>=2"], 1, "depends on numpy<2"),
        (["install", "ds", "./wheel.whl"], 2, "path on this machine"),
        (["install", "ds", "pandas=2"], 2, "is no requirement"),
        (["install", "ds"], 2, "Which packages?"),
        (["install", "ds", ""], 2, "Which packages?"),
        (["install", "nosuch", "six"], 1, "There is no environment 'nosuch'"),
        (["install", "dss", "six"], 1, "Did you mean 'ds'?"),
        (["install", "ds", "-r", "missing.txt"], 2, "missing.txt cannot be read"),
        (["install", "ds", "--index-url", "https://index.example"], 2, "--index-url"),
        (["uninstall", "ds", "numpy"], 1, "numpy is needed by other packages that were asked for (pandas"),
        (["uninstall", "ds", "requests", "scipy"], 1, "requests and scipy are not installed in 'ds'"),
        (["uninstall", "ds", "six>=1"], 2, "is no package name"),
        (["uninstall", "ds"], 2, "packages"),
        (["uninstall", "ds", ""], 2, "package"),
        (["update", "ds", "requests"], 1, "requests is not installed"),
        (["build", "nosuch"], 1, "There is no environment 'nosuch'"),
        (["build", "Bad"], 2, "Try 'bad'"),
    ],
)
def test_a_refused_change_leaves_everything(machine: Machine, argv: list[str], code: int, words: str) -> None:
    machine.given("ds", *PANDAS, asked="pandas\n")
    before, tags = machine.files(), machine.tags()
    ended = machine.pydock(*argv)
    assert ended.code == code, ended
    assert words in " ".join(ended.err.split())
    assert ended.out == ""
    assert (machine.files(), machine.tags()) == (before, tags)


@pytest.mark.parametrize("command", ["build", "create", "cp", "tag"])
def test_a_failed_install_leaves_the_files_byte_for_byte(machine: Machine, command: str) -> None:
    machine.given("ds", "six==1.15.0", asked="# mine\n\nsix   # old\n")
    before, content = machine.files(), machine.tags()
    ended = machine.pydock("install", "ds", "requests", FAKE_DOCKER_FAIL=f"{command}:mystery")
    assert ended.code == (1 if command == "build" else 125)
    assert "flux capacitor" in ended.err
    assert machine.files() == before
    assert set(content) <= set(machine.tags())
    machine.ok("install", "ds", "requests")
    assert_whole(machine)


def test_edits_during_an_install_are_refused_not_lost(ds: Machine) -> None:
    edited = ds.folder("ds") / "requirements.txt"
    tags = ds.tags()
    ended = ds.pydock("install", "ds", "six", FAKE_DOCKER_EDIT=str(edited))
    assert ended.code == 1
    assert "Somebody edited" in ended.err
    assert edited.read_text() == "# edited meanwhile\n"
    assert sorted(ds.files()) == ["dockerfile", "requirements.txt"]
    assert set(tags) <= set(ds.tags())


def test_many_installs_do_not_pile_up_layers(machine: Machine) -> None:
    machine.given("ds")

    def age(state: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        [image] = state["images"].values()
        image["layers"] = [f"sha256:{number}" for number in range(40)]

    machine.change_state(age)
    machine.ok("install", "ds", "six")
    assert len(machine.image("pydock-ds:latest")["layers"]) < 5
    assert_whole(machine)


def test_uninstall_takes_along_what_only_it_needed(machine: Machine) -> None:
    machine.given("ds", *PANDAS, "requests==2.30.0", asked="pandas\n# the web\nrequests\n")
    ended = machine.ok("uninstall", "ds", "Pandas")
    assert ended.out.splitlines() == [f"- {line}" for line in PANDAS]
    assert machine.files()["requirements.in"] == b"# the web\nrequests\n"
    assert pins(machine) == ["requests==2.30.0"]
    assert_whole(machine)


def test_update_keeps_to_what_was_asked(machine: Machine) -> None:
    machine.given("ds", "numpy==1.26.0", "scipy==1.10.0", "six==1.15.0", asked="scipy<1.12\nsix\n")
    assert machine.ok("update", "ds", "six").out == "- six==1.15.0\n+ six==1.16.0\n"
    assert machine.ok("update", "ds").out.splitlines() == [
        "- numpy==1.26.0",
        "+ numpy==2.1.0",
        "- scipy==1.10.0",
        "+ scipy==1.11.0",
    ]
    assert machine.files()["requirements.in"] == b"scipy<1.12\nsix\n"
    assert_whole(machine)
    assert machine.ok("update", "ds").err == "Nothing to change in 'ds'.\n"


def test_build_adopts_a_folder_that_came_with_a_checkout(machine: Machine) -> None:
    machine.given("ds", "six==1.15.0")
    machine.change_state(lambda state: state["images"].clear())
    missing = machine.pydock("run", "ds", "true")
    assert missing.code == 125
    assert "`pydock build ds` makes it" in missing.err
    assert machine.ok("build", "ds").err == "Environment 'ds' is built.\n"
    assert_whole(machine)


def test_build_after_an_edit_leaves_the_old_image_without_a_name(ds: Machine) -> None:
    [old] = ds.state()["images"]
    (ds.folder("ds") / "requirements.txt").write_text("six==1.15.0\n")
    changed = ds.ok("run", "ds", "true")
    assert "has changed since its image was built" in changed.err
    ended = ds.ok("build", "ds")
    assert "is left without a name; `docker image prune`" in ended.err
    images = ds.state()["images"]
    assert images.pop(old)["tags"] == []
    [new] = images.values()
    assert new["installed"] == ["six==1.15.0"]
    assert len(new["tags"]) == 2
    assert ds.ok("run", "ds", "true").err == ""


def test_build_options_reach_the_engine(ds: Machine) -> None:
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


def test_a_failed_build_leaves_the_old_image(ds: Machine) -> None:
    (ds.folder("ds") / "dockerfile").write_text("FROM nonsense/image:1\n")
    tags = ds.tags()
    ended = ds.pydock("build", "ds")
    assert ended.code == 125
    assert "nonsense/image:1" in ended.err
    assert ds.tags() == tags


def test_build_names_the_line_of_broken_requirements(ds: Machine) -> None:
    path = ds.folder("ds") / "requirements.txt"
    path.write_text("six\nnot a requirement\n")
    ended = ds.pydock("build", "ds")
    assert ended.code == 2
    assert f"{path}, line 2: 'not a requirement' is no requirement" in ended.err
    assert ds.argvs("build") == []


def test_what_a_build_needs_of_this_machine_goes_in_as_secrets(ds: Machine) -> None:
    (ds.project / "pip.conf").write_text("[global]\nindex-url = https://me:hunter2@index.example/simple\n")
    (ds.project / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (ds.home / ".netrc").write_text("machine index.example login me password hunter2\n")
    ds.ok(
        "install",
        "ds",
        "six",
        PYDOCK_PIP_CONFIG="pip.conf",
        PYDOCK_CA_BUNDLE="ca.pem",
        HTTPS_PROXY="http://me:hunter2@proxy.example:3128",
    )
    [call] = [call for call in ds.calls() if call["argv"][0] == "build"]
    assert "hunter2" not in " ".join(call["argv"]) + call["dockerfile"]
    assert [value for word, value in zip(call["argv"], call["argv"][1:]) if word == "--secret"] == [
        "id=pip.conf,env=PYDOCK_SECRET_PIP_CONF",
        "id=uv.toml,env=PYDOCK_SECRET_UV_TOML",
        f"id=netrc,src={ds.home}/.netrc",
    ]
    mounted = re.findall(r"--mount=type=(?:secret|bind)\S*", call["dockerfile"])
    assert mounted == [
        "--mount=type=bind,source=compile_bytecode.py,target=/run/compile_bytecode.py",
        *(f"--mount=type=secret,id={name}" for name in ("pip.conf", "uv.toml", "netrc")),
        "--mount=type=bind,source=ca.pem,target=/run/secrets/ca.pem",
    ]
    assert call["argv"][call["argv"].index("--build-arg") + 1] == "HTTPS_PROXY"
    assert "hunter2" in call["variables"]["PYDOCK_SECRET_PIP_CONF"]
    assert call["variables"]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
    assert call["variables"]["BUILDX_BUILDER"] == ""


def test_certificates_are_no_secret(ds: Machine) -> None:
    """A secret would have BuildKit read the whole image: moby/buildkit#5251."""
    (ds.project / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    ds.ok("install", "ds", "six", PYDOCK_CA_BUNDLE="ca.pem")
    [call] = [call for call in ds.calls() if call["argv"][0] == "build"]
    assert "--secret" not in call["argv"]
    assert "type=secret" not in call["dockerfile"]


@pytest.mark.parametrize(("command", "copied"), [("install", 2), ("update", 1)])
def test_a_step_is_given_the_files_that_it_names(ds: Machine, command: str, copied: int) -> None:
    """What --dry prints copies each file that the dockerfile mounts, and no other."""
    (ds.project / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    ds.ok("install", "ds", "six")
    printed = ds.ok("--dry", command, "ds", "six", PYDOCK_CA_BUNDLE="ca.pem").out
    names = re.findall(r"^cp \S+ \S+/(\S+)$", printed, re.MULTILINE)
    assert len(names) == copied
    assert names == re.findall(r"--mount=type=bind,source=([^,]+)", printed)


@pytest.mark.parametrize("command", [("install", "ds", "six"), ("uninstall", "ds", "requests")])
def test_a_folder_edited_meanwhile_is_no_commit(ds: Machine, command: tuple[str, ...]) -> None:
    """Not the requirements alone: the image is built from every file of the folder."""
    ds.ok("install", "ds", "requests")
    extra = ds.folder("ds") / "extra"
    extra.write_text("")
    ds.ok("build", "ds")
    before, images = ds.files(), ds.state()["images"]
    ended = ds.pydock(*command, FAKE_DOCKER_EDIT=str(extra))
    assert ended.code == 1
    assert "Somebody edited" in ended.err
    assert {**ds.files(), "extra": b""} == before
    assert ds.state()["images"] == images
    ds.ok(*command)
    assert len(ds.tags()) == 2


def test_pull_is_not_for_our_own_steps(ds: Machine) -> None:
    ds.ok("install", "ds", "six", PYDOCK_BUILD_OPTIONS="--pull --network host")
    [argv] = ds.argvs("build")
    assert "--pull" not in argv
    assert "--network" in argv


def test_a_file_that_cannot_be_read_is_named(ds: Machine) -> None:
    path = ds.folder("ds") / "requirements.txt"
    path.unlink()
    path.mkdir()
    ended = ds.pydock("install", "ds", "six")
    assert ended.code == 1
    assert f"{path} cannot be read: Is a directory." in ended.err


def test_certificates_that_cannot_be_read_are_named(ds: Machine) -> None:
    ended = ds.pydock("install", "ds", "six", PYDOCK_CA_BUNDLE="/proc/self/mem")  # opens, and fails to read
    assert ended.code == 2
    assert "/proc/self/mem cannot be read: " in ended.err
    assert ds.argvs("build") == []


def test_an_image_of_the_same_content_is_adopted(ds: Machine) -> None:
    """Another folder with the same files needs no build where the base image is here to compare with."""

    def pull(state: dict[str, dict[str, dict[str, object]]]) -> None:
        state["images"]["sha256:base"] = {
            "tags": ["python:3.12"],
            "labels": {},
            "installed": [],
            "layers": ["sha256:python:3.12"],
            "user": "",
            "base": "",
        }

    ds.change_state(pull)
    ds.ok("create", "twin", "3.12")
    assert ds.argvs("build") == []
    assert ds.image("pydock-twin:latest") == ds.image("pydock-ds:latest")
    ds.ok("run", "twin", "true")
    ds.ok("delete", "ds", "--yes")
    ds.ok("run", "twin", "true")
