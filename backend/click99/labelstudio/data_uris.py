"""Data URIs: addresses that are the file itself. As in browsers, capitals make no difference."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

BASE64 = re.compile(r"; *base64 *$", re.IGNORECASE)


def is_data_uri(address: str) -> bool:
    return address[:5].lower() == "data:"


def content(address: str) -> bytes:
    """What a data URI holds; ValueError when it can't be decoded."""
    head, _, body = address.partition(",")
    data = unquote_to_bytes(body)
    # padding may be missing; too much of it does no harm
    return base64.b64decode(data + b"==") if BASE64.search(head) else data
