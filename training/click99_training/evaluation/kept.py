"""What a long judgement has come to, beside the file that it ends with: one that is stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click99.files import replacing


class KeptLines:
    """JSON, a line for each part that is done, in OUT.part; its first line is what was asked for.

    What was left by another question, or of a line that was being written, does not count.
    """

    def __init__(self, out: Path | None = None, asked: Sequence[Any] = ()):
        """out: where the end goes; None: nothing is kept. asked: all that the lines depend on."""
        self._file = out and out.with_name(f"{out.name}.part")
        self._asked = json.dumps(asked) + "\n"
        whole = self._whole()
        self.lines = [json.loads(line) for line in whole]
        if self._file:
            with replacing(self._file) as file:
                file.write("".join([self._asked, *whole]).encode())

    def _whole(self) -> list[str]:
        if not (self._file and self._file.exists()):
            return []
        asked, *lines = self._file.read_text().splitlines(keepends=True) or [""]
        return [line for line in lines if line.endswith("\n")] if asked == self._asked else []

    def add(self, line: Any) -> None:
        self.lines.append(line)
        if self._file:
            with self._file.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def forget(self) -> None:
        """When the end is written."""
        if self._file:
            self._file.unlink(missing_ok=True)
