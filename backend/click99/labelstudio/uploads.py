"""The names of files that people upload to Label Studio."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

PREFIX = re.compile("[0-9a-f]{8}-")  # that Label Studio gives


def file_name(path: str) -> str:
    """A file's, as Label Studio writes it. path: no address, so a # or a % is part of it."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def names_at(address: str) -> list[str]:
    """What the file behind a task's address is called, and was called before its upload; none: no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return []
    local = parse_qs(parts.query).get("d", [""])[0]  # /data/local-files/?d=folder/file
    name = file_name(unquote(local or parts.path))
    prefix = PREFIX.match(name) if "/upload/" in parts.path else None
    return [name[prefix.end() :], name] if prefix else [name]
