"""Training recipes as plain configuration, saved beside what they produce."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Schedule = Literal["cosine", "linear", "drops", "constant"]
FAINTEST = 8  # alpha, of 255, below which nothing of an object is seen


@dataclass(frozen=True)
class Mix:
    """Shares of the composites, but for the last three; as it is: one ready cut-out over a background."""

    cut: float = 0.0  # whose foregrounds are cut out of photos by their own masks and mattes
    cut_from: tuple[str, ...] = ()  # sources, as the manifest calls them, whose masks are precise enough
    second: float = 0.0  # with a second, smaller foreground in front of the first
    together: float = 0.5  # of those: where both are the object; else the second is only in the way
    flush: bool = False  # what its photo's side cut straight off is put at that side of the background
    faintest: int = 128  # alpha, of 255, that ready cut-outs end at; lower keeps hair, as FAINTEST does
    pairs: float = 0.1  # of the photos whose mask numbers instances: where two of them are the object


@dataclass(frozen=True)
class Recipe:
    """How a network is trained click by click."""

    crops: tuple[tuple[int, int, float], ...]  # (side in pixels, batch, share of the images)
    by_turns: bool = False  # the sizes of crops, for a run without a known end; else one after the other
    epochs: int = 0  # over the images of the data, unless the run says how many crops
    clicks: int = 4  # per image, a step after each (section 4.1)
    bundled: bool = False  # all clicks at once and one step an image (loop/bundled.py)
    optimizer: str = "adamw"  # or radam
    head_rate: float = 1e-3
    encoder_rate: float = 2e-4
    schedule: Schedule = "cosine"  # of the rates
    drops: tuple[float, ...] = ()  # shares of the run after which the rates fall to a tenth
    final_rate: float = 0.02  # of the rates, at the end of a cosine or a line
    warmup: float = 0.01  # share of the run; images where the rate is constant
    weight_decay: float = 1e-4  # of kernels
    norm_decay: float = 0.0  # of normalisations and biases
    gradient_limit: float = 1.0  # of the gradient's norm, per step; 0 = none
    mask_loss: str = "soft_iou"  # or tanimoto, bce
    focal_weight: float = 0.5
    click_weight: float = 0.1
    average: float = 0.998  # of the weights' exponential moving average; 0 = the weights themselves
    composite: float = 0.25  # share of the images composited from a foreground and a background
    mix: Mix = field(default_factory=Mix)  # what the composites are made of
    nearly_right: float = 0.15  # share of the images that start from a mask with some errors
    saved: float = 0.0  # share of the images whose mask may be saved between clicks (Batch.save)
    maps: float = 0.0  # share of the images whose first click sees a map of what is alike (loop/maps.py)
    likeness: float = 0.0  # share of the images whose clicks all see a map, by an input of its own
    likeness_rate: float = 4.0  # of that input's weights, which begin at zero, over the head's
    frozen: bool = False  # the image stream, where it sees the image alone, stays as it is
    inverted: float = 0.0  # share of the images where all that the object is not is asked for
    lenient: float = 0.3  # share of the images clicked where people click, not at the very centre
    object_scale: tuple[float, float] = (0.8, 2.6)  # side of the crop over side of the object
    close: float = 0.0  # share of the crops that show only a part of the object
    close_scale: tuple[float, float] = (0.15, 0.8)  # of those, as object_scale
    close_nearly_right: float = 0.6  # of those, as nearly_right
    balance: float = 0.0  # a photo is drawn with weight 1 / (photos of its source) to this power
    mosaic: float = 0.0  # share of the photos that are put among others
    mosaic_cells: tuple[int, int] = (2, 5)  # photos along a side
    alike: float = 0.3  # of the mosaics: of photos of one source
    shapes: float = 0.0  # share of the images that are drawn shapes (datasets/shapes.py)
    quality_weight: float = 0.2  # of the loss of the quality head, where there is one
    replayed: float = 0.0  # share of the collected images whose first clicks are those that people made


# Sources of the shipped checkpoint's data whose masks are good enough to cut objects out by.
PRECISE = (
    *("ecssd", "pascal10_coseg", "davis_train", "ccp", "horses", "leeds", "animals_mrcnn"),
    *("alphamatting", "dim", "dim_crops", "pymatting", "ormbg", "am2k", "p3m", "aim", "gfm"),
)

COMPACT = Recipe(
    crops=((160, 8, 0.3), (224, 6, 0.4), (320, 4, 0.3)),  # small crops first: more of them
    epochs=2,
    composite=0.2,
    inverted=0.1,
    lenient=0.5,
    object_scale=(0.7, 16.0),  # down to one of many objects in a large picture
    close=0.12,
    balance=0.5,
    mosaic=0.3,
    shapes=0.05,
    mix=Mix(cut=0.4, cut_from=PRECISE, second=0.3, faintest=FAINTEST, flush=True),
)

# A run that never ends: `click99 cooldown` branches off it what can be shipped.
COMPACT_ENDLESS = replace(
    COMPACT,
    by_turns=True,
    epochs=0,
    schedule="constant",
    warmup=2000,
    nearly_right=0.25,
    saved=0.4,
    maps=0.4,
)

PAPER = Recipe(
    crops=((352, 1, 1.0),),
    epochs=25,
    optimizer="radam",
    head_rate=1e-5,
    encoder_rate=1e-5,
    schedule="drops",
    drops=(14 / 25, 17 / 25, 20 / 25),
    warmup=0.0,
    weight_decay=0.005,
    norm_decay=1e-5,
    gradient_limit=0.0,
    focal_weight=0.0,
    click_weight=1.0,
    average=0.0,
    composite=0.0,
    nearly_right=0.0,
    lenient=0.0,
)
PAPER_SYNTH = replace(PAPER, epochs=10, schedule="constant", drops=(), composite=1.0)
PAPER_SYNTH_FT = replace(PAPER, epochs=5, schedule="constant", drops=(), head_rate=5e-6, encoder_rate=5e-6)

# From a trained network to one that also knows a few dozen new masks: from the object alone, as the network
# sees it after the first click, to a whole image with a small object in it, as it sees it before.
FINETUNE = replace(
    COMPACT,
    crops=((320, 4, 1.0),),
    by_turns=True,
    head_rate=3e-4,
    encoder_rate=3e-5,
    warmup=0.05,
    mask_loss="tanimoto",  # a teacher's answers are between 0 and 1
    inverted=0.0,
    average=0.99,  # of the few hundred steps that minutes are
    composite=0.5,
    mix=replace(COMPACT.mix, cut_from=(*PRECISE, "click99")),  # the base set's, too
    object_scale=(0.9, 6.0),
    replayed=0.7,
    lenient=0.3,
    **dict.fromkeys(("close", "balance", "mosaic", "shapes"), 0.0),  # what people annotate says how it looks
)

RECIPES = {
    "compact": COMPACT,
    "compact-endless": COMPACT_ENDLESS,
    "paper": PAPER,  # trained on SBD
    "paper-synth": PAPER_SYNTH,  # from ImageNet, on composites only
    "paper-synth-ft": PAPER_SYNTH_FT,  # from what paper-synth ended with, on SBD
}
