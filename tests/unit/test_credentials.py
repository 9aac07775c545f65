"""Credentials in requirement lines and addresses: found in every form that an installer reads, and never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pydock import credentials, errors
from pydock.packages import requirement_addresses, requirement_files, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What a password may look like: nothing that is not printed, and no blank, which ends a word.
SIGNS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\")
# A credential that no other part of a line or a message can contain by chance.
SECRETS = st.text(SIGNS, min_size=1, max_size=12).map(lambda text: f"Zq{text}Zq")
SCHEMES = st.sampled_from(
    [
        "https://",
        "HTTPS://",
        "http://",
        "Http://",
        "ftp://",
        "//",
        "https:/",
        "git+https://",
        "GIT+HTTPS://",
        "hg+http://",
    ]
)
FORMS = st.sampled_from(
    [
        "{}",
        "pkg @ {}",
        "pkg@{}",
        "--index-url {}",
        "--index-url={}",
        "-i {}",
        "-i{}",
        "--extra-index-url '{}'",
        '--find-links "{}"',
        "-f {}",
        "-e {}#egg=pkg",
        "six  # see {}",
        "# {}",
        "six # ({})",
        "-r {}",
        "-c {}",
        "--no-such-option={}",
        "pkg[extra] @ {} ; python_version > '3'",
        "{} --hash=sha256:00",
    ]
)
HOSTS = st.sampled_from(["code.example", "localhost", "code.example:8443", "[::1]:80", "192.0.2.1"])
PATHS = st.sampled_from(
    ["", "/", "/simple/", "/pkg-1.0-py3-none-any.whl", "/team/pkg.git@v1.0", "/pkg.zip?a=b#egg=pkg"]
)


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    credentials.forget_secrets()
    yield
    credentials.forget_secrets()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def addresses(secret: str, scheme: str, host: str, path: str) -> list[str]:
    return [
        f"{scheme}{secret}@{host}{path}",
        f"{scheme}me:{secret}@{host}{path}",
        f"{scheme}{secret}:x-oauth-basic@{host}{path}",
        f"{scheme}{secret}:@{host}{path}",
        f"{scheme}:{secret}@{host}{path}",
        f"{scheme}${{USER}}:{secret}@{host}{path}",
        f"{scheme}{secret}{secret}:${{A}}x@{host}{path}",
    ]


def is_ambiguous(secret: str, address: str) -> bool:
    """Return whether an installer, too, takes the beginning of the secret for a host (or for a host and a port)."""
    first = address.partition(secret)[0]
    return "/" in secret and not first.endswith("me:") and not first.endswith("}:") and ":" not in secret


def refused(line: str, folder: Path) -> list[str]:
    """Return the messages of all ways to refuse a line; insist that each refuses it."""
    file = folder / "wanted.txt"
    file.write_text(f"six\n{line}\n", encoding="utf-8")
    messages = []
    for call in (
        lambda: requirement_files.parse_files([str(file)]),
        lambda: requirement_files.parse_text(f"six\n{line}\n", "requirements.in"),
        lambda: requirement_files.check_file(str(file)),
        lambda: requirements.parse_specifiers([line]),
        lambda: requirements.parse_specifiers(line),
        lambda: requirements.parse_specifier(line),
        lambda: requirements.package_names([line]),
    ):
        with pytest.raises(errors.UsageError) as caught:
            call()
        messages.append(caught.value.message)
    assert all(message.startswith(f"{file}, line 2: ") for message in (messages[0], messages[2]))
    assert all("netrc" in message for message in messages)
    return messages


@given(SECRETS, SCHEMES, HOSTS, PATHS, FORMS)
def test_any_user_name_or_password_is_refused_and_not_shown(
    folder: Path, secret: str, scheme: str, host: str, path: str, form: str
) -> None:
    for address in addresses(secret, scheme, host, path):
        if is_ambiguous(secret, address):
            continue
        line = form.format(address)
        for message in refused(line, folder):
            assert "Zq" not in message
        assert secret not in credentials.redact(line)
        assert secret not in credentials.redact(f"Collecting pkg ({line}) failed\n")


@given(
    st.text(st.characters(min_codepoint=48, max_codepoint=122, exclude_characters="\\`"), min_size=1).map(
        "Zq{}Zq".format
    ),
    st.sampled_from(
        [
            "token",
            "TOKEN",
            "access_token",
            "private-token",
            "job_token",
            "sig",
            "X-Amz-Signature",
            "X-Amz-Security-Token",
            "X-Goog-Credential",
            "api_key",
            "apikey",
            "password",
            "client_secret",
            "AWSAccessKeyId",
            "%74oken",
            "jwt",
        ]
    ),
    st.sampled_from(["?{}={}", "?a=b&{}={}", "#{}={}", "?{}={}#egg=pkg", "?{}={}&x=y"]),
    FORMS,
)
def test_any_token_in_a_query_is_refused_and_not_shown(
    folder: Path, secret: str, name: str, query: str, form: str
) -> None:
    line = form.format("https://code.example/pkg-1.0.zip" + query.format(name, secret))
    for message in refused(line, folder):
        assert "Zq" not in message
    assert "Zq" not in credentials.redact(line)


@given(st.text(max_size=60))
def test_masking_never_fails(text: str) -> None:
    credentials.redact(text)
    assert credentials.redact(credentials.redact(text)) == credentials.redact(text)


@given(SECRETS, SCHEMES, st.integers(1, 40))
def test_a_credential_across_continued_lines_is_refused(
    folder: Path, secret: str, scheme: str, cut: int
) -> None:
    assume("/" not in secret and "#" not in secret and "?" not in secret)
    address = f"{scheme}{secret}@code.example/x"
    assume(cut < len(address))
    file = folder / "wanted.txt"
    for indent in ("", "    "):
        file.write_text(f"six\n--index-url {address[:cut]}\\\n{indent}{address[cut:]}\n", encoding="utf-8")
        with pytest.raises(errors.BadRequirements) as caught:
            requirement_files.parse_files([str(file)])
        assert "Zq" not in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        "x @ https://me:${TOKEN}@code.example/x.whl",
        "x @ https://${TOKEN}@code.example/x.whl",
        "x @ https://${USER}:${TOKEN}@code.example/x.whl",
        "x @ https://${TOKEN}:x-oauth-basic@code.example/x.whl",
        "git+https://${TOKEN}@code.example/x.git@v1#egg=x",
        "x @ git+ssh://git@code.example/x.git",
        "git+ssh://git@code.example:22/x.git@main#egg=x",
        "x @ git+https://code.example/x.git@feature/y#subdirectory=z",
        "x @ git+https://host:8443/x.git@v1",
        "x @ https://code.example/x.whl?token=${TOKEN}",
        "x @ https://code.example/@scope/x.whl#sha256=00",
        "x @ https://code.example//a@b/x.whl",
        "--index-url https://code.example/simple/",
        "--index-url ${INDEX}",
        "--trusted-host code.example:8443",
        "six  # ask me@code.example, or see https://code.example/wiki?key",
        "# mirrors//team@corp",
        "six ; python_version > '3'",
        "x @ https://me:****@code.example/x.whl",
    ],
)
def test_what_is_no_credential_is_accepted(line: str) -> None:
    requirement_addresses.refuse_credentials(line)
    assert credentials.redact(line) == line


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("HTTPS://u:pw@code.example/x.whl", "code.example"),
        ("git+https://ghp_0123@code.example/o/r@v1#egg=x", "code.example"),
        ("--extra-index-url https://TOKEN:x-oauth-basic@code.example:80/simple", "code.example:80"),
        ("https://code.example/x.whl?token=Zq", "code.example"),
        ("//u:pw@code.example/", "code.example"),
    ],
)
def test_the_message_names_the_host(line: str, host: str) -> None:
    with pytest.raises(errors.UsageError, match=re.escape(f"The address at {host} has")):
        requirement_addresses.refuse_credentials(line)


@pytest.mark.parametrize("beginning", ["ghp_", "glpat-", "pypi-"])
def test_a_known_token_is_no_user_name(beginning: str) -> None:
    with pytest.raises(errors.UsageError):
        requirement_addresses.refuse_credentials(
            f"x @ https://{beginning}0123456789:${{EMPTY}}@code.example/x.whl"
        )


def test_a_password_in_quotes_may_have_blanks() -> None:
    for line in (
        '-i "https://u:p w@code.example/"',
        "-i 'https://to ken@code.example/'",
        r"-i https://to\ ken@code.example",
    ):
        with pytest.raises(errors.UsageError):
            requirement_addresses.refuse_credentials(line)


@pytest.mark.parametrize(
    "text",
    [
        'x @ "https://u:p w\\\n@code.example/x.whl" \\\n  ; extra == "',
        "x @ https://u:\\\n  pw@code.example/x.whl",
        "six \\\n--hash=1 # https://u:pw@code.example/ \\\n",
        "-i 'https://u:p w@code.example/' # it's",
    ],
)
def test_a_password_in_a_continued_line_is_found(text: str) -> None:
    with pytest.raises(errors.UsageError):
        requirement_addresses.refuse_credentials(text)


def test_a_line_is_read_a_few_times_however_often_it_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece was read together with all before it: a line with 700 hashes took minutes."""
    read: list[str] = []

    def spy(text: str) -> list[credentials.Credential]:
        read.append(text)
        return []

    monkeypatch.setattr(requirement_addresses, "find_credentials", spy)
    text = "six==1.16.0" + "".join(f" \\\n    --hash=sha256:{number:064x}" for number in range(700)) + "\n"
    requirement_addresses.refuse_credentials(text)
    assert sum(map(len, read)) < 5 * len(text)


