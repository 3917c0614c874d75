"""A run's curves as a page that refreshes itself while the run goes on."""

from __future__ import annotations

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
{curves}
"""
REFRESH = '<meta http-equiv="refresh" content="10">'


def write_curves(folder: Path, done: float) -> None:
    """Draw folder/log.csv into folder/curves.html. done: the run's share that lies behind, 0…1."""
    log = folder / "log.csv"
    if not log.exists():
        return
    title = f"Fine-tuning: {min(1.0, done):.0%}" if done < 1 else "Fine-tuned"
    page = PAGE.format(refresh=REFRESH if done < 1 else "", title=title, curves=training_curves(log).svg())
    (folder / "curves.html").write_text(page, encoding="utf-8")
