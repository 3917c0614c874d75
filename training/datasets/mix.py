"""What training composites are made of, as plain configuration."""

from __future__ import annotations

from dataclasses import dataclass

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
