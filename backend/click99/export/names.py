"""Names of files and folders that every system takes, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNSAFE = re.compile(r"[^\w.-]+")
UNSAFE_IN_FOLDERS = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
LONGEST = 100  # bytes


def stem(file: str) -> str:
    """A file's name without its suffix."""
    return cut(UNSAFE.sub("_", file.rpartition(".")[0] or file))


def folders(labels: Iterable[str]) -> dict[str, str]:
    """One for each label, called like it; none is hidden, or leads elsewhere."""
    taken: set[str] = set()
    return {label: free(taken, cut(UNSAFE_IN_FOLDERS.sub("_", label)).strip(" .") or "_") for label in labels}


def cut(name: str) -> str:
    return name.encode()[:LONGEST].decode(errors="ignore")


def free(taken: set[str], name: str) -> str:
    """A name that is not taken, in whatever case, and is from now on: `name`, or with a number."""
    number, found = 1, name
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found.casefold())
    return found
