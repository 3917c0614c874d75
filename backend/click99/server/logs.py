"""A server's log: a line for each message, whatever a request puts into it."""

from __future__ import annotations

import logging
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from click99.server.request_id import WithRequestId

# Ends lines, moves the cursor, colours, or turns the direction of what follows.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TEXT = "%(asctime)s %(levelname)s %(request)s %(name)s: %(message)s"
FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}


def start_logging(format: str = "text") -> None:
    """Everything from INFO on, to the standard error. format: text, or json: an object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(format))
    handler.addFilter(WithRequestId())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def formatter(format: str) -> logging.Formatter:
    """Of records that went through `WithRequestId`."""
    return JsonFormatter(TEXT, rename_fields=FIELDS) if format == "json" else OneLine(TEXT)


class OneLine(logging.Formatter):
    """What can't be seen is escaped, and a traceback's lines are indented: nobody forges another message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return _escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"  {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(text: str) -> str:
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
