"""The table of docs/tutorials/walk.md: each stage, beside the same one of Label Studio's SAM example."""

from __future__ import annotations

import re
from dataclasses import dataclass

from docs.walk.gestures import Gestures
from docs.walk.sam_example import stages as of_sam

ONCE = 3  # clicks: Auto-Annotation, Auto-Accept, the pink dots
AROUND = 2  # clicks around each picture: Submit, and the next task
TITLES = {
    "install": "install and start",
    "try": "the try page",
    "connect": "connect a project",
    "preannotate": "pre-annotate",
    "correct": "correct and submit",
    "statistics": "statistics",
    "finetune": "fine-tune",
    "serve": "serve what was learnt",
    "coco": "COCO out",
}
HEAD = (
    "| stage | gestures | seconds of a person | of the computer | what came of it "
    "| SAM example: gestures | seconds of a person |"
)


@dataclass
class Stage:
    """What one took. said: in a few words, what came of it."""

    name: str
    seconds: float
    gestures: Gestures
    said: str


def table(stages: list[Stage], count: int) -> str:
    (corrected,) = [stage.gestures for stage in stages if stage.name == "correct"]
    sam = of_sam(count, corrected.clicks - ONCE - AROUND * count)
    rows = [row(stage, sam[stage.name]) for stage in stages]
    ours, computer = [stage.gestures for stage in stages], sum(stage.seconds for stage in stages)
    theirs = [each for each in sam.values() if isinstance(each, Gestures)]
    total = f"| **together** | {counted(ours)} | {computer:.0f} | | {counted(theirs)} |"
    return "\n".join([HEAD, re.sub(r"[^|]+", "---", HEAD), *rows, total])


def row(stage: Stage, sam: Gestures | str) -> str:
    theirs = counted([sam]) if isinstance(sam, Gestures) else f"{sam} | "
    ours = f"{counted([stage.gestures])} | {stage.seconds:.0f} | {stage.said}"
    return f"| {TITLES[stage.name]} | {ours} | {theirs} |"


def counted(gestures: list[Gestures]) -> str:
    return f"{sum(each.count for each in gestures)} | {sum(each.seconds for each in gestures):.0f}"
