"""Reading the base image and the Python version out of a dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydock.environments.caller import Caller
from pydock.environments.dockerfile import Dockerfile, parse_dockerfile
from pydock.rendering import render

VERSION_0_1 = (Path(__file__).parent / "dockerfiles" / "version-0.1.dockerfile").read_text(encoding="utf-8")
ME = Caller("me", 1000, 100)
NEW = render("dockerfile.j2", base="", repository="python", version="3.12", caller=ME)
NEW_WITH_BASE = render("dockerfile.j2", base="quay.io/team/py:1", repository="python", version="", caller=ME)
MIRROR = {"REPOSITORY": "mirror.example/python", "USER": "me"}


@pytest.mark.parametrize(
    ("text", "build_arguments", "python", "base_image"),
    [
        pytest.param(VERSION_0_1, {}, "3.12", "python:3.12", id="version 0.1"),
        pytest.param(VERSION_0_1, MIRROR, "3.12", "mirror.example/python:3.12", id="version 0.1, mirror"),
        pytest.param(NEW, {}, "3.12", "python:3.12", id="rendered"),
        pytest.param(NEW, MIRROR, "3.12", "mirror.example/python:3.12", id="rendered, mirror"),
        pytest.param(NEW_WITH_BASE, MIRROR, "quay.io/team/py:1", "quay.io/team/py:1", id="rendered, base"),
        ("FROM debian:12\n", {}, "debian:12", "debian:12"),
        ("  FROM   debian:12  \n", {}, "debian:12", "debian:12"),
        ("FROM\tdebian:12\n", {}, "debian:12", "debian:12"),
        ("from debian:12 as one\n", {}, "debian:12", "debian:12"),
        ("arg VERSION=3.8\nFrom python:$VERSION\n", {}, "3.8", "python:3.8"),
        ("ARG A=python B=3.8\nFROM ${A}:${B}\n", {}, "python:3.8", "python:3.8"),
        ("ARG A=python VERSION=3.8\nFROM $A:$VERSION\n", {"VERSION": "3.9"}, "3.9", "python:3.9"),
        ("ARG A=\"python\" VERSION='3.8'\nFROM $A:$VERSION\n", {}, "3.8", "python:3.8"),
        ("ARG VERSION=3.8\nARG VERSION=3.9\nFROM python:$VERSION\n", {}, "3.9", "python:3.9"),
        ("FROM --platform=linux/amd64 debian:12 AS one\n", {}, "debian:12", "debian:12"),
        ("FROM scratch AS pydock\nFROM debian:12\n", {}, "debian:12", "debian:12"),
        # An ARG after a FROM belongs to that stage. A build argument counts only if it is declared.
        ("FROM scratch AS pydock\nARG A=12\nFROM debian:$A\n", {}, "", ""),
        ("ARG A=12\nFROM scratch AS pydock\nARG A=13\nFROM debian:$A\n", {}, "debian:12", "debian:12"),
        ("FROM debian:12\nARG VERSION=3\n", {}, "debian:12", "debian:12"),
        ("FROM debian:$TAG\n", {"TAG": "12"}, "", ""),
        # Variables without a value, or with more of the shell's syntax.
        ("FROM ${UNKNOWN}\n", {}, "", ""),
        ("ARG A=3 B=$A\nFROM debian:$B\n", {}, "", ""),
        ("ARG A=\nFROM debian:$A\n", {}, "", ""),
        ("ARG A\nFROM debian:$A\n", {}, "", ""),
        ("ARG VERSION=3.8\nFROM python:${VERSION:-3.9}\n", {}, "3.8", ""),
        # Several stages.
        ("FROM debian:12 AS one\nFROM one\n", {}, "one", ""),
        ("FROM debian:12 AS one\nFROM debian:13\nCOPY --from=one /x /x\n", {}, "debian:13", ""),
        ("ARG VERSION=3\nFROM a\nFROM python:$VERSION\n", {}, "3", ""),
        # No base.
        ("# FROM debian:12\nRUN x\n", {}, "", ""),
        ("FROM\n", {}, "", ""),
        ("", {}, "", ""),
    ],
)
def test_parse_dockerfile(text: str, build_arguments: dict[str, str], python: str, base_image: str) -> None:
    assert parse_dockerfile(text, build_arguments) == Dockerfile(python, base_image)
