"""Addresses in cloud storage: asked of Label Studio, and of the bucket that it names, without the token."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from typing import Any

import pytest

from click99.labelstudio import exchange
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ImageError, ImageNotAllowedError, ImageUnavailableError
from click99.labelstudio.images import ImageSource
from click99.labelstudio.storage import in_storage, storage_path
from tests.labelstudio.site import Site, Source, is_red, picture
from tests.labelstudio.tokens import LEGACY

LEAF = "s3://bucket/leaf.png"
KEYS = [
    "leaf.png",
    "two leaves.png",
    "a+b=c&d.png",
    "100%.png",
    "50%20off.png",
    "größe/Blätter #1.png",
    "葉.png",
]


@pytest.fixture
def studio(site: Site) -> Site:
    site.token = f"Token {LEGACY}"
    return site


@pytest.fixture
def bucket(new_site: Callable[[], Site]) -> Site:
    found = new_site()
    found.serve("/leaf.png?signature=secret", picture())
    return found


@pytest.fixture
def images(source: Source, studio: Site) -> ImageSource:
    return source((), Client(studio.url, LEGACY))


def send_on(studio: Site, bucket: Site, address: str = LEAF) -> None:
    studio.redirect(storage_path(address, "7"), f"{bucket.url}/leaf.png?signature=secret", 303)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if loopback were the public internet."""
    monkeypatch.setattr(exchange, "is_public", lambda address: True)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["s3", "gs", "azure-blob"])
def test_label_studio_is_asked_for_the_task_s_file(images: ImageSource, studio: Site, scheme: str, key: str):
    address = f"{scheme}://bucket/{key}"
    told = base64.urlsafe_b64encode(address.encode()).decode()
    studio.serve(f"/tasks/7/resolve/?fileuri={told}", picture())
    assert is_red(images.get(address, "7"))
    assert studio.tokens == [f"Token {LEGACY}"]


@pytest.mark.usefixtures("public")
def test_the_bucket_that_it_names_is_asked_without_the_token(images: ImageSource, studio: Site, bucket: Site):
    send_on(studio, bucket)
    assert is_red(images.get(LEAF, "7"))
    assert studio.tokens == [f"Token {LEGACY}"]
    assert bucket.tokens == [None]


def test_a_bucket_on_a_private_address_is_not_asked(images: ImageSource, studio: Site, bucket: Site):
    send_on(studio, bucket)
    with pytest.raises(ImageNotAllowedError, match=f"Add {bucket.host} to CLICK99_ALLOWED_HOSTS") as caught:
        images.get(LEAF, "7")
    assert "secret" not in str(caught.value)
    assert bucket.asked == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0"]
)
def test_no_spelling_makes_a_private_address_public(
    images: ImageSource, studio: Site, bucket: Site, host: str
):
    target = f"http://{host}:{bucket.server_port}/leaf.png?signature=secret"
    studio.redirect(storage_path(LEAF, "7"), target, 303)
    with pytest.raises(ImageError):
        images.get(LEAF, "7")
    assert bucket.asked == []


def test_a_private_bucket_that_is_listed(source: Source, studio: Site, bucket: Site):
    send_on(studio, bucket)
    assert is_red(source([bucket.host], Client(studio.url, LEGACY)).get(LEAF, "7"))
    assert bucket.tokens == [None]


def test_a_name_that_becomes_private_while_it_is_asked(
    images: ImageSource, studio: Site, bucket: Site, monkeypatch: pytest.MonkeyPatch
):
    studio.redirect(storage_path(LEAF, "7"), f"http://rebound.example:{bucket.server_port}/leaf.png")
    looked_up = []

    def resolve(host: str, *args: Any, **options: Any) -> list[Any]:
        if host != "rebound.example":
            return real(host, *args, **options)
        looked_up.append(host)
        address = "93.184.216.34" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, bucket.server_port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ImageNotAllowedError, match="rebound"):
        images.get(LEAF, "7")
    assert len(looked_up) == 2
    assert bucket.asked == []


@pytest.mark.usefixtures("public")
def test_only_label_studio_sends_there(images: ImageSource, studio: Site, bucket: Site, new_site: Any):
    """Neither the bucket, nor Label Studio for another address."""
    elsewhere = new_site()
    bucket.redirect("/leaf.png?signature=secret", elsewhere.serve("/leaf.png", picture()))
    send_on(studio, bucket)
    studio.redirect("/data/upload/1/leaf.png", elsewhere.url + "/leaf.png")
    for address in (LEAF, "/data/upload/1/leaf.png"):
        with pytest.raises(ImageNotAllowedError, match=elsewhere.host):
            images.get(address, "7")
    assert elsewhere.asked == []


