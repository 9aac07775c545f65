"""What has credentials is found and left out, however the address is written; the address stays."""

from __future__ import annotations

import pytest

from pydock.engine.build_secrets import NETRC, PIP_CONF, UV_TOML, Network, pip_conf, uv_toml


def network(*urls: str, proxies: dict[str, str] | None = None) -> Network:
    options = {"index-url": [urls[0]], "extra-index-url": list(urls[1:])}
    texts = {PIP_CONF: pip_conf(options), UV_TOML: uv_toml(options)}
    return Network(texts, {NETRC: "/home/u/.netrc", "ca.pem": "/ca.pem"}, proxies or {}, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@index.example/simple",
        "https://hunter2@index.example/simple",
        "HTTPS://user:hunter2@index.example/simple",
        "https://user:p#a/b?hunter2@index.example/simple",
        'https://user:p"hunter2@index.example/simple',
        "https://a@hunter2@index.example/simple",
    ],
)
def test_an_index(url: str) -> None:
    given = network(url, "https://plain.example/simple", url)
    assert given.credentials() == ["the netrc file /home/u/.netrc", "the credentials in pip's configuration"]
    kept = given.without_credentials()
    for text in kept.texts.values():
        assert "hunter2" not in text
        assert text.lower().count("https://index.example/simple") == given.texts[UV_TOML].count(
            "index.example"
        ) * (2 if text == kept.texts[PIP_CONF] else 1)
        assert "https://plain.example/simple" in text
    assert kept.files == {"ca.pem": "/ca.pem"}
    assert kept.credentials() == []


@pytest.mark.parametrize("proxy", ["http://u:hunter2@proxy.example:3128", "u:hunter2@proxy.example:3128"])
def test_a_proxy(proxy: str) -> None:
    given = network(
        "https://plain.example/simple", proxies={"https_proxy": proxy, "no_proxy": "localhost,.example"}
    )
    assert "the credentials of the proxy" in given.credentials()
    assert given.without_credentials().proxies == {
        "https_proxy": "http://proxy.example:3128",
        "no_proxy": "localhost,.example",
    }


def test_nothing() -> None:
    given = network("https://plain.example/simple")._replace(files={})
    assert given.credentials() == []
    assert given.without_credentials() == given
