from __future__ import annotations

from dataclasses import replace

import pytest

from click99.segmentation.presets import COMPACT, PRESETS, VARIANTS, NetworkConfig, variant

PARTS = ("interaction", "feedback", "guided_filter")


@pytest.fixture(params=PRESETS.values(), ids=list(PRESETS))
def preset(request: pytest.FixtureRequest) -> NetworkConfig:
    return request.param


def test_each_variant_adds_one_part(preset: NetworkConfig):
    baseline, *others = (variant(preset, name) for name in VARIANTS)
    assert (baseline.interaction, baseline.feedback, baseline.guided_filter) == ((), "none", False)
    for step, (before, after) in enumerate(zip([baseline, *others], others, strict=False)):
        changed = [part for part in PARTS if getattr(before, part) != getattr(after, part)]
        assert changed == ([] if step == 0 else [PARTS[step - 1]])
    assert others[-1] == preset


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match=r"'\+G' is unknown, there is: baseline, \+T"):
        variant(COMPACT, "+G")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"clicks_in": "both streams"},
            "clicks_in 'both streams' is unknown, there is: interaction, image, both",
        ),
        ({"clicks_in": "image", "feedback": "none"}, "sees neither"),
        ({"interaction": (), "interaction_taps": ()}, "needs an interaction stream"),
    ],
)
def test_unknown_choices_and_contradictions_are_refused(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        replace(COMPACT, **changes)
