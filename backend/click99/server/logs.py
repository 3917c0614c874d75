"""A server's log: a line for each message, whatever a request puts into it."""

from __future__ import annotations

import logging
import re
from typing import Any

# Ends lines, moves the cursor, colours, or turns the direction of what follows.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def start_logging() -> None:
    """Everything from INFO on, to the standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class OneLine(logging.Formatter):
    """What can't be seen is escaped, and a traceback's lines are indented: nobody forges another message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return _escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"  {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(text: str) -> str:
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
