"""A fine-tune as a page that refreshes itself while it goes on: what is done, and the curves so far."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from click99_training.evaluation.curves import training_curves

PAGE = """<!doctype html>
<meta charset="utf-8">
{refresh}
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
  svg {{ width: 100%; height: auto; }}
</style>
<h1>{title}</h1>
<p>{message}</p>
{curves}
"""
REFRESH = '<meta http-equiv="refresh" content="10">'


def write_page(file: Path, title: str, message: str, logs: Sequence[Path], over: bool) -> None:
    """logs: a training's log.csv each; drawn from its second row on. over: nothing will change any more."""
    drawn = [f"<h2>{log.parent.name}</h2>\n{training_curves(log).svg()}" for log in logs if _rows(log) > 1]
    page = PAGE.format(
        refresh="" if over else REFRESH,
        title=html.escape(title),
        message=html.escape(message),
        curves="\n".join(drawn),
    )
    file.write_text(page, encoding="utf-8")


def _rows(log: Path) -> int:
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0
