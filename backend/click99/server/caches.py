"""What CLICK99_CACHE_MB is shared out to."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from click99.labelstudio.regions import decoded
from click99.server.settings import Settings
from click99.sessions.recent_answers import unpacked


class Share(NamedTuple):
    part: Fraction

    def of(self, settings: Settings) -> int:
        """Bytes."""
        return int(self.part * settings.cache_mb * 2**20)


PICTURES = Share(Fraction(1, 2))
FEATURES = Share(Fraction(1, 4))  # of each network in memory
REGIONS = Share(Fraction(1, 8))
ANSWERS = Share(Fraction(1, 16))  # those given last
TRY_PAGE = Share(Fraction(1, 16))  # of its pictures


def bound_masks(settings: Settings) -> None:
    """Decoded masks are kept for the whole process."""
    decoded.bound(REGIONS.of(settings))
    unpacked.bound(ANSWERS.of(settings))
