"""Addresses in cloud storage (s3://bucket/key): Label Studio has its keys, and says where to read."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import quote, unquote

ON_STORAGE = re.compile("(s3|gs|azure-blob)://")
RESOLVER = re.compile(r"/(?:tasks|projects)/[^/?#]+/(?:resolve|presign)/?\?fileuri=([^&#]*)$")


def storage_path(address: str, task: str) -> str:
    """Where Label Studio answers with the file, or with a redirect to its bucket. task: an id of one that
    holds the address."""
    told = base64.urlsafe_b64encode(address.encode(errors="surrogatepass")).decode()
    return f"/tasks/{quote(task, safe='')}/resolve/?fileuri={told}"


def in_storage(url: str) -> str:
    """The storage address that a URL of Label Studio asks for; "" when it is none of that kind."""
    if not (found := RESOLVER.search(url)):
        return ""
    try:
        return base64.urlsafe_b64decode(unquote(found[1])).decode()
    except (binascii.Error, ValueError):
        return unquote(found[1])