@pytest.mark.usefixtures("public")
def test_an_allowed_host_is_no_label_studio(source: Source, studio: Site, bucket: Site, new_site: Any):
    other = new_site()
    url = other.redirect(storage_path(LEAF, "7"), bucket.url + "/leaf.png?signature=secret")
    with pytest.raises(ImageNotAllowedError, match=bucket.host):
        source([other.host], Client(studio.url, LEGACY)).get(url, "7")
    assert bucket.asked == []


@pytest.mark.usefixtures("public")
def test_an_address_that_label_studio_resolved_itself(images: ImageSource, studio: Site, bucket: Site):
    send_on(studio, bucket)
    for address in (storage_path(LEAF, "7"), studio.url + storage_path(LEAF, "7")):
        assert is_red(images.get(address))


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://bucket/leaf.png", "data:image/png;base64,AA", LEAF]
)
def test_it_sends_to_no_other_scheme(images: ImageSource, studio: Site, target: str):
    studio.redirect(storage_path(LEAF, "7"), target)
    with pytest.raises(ImageError, match="not an address that click99 reads"):
        images.get(LEAF, "7")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (404, "Connect its bucket to the project"),
        (424, "Label Studio can't read it there: check the key"),
        (401, "Set LABEL_STUDIO_API_KEY"),
    ],
)
def test_a_refusal_names_the_address_and_what_to_do(
    images: ImageSource, studio: Site, status: int, remedy: str
):
    studio.serve(storage_path(LEAF, "7"), b"", status)
    with pytest.raises(ImageUnavailableError, match=rf"^image: {LEAF} answers {status}\. {remedy}"):
        images.get(LEAF, "7")


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_bucket_that_refuses_what_label_studio_signed(
    images: ImageSource, studio: Site, bucket: Site, status: int
):
    send_on(studio, bucket)
    bucket.serve("/leaf.png?signature=secret", b"", status)
    with pytest.raises(ImageUnavailableError, match=rf"answers {status}\. Label Studio has signed") as caught:
        images.get(LEAF, "7")
    assert "secret" not in str(caught.value)


def test_without_label_studio_it_says_so(source: Source):
    with pytest.raises(
        ImageNotAllowedError, match=r"bucket/leaf\.png is on Label Studio, whose address is not"
    ):
        source().get(LEAF, "7")


@pytest.mark.parametrize("task", ["", "1f2e3d4c5b6a", "../../api/projects/1?"])
def test_label_studio_is_asked_for_tasks_that_it_has(images: ImageSource, studio: Site, task: str):
    with pytest.raises(ImageUnavailableError, match=r"for its tasks only\. Send the task with its id"):
        images.get(LEAF, task)
    assert studio.asked == []


@pytest.mark.usefixtures("public")
def test_blanks_around_the_address_of_a_redirect(images: ImageSource, studio: Site, bucket: Site):
    studio.redirect(storage_path(LEAF, "7"), f"{bucket.url}/leaf.png?signature=secret \t", 303)
    assert is_red(images.get(LEAF, "7"))


def test_what_label_studio_sends_to_itself_is_not_signed(images: ImageSource, studio: Site):
    studio.redirect(storage_path(LEAF, "7"), "/data/upload/1/gone.png")
    with pytest.raises(ImageUnavailableError, match=r"gone\.png answers 404\. Check the address"):
        images.get(LEAF, "7")


def test_two_tasks_do_not_share_a_picture(images: ImageSource, studio: Site):
    """Their projects may have buckets of the same name."""
    studio.serve(storage_path(LEAF, "7"), picture())
    studio.serve(storage_path(LEAF, "8"), picture(colour="blue"))
    assert is_red(images.get(LEAF, "7"))
    assert not is_red(images.get(LEAF, "8"))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_public_addresses(address: str, public: bool):
    assert exchange.is_public(address) is public


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://studio/sub" + storage_path("gs://b/k ü.png", "7"), "gs://b/k ü.png"),
        ("/projects/3/presign/?fileuri=s3%3A//b/k.png", "s3://b/k.png"),
        ("http://studio/tasks/7/resolve/?fileuri=%FF", "\ufffd"),
        ("http://studio/data/upload/?fileuri=czM6Ly9i", ""),
        ("http://studio/tasks/7/resolve/", ""),
    ],
)
def test_which_addresses_are_storage(url: str, address: str):
    assert in_storage(url) == address
