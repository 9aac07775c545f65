"""The shell programs that run inside a build, with a fake python3 and a fake uv.

The programs use fixed paths, such as /root/.cache, because they run in a container. The tests run copies in which these
paths are below a temporary folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pydock.engine.build_context import PROGRAMS
from pydock.engine.build_secrets import pip_conf, uv_toml

if TYPE_CHECKING:
    from ..conftest import MakeProgram

# The absolute paths in the programs; nothing else of the machine is used.
PATHS = {
    "installer.sh": ["/root/.cache", "/root/.netrc", "/etc/pip.conf", "/run/secrets/ca.pem", "/requirements"],
    "increment.sh": ["/usr/local/share/requirements.txt"],
    "resolve.sh": ["/resolved/requirements.txt"],
    "fetch_uv.sh": ["/wheels"],
    "pip": [],
}
# Every different shell of this machine; sh is usually a link to one of the others.
SHELLS = {
    os.path.realpath(path): [path, *arguments]
    for name, *arguments in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if (path := shutil.which(name))
}

# Records every call, and the environment of the last one. FAIL is a pattern of the calls that fail.
RECORD = """\
call="${0##*/} $*"
echo "$call" >>"$LOG/calls"
env >"$LOG/environment"
case $call in ${FAIL:-none}) exit 1 ;; esac
"""
# What the checks of one step find: CONFLICTS_1 before the installation, CONFLICTS_2 after it, CONFLICTS_3 after the second.
CHECK = """\
case "$*" in *"pip check")
    echo >>"$LOG/checks"
    eval "found=\\${CONFLICTS_$(($(wc -l <"$LOG/checks")))-}"
    if [ "$found" ]; then echo "$found"; exit 1; fi
esac
"""
PYTHON = f"""{RECORD}{CHECK}
case "$*" in
    -V) echo "Python $VERSION" ;;
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip freeze --all") echo "six==1.16.0" ;;
esac
"""
UV = f"""{RECORD}{CHECK}
case $call in *" pip "*"requirements.txt"* | *wanted.txt* | *requested.txt*) if [ "${{UNREADABLE-}}" ]; then echo "$UNREADABLE" >&2; exit 1; fi ;; esac
if [ "${{UV_CONFIG_FILE-}}" ]; then cp "$UV_CONFIG_FILE" "$LOG/uv.toml"; fi
case "$*" in
    "pip freeze") echo "six==1.16.0" ;;
    "pip compile "*) for word; do if [ "$previous" = --output-file ]; then cp "$word" "$LOG/before"; echo "six==1.16.0" >"$word"; fi; previous=$word; done ;;
