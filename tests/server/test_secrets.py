"""Nothing that click99 is told in confidence is told to anybody else, or written down."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.server.requests import Start, body, keypoint
from tests.waiting import until

SECRETS = {
    "label_studio_api_key": "k3y-0f-label-studio",
    "basic_auth_password": "p4ssword-of-ann",
    "webhook_secret": "s3cret-of-events",
}
HEADERS = {"X-Click99-Secret": SECRETS["webhook_secret"]}


def test_secrets_are_in_no_log_answer_metric_or_file(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    label_studio = "http://127.0.0.1:9"  # nobody is there: each use of the key is an error
    server = start(label_studio_url=label_studio, basic_auth_user="ann", **SECRETS)
    ann = ("ann", SECRETS["basic_auth_password"])
    replies = [
        server.post("/predict", json=body([keypoint("a", 20, 20)]), auth=ann),
        server.post("/predict", json=body([keypoint("b", 20, 20)], "/data/upload/1/a.png"), auth=ann),
        server.post("/predict", json=body([keypoint("c", 20, 20)]), auth=("ann", f"{ann[1]}?")),
        server.post("/setup", json={"hostname": label_studio, "access_token": "t0ken"}, auth=ann),
        server.post("/webhook", json={"action": "ANNOTATION_CREATED"}, headers=HEADERS),
        server.post("/webhook", json={"action": "ANNOTATION_CREATED"}, headers={"X-Click99-Secret": "no"}),
        *(server.get(path, auth=ann) for path in ("/metrics", "/versions", "/openapi.json", "/unknown")),
    ]
    assert [reply.status_code for reply in replies[:6]] == [200, 422, 401, 200, 200, 401]
    told = "".join(reply.text + str(reply.headers) for reply in replies) + caplog.text
    until(lambda: any(b"ANNOTATION_CREATED" in file.read_bytes() for file in tmp_path.glob("click99.db*")))
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for secret in SECRETS.values():
        assert secret not in told
        assert secret.encode() not in written
