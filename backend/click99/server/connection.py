"""Which Label Studio click99 fetches images from: the configured one, or the one that introduced itself."""

from __future__ import annotations

import ipaddress
import logging
import time
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from click99.files import replacing
from click99.labelstudio.client import Client, origin
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.fetch import host_allowed
from click99.labelstudio.payloads import SetupRequest
from click99.server.settings import Settings

log = logging.getLogger(__name__)

WHO_AM_I = "/api/current-user/whoami"
ASK_SECONDS = 2.0  # Label Studio waits three for /setup
AGAIN_SECONDS = 60.0  # until one that was refused is asked again
MAX_BYTES = 2**20


class Introduction(BaseModel):
    """What Label Studio says of itself at /setup."""

    hostname: str
    access_token: str
    from_loopback: bool


class Connection:
    """The client for Label Studio, None while it is unknown.

    With LABEL_STUDIO_URL set, it alone is asked. An introduction at /setup then only tells another name that
    tasks may hold for it, and is taken when LABEL_STUDIO_URL knows its token. Without it, an introduction is
    taken when its host is one of CLICK99_ALLOWED_HOSTS, or is loopback and the request came from loopback:
    anyone who reaches /setup could name a host, and click99 would fetch from it. And it must be a Label
    Studio that knows the token, which it is asked: nobody can name another service, or a token that is none.
    The last one taken is kept in CLICK99_HOME (readable by its owner only), so that the first click after a
    restart finds its image, and so that all workers know what one of them was told.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        asked = bool(settings.label_studio_url)
        self._memory = settings.home / ("label-studio-name.json" if asked else "label-studio.json")
        self._refused: Introduction | None = None  # the last one, so that it is logged once
        self._again_at = 0.0  # when it may be looked at again
        self._taken: Introduction | None = None
        self._seen = 0  # when the memory was last written, in ns
        self.client = self._client()
        self.look_again()

    def introduce(self, request: SetupRequest, from_loopback: bool) -> bool:
        """Take, or refuse, what a /setup says. Returns whether `client` is a new one."""
        if not request.hostname or not request.access_token or not self._tells_more(request.hostname):
            return False
        said = Introduction(
            hostname=request.hostname,
            access_token=request.access_token.get_secret_value(),
            from_loopback=from_loopback,
        )
        if said == self._taken or (said == self._refused and time.monotonic() < self._again_at):
            return False
        if problem := self._problem(said):
            self._refuse(said, problem)
            return False
        self._taken = said
        self.client = self._client()
        remember(self._memory, said)
        return True

    def _tells_more(self, hostname: str) -> bool:
        """Whether a name that Label Studio gives itself is another than those that are set."""
        settings = self._settings
        same = settings.label_studio_url and origin(hostname) == origin(settings.label_studio_url)
        return not (same or (settings.label_studio_url and settings.label_studio_host))

    def look_again(self) -> bool:
        """Take what another worker was told, or a restart left. Returns whether `client` is new."""
        written = modified(self._memory)
        if written == self._seen:
            return False
        self._seen = written
        said = self._remembered()
        if said is None or said == self._taken:
            return False
        self._taken = said
        self.client = self._client()
        return True

    def _client(self) -> Client | None:
        settings, said = self._settings, self._taken
        names = [settings.label_studio_host, *([said.hostname] if said else [])]
        if settings.label_studio_url:
            return Client(settings.label_studio_url, settings.label_studio_api_key, names=names)
        return Client(said.hostname, said.access_token, names=names) if said else None

    def _distrust(self, said: Introduction) -> str:
        """Why its host is not believed; "": it is."""
        try:
            address = urlsplit(said.hostname)
        except ValueError:
            return "it is no address"
        if address.scheme not in ("http", "https"):
            return "it is no http(s) address"
        listed, loopback = (
            host_allowed(said.hostname, self._settings.hosts),
            is_loopback(address.hostname or ""),
        )
        if self._settings.label_studio_url:  # a Label Studio that does not know its name says localhost
            return "other images may come from there" if listed and loopback else ""
        return (
            "" if listed or (said.from_loopback and loopback) else "its host is not in CLICK99_ALLOWED_HOSTS"
        )

    def _problem(self, said: Introduction) -> str:
        """Why it is not taken; "": it is."""
        if problem := self._distrust(said):
            return problem
        try:
            client = Client(self._settings.label_studio_url or said.hostname, said.access_token)
            user = client.call("GET", WHO_AM_I, timeout=ASK_SECONDS, max_bytes=MAX_BYTES)
        except LabelStudioError as error:
            return str(error)
        return "" if isinstance(user, dict) and "id" in user else "it is no Label Studio"

    def _refuse(self, said: Introduction, problem: str) -> None:
        self._again_at = time.monotonic() + AGAIN_SECONDS
        if said != self._refused:
            asked = self._settings.label_studio_url
            remedy = f"Set {'LABEL_STUDIO_HOST' if asked else 'LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY'}"
            log.warning("/setup names Label Studio at %r, not used: %s. %s", said.hostname, problem, remedy)
        self._refused = said

    def _remembered(self) -> Introduction | None:
        try:
            said = Introduction.model_validate_json(self._memory.read_bytes())
        except (OSError, ValidationError):
            return None
        return None if self._distrust(said) else said


def modified(path: Path) -> int:
    """When a file was last written, in ns; 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine: 127.0.0.0/8, ::1 or localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def remember(path: Path, said: Introduction) -> None:
    """Write `said` where only the owner can read it; without a writable folder it is simply not kept."""
    try:
        with replacing(path, mode=0o600) as file:  # another worker never reads half of it
            file.write(said.model_dump_json().encode())
    except OSError as error:
        log.warning("Label Studio's address is not kept across restarts: %s", error)
