"""Hosts whose certificate nobody vouches for: named, with the variable that trusts it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ImageUnavailableError
from tests.labelstudio.site import Site, Source, is_red, picture, running

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Its own authority, for 127.0.0.1; the key is in the file, too."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=studio -keyout {key} -out {file}"
    command = ["openssl", *made.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


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
