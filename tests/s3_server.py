"""A real S3 server (moto's) on a free port, which a test can make slow, or have refuse or fall silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

LOGIN = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


class S3Server:
    """Use it as a context. trouble: what happens to requests from now on."""

    trouble: Literal["", "503", "silent", "slow"] = ""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._one = threading.Lock()  # S3 is consistent; moto's threads are not
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._server.log = lambda *_: None  # type: ignore[method-assign]
        self.endpoint = f"http://127.0.0.1:{self._server.port}"
        self.variables = LOGIN | {"AWS_ENDPOINT_URL": self.endpoint}
        self.asked: list[str] = []  # methods and paths

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        if self.trouble == "503":
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [
                b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            ]
        time.sleep({"silent": 1.5, "slow": 0.3}.get(self.trouble, 0))
        with self._one:
            return list(self._app(environ, start))

    def bucket(self, name: str) -> Any:
        """A new one, as boto3 has it."""
        login = {name.lower(): value for name, value in LOGIN.items() if name != "AWS_DEFAULT_REGION"}
        s3: Any = boto3.resource("s3", endpoint_url=self.endpoint, region_name="us-east-1", **login)
        return s3.create_bucket(Bucket=name)

    def set_variables(self, patch: pytest.MonkeyPatch) -> None:
        """For this process, which forgets any server before."""
        S3FileSystem.clear_instance_cache()
        for name, value in self.variables.items():
            patch.setenv(name, value)

    def go_away(self, patch: pytest.MonkeyPatch) -> None:
        """For this process: nobody answers at the address any more."""
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        S3FileSystem.clear_instance_cache()

    def come_back(self, patch: pytest.MonkeyPatch) -> None:
        self.trouble = ""
        self.set_variables(patch)

    def __enter__(self) -> S3Server:
        threading.Thread(target=self._server.serve_forever, name="s3", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
