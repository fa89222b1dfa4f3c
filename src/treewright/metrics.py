"""What a score is called, which way is better, and what it is computed from.

This module only *names* metrics; ``evaluation.scoring`` computes them. The direction belongs to the metric and so
to the task: no model and no script ever chooses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a score gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    @property
    def sign(self) -> int:
        """``+1`` where larger is better, ``-1`` where smaller is: ``sign * score`` always grows with quality."""
        return 1 if self is Direction.MAXIMIZE else -1


class Needs(StrEnum):
    """What a submission has to contain for the metric."""

    NUMBERS = "numbers"
    LABELS = "labels"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to score predictions against the truth.

    ``source`` is ``None`` for a built-in metric and ``"FILE.py:FUNCTION"`` for one's own.
    """

    name: str
    direction: Direction
    needs: Needs
    aliases: tuple[str, ...] = ()
    source: str | None = None
