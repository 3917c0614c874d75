"""What pictures of many megapixels cost a server: memory, and seconds of the first and of later clicks.

    python -m tests.benchmarks.bench_large [--megapixels 100] [--threads 2]

For each of a JPEG and a tiled TIFF, a `click99 serve` of its own that fetches the picture by HTTP and is
asked as Label Studio asks; the ellipse of bench_click, scaled, so that a mask is a fifth of the picture.
Memory is the most that the process ever held (VmHWM): idle, after the first click, after all.
"""

from __future__ import annotations

import argparse
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import tifffile
from PIL import Image

from tests.benchmarks.bench_click import CLICKS, HEIGHT, WIDTH, click_ms, picture, request, serving

TILE = 512


def files(megapixels: float) -> tuple[float, dict[str, bytes]]:
    """How many times 640 × 480, and the picture by its name. Enlarged from a small one: noise alone is no
    photograph."""
    scale = (megapixels * 1e6 / WIDTH / HEIGHT) ** 0.5
    pixels = cv2.resize(picture(4), (round(scale * WIDTH), round(scale * HEIGHT)))
    jpeg, tiff = BytesIO(), BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=85)
    tifffile.imwrite(tiff, pixels, tile=(TILE, TILE), compression="deflate", photometric="rgb")
    return scale, {"large.jpg": jpeg.getvalue(), "large.tif": tiff.getvalue()}


@contextmanager
def hosting(files: dict[str, bytes]) -> Iterator[str]:
    """host:port of a server of these files."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(files[self.path.strip("/")])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def most_mb() -> int:
    """The most memory that the only child of this process ever held, MB."""
    (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())
    assert told
    return int(told[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=100)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ |= {"CLICK99_IMAGE_MEGAPIXELS": f"{options.megapixels + 1}", "CLICK99_IMAGE_MB": "1024"}
    scale, made = files(options.megapixels)
    for name, data in made.items():
        with hosting({name: data}) as host, serving(options.threads, None, host) as connection:
            url, idle = f"http://{host}/{name}", most_mb()
            ms = [click_ms(connection, request(url, CLICKS[:1], name, scale))]
            first = most_mb()
            for k in range(2, len(CLICKS) + 1):
                ms.append(click_ms(connection, request(url, CLICKS[:k], name, scale)))
            again = click_ms(connection, request(url, CLICKS[:1], f"{name} again", scale))
            print(
                f"{name}: {len(data) / 1e6:.0f} MB. Memory {idle} MB idle, {first} after the first click, "
                f"{most_mb()} after {len(CLICKS) + 1}. Seconds: first {ms[0] / 1000:.1f}, later "
                f"{', '.join(f'{each / 1000:.1f}' for each in ms[1:])}; another object {again / 1000:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
