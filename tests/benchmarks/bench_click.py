"""How long a warm click takes, from request to reply, against the bare network at the same resolution.

    python tests/benchmarks/bench_click.py [--threads 2] [--objects 8] [--checkpoint FILE]

Starts `click99 serve` and clicks on a 640 × 480 picture of an ellipse, six clicks an object, each over a
connection of its own as Label Studio does: the time includes HTTP, JSON, state, network, mask encoding.
The bare network is one forward pass of both streams on tensors of the size that the click's step looked at,
run in a thread of a pool as the server does. Both take turns, so that other work on the machine meets both.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from click99.segmentation.clicks import Click
from click99.segmentation.network import ImageFeatures
from click99.segmentation.predictor import Predictor

WIDTH, HEIGHT = 640, 480
CLICKS = [
    Click(320, 240, True),
    Click(120, 100, False),
    Click(420, 260, True),
    Click(560, 400, False),
    Click(240, 220, True),
    Click(330, 60, False),
]
CONFIG = """<View><Image name="image" value="$image"/>
<KeyPointLabels name="kp" toName="image" smart="true"><Label value="a"/></KeyPointLabels>
<BrushLabels name="brush" toName="image"><Label value="a"/></BrushLabels></View>"""


def picture(scale: float = 1) -> np.ndarray:
    """A bright ellipse on a dark ground, both noisy: uint8 RGB, `scale` times 640 × 480."""
    clean = np.full((round(scale * HEIGHT), round(scale * WIDTH), 3), 70, np.uint8)
    (x, y), (a, b) = ((round(scale * each) for each in pair) for pair in ((320, 240), (180, 110)))
    cv2.ellipse(clean, (x, y), (a, b), 20, 0, 360, (190, 150, 90), -1)
    noise = np.random.default_rng(0).normal(0, 12, clean.shape)
    return np.clip(clean + noise, 0, 255).astype(np.uint8)


@contextmanager
def hosting(image: np.ndarray, ending: str = ".png") -> Iterator[str]:
    """host:port of a server that answers everything with `image`, as a file with that ending.

    The path stands behind what is decoded: each address has a file like no other, of the same pixels.
    """
    _, file = cv2.imencode(ending, image[..., ::-1])

    class Picture(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(file.tobytes() + self.path.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Picture)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def serving(
    threads: int, checkpoint: Path | None, host: str, engine: str = "eager", home: Path | None = None
) -> Iterator[http.client.HTTPConnection]:
    """A connection to a `click99 serve` of its own, which may fetch from `host`. home: None: a new one."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as new:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        env = os.environ | {"CLICK99_THREADS": str(threads), "CLICK99_HOME": str(home or new)}
        env |= {"CLICK99_ENGINE": engine, "CLICK99_ALLOWED_HOSTS": host}
        env |= {"CLICK99_MODEL": str(checkpoint)} if checkpoint else {}
        command = [sys.executable, "-m", "click99.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield connect(port, server)
        finally:
            server.terminate()
            server.wait(10)


def connect(port: int, server: subprocess.Popen[bytes]) -> http.client.HTTPConnection:
    while server.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.connect()
            return connection
        except ConnectionRefusedError:
            time.sleep(0.2)
    raise SystemExit("click99 serve ended early; run it by hand to see why")


def request(image: str, clicks: list[Click], name: str, scale: float = 1) -> bytes:
    """scale: of the picture; the clicks are those on 640 × 480."""
    items: list[dict[str, Any]] = [
        {
            "id": f"{name} {k}",
            "type": "keypointlabels",
            "from_name": "kp",
            "to_name": "image",
            "is_positive": click.positive,
            "original_width": round(scale * WIDTH),
            "original_height": round(scale * HEIGHT),
            "value": {
                "x": 100 * (click.x + 0.5) / WIDTH,
                "y": 100 * (click.y + 0.5) / HEIGHT,
                "keypointlabels": ["a"],
            },
        }
        for k, click in enumerate(clicks)
    ]
    task = {"id": 1, "data": {"image": image}}
    body = {"tasks": [task], "label_config": CONFIG, "params": {"context": {"result": items}}}
    return json.dumps(body).encode()


def click_ms(connection: http.client.HTTPConnection, body: bytes) -> float:
    connection.close()
    start = time.perf_counter()
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    content = reply.read()
    elapsed = time.perf_counter() - start
    if reply.status != 200:
        raise SystemExit(content.decode())
    return 1000 * elapsed


def sizes(predictor: Predictor, image: np.ndarray) -> list[tuple[int, int]]:
    """Height and width that the network sees at each of CLICKS."""
    seen: list[tuple[int, int]] = []

    def note(_: torch.nn.Module, inputs: tuple[ImageFeatures, ...]) -> None:
        seen.append(tuple(inputs[0].image.shape[-2:]))  # pyright: ignore[reportArgumentType]

    hook = predictor.network.register_forward_pre_hook(note)
    alpha = None
    for k in range(len(CLICKS)):
        alpha = predictor.refine(image, CLICKS[: k + 1], alpha, "bench")
    hook.remove()
    return seen


@torch.inference_mode()
def forward_ms(predictor: Predictor, height: int, width: int) -> tuple[float, float]:
    """Milliseconds of both streams, and of a click alone on an image already encoded."""
    image = torch.rand(1, 3, height, width).contiguous(memory_format=torch.channels_last)
    maps, previous = torch.rand(1, 6, height, width), torch.rand(1, 1, height, width)
    start = time.perf_counter()
    features = predictor.network.encode(image)
    encoded = time.perf_counter()
    predictor.network(features, maps, previous)
    end = time.perf_counter()
    return 1000 * (end - start), 1000 * (end - encoded)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--checkpoint", type=Path, help="unset: the one that is shipped")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor, image = Predictor.load(options.checkpoint), picture()
    resolutions = sizes(predictor, image)
    server, bare, click_only = [], [], []
    with (
        hosting(image) as host,
        serving(options.threads, options.checkpoint, host) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        url = f"http://{host}/picture.png"
        for item in range(options.objects + 1):  # the first object warms both sides up
            for k, resolution in enumerate(resolutions):
                elapsed = click_ms(connection, request(url, CLICKS[: k + 1], f"object {item}"))
                both, alone = pool.submit(forward_ms, predictor, *resolution).result()
                if item:
                    server, bare, click_only = [*server, elapsed], [*bare, both], [*click_only, alone]
    report(options.threads, resolutions, server, bare, click_only)


def report(
    threads: int,
    resolutions: list[tuple[int, int]],
    server: list[float],
    bare: list[float],
    click_only: list[float],
) -> None:
    median = statistics.median
    looked_at = ", ".join(f"{width}×{height}" for height, width in resolutions)
    print(f"{len(server)} warm clicks on {WIDTH} × {HEIGHT}, {threads} threads; the network sees {looked_at}")
    print(f"request to reply, median                   {median(server):7.1f} ms")
    print(f"bare network, both streams, median         {median(bare):7.1f} ms")
    print(f"bare network, image encoded before, median {median(click_only):7.1f} ms")
    print(f"request to reply / both streams            {median(server) / median(bare):7.2f}")


if __name__ == "__main__":
    main()
