"""The report as one HTML page that needs nothing else, with every table and figure as a file beside it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from click99.drawing import jpeg
from click99_training.evaluation.curves import Plot
from click99_training.evaluation.results import summary
from click99_training.report.cells import ReportTable
from click99_training.report.chapters import Chapter, chapters
from click99_training.report.gallery import Gallery
from click99_training.report.inputs import Inputs, label, title

KINDS = {"table": ReportTable, "plot": Plot, "gallery": Gallery}


def write_report(inputs: Inputs, out: Path) -> Path:
    """Write OUT/report.html, and each part's CSV and PNG; the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    made = chapters(inputs)
    for part in (part for chapter in made for part in chapter.parts):
        if part.content:
            part.content.save(out, part.name)
    page = out / "report.html"
    page.write_text(render(made, inputs), encoding="utf-8")
    return page


def render(made: list[Chapter], inputs: Inputs) -> str:
    environment = Environment(
        loader=PackageLoader("click99_training.report", ""),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["kind"] = lambda content: next(k for k, t in KINDS.items() if isinstance(content, t))
    environment.filters["jpeg"] = jpeg
    environment.filters["svg"] = lambda plot: Markup(plot.svg())  # drawn by us, labels escaped by matplotlib
    tiles = [(title(each.dataset), label(each), summary(each.annotations)) for each in inputs.evaluations]
    return environment.get_template("page.html").render(chapters=made, tiles=tiles)
