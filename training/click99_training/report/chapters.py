"""What the report holds, in the paper's order and under its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from click99.segmentation.presets import VARIANTS
from click99_training.evaluation.curves import (
    Plot,
    corrective_accuracy_per_click,
    iou_per_click,
    shares_above,
    training_curves,
)
from click99_training.evaluation.results import Result
from click99_training.report.ablation_tables import ablation_table, claims_table, steps_table
from click99_training.report.cells import ReportTable
from click99_training.report.gallery import Gallery, by_difficulty, contact_sheet, masks_after, smallest
from click99_training.report.inputs import PAPER_DATASETS, Grid, Inputs, title
from click99_training.report.paper_tables import (
    DESIGNS,
    beyond_table,
    clicks_by_click,
    clicks_table,
    designs,
    regimes_table,
    sizes_table,
)

EVALUATION = "click99 evaluate --dataset {} --json FILE, then click99 report FILE"
ABLATION = "click99 report --ablation FOLDER, with VARIANT.{}.json in it (click99 ablation)"
REGIMES = "click99 report --regimes FOLDER, with SBD.{0}.json, Synth.{0}.json and Synth+FT.{0}.json in it"
PICTURES = "click99 report FILE --data {}=FOLDER, for the pictures"


ResultsOn = Callable[[str], dict[str, Result]]  # data set → label → evaluation


@dataclass(frozen=True)
class Part:
    """One numbered thing of the page; where there is no content, the command that gives it."""

    number: str  # such as "Table 6"
    title: str
    content: ReportTable | Plot | Gallery | None
    command: str = ""

    @property
    def name(self) -> str:
        """Of its files and its anchor."""
        return self.number.lower().replace(" ", "-").replace(",", "")


@dataclass(frozen=True)
class Chapter:
    title: str
    text: str
    parts: list[Part]


def chapters(inputs: Inputs) -> list[Chapter]:
    """Own data's first, and then of the paper's only what there is."""
    own, paper = [*map(partial(_own, inputs), inputs.own)], _paper(inputs)
    if not own:
        return paper
    given = [replace(each, parts=[part for part in each.parts if part.content]) for each in paper]
    return [*own, *(chapter for chapter in given if chapter.parts)]


def _own(inputs: Inputs, dataset: str) -> Chapter:
    """All figures of a data set that the paper does not have."""
    results, samples = inputs.on(dataset), inputs.samples.get(dataset)
    found = list(results.values())
    parts = {
        "By click": ("Means over the images, and how many are above an IoU", clicks_by_click(results)),
        "IoU per click": ("With 95 % intervals", iou_per_click(results)),
        "Images above each IoU": ("After 1, 5, 10 and 20 clicks", shares_above(results)),
        "Corrective accuracy": ("By click", corrective_accuracy_per_click(results)),
        "By size": ("By the size of the objects", sizes_table(found)),
        "Beyond the paper": ("Boundary, locality, obedience, time", beyond_table(found)),
    }
    if samples:
        first = found[0]
        parts |= {
            "Pictures": ("From the easiest to the hardest", by_difficulty(first, samples)),
            "Small objects": ("The smallest objects after one click", smallest(first, samples)),
            "After 3 clicks": ("Truth and masks", masks_after(results, samples, 3)),
            "After 20 clicks": ("Truth and masks", masks_after(results, samples, 20)),
        }
    text = "The paper has no figures of it. Measured ones are means over the images, with 95 % intervals."
    text += "" if samples else f" With --data {dataset}=FOLDER its pictures are shown, too."
    made = [Part(f"{what}, {dataset}", told, content) for what, (told, content) in parts.items() if content]
    return Chapter(dataset, text, made)


def _paper(inputs: Inputs) -> list[Chapter]:
    return [
        Chapter(
            "The systems compared",
            "How the ten systems that the paper compares, its own and ours are built.",
            [Part(f"Table {number}", what, designs(number)) for number, (what, _) in DESIGNS.items()],
        ),
        Chapter(
            "Results",
            "Measured figures are means over the images with 95 % bootstrap intervals.",
            list(_results(inputs)),
        ),
        Chapter(
            "Ablation",
            "T: trained click by click. I: a stream of its own for the interaction. F: the previous mask fed "
            "back. G: guided filter. Every variant has the same seed and budget. Differences are paired: of "
            "the same images under both variants.",
            list(_ablation(inputs.ablation)),
        ),
        Chapter(
            "Training",
            "Regimes: SBD alone; the synthetic set alone; the synthetic set, then SBD.",
            list(_training(inputs)),
        ),
        Chapter(
            "Pictures",
            "Colour is the mask, grey the rest. Green with a plus: a click for the object; red with a minus: "
            "against it.",
            list(_pictures(inputs)),
        ),
    ]


def _results(inputs: Inputs) -> Iterator[Part]:
    yield Part("Table 6", "Mean clicks to 90 % IoU (SBD: 85 %), at most 20", clicks_table(inputs))
    paper = list(PAPER_DATASETS)
    yield from _curves(inputs.on, paper, 3, "IoU per click, {}", iou_per_click, EVALUATION)
    yield from _curves(
        inputs.on, ["berkeley"], 6, "Corrective accuracy, {}", corrective_accuracy_per_click, EVALUATION
    )
    yield from _curves(inputs.on, paper, 10, "Images above each IoU, {}", shares_above, EVALUATION)
    yield Part(
        "Beyond the paper",
        "Boundary, locality, obedience, time",
        beyond_table(inputs.published) if inputs.published else None,
        EVALUATION.format("NAME"),
    )
    sizes = sizes_table(inputs.published)
    yield Part("By size", "By the size of the objects", sizes, EVALUATION.format("NAME"))


def _ablation(grid: Grid) -> Iterator[Part]:
    five = {name: grid[name] for name in VARIANTS if name in grid}
    whole_and_one_change = [name for name in grid if name not in VARIANTS[:-1]]
    yield Part("Table 7", "AuC over clicks 1 to 20", ablation_table(five))
    steps = steps_table(five) if len(five) > 1 else None
    yield Part("Steps", "What each part adds to the AuC", steps, ABLATION.format("DATASET"))
    on = _by_dataset(five)
    what = "variants"
    yield from _curves(
        on, ["berkeley"], 6, "Corrective accuracy, {}", corrective_accuracy_per_click, ABLATION, what
    )
    paper = list(PAPER_DATASETS)
    yield from _curves(on, paper, 7, "IoU per click, {}", iou_per_click, ABLATION)
    yield from _curves(on, paper, 10, "Images above each IoU, {}", shares_above, ABLATION, what)
    claims = (
        claims_table({name: grid[name] for name in whole_and_one_change})
        if grid.keys() - five.keys()
        else None
    )
    yield Part("Other claims", "The whole preset, and one change each", claims, ABLATION.format("DATASET"))


def _training(inputs: Inputs) -> Iterator[Part]:
    curves = training_curves(inputs.log) if inputs.log else None
    yield Part("Curves", "Loss, and IoU per click", curves, "click99 report --log RUN/log.csv")
    yield Part(
        "Table 8", "AuC, and per cent of the images above an IoU at 20 clicks", regimes_table(inputs.regimes)
    )
    on = _by_dataset(inputs.regimes)
    yield from _curves(on, list(PAPER_DATASETS), 20, "IoU per click, {}", iou_per_click, REGIMES)
    sheet = contact_sheet(inputs.composites) if inputs.composites else None
    yield Part(
        "Figure 18, 19", "Composites", sheet, "click99 report --composites FILE (click99 compose --preview)"
    )


def _pictures(inputs: Inputs) -> Iterator[Part]:
    on = _by_dataset(inputs.regimes) if inputs.regimes else inputs.on
    for number, clicks in ((23, 3), (24, 20)):
        for dataset in _pictured(inputs, on):
            results, samples = on(dataset), inputs.samples.get(dataset)
            gallery = masks_after(results, samples, clicks) if results and samples else None
            name = f"Figure {number}, {title(dataset)}"
            yield Part(name, f"Masks after {clicks} clicks", gallery, PICTURES.format(dataset))
    for dataset in _pictured(inputs, inputs.on):
        result, samples = next(iter(inputs.on(dataset).values()), None), inputs.samples.get(dataset)
        gallery = by_difficulty(result, samples) if result and samples else None
        name = f"Figure 16, {title(dataset)}"
        yield Part(name, "From the easiest to the hardest", gallery, PICTURES.format(dataset))
        small = smallest(result, samples) if result and samples else None
        name = f"Small objects, {title(dataset)}"
        yield Part(name, "The smallest objects after one click", small, PICTURES.format(dataset))


def _pictured(inputs: Inputs, on: ResultsOn) -> list[str]:
    """The paper's data sets whose pictures and evaluations were given; one, to name, without any."""
    return [name for name in PAPER_DATASETS if name in inputs.samples and on(name)] or ["grabcut"]


def _by_dataset(grid: Grid) -> ResultsOn:
    return lambda dataset: {name: found[dataset] for name, found in grid.items() if dataset in found}


def _curves(
    on: ResultsOn,
    names: Sequence[str],
    first: int,
    told: str,
    draw: Callable[[dict[str, Result]], Plot],
    command: str,
    what: str = "",
) -> Iterator[Part]:
    """One figure a data set, numbered from `first`."""
    for k, dataset in enumerate(names):
        number = ", ".join([f"Figure {first + k}", *([what] if what else [])])
        results = on(dataset)
        yield Part(
            number, told.format(title(dataset)), draw(results) if results else None, command.format(dataset)
        )
