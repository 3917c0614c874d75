"""What the record can't hold: kept on the disk, each in a file of its own with one line of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click99.annotations.inbox import Inbox


class DeadLetters(Inbox):
    """A folder of clicks and events that no database took, in any of several processes."""

    @classmethod
    def at(cls, home: Path) -> DeadLetters:
        return cls(home / "set-aside")

    def keep(self, kind: str, reason: str, content: Mapping[str, Any]) -> None:
        """On return it is on the disk: bytes in base 64, times as ISO 8601. OSError when it cannot be."""
        line = {"kind": kind, "reason": reason, **content}
        self.put(json.dumps(line, default=_text).encode() + b"\n")


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
