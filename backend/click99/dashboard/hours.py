"""How many hours clicks have saved against drawing by hand: an estimate, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from click99.dashboard.costs import Cost, grouped, median

FEWEST = 5  # annotations that tell how long a mask takes
BY_HAND = 79.0  # seconds a mask: 22 hours a thousand in COCO (Lin et al. 2014)


@dataclass(frozen=True)
class Hours:
    """masks: made by clicks. by_hand, by_clicks: seconds a mask. drawn, clicked: how many annotations tell
    of each; with none, `by_hand` is COCO's, and `by_clicks` from the first click to the last mask."""

    masks: int
    by_hand: float
    by_clicks: float
    drawn: int
    clicked: int

    @property
    def saved(self) -> float:
        """May be negative."""
        return self.masks * (self.by_hand - self.by_clicks) / 3600

    @property
    def of_ten_seconds(self) -> float:
        """What it changes by if a mask by hand takes ten seconds more or less."""
        return self.masks * 10 / 3600


def hours(found: Sequence[Cost]) -> Hours:
    """The time of an annotation, shared out among its masks; of those drawn by hand, and of those clicked."""
    drawn, clicked = [], []
    for masks in grouped(found, lambda cost: cost.annotation).values():
        if (lead_time := masks[0].lead_time) and lead_time > 0:
            by_clicks = {cost.clicks > 0 for cost in masks}
            if len(by_clicks) == 1:  # of a mixed one nobody knows what took how long
                (clicked if True in by_clicks else drawn).append(lead_time / len(masks))
    drawn, clicked = (times if len(times) >= FEWEST else [] for times in (drawn, clicked))
    made = [cost for cost in found if cost.clicks]
    by_clicks = median(clicked) if clicked else median(cost.seconds for cost in made)
    return Hours(len(made), median(drawn) if drawn else BY_HAND, by_clicks, len(drawn), len(clicked))
