"""Valid and invalid environment names, versions and base images, and the hints for invalid ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydock import errors
from pydock.environments.names import check_base, check_name, check_prefix, check_version


@pytest.mark.parametrize("name", ["a", "ds", "py3.8", "a-b_c.d", "0", "x" * 64])
def test_valid_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("DataScience", "datascience"),
        ("data science", "data-science"),
        ("data--science", "data-science"),
        ("a._b", "a_b"),
        ("-x-", "x"),
        (".hidden", "hidden"),
        ("../etc", "etc"),
        ("a/b", "a-b"),
        ("ds\n", "ds"),
        ("naïve", "na-ve"),
        ("x" * 65, "x" * 64),
        ("y" * 63 + "-z", "y" * 63),
        ("", "datascience"),
        ("☃", "datascience"),
    ],
)
def test_invalid_name_suggests_a_valid_one(name: str, similar: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        check_name(name)
    assert f"'{similar}'." in caught.value.message
    assert check_name(similar) == similar


@given(st.text())
def test_every_suggested_name_is_valid(name: str) -> None:
    try:
        check_name(name)
    except errors.UsageError as error:
        found = re.search(r"Try (?:a name like )?'(.*)'\.$", error.message)
        assert found is not None
        assert check_name(found.group(1))


@pytest.mark.parametrize("version", ["3.8", "3.12-slim", "3", "latest", "3.13-rc_1", "x" * 128])
def test_valid_version(version: str) -> None:
    assert check_version(version) == version


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("3 12", "Try '3-12'."),
        (".3", "Try '3'."),
        ("-3.8", "Try '3.8'."),
        ("3.8\n", "Try '3.8'."),
        ("3.8; rm", "Try '3.8-rm'."),
        (">=3.8", "Try '3.8'."),
        ("x" * 129, f"Try '{'x' * 128}'."),
        ("", "such as 3.12 or 3.12-slim."),
        ("☃", "such as 3.12 or 3.12-slim."),
    ],
)
def test_invalid_version_suggests_a_valid_one(version: str, hint: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        check_version(version)
    assert caught.value.message.startswith(f"Invalid Python version '{version}'. ")
    assert caught.value.message.endswith(hint)


@pytest.mark.parametrize(
    "base",
    [
        "debian",
        "debian:12",
        "quay.io/team/python:3.12",
        "localhost:5000/a/b__c--d.e:X",
        f"python@sha256:{'a' * 64}",
    ],
)
def test_valid_base_image(base: str) -> None:
    assert check_base(base) == base


@pytest.mark.parametrize(
    "base", ["", "Debian", "debian:", "debian 12", "-x", "a//b", "a:b:c", "x@sha256:1", "a\nb"]
)
def test_invalid_base_image(base: str) -> None:
    with pytest.raises(errors.UsageError, match="Invalid image name"):
        check_base(base)


@pytest.mark.parametrize(
    "prefix", ["", "pydock-", "team/", "registry.example/team/", "registry.example:5000/x-", "a_b."]
)
def test_valid_prefix(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["Pydock-", "-x", "a b", "/x", "x:☃", "x\n"])
def test_invalid_prefix(prefix: str) -> None:
    with pytest.raises(errors.BadSetting, match="Setting 'prefix'"):
        check_prefix(prefix)
