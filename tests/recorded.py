"""What a Label Studio sends: payloads of our own, and recorded ones where they lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAYLOADS = ROOT / "tests" / "payloads"
RECORDED = ROOT.parent / "shared" / "samples"
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded payloads in ../shared/samples")


def webhooks() -> list:
    """Parameters: the body of every webhook, ours and recorded."""
    ours = [pytest.param(json.loads(file.read_text()), id=file.stem) for file in files(PAYLOADS)]
    recorded = [
        pytest.param(json.loads(file.read_text())["body"], id=f"recorded {file.stem}")
        for file in files(RECORDED)
    ]
    return ours + (recorded or [pytest.param({}, id="recorded", marks=needs_recorded)])


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("webhook_*.json"))
