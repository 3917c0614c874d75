"""A small client for Label Studio's API."""

from __future__ import annotations

from typing import Any

import requests


class Client:
    """Label Studio at `url` with `api_key`, a legacy token or a personal access token (told apart by its form).

    Thread-safe. A personal access token is exchanged for a short-lived one, kept until shortly before it expires.
    """

    def __init__(self, url: str, api_key: str, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout

    def owns(self, url: str) -> bool:
        """Whether an absolute URL is on Label Studio's own origin (scheme, host and port)."""
        raise NotImplementedError

    def resolve(self, path: str) -> str:
        """The absolute URL of a path as it stands in a task ("/data/upload/…")."""
        raise NotImplementedError

    def authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the Authorization header, for use as requests' `auth`; ApiError when the exchange fails."""
        raise NotImplementedError

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """One API call -> the reply's JSON (None when empty). path: "/api/projects/1". options: as for requests
        (params, files, data, timeout). ApiRefusedError on 401 and 403, ApiError on other failures."""
        raise NotImplementedError
