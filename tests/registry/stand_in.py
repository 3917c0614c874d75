"""Ends as it is told: what `click99 finetune` does in minutes, and what may happen to it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--end", choices=["yes", "no", "wait", "crash", "refuse", "keep", "take back"], default="no"
    )
    asked, _ = parser.parse_known_args()
    print(f"CLICK99_DEVICE={os.environ.get('CLICK99_DEVICE')}", flush=True)
    if asked.end == "crash":
        raise ValueError("nothing was annotated yet")
    if asked.end == "refuse":
        sys.exit("too few images")
    if asked.end == "wait":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped cleanly"))
        tell(asked.out, {"phase": "training", "share": 0.5, "seconds_left": 100, "message": "half way"})
        time.sleep(60)
    if asked.end in ("keep", "take back"):
        took = asked.end == "take back"
        tell(asked.out, {"phase": "watched", "share": 1, "message": asked.end, "rolled_back": took})
        return
    tell(
        asked.out,
        {"phase": "done", "share": 1, "message": f"decided: {asked.end}", "promoted": asked.end == "yes"},
    )


def tell(out: Path, progress: dict) -> None:
    (out / "unfinished").write_text(json.dumps(progress))
    (out / "unfinished").rename(out / "progress.json")


if __name__ == "__main__":
    main()
