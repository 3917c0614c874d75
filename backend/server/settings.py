"""Every setting of click99: the environment variable and the option of `click99 serve` in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def setting(variable: str, default: Any, help: str, **bounds: Any) -> Any:
    """A field read from the environment variable `variable` (or given by its field name)."""
    return Field(default, validation_alias=variable, description=help, **bounds)


class Settings(BaseSettings):
    """What a server is told: keyword arguments first, then environment variables, then these defaults.

    An environment variable that is set but empty counts as unset.
    """

    model_config = SettingsConfigDict(
        populate_by_name=True, env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = setting("CLICK99_HOST", "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = setting("CLICK99_PORT", 9090, "Port to listen on.", ge=0, le=65535)
    label_studio_url: str = setting(
        "LABEL_STUDIO_URL",
        "",
        "Label Studio's address, e.g. http://localhost:8080; unset: learned from /setup.",
    )
    label_studio_api_key: str = setting(
        "LABEL_STUDIO_API_KEY", "", "Legacy or personal access token; sent to Label Studio only.", repr=False
    )
    allowed_hosts: str = setting(
        "CLICK99_ALLOWED_HOSTS", "", "Other hosts that images may come from: comma-separated host[:port]."
    )
    home: Path = setting("CLICK99_HOME", Path("~/.click99"), "Folder for cached images.")
    model: Path | None = setting("CLICK99_MODEL", None, "Checkpoint to serve; unset: the one shipped.")
    device: str = setting("CLICK99_DEVICE", "auto", "auto, cpu or cuda.")
    threads: int = setting("CLICK99_THREADS", 0, "CPU threads of the network; 0: as many as cores.", ge=0)
    basic_auth_user: str = setting("CLICK99_BASIC_AUTH_USER", "", "User that Label Studio must present.")
    basic_auth_password: str = setting("CLICK99_BASIC_AUTH_PASSWORD", "", "That user's password.", repr=False)
    state_mb: int = setting("CLICK99_STATE_MB", 256, "Memory for masks kept between clicks, MB.", ge=1)
    state_minutes: int = setting("CLICK99_STATE_MINUTES", 120, "Forget a mask unused for so long.", ge=1)