esac
"""


class Build:
    """A build step: the programs in a folder, and a root folder instead of the container's."""

    def __init__(self, folder: Path, shell: list[str]) -> None:
        self.root = folder / "root"
        self.here = folder / "pydock"
        self.requirements = self.root / "requirements"
        self.bin = folder / "bin"  # first on PATH
        self.log = folder / "log"
        self.temporary = folder / "tmp"
        for path in (self.root, self.here, self.requirements, self.log, self.temporary):
            path.mkdir()
        self.variables = {"LOG": str(self.log), "VERSION": "3.12.1", "TMPDIR": str(self.temporary)}
        self._shell = shell
        for name, fixed in PATHS.items():
            text = Path(PROGRAMS, name).read_text(encoding="utf-8")
            for place in fixed:
                assert place in text
                text = text.replace(place, f"{self.root}{place}")
            (self.here / name).write_text(text)
        self.choose_installer("uv")

    @property
    def cache(self) -> Path:
        return self.root / "root" / ".cache"

    def write(self, name: str, text: str) -> Path:
        """Write a file of the build context, which is mounted at /requirements."""
        path = self.requirements / name
        path.write_text(text)
        return path

    def choose_installer(self, installer: str) -> None:
        (self.here / "installer").write_text(f"{installer}\n")

    def mount(self, path: str, text: str) -> Path:
        """Write a file of the container."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def run(self, program: str, *arguments: str, fails: bool = False, says: str = "") -> list[str]:
        """Run a program; return the calls of python3 and uv, with short names for the temporary paths."""
        (self.log / "checks").unlink(missing_ok=True)
        (self.log / "calls").unlink(missing_ok=True)
        done = subprocess.run(
            [*self._shell, str(self.here / program), *arguments],
            capture_output=True,
            text=True,
            env={"PATH": f"{self.bin}:/usr/bin:/bin", **self.variables},
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stderr
        assert done.stderr == says
        assert list(self.temporary.iterdir()) == []
        calls = self.log / "calls"
        return [self._short(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def pip_install(self, text: str, *, option: str = "-r", fails: bool = False, says: str = "") -> list[str]:
        """Run `pip install -r` as an environment's dockerfile does; return the calls."""
        return self.run(
            "pip", "install", option, str(self.write("requirements.txt", text)), fails=fails, says=says
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of the last call."""
        lines = (self.log / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def _short(self, line: str) -> str:
        line = (
            line.replace(f"{self.requirements}/", "")
            .replace(f"{self.here}/", "")
            .replace(f"{self.root}/", "/")
        )
        return re.sub(rf"{self.temporary}/[\w.]+", "WORK", line)


@pytest.fixture(params=SHELLS, ids=os.path.basename)
def build(request: pytest.FixtureRequest, tmp_path: Path, make_program: MakeProgram) -> Build:
    made = Build(tmp_path, SHELLS[request.param])
    make_program(made.bin / "python3", PYTHON)
    make_program(made.here / "uv", UV)
    return made


FIND_UV = ["python3 -V", "uv --version"]
NEEDED = "python3 -I needed_tools.py"
COMPILE = "python3 -I compile_bytecode.py WORK/start"


@pytest.mark.parametrize("name", PATHS)
def test_paths_are_complete(name: str) -> None:
    text = Path(PROGRAMS, name).read_text(encoding="utf-8")
    code = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    absolute = re.findall(r"(?<![\w$}*\"%])/[a-z]{2,}[\w./-]*", code)
    assert set(absolute) - {"/dev/null"} == set(PATHS[name])


# pip


def test_pip_installs_with_uv_and_compiles(build: Build) -> None:
    assert build.pip_install("six\n") == [*FIND_UV, "uv pip install --requirement requirements.txt", COMPILE]


@pytest.mark.parametrize(
    ("version", "uses_uv"),
    [("3.6.15", False), ("3.7.17", False), ("3.8.0", True), ("3.10.1", True), ("3.14.0", True)],
)
def test_old_python_installs_with_pip(build: Build, version: str, uses_uv: bool) -> None:
    build.variables["VERSION"] = version
    calls = build.pip_install("six\n")
    assert ("uv pip install --requirement requirements.txt" in calls) == uses_uv
    assert ("python3 -m pip install --requirement requirements.txt" in calls) != uses_uv


def test_setting_pip_installs_with_pip(build: Build) -> None:
    build.choose_installer("pip")
    assert build.pip_install("six\n") == ["python3 -m pip install --requirement requirements.txt"]


def test_pip_is_used_if_uv_is_missing(build: Build) -> None:
    (build.here / "uv").unlink()
    assert build.pip_install("six\n") == [
        "python3 -V",
        "python3 -m pip install --requirement requirements.txt",
    ]


def test_pip_is_used_if_uv_does_not_run_on_this_machine(build: Build) -> None:
    build.variables["FAIL"] = "uv*--version"
    assert build.pip_install("six\n") == [*FIND_UV, "python3 -m pip install --requirement requirements.txt"]


def test_programs_in_the_cache_are_not_run(build: Build) -> None:
    for place in ("pydock/bin/uv", "uv/uv", "pydock/compile_bytecode.py", "bin/python3"):
        build.mount(f"/root/.cache/{place}", 'echo hostile >>"$LOG/calls"\n').chmod(0o755)
    assert build.pip_install("six\n") == [*FIND_UV, "uv pip install --requirement requirements.txt", COMPILE]


@pytest.mark.parametrize("text", ["", "\n", "# six\n\n  # six\n\t\n", " "])
def test_pip_without_requirements_starts_nothing(build: Build, text: str) -> None:
    assert build.pip_install(text) == []


@pytest.mark.parametrize("text", ["six", "# x\n  six # y\n", "-e .\n"])
def test_pip_with_any_requirement_installs(build: Build, text: str) -> None:
    assert COMPILE in build.pip_install(text)


def test_both_spellings_of_the_option_are_known(build: Build) -> None:
    assert build.pip_install("six\n", option="--requirement") == build.pip_install("six\n", option="-r")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--version"],
        ["install", "six"],
        ["install", "--requirement"],
        ["install", "-r", "requirements.txt", "--no-deps"],
        ["install", "--upgrade", "six"],
        ["download", "--requirement", "requirements.txt"],
    ],
)
def test_other_arguments_are_left_to_the_pip_of_the_image(build: Build, arguments: list[str]) -> None:
    assert build.run("pip", *arguments) == [" ".join(["python3 -m pip", *arguments])]


@pytest.mark.parametrize("failing", ["*pip*install*--requirement*", "*compile_bytecode*"])
def test_failed_installation_fails_the_build(build: Build, failing: str) -> None:
    build.variables["FAIL"] = failing
    calls = build.pip_install("six\n", fails=True)
    assert (COMPILE in calls) == ("compile" in failing)


# installer.sh


def test_environment_without_secrets(build: Build) -> None:
    build.run("pip", "--version")
    found = build.environment()
    assert not {
        "SSL_CERT_FILE",
        "PIP_CERT",
        "GIT_SSL_CAINFO",
        "PIP_CONFIG_FILE",
        "NETRC",
        "UV_CONFIG_FILE",
    } & set(found)
    assert found["PIP_CACHE_DIR"] == f"{build.cache}/pip"
    assert found["UV_CACHE_DIR"] == f"{build.cache}/uv"
    assert found["TMPDIR"].startswith(f"{build.temporary}/")
    assert found["PIP_BREAK_SYSTEM_PACKAGES"] == found["UV_BREAK_SYSTEM_PACKAGES"] == "1"
    assert found["UV_PYTHON_DOWNLOADS"] == "never"


@pytest.mark.parametrize(("in_context", "as_secret"), [(True, False), (False, True), (True, True)])
def test_ca_certificates(build: Build, in_context: bool, as_secret: bool) -> None:
    secret = build.mount("/run/secrets/ca.pem", "certificate") if as_secret else None
    expected = build.write("ca.pem", "certificate") if in_context else secret
    build.run("pip", "--version")
    found = build.environment()
    assert {found[name] for name in ("SSL_CERT_FILE", "PIP_CERT", "GIT_SSL_CAINFO")} == {str(expected)}


def test_pip_conf_and_netrc(build: Build) -> None:
    options = {"index-url": ["https://me:x@index.example/'a' $HOME"], "trusted-host": ["index.example"]}
    config = build.mount("/etc/pip.conf", pip_conf(options))
    netrc = build.mount("/root/.netrc", "machine index.example\n")
    build.pip_install("six\n")
    found = build.environment()
    assert found["PIP_CONFIG_FILE"] == str(config)
    assert found["NETRC"] == str(netrc)
    assert (build.log / "uv.toml").read_text() == uv_toml(options)


def test_pip_conf_without_settings_for_uv(build: Build) -> None:
    build.mount("/etc/pip.conf", pip_conf({"timeout": ["60"]}))
    build.run("pip", "--version")
    assert "PIP_CONFIG_FILE" in build.environment()
    assert "UV_CONFIG_FILE" not in build.environment()


# fetch_uv.sh


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "musllinux_1_1_x86_64"),
        ("aarch64", "musllinux_1_1_aarch64"),
        ("s390x", "manylinux2014_s390x"),
        ("ppc64le", "manylinux2014_ppc64le"),
    ],
)
def test_uv_is_downloaded_for_this_machine(
    build: Build, make_program: MakeProgram, machine: str, expected: str
) -> None:
    make_program(build.bin / "uname", f"echo {machine}\n")
    build.write("uv.txt", "uv==0.9.1\n")
    assert build.run("fetch_uv.sh") == [
        "python3 -V",
        (
            "python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: "
            f"--platform {expected} --dest /wheels --requirement uv.txt"
        ),
    ]
    assert (build.root / "wheels").is_dir()


@pytest.mark.parametrize("version", ["3.6.15", "3.7.17"])
def test_no_uv_is_downloaded_for_old_python(build: Build, version: str) -> None:
    build.variables["VERSION"] = version
    assert build.run("fetch_uv.sh") == ["python3 -V"]
    assert list((build.root / "wheels").iterdir()) == []


def test_failed_download_fails_the_build(build: Build) -> None:
    build.variables["FAIL"] = "*download*"
    build.run("fetch_uv.sh", fails=True)


# increment.sh


@pytest.fixture(params=["uv", "pip"])
def increment(request: pytest.FixtureRequest, build: Build) -> tuple[Build, str]:
    """Return a build step of increment.sh, and the command that installs."""
    build.choose_installer(request.param)
    for name in ("wanted", "bounds", "requested"):
        build.write(f"{name}.txt", f"{name}\n")
    build.write("constraints.txt", "")
    return build, "uv pip" if request.param == "uv" else "python3 -m pip"


def increment_calls(pip: str, *between: str) -> list[str]:
    """Return the expected calls, with those after the first installation in between."""
    with_uv = pip == "uv pip"
    return [
        *(FIND_UV if with_uv else []),
        f"{pip} check",
        f"{pip} install --requirement wanted.txt --constraint bounds.txt",
        *between,
        *([COMPILE] if with_uv else []),
        f"{pip} freeze" if with_uv else f"{pip} freeze --all",
        NEEDED,
    ]


def test_increment(increment: tuple[Build, str]) -> None:
    build, pip = increment
    assert build.run("increment.sh") == increment_calls(pip, f"{pip} check")
    assert (build.root / "usr/local/share/requirements.txt").read_text() == "six==1.16.0\n"


def test_increment_without_bounds(increment: tuple[Build, str]) -> None:
    build, pip = increment
    build.write("bounds.txt", "\n")
    assert f"{pip} install --requirement wanted.txt" in build.run("increment.sh")


CONFLICT = "a 1.0 requires b<2, but you have b 2.0."
OTHER_CONFLICT = "c 1.0 requires d, which is not installed."


def test_increment_resolves_everything_if_the_new_packages_do_not_fit(increment: tuple[Build, str]) -> None:
    build, pip = increment
    build.variables["CONFLICTS_2"] = CONFLICT
    between = [f"{pip} check", f"{pip} install --requirement requested.txt", f"{pip} check"]
    assert build.run("increment.sh", says=f"Found 1 incompatibilities\n{CONFLICT}\n") == increment_calls(
        pip, *between
    )


def test_increment_resolves_everything_if_the_check_fails(increment: tuple[Build, str]) -> None:
    build, pip = increment
    build.variables.update(CONFLICTS_2=CONFLICT, CONFLICTS_3=f"{OTHER_CONFLICT}\n{CONFLICT}")
    said = f"Found 1 incompatibilities\n{CONFLICT}\nFound 2 incompatibilities\n{OTHER_CONFLICT}\n{CONFLICT}\n"
    calls = build.run("increment.sh", fails=True, says=said)
    assert calls[-3:] == [f"{pip} check", f"{pip} install --requirement requested.txt", f"{pip} check"]
    assert not (build.root / "usr/local/share/requirements.txt").exists()


@pytest.mark.parametrize("after", ["", CONFLICT, f"{OTHER_CONFLICT}\n{CONFLICT}"])
def test_conflicts_of_the_base_image_do_not_count(increment: tuple[Build, str], after: str) -> None:
    build, pip = increment
    build.variables.update(CONFLICTS_1=f"Checked 2 packages\n{CONFLICT}\n{OTHER_CONFLICT}", CONFLICTS_2=after)
    assert build.run("increment.sh") == increment_calls(pip, f"{pip} check")
    listed = (build.root / "usr/local/share/requirements.txt").read_text().splitlines()
    assert listed == ["six==1.16.0", *(f"# conflicted: {line[0]}" for line in after.splitlines())]


def test_new_conflict_besides_one_of_the_base_image(increment: tuple[Build, str]) -> None:
    build, _ = increment
    both = f"{CONFLICT}\n{OTHER_CONFLICT}"
    build.variables.update(CONFLICTS_1=CONFLICT, CONFLICTS_2=both, CONFLICTS_3=both)
    build.run("increment.sh", fails=True, says=f"Found 1 incompatibilities\n{OTHER_CONFLICT}\n" * 2)


def test_check_that_does_not_run(increment: tuple[Build, str]) -> None:
    build, pip = increment
    build.variables["FAIL"] = "*pip*check"
    assert build.run("increment.sh", fails=True)[-1] == f"{pip} check"


def test_increment_that_fails_runs_the_installer_once(increment: tuple[Build, str]) -> None:
    build, pip = increment
    build.variables["FAIL"] = "*pip*install*--requirement*"
    calls = build.run("increment.sh", fails=True)
    assert [call for call in calls if " install --requirement " in call] == [
        f"{pip} install --requirement wanted.txt --constraint bounds.txt"
    ]
    assert not (build.root / "usr/local/share/requirements.txt").exists()


def test_pages_of_the_index_are_not_kept(increment: tuple[Build, str]) -> None:
    build, pip = increment
    page, wheel = build.cache / "uv/simple-v28/pypi/six.rkyv", build.cache / "uv/wheels-v8/pypi/six"
    for path in (page, wheel):
        path.parent.mkdir(parents=True)
        path.touch()
    build.run("increment.sh")
    assert page.exists() == (pip != "uv pip")
    assert wheel.exists()


UNREADABLE = "Because old==1 has a non-PEP 625-compliant source distribution filename"


def test_pip_installs_what_uv_cannot_read(build: Build) -> None:
    build.variables["UNREADABLE"] = UNREADABLE
    assert build.pip_install("old\n", says=f"{UNREADABLE}\n") == [
        *FIND_UV,
        "uv pip install --requirement requirements.txt",
        "python3 -m pip install --requirement requirements.txt",
    ]


def test_pip_does_not_install_after_other_failures(build: Build) -> None:
    build.variables["UNREADABLE"] = "Because there is no version of old==1"
    calls = build.pip_install("old\n", fails=True, says="Because there is no version of old==1\n")
    assert calls[-1] == "uv pip install --requirement requirements.txt"


# resolve.sh


@pytest.fixture
def resolve(build: Build) -> Build:
    for name in ("requested", "constraints", "installed", "upgrade-names", "upgrade-lines"):
        build.write(f"{name}.txt", "")
    build.write("installed.txt", "six==1.15.0\n")
    return build


@pytest.mark.parametrize(
    ("names", "options"),
    [
        ("", ""),
        ("*\n", "--upgrade "),
        ("six\n", "--upgrade-package=six "),
        ("six\nnumpy\n", "--upgrade-package=six --upgrade-package=numpy "),
    ],
)
def test_resolve_with_uv(resolve: Build, names: str, options: str) -> None:
    resolve.write("upgrade-names.txt", names)
    assert resolve.run("resolve.sh") == [
        *FIND_UV,
        (
            f"uv pip compile --quiet --no-header --no-annotate {options}"
            "--output-file /resolved/requirements.txt requested.txt"
        ),
    ]
    assert (resolve.log / "before").read_text() == "six==1.15.0\n"  # uv keeps the versions of this file
    assert (resolve.root / "resolved/requirements.txt").read_text() == "six==1.16.0\n"


@pytest.mark.parametrize(
    ("names", "lines", "upgrade"),
    [
        ("", "", "--requirement WORK/requested.txt"),
        ("*\n", "", "--upgrade --upgrade-strategy eager --requirement WORK/requested.txt"),
        ("six\n", "six>=1\n", "--upgrade --requirement upgrade-lines.txt"),
    ],
)
def test_resolve_with_pip(resolve: Build, names: str, lines: str, upgrade: str) -> None:
    resolve.choose_installer("pip")
    resolve.write("upgrade-names.txt", names)
    resolve.write("upgrade-lines.txt", lines)
    kept = [] if names == "*\n" else ["python -m pip install --quiet --requirement installed.txt"]
    assert resolve.run("resolve.sh") == [
        "python3 -m venv WORK/upgraded",
        "python3 -m venv WORK/needed",
        *kept,
        f"python -m pip install --quiet {upgrade}",
        "python -m pip freeze --all",
        "python -m pip install --quiet --constraint WORK/kept.txt --requirement WORK/requested.txt",
        "python -m pip freeze --all",
        "python -I needed_tools.py",
    ]
    assert (resolve.root / "resolved/requirements.txt").read_text() == "six==1.16.0\n"


@pytest.mark.parametrize(("names", "kept"), [("", True), ("six\n", False), ("*\n", False)])
def test_pages_of_the_index_are_not_kept_for_upgrades(resolve: Build, names: str, kept: bool) -> None:
    page = resolve.cache / "uv/simple-v28/pypi/six.rkyv"
    page.parent.mkdir(parents=True)
    page.touch()
    resolve.write("upgrade-names.txt", names)
    resolve.run("resolve.sh")
    assert page.exists() == kept


def test_pip_resolves_what_uv_cannot_read(resolve: Build) -> None:
    resolve.variables["UNREADABLE"] = UNREADABLE
    calls = resolve.run("resolve.sh", says=f"{UNREADABLE}\n")
    assert "python -m pip freeze --all" in calls
    assert (resolve.root / "resolved/requirements.txt").read_text() == "six==1.16.0\n"


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_failed_resolution_fails_the_build(resolve: Build, installer: str) -> None:
    resolve.choose_installer(installer)
    resolve.variables["FAIL"] = "*pip*requested.txt"
    resolve.run("resolve.sh", fails=True)


# options that only pip reads in a requirements file


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("--pre\nsix\n", "--prerelease=allow"),
        ("--trusted-host h.example\nsix\n", "--allow-insecure-host=h.example"),
        ("--trusted-host=h.example\nsix", "--allow-insecure-host=h.example"),
        ("--extra-index-url https://h.example\nsix\n", "--index-strategy=unsafe-best-match"),
        (
            "--extra-index-url https://h.example\n--pre\n--extra-index-url https://i.example\n--pre\n",
            "--index-strategy=unsafe-best-match --prerelease=allow",
        ),
        ("six==1 --hash=sha256:00\n", "--require-hashes"),
        ("--require-hashes\nsix==1\n--pre\n", "--prerelease=allow --require-hashes"),
        ("six  # --pre\n", ""),
        ("--index-url https://h.example\nsix\n", ""),
    ],
)
def test_uv_is_told_what_it_ignores_in_files(build: Build, text: str, options: str) -> None:
    install = f"uv pip install --requirement requirements.txt {options}".strip()
    assert build.pip_install(text) == [*FIND_UV, install, COMPILE]


@pytest.mark.parametrize(
    "text",
    [
        "--prefer-binary\nsix\n",
        "--use-feature x\nsix\n",
        'six --config-settings="a=b"\n',
        "six '--config-settings=a=b'\n",
    ],
)
def test_pip_installs_what_uv_cannot(build: Build, text: str) -> None:
    assert build.pip_install(text) == ["python3 -m pip install --requirement requirements.txt"]


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_constraints_bound_every_installation(build: Build, installer: str) -> None:
    build.choose_installer(installer)
    for name in ("wanted", "bounds", "constraints", "requested"):
        build.write(f"{name}.txt", f"{name}\n")
    build.variables["CONFLICTS_2"] = CONFLICT
    calls = [
        call.split(" install ")[1]
        for call in build.run("increment.sh", says=f"Found 1 incompatibilities\n{CONFLICT}\n")
        if " install " in call
    ]
    assert calls == [
        "--requirement wanted.txt --constraint bounds.txt --constraint constraints.txt",
        "--requirement requested.txt --constraint constraints.txt",
    ]


def test_uv_resolves_with_constraints_and_hashes(resolve: Build) -> None:
    resolve.write("constraints.txt", "six<2\n")
    resolve.write("requested.txt", "--pre\nsix==1 --hash=sha256:00\n")
    resolve.write("hashes", "")
    options = "--prerelease=allow --constraint constraints.txt --generate-hashes"
    assert resolve.run("resolve.sh")[-1] == (
        f"uv pip compile --quiet --no-header --no-annotate {options} "
        "--output-file /resolved/requirements.txt requested.txt"
    )


def test_uv_applies_constraints_before_it_installs_with_hashes(build: Build) -> None:
    for name in ("bounds", "requested"):
        build.write(f"{name}.txt", "")
    build.write("wanted.txt", "--pre\nsix==1 --hash=sha256:00\n")
    build.write("constraints.txt", "six<2\n")
    calls = [call for call in build.run("increment.sh") if call.startswith("uv pip")]
    assert calls[1:3] == [
        "uv pip compile --quiet --no-deps --prerelease=allow --constraint constraints.txt wanted.txt",
        "uv pip install --requirement wanted.txt --prerelease=allow --require-hashes",
    ]


@pytest.mark.parametrize("option", ["--index-url ", "--index-url=", "-i "])
def test_index_of_a_file_replaces_that_of_the_configuration(build: Build, option: str) -> None:
    options = {"index-url": ["https://index.example/simple"], "trusted-host": ["index.example"]}
    build.mount("/etc/pip.conf", pip_conf(options))
    build.pip_install(f"{option}https://other.example/simple\nsix\n")
    del options["index-url"]
    assert (build.log / "uv.toml").read_text() == uv_toml(options)
