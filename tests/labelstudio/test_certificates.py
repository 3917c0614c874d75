"""Hosts whose certificate nobody vouches for: named, with the variable that trusts it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ImageUnavailableError
from tests.certificates import self_signed
from tests.labelstudio.site import Site, Source, is_red, picture, running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def site(certificate: Path) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(context) as one:
        one.serve("/a.png", picture())
        one.serve("/api/version", b'{"release": "1.23.2"}')
        yield one


def test_an_image(source: Source, site: Site):
    problem = rf"a\.png: the certificate of {site.host} is not trusted \(self.signed certificate\)"
    with pytest.raises(ImageUnavailableError, match=rf"{problem}\. Set REQUESTS_CA_BUNDLE"):
        source([site.host]).get(f"https://{site.host}/a.png")


def test_label_studio(site: Site):
    problem = f"the certificate of https://{site.host} is not trusted"
    with pytest.raises(ApiError, match=rf"^LABEL_STUDIO_URL: {problem} .*Set REQUESTS_CA_BUNDLE"):
        Client(f"https://{site.host}", "key").call("GET", "/api/version")


def test_one_that_is_trusted(source: Source, site: Site, certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert is_red(source([site.host]).get(f"https://{site.host}/a.png"))
    assert Client(f"https://{site.host}", "key").call("GET", "/api/version") == {"release": "1.23.2"}


def test_a_bundle_that_is_not_there(source: Source, site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(ImageUnavailableError, match=r"invalid path: /nowhere\.pem"):
        source([site.host]).get(f"https://{site.host}/a.png")
