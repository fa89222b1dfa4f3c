"""Scores that deserve a second look before anything is built on them.

A perfect score, or a leap of ten standard errors over the parent, is either a fine idea or a script that found a way
around the question. So such a node is run on a further split, with other rows hidden, before it can become the best.
What holds there stands, with a remark; what does not is a bug.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from treewright.metrics import Direction
from treewright.scores import compare, mean_standard_error

if TYPE_CHECKING:
    from treewright.evaluation.predictions import Predictions
    from treewright.metrics import Metric
    from treewright.scores import FoldScore
    from treewright.tree import Evaluation

LEAP = 10.0
"""Standard errors of the difference to the parent."""

HOLDS = 4.0
"""Standard errors by which the score on another split may be worse."""


def doubt(metric: Metric, found: Evaluation, *, parent: Evaluation | None, best: Evaluation | None) -> str | None:
    """Why the score deserves a second look, ``None`` if it does not, or if the node does not become the best by it."""
    if found.score is None or not found.complete:
        return None
    if best is not None and compare(found.folds, best.folds, metric.direction).gain <= 0:
        return None
    if not metric.source and found.score == (0.0 if metric.direction is Direction.MINIMIZE else 1.0):
        return "perfect"
    if parent is None or parent.score is None:
        return None
    leap = compare(found.folds, parent.folds, metric.direction)
    noise = leap.standard_error
    if noise is not None and leap.gain > LEAP * noise:
        return f"more than {LEAP:g} standard errors better than its parent's"
    return None


def objection(metric: Metric, found: Evaluation, again: FoldScore) -> str | None:
    """Why the score does not stand after the second look, ``None`` if it does."""
    assert found.score is not None
    loss = metric.direction.sign * (found.score - again.score)
    noise = math.hypot(found.score_se or 0.0, mean_standard_error([again]) or 0.0)
    if loss <= HOLDS * noise:
        return None
    return f"its score of {found.score:.5g} does not hold on another split: {again.score:.5g} there"


def is_constant(predictions: Predictions) -> bool:
    """Whether the same is predicted for all rows."""
    answer = predictions.answer
    return len(answer) > 1 and bool(np.all(answer == answer[:1]))
