"""The text of a docker-compose.yml: comments and order stay, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pydock import errors
from pydock._speed.yaml import import_yaml
from pydock.exports.compose_file import Additions, extended_text, new_text, own_service_name, read_additions

yaml = import_yaml()
ADDED = Additions(
    ports=("127.0.0.1:1:1",),
    volumes=("data:/d",),
    variables=(("A", "1"), ("B", None)),
    services=(("db", "postgres:16"),),
    named_volumes=("data",),
)


def additions(**options: list[str]) -> Additions:
    given = {"ports": [], "volumes": [], "variables": [], "services": [], **options}
    return read_additions(**given, folder="/p/.pydock/envs/ds", working_directory="/p/sub")


@pytest.mark.parametrize(
    ("port", "written"),
    [
        ("8888", "127.0.0.1::8888"),
        ("80:8888", "127.0.0.1:80:8888"),
        ("80:8888/udp", "127.0.0.1:80:8888/udp"),
        ("10.0.0.1:80:8888", "10.0.0.1:80:8888"),
        ("10.0.0.1::8888", "10.0.0.1::8888"),
        ("[::1]:80:8888", "[::1]:80:8888"),
        ("8000-8010:8000-8010", "127.0.0.1:8000-8010:8000-8010"),
    ],
)
def test_port(port: str, written: str) -> None:
    assert additions(ports=[port]).ports == (written,)


@pytest.mark.parametrize("port", ["", "x", "1:2:3:4", "80:", "8888/http", ":", "a:b"])
def test_invalid_port(port: str) -> None:
    with pytest.raises(errors.UsageError, match="Invalid port"):
        additions(ports=[port])


@pytest.mark.parametrize(
    ("volume", "written", "named"),
    [
        ("./data:/data", "../../../sub/data:/data", ()),
        ("..:/data:ro", "../../..:/data:ro", ()),
        ("../.pydock/envs/ds/x:/x", "./x:/x", ()),
        ("/abs:/data", "/abs:/data", ()),
        ("cache:/cache", "cache:/cache", ("cache",)),
        ("./a$b:/x", "../../../sub/a$$b:/x", ()),
    ],
)
def test_volume(volume: str, written: str, named: tuple[str, ...]) -> None:
    found = additions(volumes=[volume])
    assert (found.volumes, found.named_volumes) == ((written,), named)


def test_value_that_is_no_text() -> None:
    with pytest.raises(errors.UsageError, match="not valid UTF-8"):
        additions(variables=["A=\udcff"])


def test_new_text_is_what_plain_compose_reads() -> None:
    text = new_text("pydock-ds-1", {"UID": 5, "GID": 6}, ADDED)
    assert yaml.safe_load(text) == {
        "name": "pydock-ds-1",
        "services": {
            "env": {
                "build": {
                    "context": ".",
                    "dockerfile": "dockerfile",
                    "args": {"UID": "${UID:-5}", "GID": "${GID:-6}"},
                },
                "ports": ["127.0.0.1:1:1"],
                "volumes": ["data:/d"],
                "environment": {"A": "1", "B": None},
                "depends_on": ["db"],
            },
            "db": {"image": "postgres:16"},
        },
        "volumes": {"data": None},
    }


WRITTEN = """\
# my file
services:
    web:   # the environment

        build: .      # here
        ports:
        - "80:80"     # a port

        # about the variables
        environment:
          - X=1
        depends_on:
            cache:
                condition: service_healthy
    # another service
    cache:
        image: redis

volumes:
    other:
# the end
"""


def test_comments_and_order_stay() -> None:
    text = extended_text(WRITTEN, own_service_name(WRITTEN, "ds"), ADDED)
    kept = [line for line in text.splitlines() if line in WRITTEN.splitlines()]
    assert kept == WRITTEN.splitlines()
    found = yaml.safe_load(text)
    assert found["services"]["web"]["ports"] == ["80:80", "127.0.0.1:1:1"]
    assert found["services"]["web"]["environment"] == ["X=1", "A=1", "B"]
    assert found["services"]["web"]["depends_on"]["db"] == {"condition": "service_started"}
    assert found["volumes"] == {"other": None, "data": None}
    assert extended_text(text, "web", ADDED) == text


@pytest.mark.parametrize(
    "text",
    [
        "services: {env: {build: .}}\n",
        "services:\n  env: {build: .}\n",
        "services:\n  env:\n    build: .\n    ports: ['80:80']\n",
        "services:\n  env:\n    build: .\n    ports: &p\n      - '80:80'\n  other:\n    image: x\n    ports: *p\n",
        "x: &x\n  build: .\nservices:\n  env:\n    <<: *x\n    ports:\n    - '1:1'\n---\n",
    ],
)
def test_file_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(errors.BadCompose) as refused:
        extended_text(text, "env", ADDED)
    assert "Nothing was changed" in refused.value.message


def test_message_has_what_to_add_by_hand() -> None:
    with pytest.raises(errors.BadCompose) as refused:
        extended_text("services: {env: {build: .}}\n", "env", ADDED)
    shown = refused.value.message.partition("yourself:\n")[2]
    assert yaml.safe_load(shown)["services"]["env"]["ports"] == ["127.0.0.1:1:1"]


def test_another_value_is_not_overwritten() -> None:
    text = new_text("p", {"UID": 5}, ADDED)
    with pytest.raises(errors.BadCompose, match="sets the variable A already"):
        extended_text(text, "env", Additions(variables=(("A", "2"),)))
    with pytest.raises(errors.BadCompose, match="another service 'db'"):
        extended_text(text, "env", Additions(services=(("db", "mysql"),)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("services: {x: {build: ./}}", "x"),
        ("services: {x: {build: {context: .}}, y: {image: z}}", "x"),
        ("services: {x: {build: .}, env: {build: .}}", "env"),
        ("services: {x: {build: .}, ds: {build: .}}", "ds"),
    ],
)
def test_own_service(text: str, name: str) -> None:
    assert own_service_name(text, "ds") == name


@pytest.mark.parametrize(
    "text", ["", "[]", "services: {x: {image: y}}", "services: {x: {build: .}, y: {build: .}}", "a: ["]
)
def test_own_service_that_is_not_clear(text: str) -> None:
    with pytest.raises(errors.BadCompose, match="Nothing was changed"):
        own_service_name(text, "ds")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@hypothesis_settings(max_examples=100)
@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), TEXT, max_size=4))
def test_every_value_is_written_as_it_is(variables: dict[str, str]) -> None:
    added = read_additions(
        (),
        (),
        [f"{name}={value}" for name, value in variables.items()],
        (),
        folder="/p",
        working_directory="/p",
    )
    found: Any = yaml.safe_load(new_text("p", {"UID": 5}, added))["services"]["env"].get("environment", {})
    assert {str(name): value.replace("$$", "$") for name, value in found.items()} == variables