def test_an_editable_package_keeps_no_value() -> None:
    """Its clone has the address in .git/config."""
    with pytest.raises(errors.BadRequirements, match="clone"):
        requirement_files.parse_text("-e git+https://${TOKEN}@code.example/x.git#egg=x\n", "requirements.in")


@given(SECRETS, st.text(max_size=20))
def test_a_registered_secret_is_masked_in_every_form(secret: str, around: str) -> None:
    import json
    from urllib.parse import quote

    credentials.forget_secrets()
    credentials.register_secret(secret)
    for form in (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)):
        assert (
            form.strip('"') not in credentials.redact(f"{around}{form}{around}") or form.strip('"') in around
        )


def test_an_address_gives_its_secrets() -> None:
    credentials.register_address("https://me:hunter2%23x@index.example/simple")
    credentials.register_address("proxyuser:proxypass@proxy.example:3128")
    text = credentials.redact("hunter2%23x proxypass bWU6aHVudGVyMiN4 me index.example")
    assert text == "**** **** **** me index.example"


def test_the_user_name_of_an_index_is_not_masked_everywhere() -> None:
    credentials.register_address("https://reader@index.example/simple")
    assert credentials.redact("a reader") == "a reader"


def test_options_give_the_values_of_variables_that_are_named_as_secrets() -> None:
    credentials.register_options(
        ["--env", "API_TOKEN=canary-1", "--build-arg=PASSWORD=canary-2", "-e", "MODE=debug-1"]
    )
    assert credentials.redact("canary-1 canary-2 debug-1") == "**** **** debug-1"


