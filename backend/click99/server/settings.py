"""Every setting of click99 in one place: `click99 serve --help` shows them as options and variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CLICK99_"
ECOSYSTEM = (
    "label_studio_url",
    "label_studio_host",
    "label_studio_api_key",
)  # named as everywhere around Label Studio: no prefix


def variable(field: str) -> str:
    """The environment variable of a field: CLICK99_PORT for port."""
    return field.upper() if field in ECOSYSTEM else PREFIX + field.upper()


class Settings(BaseSettings):
    """What a server is told: keyword arguments first, then environment variables, then these defaults.

    An environment variable that is set but empty counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(default=9090, ge=0, le=65535, description="Port to listen on; 0: any free one.")
    label_studio_url: str = Field(
        default="",
        validation_alias=AliasChoices("label_studio_url", "LABEL_STUDIO_URL"),
        description="Label Studio's address, http(s)://host[:port]; unset: learned from /setup.",
    )
    label_studio_host: str = Field(
        default="",
        validation_alias=AliasChoices("label_studio_host", "LABEL_STUDIO_HOST"),
        description="Its address as people know it and tasks hold it, http(s)://host[:port][/prefix]; unset: "
        "learned from /setup. Never asked itself: LABEL_STUDIO_URL is.",
    )
    label_studio_api_key: str = Field(
        default="",
        validation_alias=AliasChoices("label_studio_api_key", "LABEL_STUDIO_API_KEY"),
        description="Legacy or personal access token; sent to Label Studio only.",
        repr=False,
    )
    allowed_hosts: str = Field(
        default="", description="Other hosts that images may come from: comma-separated host[:port]."
    )
    image_mb: int = Field(default=64, ge=1, description="Largest image file, MB.")
    image_megapixels: float = Field(
        default=67.2, gt=0, le=178, description="Largest image, in millions of pixels; 67.2: 8192 × 8192."
    )
    body_mb: int = Field(default=256, ge=1, description="Largest request, MB.")
    task_results: int = Field(
        default=50_000, ge=1, description="Most results in a task's drafts, annotations and predictions."
    )
    object_clicks: int = Field(default=2_000, ge=1, description="Most clicks on one object.")
    requests_at_once: int = Field(
        default=256,
        ge=1,
        description="Most requests that a process answers or lets wait at once, and as many events; more are "
        "told to come again.",
    )
    home: Path = Field(
        default=Path("~/.click99"), description="Folder for the record, model versions and cached images."
    )
    registry_url: str = Field(
        default="",
        description="Share model versions between machines there, s3://bucket/folder; needs the extra s3. "
        "Unset: in CLICK99_HOME.",
    )
    model: Path | None = Field(
        default=None,
        description="Checkpoint to stay with; unset: what click99 models promotes, at first the shipped one.",
    )
    base_data: Path | None = Field(
        default=None,
        description="Photos with masks that fine-tuning must not forget; unset: the shipped base set.",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:1.")
    engine: Literal["eager", "openvino", "openvino-bf16", "auto"] = Field(
        default="eager",
        description="What computes on a CPU: eager (PyTorch), openvino, openvino-bf16, or auto: the fastest.",
    )
    log: Literal["text", "json"] = Field(
        default="text", description="text or json: a line of it for each message."
    )
    threads: int = Field(default=0, ge=0, description="CPU threads of the network; 0: as many as cores.")
    basic_auth_user: str = Field(default="", description="User that Label Studio must present.")
    basic_auth_password: str = Field(default="", description="That user's password.", repr=False)
    webhook_secret: str = Field(
        default="",
        description="What Label Studio's events must bring in the header X-Click99-Secret; unset: nothing.",
        repr=False,
    )
    workers: int = Field(
        default=1,
        ge=1,
        description="Processes that answer clicks; more than one needs CLICK99_REDIS_URL.",
    )
    replicas: int = Field(
        default=0,
        ge=0,
        description="Instead of workers: processes that Ray Serve starts and replaces; they need "
        "CLICK99_REDIS_URL and the extra ray.",
    )
    redis_url: str = Field(
        default="",
        description="Keep masks between clicks there, redis://[:password@]host[:port], or "
        "redis+sentinel://host,host/name; unset: in memory.",
        repr=False,
    )
    database_url: str = Field(
        default="",
        description="Record clicks and annotations there, postgresql://user:password@host/database; unset: "
        "in CLICK99_HOME.",
        repr=False,
    )
    database_upgrade: Literal["start", "command", "auto"] = Field(
        default="auto",
        description="What upgrades an older record: start: a server's; command: only click99 db upgrade; "
        "auto: a start if it is an SQLite file, the command if it is a PostgreSQL.",
    )
    sync_minutes: int = Field(
        default=30, ge=0, description="Minutes between looks for annotations that no event told of; 0: never."
    )
    retrain_every: int = Field(
        default=0, ge=0, description="Fine-tune after so many new corrected annotations; 0: never by itself."
    )
    retrain_minutes: float = Field(
        default=15, ge=0.01, description="How long a fine-tune that the server starts trains."
    )
    retrain_ray: str = Field(
        default="",
        description="Ray cluster that computes the fine-tunes that the server starts, http://host:8265; "
        "needs the extra ray and CLICK99_REGISTRY_URL. Unset: this machine does.",
    )
    retrain_keep: int = Field(
        default=20,
        ge=2,
        description="How many fine-tunes' files and model versions are kept; of older ones, what they said.",
    )
    lines: str = Field(
        default="",
        description="Projects that teach one another: all, or groups of their numbers, such as 3+7,8+9; "
        "unset: each learns for itself alone.",
    )
    state_mb: int = Field(default=256, ge=1, description="Memory for the masks kept between clicks, MB.")
    state_minutes: int = Field(default=120, ge=1, description="Forget a mask that was not used for so long.")
    cache_mb: int = Field(
        default=1024,
        ge=16,
        description="Memory for what is kept to be quick and made again where it is not: half of it for "
        "pictures, a quarter for what each network sees in them, the rest for decoded masks, MB.",
    )
    polygon_tolerance: float = Field(
        default=1.5,
        ge=0,
        le=100,
        description="How far a polygon may stray from its mask, in thousandths of the image's long side.",
    )
    near_percent: float = Field(
        default=2.0,
        ge=0,
        le=100,
        description="How far from a region, in percent of the image's long side, a click still refines it.",
    )

    clean_percent: float = Field(
        default=0,
        ge=0,
        le=100,
        description="Fill holes and drop islands below so many percent of a mask that no click asked for; 0: "
        "none.",
    )

    memory: Literal["off", "picture", "project"] = Field(
        default="project",
        description="What a first click profits from: project: accepted masks of its label in the project, "
        "and its picture's regions; picture: only these; off: nothing.",
    )

    try_page: bool = Field(
        default=True, description="Show browsers at / a page to try the network on any picture."
    )

    overlap: bool = Field(
        default=False,
        description="Let new objects cover kept regions of their kind even where no click lies in them.",
    )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make the same settings in another process."""
        given = self.model_dump()
        return {variable(name): "" if value is None else str(value) for name, value in given.items()}

    @property
    def credentials(self) -> str:
        """ "user:password" of basic auth; "" without."""
        return f"{self.basic_auth_user}:{self.basic_auth_password}" if self.basic_auth_user else ""

    @property
    def hosts(self) -> frozenset[str]:
        """`allowed_hosts` as a set of host or host:port."""
        return frozenset(host.strip() for host in self.allowed_hosts.split(",") if host.strip())

    @field_validator("home")
    @classmethod
    def _expand_home(cls, home: Path) -> Path:
        if re.match(r"\w+:/", str(home)):
            raise ValueError(
                "a folder of this machine, please. What machines share: CLICK99_REGISTRY_URL for model "
                "versions, CLICK99_DATABASE_URL for the record, CLICK99_REDIS_URL for masks"
            )
        return home.expanduser()

    @field_validator("registry_url")
    @classmethod
    def _is_bucket(cls, url: str) -> str:
        if url and not re.fullmatch(r"s3://[^/]+(/[^/]+)*/?", url):
            raise ValueError(f"{url} is no bucket: give it as s3://bucket/folder")
        return url

    @field_validator("lines")
    @classmethod
    def _are_groups(cls, lines: str) -> str:
        numbers = re.split(r"\+|, ?", lines)
        fit = all(re.fullmatch("[0-9]{1,18}", number) for number in numbers)
        if lines not in ("", "all") and not (fit and len(numbers) == len(set(numbers))):
            raise ValueError(
                f"{lines} names no groups: give all, or numbers of projects, each once, such as 3+7,8+9"
            )
        return lines

    @field_validator("device")
    @classmethod
    def _is_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"{device} is no device: give auto, cpu, cuda or cuda:1")
        return device

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: str) -> str:
        if "/" in hosts:
            raise ValueError(
                f"{hosts} holds more than hosts: give them as host or host:port, without http://"
            )
        return hosts

    @field_validator("label_studio_url", "label_studio_host", "retrain_ray")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError(f"{url} is no address: give it as http(s)://host[:port]")
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: str) -> str:
        if url and not re.match(r"(rediss?|unix)://|rediss?\+sentinel://[^/]+/[^/?]+", url):
            raise ValueError(
                "no Redis address: give it as redis://host[:port], rediss://, unix:///path or "
                "redis+sentinel://host[:port],host[:port]/name"
            )
        return url

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, url: str) -> str:
        if url and not url.startswith(
            ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///")
        ):
            raise ValueError("no database: give it as postgresql://user:password@host/database")
        return url

    @model_validator(mode="after")
    def _processes_share(self) -> Settings:
        if self.workers > 1 and self.replicas:
            raise ValueError("CLICK99_WORKERS and CLICK99_REPLICAS are two ways to the same: set one")
        for kind, count, alone in (("workers", self.workers, 1), ("replicas", self.replicas, 0)):
            if count > alone and not self.redis_url:
                raise ValueError(
                    f"{count} {kind} need CLICK99_REDIS_URL: an object's clicks go to any of them, and "
                    "without a Redis none knows the masks that another one made. Set it, or "
                    f"{variable(kind)}={alone}"
                )
        return self

    @model_validator(mode="after")
    def _learnt_elsewhere_comes_back(self) -> Settings:
        if self.retrain_ray and not self.registry_url:
            raise ValueError(
                "CLICK99_RETRAIN_RAY needs CLICK99_REGISTRY_URL: through it comes back what was learnt"
            )
        return self

    @model_validator(mode="after")
    def _user_and_password_together(self) -> Settings:
        if bool(self.basic_auth_user) != bool(self.basic_auth_password):
            raise ValueError("CLICK99_BASIC_AUTH_USER and CLICK99_BASIC_AUTH_PASSWORD belong together")
        return self
