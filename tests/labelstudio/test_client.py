"""The API client against a real server: both kinds of token, and what a wrong setting says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from click99.labelstudio import client as client_module
from click99.labelstudio.client import Client, origin
from click99.labelstudio.errors import ApiError, ApiMissingError, ApiRefusedError
from tests.labelstudio.site import Site
from tests.labelstudio.tokens import LEGACY, PERSONAL, REFRESH, jwt


@pytest.fixture
def exchange(site: Site) -> Site:
    """A site that exchanges any personal access token for one that lives 300 s."""
    site.serve(REFRESH, json.dumps({"access": jwt(iat=1000, exp=1300)}).encode())
    site.serve("/api/version", b'{"release": "1.23.2"}')
    return site


def test_a_legacy_token_is_sent_as_it_is(site: Site):
    site.serve("/api/version", b'{"release": "1.23.2"}')
    assert Client(site.url + "/", f" {LEGACY}\n").call("GET", "/api/version") == {"release": "1.23.2"}
    assert site.asked == [("/api/version", f"Token {LEGACY}")]


def test_a_personal_access_token_is_exchanged_once(exchange: Site):
    client = Client(exchange.url, PERSONAL)
    client.call("GET", "/api/version")
    client.call("GET", "/api/version")
    bearer = f"Bearer {jwt(iat=1000, exp=1300)}"
    assert exchange.asked == [(REFRESH, None), ("/api/version", bearer), ("/api/version", bearer)]
    assert exchange.bodies == [{"refresh": PERSONAL}]


def test_an_old_access_token_is_exchanged_again(exchange: Site, monkeypatch: pytest.MonkeyPatch):
    client = Client(exchange.url, PERSONAL)
    for now in (5000.0, 5269.0, 5271.0):  # it lives 300 s and is replaced 30 s early
        monkeypatch.setattr(client_module.time, "monotonic", lambda now=now: now)
        client.call("GET", "/api/version")
    assert exchange.paths.count(REFRESH) == 2


def test_many_threads_exchange_once(exchange: Site):
    client = Client(exchange.url, PERSONAL)
    threads = [threading.Thread(target=client.call, args=("GET", "/api/version")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exchange.paths.count(REFRESH) == 1
    assert exchange.paths.count("/api/version") == 8


def test_without_a_key_nothing_is_sent(site: Site):
    site.serve("/health", b"{}")
    Client(site.url, "").call("GET", "/health")
    assert site.tokens == [None]


def test_netrc_does_not_replace_the_token(site: Site, tmp_path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    site.serve(REFRESH, json.dumps({"access": "a"}).encode())
    site.serve("/a", b"{}")
    Client(site.url, PERSONAL).call("GET", "/a")
    assert site.tokens == [None, "Bearer a"]


def test_bodies_and_empty_replies(site: Site):
    site.serve("/api/projects", b"")
    assert Client(site.url, LEGACY).call("POST", "/api/projects", json={"title": "leaves"}) is None
    assert site.bodies == [{"title": "leaves"}]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_names_the_setting(site: Site, status: int):
    site.serve("/a", b"", status)
    with pytest.raises(ApiRefusedError, match=rf"^LABEL_STUDIO_API_KEY: .*{status} for GET /a"):
        Client(site.url, LEGACY).call("GET", "/a")


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_missing_is_called_so(site: Site, status: int):
    site.serve("/a", b"", status)
    with pytest.raises(ApiRefusedError) as raised:
        Client(site.url, "").call("GET", "/a")
    assert str(raised.value) == (
        f"LABEL_STUDIO_API_KEY: not set, and Label Studio asks for a token ({status} for GET /a). Set it, or "
        "--label-studio-api-key, to the one that Label Studio's Account & Settings page shows"
    )


@pytest.mark.parametrize(
    ("titles", "there"),
    [
        ([], "there are none. Create it, or give the token of a user who sees it"),
        (["cells", "cups"], "there are: 1 'cells', 2 'cups'. Name one of them"),
        (["x"] * 12, "10 'x', 2 more. Name one of them"),
    ],
)
def test_a_project_that_is_missing_is_told_with_those_that_there_are(
    site: Site, titles: list[str], there: str
):
    found = [{"id": number, "title": title} for number, title in enumerate(titles, 1)]
    listing = json.dumps({"count": len(found), "results": found}).encode()
    site.serve("/api/projects/99", b'{"detail": "No Project matches the given query."}', 404)
    site.serve("/api/projects?page=1&page_size=100", listing)
    with pytest.raises(ApiMissingError) as raised:
        Client(site.url, LEGACY).project(99)
    assert str(raised.value).startswith(f"project 99: there is none at {site.url} for this token; there are")
    assert str(raised.value).endswith(there)


def test_a_refused_personal_access_token_names_the_setting(site: Site):
    site.serve(REFRESH, b"{}", 401)
    with pytest.raises(ApiRefusedError, match="LABEL_STUDIO_API_KEY"):
        Client(site.url, PERSONAL).call("GET", "/a")
    assert site.paths == [REFRESH]


@pytest.mark.parametrize("reply", [b"", b"[]", b"{}", b"<html>"])
def test_a_strange_exchange_is_an_error(site: Site, reply: bytes):
    site.serve(REFRESH, reply)
    with pytest.raises(ApiError, match="not exchanged"):
        Client(site.url, PERSONAL).call("GET", "/a")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"no such page", "^GET /a: Label Studio answers 404: no such page"),
        (400, b'{"detail": "Not so"}', "answers 400: Not so. See its log$"),
        (400, b'{"detail": {"a": 1}}', 'answers 400: {"detail"'),
        (400, b'["Not so"]', r'answers 400: \["Not so"\]'),
        (
            400,
            b'{"detail": "No", "validation_errors": {"a": ["Too \\"long\\""], "non_field_errors": ["Out"]}}',
            'answers 400: a: Too "long"; Out. See its log$',
        ),
        (200, b"<html>", "^LABEL_STUDIO_URL: GET /a did not answer with JSON"),
    ],
)
def test_other_failures(site: Site, status: int, body: bytes, message: str):
    site.serve("/a", body, status)
    with pytest.raises(ApiError, match=message):
        Client(site.url, LEGACY).call("GET", "/a")


def test_nobody_there():
    with pytest.raises(ApiError, match=r"^LABEL_STUDIO_URL: http://127.0.0.1:9 does not answer"):
        Client("http://127.0.0.1:9", LEGACY).call("GET", "/a")


def test_redirects_are_not_followed(new_site: Callable[[], Site]):
    ours, theirs = new_site(), new_site()
    ours.redirect("/a", theirs.url + "/a")
    with pytest.raises(ApiError, match=rf"redirected to {theirs.url}/a\. Set it to"):
        Client(ours.url, LEGACY).call("GET", "/a")
    assert theirs.asked == []


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://host", "http://", "http://host:0", "http://[::1"]
)
def test_addresses_that_are_none(url: str):
    with pytest.raises(ApiError, match=r"^LABEL_STUDIO_URL: "):
        Client(url, LEGACY)


@pytest.mark.parametrize("key", ["a\nb", "Token\tabc", "\0", "schlüssel", "…"])
def test_keys_that_are_no_tokens(key: str):
    with pytest.raises(ApiError, match=r"^LABEL_STUDIO_API_KEY: .*Copy a token"):
        Client("http://studio", key)


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("http://studio:8080/data/upload/1/a.png", True),
        ("HTTP://Studio:8080", True),
        ("http://user@studio:8080/", True),
        ("https://studio:8080/", False),
        ("http://studio/", False),
        ("http://studio:80801/", False),
        ("http://studio.evil:8080/", False),
        ("http://studio:8080@evil/", False),
        ("http://evil/http://studio:8080/", False),
        ("//studio:8080/", False),
    ],
)
def test_its_own_origin(url: str, owned: bool):
    assert Client("http://studio:8080/ls", LEGACY).owns(url) == owned


def test_default_ports_are_the_same_origin():
    assert origin("http://studio/a") == origin("http://studio:80/b")
    assert origin("https://studio/a") == origin("https://STUDIO:443")


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("http://studio:8080/", "/data/upload/1/a.png", "http://studio:8080/data/upload/1/a.png"),
        ("http://studio/ls", "/data/upload/1/a.png", "http://studio/ls/data/upload/1/a.png"),
        ("http://studio/ls/", "/ls/data/upload/1/a.png", "http://studio/ls/data/upload/1/a.png"),
        ("http://studio", "/\\evil/a.png", "http://studio/\\evil/a.png"),
        ("http://studio", "/@evil/a.png", "http://studio/@evil/a.png"),
    ],
)
def test_paths_of_tasks(base: str, path: str, url: str):
    assert Client(base, LEGACY).resolve(path) == url