def test_a_long_word_takes_no_time() -> None:
    credentials.redact("a+" * 200_000 + "://" * 1000)


@pytest.mark.parametrize(
    ("installed", "requested", "recorded"),
    [
        (
            "x @ https://h/x.whl#sha256=0",
            "x @ https://${U}:${T}@h/x.whl",
            "x @ https://${U}:${T}@h/x.whl#sha256=0",
        ),
        (
            "x @ https://h/x-1-py3-none-any.whl",
            "https://${T}@h/x-1-py3-none-any.whl",
            "x @ https://${T}@h/x-1-py3-none-any.whl",
        ),
        (
            "x @ https://h/x.whl?token=abc",
            "x @ https://h/x.whl?token=${T} ; python_version > '3'",
            "x @ https://h/x.whl?token=${T}",
        ),
        ("x @ git+https://h/r@c0ffee", "git+https://${T}@h/r@v1#egg=x", "x @ git+https://${T}@h/r@c0ffee"),
        (
            "x @ git+https://${T}@h/r@c0ffee",
            "git+https://${T}@h/r@v1#egg=x",
            "x @ git+https://${T}@h/r@c0ffee",
        ),
        ("x @ git+https://h/r@c0ffee", "x @ git+https://h/r@v1", "x @ git+https://h/r@c0ffee"),
        (
            "x @ git+https://h/r@c0ffee",
            "git+https://${U}:${T}@h/r@v1",
            "x @ git+https://${U}:${T}@h/r@c0ffee",
        ),
        ("x @ git+https://h/r@c0ffee", "git+https://${T}@h/s", "x @ git+https://h/r@c0ffee"),
        ("x @ https://h/x.zip#sha256=0", "https://${T}@h/x.zip", "x @ https://${T}@h/x.zip#sha256=0"),
        ("x==1.0", "x", "x==1.0"),
    ],
)
def test_what_is_recorded_has_the_variables(installed: str, requested: str, recorded: str) -> None:
    lines = requirement_files.parse_text(
        f"other @ https://${{O}}@h/other.whl\n{requested}\n", "requirements.in"
    )
    assert (
        requirement_addresses.with_variables(installed, [(line.name, line.requirement) for line in lines])
        == recorded
    )
