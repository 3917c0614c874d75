"""What a person does with mouse and keyboard, counted the same way whoever's way it is."""

from __future__ import annotations

from dataclasses import dataclass

# Seconds of the keystroke-level model (Card, Moran and Newell 1980): to decide, to point, to press the
# button, to type a character as a typist of average skill does.
DECIDE, POINT, PRESS, TYPE = 1.35, 1.1, 0.2, 0.2


@dataclass(frozen=True)
class Gestures:
    """clicks: of the mouse, whatever keys are held. lines: typed in a terminal, an editor or a form; what is
    pasted is two clicks instead."""

    clicks: int = 0
    lines: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.clicks + len(self.lines)

    @property
    def seconds(self) -> float:
        """Of a person, by the keystroke-level model: none of the computer's."""
        typed = sum(DECIDE + TYPE * (len(line) + 1) for line in self.lines)
        return self.clicks * (DECIDE + POINT + PRESS) + typed
