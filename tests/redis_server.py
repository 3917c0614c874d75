"""A real redis-server on a free port, or a Sentinel that watches one, for tests; ended with the context."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from redis import Redis
from redis.exceptions import RedisError

from click99.demo.programs import free_port


class RedisServer:
    """Use it as a context. `stop` and `start` are a Redis that goes away and comes back, empty.

    options: of redis-server. certificate: a file with its key, to speak TLS alone.
    """

    def __init__(self, folder: Path, *options: str, password: str = "", certificate: Path | None = None):
        if not shutil.which("redis-server"):
            pytest.skip("needs redis-server: install the package 'redis-server'")
        self.port = free_port(0)
        login, trusted = f":{password}@" if password else "", f"?ssl_ca_certs={certificate}"
        address = f"{login}127.0.0.1:{self.port}/0"
        self.url = f"rediss://{address}{trusted}" if certificate else f"redis://{address}"
        self.client = Redis.from_url(self.url)
        self._command = ["redis-server", "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
        self._command += ["--repl-diskless-sync-delay", "0"]  # copies begin at once
        self._command += _listening(self.port, certificate)
        self._command += ["--requirepass", password, "--masterauth", password] if password else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server did not start within 20 s"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class SentinelServer(RedisServer):
    """Watches a Redis under the name "masks", and has a replica of it take over half a second after it fell
    silent. Its `url` is of itself, as that of any Redis."""

    def __init__(
        self, folder: Path, watched: RedisServer, password: str = "", certificate: Path | None = None
    ):
        file = folder / f"sentinel-{watched.port}.conf"
        told = [f"monitor masks 127.0.0.1 {watched.port} 1", "down-after-milliseconds masks 500"]
        told += ["failover-timeout masks 4000", *([f"auth-pass masks {password}"] if password else [])]
        file.write_text("".join(f"sentinel {line}\n" for line in told))
        super().__init__(folder, password=password, certificate=certificate)
        self._command[1:1] = [str(file), "--sentinel"]


def _listening(port: int, certificate: Path | None) -> list[str]:
    if not certificate:
        return ["--port", str(port)]
    files = ["--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file"]
    trusted = [word for option in files for word in (option, str(certificate))]
    return [
        "--port",
        "0",
        "--tls-port",
        str(port),
        *trusted,
        "--tls-auth-clients",
        "no",
        "--tls-replication",
        "yes",
    ]
