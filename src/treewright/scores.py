"""Scores and their noise.

Every node of a run is scored on the same resamples of the same hidden rows. So the replicates of two nodes differ
only by what the programs do, and the spread of their differences is a *paired* bootstrap (Efron and Tibshirani 1993,
chapter 10), computed without going back to the predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.metrics import Direction

REPLICATES = 100
"""Bootstrap resamples of each fold: the standard error itself is then known to about 7 %."""


@dataclass(frozen=True, slots=True)
class FoldScore:
    """The score on the hidden rows of one fold, and on each of ``REPLICATES`` resamples of those rows.

    A score that a script printed for itself comes without replicates: its noise is unknown.
    """

    fold: int
    score: float
    replicates: tuple[float, ...]


class Verdict(StrEnum):
    """How a node compares with another, beyond two standard errors of the difference or not."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired difference: ``gain`` is positive where the first is better.

    ``standard_error`` is that of the gain; ``None`` where the noise of the scores is unknown.
    """

    gain: float
    standard_error: float | None

    @property
    def verdict(self) -> Verdict | None:
        """Better or worse beyond two standard errors, else within noise.

        Where the noise is unknown the plain difference decides, and nothing is said of equal scores.
        """
        if self.standard_error is None and not self.gain:
            return None
        if abs(self.gain) <= 2 * (self.standard_error or 0.0):
            return Verdict.NOISE
        return Verdict.BETTER if self.gain > 0 else Verdict.WORSE

    @property
    def tied(self) -> bool:
        """Whether the difference is under one standard error; never where that is unknown."""
        return self.standard_error is not None and abs(self.gain) < self.standard_error


def mean_score(folds: Sequence[FoldScore]) -> float:
    """The mean of the folds' scores."""
    return fmean(fold.score for fold in folds)


def mean_standard_error(folds: Sequence[FoldScore]) -> float | None:
    """The bootstrap standard error of ``mean_score``: folds are independent, so replicate ``b`` is their mean.

    ``None`` where a fold has no replicates.
    """
    if not all(fold.replicates for fold in folds):
        return None
    return _spread([fmean(column) for column in zip(*(fold.replicates for fold in folds), strict=True)])


def compare(one: Sequence[FoldScore], other: Sequence[FoldScore], direction: Direction) -> Comparison:
    """Compare two nodes on the folds that both were run on.

    With no fold in common, the gain is 0 with an infinite standard error: nothing can be said. Without replicates the
    standard error is ``None``.
    """
    others = {fold.fold: fold for fold in other}
    pairs = [(fold, others[fold.fold]) for fold in one if fold.fold in others]
    if not pairs:
        return Comparison(0.0, math.inf)
    sign = direction.sign
    gain = sign * fmean(a.score - b.score for a, b in pairs)
    if not all(a.replicates and b.replicates for a, b in pairs):
        return Comparison(gain, None)
    differences = [[x - y for x, y in zip(a.replicates, b.replicates, strict=True)] for a, b in pairs]
    return Comparison(gain, _spread([fmean(column) for column in zip(*differences, strict=True)]))


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0
