"""What an annotator's click meets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click99.python import load as load

# OpenMP threads that spin while they wait are ten times slower where other programs want the cores, too.
# It is read when torch is first imported, which all of ours does after this.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`from click99 import load`, whose libraries are not loaded before somebody asks for it."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from click99.python import load

    return load
