"""Label Studio's two kinds of API tokens."""

from __future__ import annotations

import base64
import json

LEGACY = "0123456789abcdef0123456789abcdef01234567"
REFRESH = "/api/token/refresh/"


def jwt(**claims: object) -> str:
    parts = ({"alg": "HS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature"])


PERSONAL = jwt(token_type="refresh")
