"""`--system`, apt.txt and apk.txt."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from pydock.environments.package_lists import with_step
from pydock.rendering import render

if TYPE_CHECKING:
    from .conftest import Machine

APT_STEP = render("system.dockerfile.j2", file="apt.txt")
APK_STEP = render("system.dockerfile.j2", file="apk.txt")


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "six==1.15.0", requested="six\n")
    return machine


def add_list(machine: Machine, text: str) -> None:
    """Let ds have an apt.txt with this text, and the step that installs it."""
    folder = machine.folder("ds")
    dockerfile = (folder / "dockerfile").read_text()
    (folder / "dockerfile").write_text(with_step(dockerfile, APT_STEP, ""))
    (folder / "apt.txt").write_text(text)


def check_unchanged(machine: Machine, before: tuple[object, ...]) -> None:
    assert (machine.files(), machine.tags(), machine.state()["containers"]) == before
    assert not list(machine.temporary.iterdir())


def state(machine: Machine) -> tuple[object, ...]:
    return machine.files(), machine.tags(), machine.state()["containers"]


def test_install_adds_the_list_and_the_step(ds: Machine) -> None:
    dockerfile = ds.files()["dockerfile"].decode()
    ended = ds.ok("install", "ds", "--system", "libpq-dev,git", "--system", "bc")
    assert ended.out == ""
    assert ended.err.endswith("Installed system packages: libpq-dev, git, bc.\n")
    assert ds.files() == {
        "apt.txt": b"libpq-dev\ngit\nbc\n",
        "dockerfile": with_step(dockerfile, APT_STEP, "").encode(),
        "requirements.in": b"six\n",
        "requirements.txt": b"six==1.15.0\n",
    }
    assert ds.image("pydock-ds:latest")["system"] == ["libpq-dev", "git", "bc"]
    ds.assert_consistent()
    assert len(ds.calls("build")) == 1


def test_install_appends_to_the_list(ds: Machine) -> None:
    add_list(ds, "# for the database\nlibpq-dev  # and its headers\n\n")
    dockerfile = ds.files()["dockerfile"]
    ended = ds.ok("install", "ds", "--system", "git libpq-dev")
    assert "Installed system packages: git.\n" in ended.err
    assert ds.files()["apt.txt"] == b"# for the database\nlibpq-dev  # and its headers\n\ngit\n"
    assert ds.files()["dockerfile"] == dockerfile
    ds.assert_consistent()


def test_install_of_both_kinds(ds: Machine) -> None:
    ended = ds.ok("install", "ds", "--system", "libpq-dev", "numpy")
    assert ended.out == "+ numpy==2.1.0\n"
    assert "Installed system packages: libpq-dev.\n" in ended.err
    assert ds.files()["apt.txt"] == b"libpq-dev\n"
    assert ds.files()["requirements.in"] == b"six\nnumpy\n"
    assert ds.image("pydock-ds:latest")["system"] == ["libpq-dev"]
    ds.assert_consistent()


def test_listed_packages_are_not_installed_again(ds: Machine) -> None:
    ds.ok("install", "ds", "--system", "git")
    before, images = state(ds), ds.state()
    ds.forget_calls()
    assert ds.ok("install", "ds", "--system", "git").err == "Nothing to change in 'ds'.\n"
    assert ds.calls("build") == []
    check_unchanged(ds, before)
    assert ds.state() == images


def test_later_installation_keeps_the_system_packages(ds: Machine) -> None:
    ds.ok("install", "ds", "--system", "git")
    for command in (["install", "ds", "numpy"], ["update", "ds"], ["uninstall", "ds", "numpy"]):
        ds.ok(*command)
        assert ds.image("pydock-ds:latest")["system"] == ["git"]
        assert ds.files()["apt.txt"] == b"git\n"
        ds.assert_consistent()


def test_create(machine: Machine) -> None:
    ended = machine.ok("create", "ds", "3.12-slim", "--system", "git,bc")
    assert ended.err.endswith("Created environment 'ds'. `pydock shell ds` starts a shell in it.\n")
    assert machine.files()["apt.txt"] == b"git\nbc\n"
    assert APT_STEP in machine.files()["dockerfile"].decode()
    assert machine.image("pydock-ds:latest")["system"] == ["git", "bc"]
    machine.assert_consistent()


def test_create_with_requirements(machine: Machine) -> None:
    (machine.project / "reqs.txt").write_text("six\n")
    machine.ok("create", "ds", "3.12", "-r", "reqs.txt", "--system", "git")
    assert machine.files()["apt.txt"] == b"git\n"
    assert machine.pins() == ["six==1.16.0"]
    machine.assert_consistent()


def test_alpine_has_apk(machine: Machine) -> None:
    machine.ok("create", "ds", "3.12-alpine", "--system", "git")
    assert sorted(machine.files()) == ["apk.txt", "dockerfile", "requirements.txt"]
    assert APK_STEP in machine.files()["dockerfile"].decode()
    machine.ok("install", "ds", "--system", "curl>8")
    assert machine.files()["apk.txt"] == b"git\ncurl>8\n"
    machine.assert_consistent()


def test_image_decides_what_the_name_does_not_tell(ds: Machine) -> None:
    def make_alpine(found: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        for image in found["images"].values():
            image["layers"][0] = "sha256:alpine"

    ds.change_state(make_alpine)
    ds.ok("install", "ds", "--system", "git")
    assert "apk.txt" in ds.files()


def test_image_without_a_package_manager(ds: Machine) -> None:
    before = state(ds)
    ended = ds.pydock("install", "ds", "--system", "git", FAKE_DOCKER_FAIL="cp:image-not-found")
    assert ended.code == 1
    assert "has neither apt nor apk" in ended.err
    check_unchanged(ds, before)


def test_environment_that_cannot_be_built_without_them(ds: Machine) -> None:
    """The image of a checkout may need the system packages, so it is not built without them first."""
    ds.remove_images()
    ds.ok("install", "ds", "--system", "git")
    assert [build["context"]["apt.txt"]["text"] for build in ds.builds()] == ["git\n"]
    ds.assert_consistent()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--system=--help"], "Invalid system package '--help'"),
        (["--system", "git;id"], "Invalid system package 'git;id'"),
        (["--system", "lib*"], "Invalid system package 'lib*'"),
        (["--system", "./x.deb"], "Invalid system package './x.deb'"),
        (["--system", "bash-"], "Invalid system package 'bash-'"),
        (["--system", ","], "--system needs the name of a package"),
    ],
)
@pytest.mark.parametrize("command", [["install", "ds"], ["create", "new", "3.12"]])
def test_invalid_words_are_refused_before_anything_is_touched(
    ds: Machine, command: list[str], words: list[str], message: str
) -> None:
    before = ds.home_and_project()
    ended = ds.pydock(*command, *words)
    assert ended.code == 2
    assert message in ended.err
    assert ds.calls() == []
    assert ds.home_and_project() == before


@pytest.mark.parametrize(
    "text", ["git\n--allow-unauthenticated\n", "-oDir::Etc=x", "git $(id)\n", "a/b/c", "\udcff", "bash-\n"]
)
@pytest.mark.parametrize(
    "command",
    [
        ["build", "ds"],
        ["install", "ds", "numpy"],
        ["install", "ds", "--system", "bc"],
        ["uninstall", "ds", "six"],
        ["update", "ds"],
    ],
)
def test_hostile_list_is_refused(ds: Machine, text: str, command: list[str]) -> None:
    add_list(ds, "git\n")
    (ds.folder("ds") / "apt.txt").write_bytes(os.fsencode(text))
    before = state(ds)
    ended = ds.pydock(*command)
    assert ended.code == 2
    assert "apt.txt, line " in ended.err
    assert "Invalid system package" in ended.err
    assert ds.calls("build") == []
    check_unchanged(ds, before)


def test_list_that_is_a_link_is_not_replaced(ds: Machine) -> None:
    add_list(ds, "git\n")
    (ds.folder("ds") / "apt.txt").rename(ds.folder("ds") / "real.txt")
    (ds.folder("ds") / "apt.txt").symlink_to("real.txt")
    before = state(ds)
    ended = ds.pydock("install", "ds", "--system", "bc")
    assert ended.code == 1
    assert "apt.txt is a symbolic link, and pydock would have to write it" in ended.err
    check_unchanged(ds, before)


def test_list_that_leads_out_of_the_folder(ds: Machine) -> None:
    (ds.home / "secret").write_text("secret\n")
    (ds.folder("ds") / "apt.txt").symlink_to(ds.home / "secret")
    for command in (["build", "ds"], ["install", "ds", "--system", "bc"], ["run", "ds", "true"]):
        ended = ds.pydock(*command)
        assert ended.code == 1
        assert "outside of the environment's folder" in ended.err


def test_list_that_is_a_fifo(ds: Machine) -> None:
    add_list(ds, "git\n")
    (ds.folder("ds") / "apt.txt").unlink()
    os.mkfifo(ds.folder("ds") / "apt.txt")
    for command in (["build", "ds"], ["install", "ds", "--system", "bc"]):
        ended = ds.pydock(*command)
        assert ended.code == 1
        assert "it is not a regular file" in ended.err


def test_list_that_does_not_exist(ds: Machine) -> None:
    add_list(ds, "git\n")
    (ds.folder("ds") / "apt.txt").unlink()
    ended = ds.pydock("build", "ds")
    assert ended.code == 1
    command = ended.err.split("`")[1]
    assert command == f"touch {ds.folder('ds')}/apt.txt"
    ds.shell(command)
    ds.ok("build", "ds")


def test_list_that_the_dockerfile_does_not_use(ds: Machine) -> None:
    """A list that somebody put there is named; the command in the message installs all of it."""
    (ds.folder("ds") / "apt.txt").write_text("# mine\ngit\n")
    ended = ds.ok("build", "ds")
    assert "apt.txt is not installed, because the dockerfile does not use it" in ended.err
    assert "`pydock install ds --system PACKAGE`" in ended.err
    assert "Installed system packages: git." in ds.ok("install", "ds", "--system", "git").err
    assert ds.files()["apt.txt"] == b"# mine\ngit\n"
    assert "not installed" not in ds.ok("build", "ds").err
    assert ds.image("pydock-ds:latest")["system"] == ["git"]


def test_edited_list_makes_the_image_out_of_date(ds: Machine) -> None:
    ds.ok("install", "ds", "--system", "git")
    (ds.folder("ds") / "apt.txt").write_text("git\ncurl\n")
    assert ds.ok("envs").out.splitlines()[1].split()[-1] != "ready"
    ds.ok("build", "ds")
    assert ds.image("pydock-ds:latest")["system"] == ["git", "curl"]
    assert ds.ok("run", "ds", "true").err == ""


@pytest.mark.parametrize("words", [["--system", "libpg-dev"], ["--system", "libpg-dev", "numpy"]])
def test_failed_installation_changes_nothing(ds: Machine, words: list[str]) -> None:
    add_list(ds, "# mine\ngit\n")
    ds.ok("build", "ds")
    before = state(ds)
    ended = ds.pydock("install", "ds", *words, FAKE_DOCKER_OUTPUT="apt-package-not-found.json")
    assert ended.code == 1
    assert "apt found no packages 'libpg-dev', 'zlib9g-dev'; nothing was changed." in ended.err
    check_unchanged(ds, before)


def test_failed_python_package_leaves_no_system_package(ds: Machine) -> None:
    before = state(ds)
    ended = ds.pydock("install", "ds", "--system", "git", "no-such-package")
    assert ended.code == 1
    assert len(ds.calls("build")) == 2
    check_unchanged(ds, before)


def test_failed_creation_leaves_nothing(machine: Machine) -> None:
    ended = machine.pydock("create", "ds", "3.12", "--system", "x", FAKE_DOCKER_OUTPUT="apt-missing.json")
    assert ended.code == 1
    assert machine.tags() == []
    assert not machine.folder("ds").exists()


@pytest.mark.parametrize(
    ("command", "cure"),
    [
        (
            ["install", "ds", "psycopg2"],
            "Run `pydock install ds --system build-essential,libpq-dev`, and then",
        ),
        (
            ["build", "ds"],
            "Run `pydock install ds --system build-essential,libpq-dev`, and then this command again.",
        ),
        (["create", "new", "3.12"], "Add `--system build-essential,libpq-dev` to the command."),
        (["create", "new", "3.12-alpine"], "Add `--system build-base,libpq-dev` to the command."),
    ],
)
def test_missing_program_names_its_cure(ds: Machine, command: list[str], cure: str) -> None:
    ended = ds.pydock(*command, FAKE_DOCKER_OUTPUT="pg-config-missing.json")
    assert ended.code == 1
    assert cure in ended.err


def test_cure_as_inv_calls_it(ds: Machine) -> None:
    (ds.project / "tasks.py").write_text(
        "from invoke import Collection\nimport pydock\nns = Collection()\nns.add_collection(pydock, name='env')\n"
    )
    ended = ds.inv("env.install", "ds", "psycopg2", FAKE_DOCKER_OUTPUT="pg-config-missing.json")
    assert "Run `inv env.install ds --system build-essential,libpq-dev`" in ended.err
    ds.inv("env.install", "ds", "--system", "build-essential,libpq-dev")
    assert ds.files()["apt.txt"] == b"build-essential\nlibpq-dev\n"


def test_dockerfile_that_pydock_did_not_write(ds: Machine) -> None:
    """The message has the lines to add; with them, the same command works."""
    dockerfile = ds.folder("ds") / "dockerfile"
    dockerfile.write_text("FROM python:3.12\nRUN true\n")
    ds.ok("build", "ds")
    before = state(ds)
    ended = ds.pydock("install", "ds", "--system", "git")
    assert ended.code == 1
    assert f"{dockerfile} is not as pydock writes it" in ended.err
    assert ended.err.endswith(f"\n\n{APT_STEP}")
    check_unchanged(ds, before)
    dockerfile.write_text(f"FROM python:3.12\n{ended.err.partition(chr(10) * 2)[2]}RUN true\n")
    ds.ok("install", "ds", "--system", "git")
    assert ds.files()["apt.txt"] == b"git\n"
    assert ds.image("pydock-ds:latest")["system"] == ["git"]
    assert ds.ok("run", "ds", "true").err == ""


def test_own_template_without_a_place_for_the_step(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text("FROM python:{{ version }}\n")
    ended = machine.pydock("create", "ds", "3.12", "--system", "git", PYDOCK_TEMPLATES="mine")
    assert ended.code == 1
    assert "The template dockerfile.j2 is not as pydock writes it" in ended.err
    assert machine.calls("build") == []
    assert not machine.folder("ds").exists()


def test_own_template_that_uses_the_list(machine: Machine) -> None:
    (machine.project / "mine").mkdir()
    (machine.project / "mine" / "dockerfile.j2").write_text(
        "FROM python:{{ version }}\nCOPY apt.txt /tmp/\nRUN xargs apt-get install </tmp/apt.txt\n"
    )
    machine.ok("create", "ds", "3.12", "--system", "git", PYDOCK_TEMPLATES="mine")
    assert machine.files()["apt.txt"] == b"git\n"
    assert b"COPY apt.txt" in machine.files()["dockerfile"]
    assert machine.image("pydock-ds:latest")["system"] == ["git"]


def test_environment_that_was_edited_meanwhile(ds: Machine) -> None:
    before = ds.tags()
    path = str(ds.folder("ds") / "apt.txt")
    ended = ds.pydock("install", "ds", "--system", "git", FAKE_DOCKER_EDIT=path)
    assert ended.code == 1
    assert "was edited while the command ran; nothing was changed" in ended.err
    assert ds.tags() == before
    assert ds.files()["apt.txt"] == b"# edited during the build\n"


@pytest.mark.parametrize("words", [["--system", "git"], ["--system", "git", "numpy"]])
def test_own_environment_stays_own(ds: Machine, words: list[str]) -> None:
    """The changed dockerfile is pydock's work, so builds still get the user's credentials, also after a `git commit`."""
    (ds.home / ".netrc").write_text("machine index.example login me password secret\n")
    ds.shell(
        f"cd {ds.home} && git init -q . && git add .pydock && git -c user.name=a -c user.email=a@b commit -qm a"
    )
    ds.ok("install", "ds", *words)
    ds.shell(f"cd {ds.home} && git add .pydock && git -c user.name=a -c user.email=a@b commit -qm b")
    ds.forget_calls()
    ended = ds.ok("build", "ds")
    assert "netrc" not in ended.err
    assert "netrc" in ds.calls("build")[0]["secrets"]


def test_environment_from_elsewhere_stays_from_elsewhere(ds: Machine) -> None:
    (ds.home / ".netrc").write_text("machine index.example login me password secret\n")
    ds.shell(f"rm -r {ds.home}/.local/state/pydock")
    ds.ok("install", "ds", "--system", "git")
    ended = ds.ok("build", "ds")
    assert "The build does not get your netrc" in ended.err or "netrc" in ended.err
    assert "netrc" not in ds.calls("build")[-1]["secrets"]


def test_dry_install_prints_what_it_would_do(ds: Machine) -> None:
    before = ds.home_and_project(), ds.state()
    printed = ds.ok("--dry", "install", "ds", "--system", "git", "numpy").out
    assert (ds.home_and_project(), ds.state()) == before
    ds.shell(printed)
    assert ds.files()["apt.txt"] == b"git\n"
    [candidate] = [tag for tag in ds.tags() if tag.endswith("-candidate")]
    assert ds.image(candidate)["system"] == ["git"]
    assert ds.image(candidate)["installed"] == ["numpy==2.1.0", "six==1.15.0"]


@pytest.mark.parametrize(("version", "file"), [("3.12", "apt.txt"), ("3.12-alpine", "apk.txt")])
def test_dry_create_prints_what_it_would_do(machine: Machine, version: str, file: str) -> None:
    machine.shell(machine.ok("--dry", "create", "ds", version, "--system", "git").out)
    assert machine.files()[file] == b"git\n"
    machine.assert_consistent()


@pytest.mark.parametrize("point", ["build", "build:after", "tag", "tag:after", "rmi"])
@pytest.mark.parametrize("words", [["--system", "git"], ["--system", "git", "numpy"]])
def test_killed_installation(ds: Machine, point: str, words: list[str]) -> None:
    before = ds.files()
    ds.kill_at_pause(ds.start("install", "ds", *words, FAKE_DOCKER_PAUSE=point))
    found = {name: text for name, text in ds.files().items() if not name.startswith(".")}
    assert found == before or found["apt.txt"] == b"git\n"
    ds.ok("install", "ds", "scipy")
    ds.assert_consistent()
    expected = ["git"] if "apt.txt" in ds.files() else []
    assert ds.image("pydock-ds:latest")["system"] == expected


def test_interrupted_installation_changes_nothing(ds: Machine) -> None:
    before = state(ds)
    process = ds.start("install", "ds", "--system", "git", FAKE_DOCKER_PAUSE="build")
    client = ds.wait_for_pause()
    process.send_signal(signal.SIGINT)
    os.kill(client, signal.SIGINT)
    ended = ds.wait(process)
    assert ended.code == 130
    check_unchanged(ds, before)


def test_packages_shows_the_system_packages(ds: Machine) -> None:
    assert "System" not in ds.ok("packages", "ds").out
    ds.ok("install", "ds", "--system", "git,libpq-dev")
    assert ds.ok("packages", "ds").out.endswith("\n\nSystem packages (apt.txt): git, libpq-dev\n")
    assert ds.ok("packages", "ds", "--json").out.count("git") == 0
    assert ds.ok("freeze", "ds").out == "six==1.15.0\n"


@pytest.mark.parametrize(
    ("words", "builds"),
    [
        (["3.12-slim"], 1),
        (["3.12-alpine"], 1),
        (["--base", "debian:12"], 2),
        (["--base", "python:3.12-alpine"], 2),
    ],
)
def test_create_asks_an_image_whose_name_does_not_tell(
    machine: Machine, words: list[str], builds: int
) -> None:
    machine.ok("create", "ds", *words, "--system", "git")
    assert len(machine.calls("build")) == builds
    assert ("apk.txt" in machine.files()) == ("alpine" in words[-1])
    machine.assert_consistent()


def test_create_refuses_words_of_the_other_distribution(machine: Machine) -> None:
    ended = machine.pydock("create", "ds", "3.12", "--system", "curl>8")
    assert ended.code == 2
    assert "Invalid system package 'curl>8'" in ended.err
    assert machine.calls() == []
