"""The ablation's variants as configuration: what each changes of a preset's network and recipe.

The five of Table 7, and the paper's other claims, one switch each.
"""

from __future__ import annotations

from dataclasses import replace

from click99.segmentation.presets import PRESETS, VARIANTS, NetworkConfig, variant
from click99_training.recipes import RECIPES, Recipe

# What accepted masks say, as an input of its own; the head that chooses between looks is kept as it is.
LIKENESS = {"likeness": True, "quality_among_looks": True}
# The image stream stays, and with it what was learnt from accepted masks. More photos, of small sources
# rather: only photos have a kind.
SHOWN = {"likeness": 0.5, "maps": 0.0, "clicks": 3, "frozen": True, "warmup": 300}
SHOWN |= {"balance": 0.75, "composite": 0.1, "mosaic": 0.15, "inverted": 0.05}

# name -> (changes of the network, changes of the recipe); all from the whole preset
CLAIMS: dict[str, tuple[dict, dict]] = {
    "bce": ({}, {"mask_loss": "bce"}),
    "no-click-loss": ({}, {"click_weight": 0.0}),
    **{f"{k}-clicks": ({}, {"clicks": k}) for k in range(1, 7)},
    "early-feedback": ({"feedback": "early"}, {}),
    "clicks-in-image": ({"clicks_in": "image"}, {}),
    "clicks-in-interaction": ({"clicks_in": "interaction"}, {}),
    "clicks-in-both": ({"clicks_in": "both"}, {}),
    "distances": ({"click_encoding": "distances"}, {}),
    "disks": ({"click_encoding": "disks"}, {}),
    "likeness": (LIKENESS, SHOWN),
}


def configured(preset: str, recipe: str = "", name: str = "") -> tuple[NetworkConfig, Recipe]:
    """Network and recipe of a preset's variant; the recipe of the preset's name unless another is named.

    Raises:
        ValueError: a name that is unknown, with those that are known.
    """
    network = _known(PRESETS, "preset", preset)
    chosen = _known(RECIPES, "recipe", recipe or preset)
    if not name:
        return network, chosen
    if name in VARIANTS:
        return variant(network, name), replace(chosen, bundled=name == "baseline")
    of_network, of_recipe = _known({**dict.fromkeys(VARIANTS), **CLAIMS}, "variant", name)
    return replace(network, **of_network), replace(chosen, **of_recipe)


def _known(table: dict, what: str, name: str):
    if name not in table:
        raise ValueError(f"{what} {name!r} is unknown, there is: {', '.join(table)}")
    return table[name]
