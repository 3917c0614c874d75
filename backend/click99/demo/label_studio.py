"""The demo's Label Studio: its one account, its settings, its start."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from click99.demo.errors import DemoError
from click99.demo.programs import HOST, Program
from click99.files import replacing

VERSION = "1.23.2"


@dataclass(frozen=True)
class Account:
    """Who logs in to the demo; `token` is a legacy API token (40 hex digits)."""

    email: str
    password: str
    token: str

    @classmethod
    def kept_in(cls, file: Path) -> Account:
        """The account written in `file`, made up when there is none yet; only its owner can read it."""
        if not file.exists():
            account = cls("demo@example.com", secrets.token_urlsafe(9), secrets.token_hex(20))
            with replacing(file, mode=0o600) as unfinished:
                unfinished.write(json.dumps(asdict(account)).encode())
        return cls(**json.loads(file.read_text()))


def start_label_studio(program: str, account: Account, port: int, folder: Path) -> Program:
    """Label Studio for `account`, its data in `folder`/label-studio; DemoError when not installed."""
    found = shutil.which(program)
    if found is None:
        raise DemoError(
            f"No program {program!r}. Run `make demo`, or install label-studio=={VERSION} in an environment "
            "of its own and name it: click99 demo --label-studio ENVIRONMENT/bin/label-studio"
        )
    command = [found, "start", "--no-browser", "--internal-host", HOST, "--port", str(port)]
    environment = label_studio_environment(account, folder / "label-studio")
    return Program("Label Studio", command, port, folder / "label-studio.log", environment)


def label_studio_environment(account: Account, data: Path) -> dict[str, str]:
    """The caller's environment, its own Label Studio settings replaced by the demo's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO_")}
    return inherited | {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_USERNAME": account.email,
        "LABEL_STUDIO_PASSWORD": account.password,
        "LABEL_STUDIO_USER_TOKEN": account.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # Both are needed to let it call a backend on this computer, webhooks included.
        "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "false",
        "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
