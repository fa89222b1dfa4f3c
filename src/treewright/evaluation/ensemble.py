"""Choosing the final answer from stored predictions: one node, or a blend of several.

The blend is greedy ensemble selection (Caruana et al., ICML 2004): start from the best node and keep adding, with
replacement, the node that helps the blend most. Whatever is chosen on some rows looks better on these rows than it
is. So every decision here is *cross-fitted*: the rows are dealt into parts, the choice is made without a part and
scored on it, and only these scores are compared and reported.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treewright.evaluation.predictions import unblend
from treewright.evaluation.scoring import score, score_with_replicates
from treewright.scores import FoldScore, compare
from treewright.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]
    Rule = Callable[["Pool", Rows], Array]

ROUNDS = 24
MAX_MEMBERS = 5
PARTS = 5
ENOUGH_ROWS = 20_000
"""More rows than this add nothing to a choice but time; a fixed sample of them decides."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates' predictions on rows whose truth is known.

    ``answers`` are the predictions as the metric takes them, one array a candidate; ``blendable`` the same as
    ``predictions.blendable`` gives them, ``(candidates, rows, values)``; ``effort`` is the time a candidate takes in
    seconds, which settles a draw. ``runs`` tells for each row which run of a script predicted it, ``row_weights`` how
    much it counts (``None``: all alike).
    """

    task: Task
    truth: Array
    answers: tuple[Array, ...]
    blendable: Array
    effort: tuple[float, ...]
    runs: Rows
    row_weights: Array | None = None

    def predict(self, weights: Array, rows: Rows) -> Array:
        """The weighted candidates' predictions for these rows."""
        chosen = np.flatnonzero(weights)
        if len(chosen) == 1:
            return np.asarray(self.answers[chosen[0]][rows], dtype=np.float64)
        return unblend(self.task, np.tensordot(weights[chosen], self.blendable[chosen][:, rows], axes=1))

    def quality(self, weights: Array, rows: Rows) -> float:
        """The score of the weighted candidates on these rows, signed so that more is better."""
        return self._signed(self.predict(weights, rows), rows)

    def _signed(self, predictions: Array, rows: Rows) -> float:
        sign = self.task.metric.direction.sign
        return sign * score_by_run(
            self.task, self.truth[rows], predictions, self.runs[rows], of_rows(self.row_weights, rows)
        )


def of_rows(weights: Array | None, rows: Rows) -> Array | None:
    """The weights of these rows, where rows have weights."""
    return None if weights is None else weights[rows]


def score_by_run(task: Task, truth: Array, predictions: Array, runs: Rows, row_weights: Array | None = None) -> float:
    """The score; for a metric that ranks, the mean over runs, as each run ranks on a scale of its own.

    Runs of which too few rows are there to be scored do not count; ``ValueError`` if that are all of them.
    """
    scores, reason = [], None
    for part in _by_run(task, runs):
        try:
            weights = of_rows(row_weights, part)
            scores.append(score(task.metric, truth[part], predictions[part], task.classes, weights=weights))
        except ValueError as error:
            reason = error
    if not scores:
        raise ValueError(str(reason))
    return float(np.mean(scores))


def _by_run(task: Task, runs: Rows) -> list[Rows]:
    """The rows of each run where the metric ranks, else all rows together."""
    if not task.metric.ranks:
        return [np.arange(len(runs))]
    return [np.flatnonzero(runs == run) for run in np.unique(runs)]


def best_single(pool: Pool, rows: Rows) -> Array:
    """All weight on one candidate: the least effort among those within one standard error of the best."""
    metric, size = pool.task.metric, len(pool.answers)
    qualities = [pool.quality(alone, rows) for alone in np.eye(size)]
    best = sorted(range(size), key=lambda i: (-qualities[i], i))[:MAX_MEMBERS]  # resamples take time

    def folds(candidate: int) -> tuple[FoldScore, ...]:
        answer, found = pool.answers[candidate], []
        for n, part in enumerate(_by_run(pool.task, pool.runs[rows])):
            chosen, classes = rows[part], pool.task.classes
            truth, mine, weights = pool.truth[chosen], answer[chosen], of_rows(pool.row_weights, chosen)
            with suppress(ValueError):  # too few rows to be scored, for this candidate as for any other
                scored = score_with_replicates(metric, truth, mine, classes, seed=n, weights=weights)
                found.append(FoldScore(n, *scored))
        return tuple(found)

    leader = folds(best[0])

    def tied(candidate: int) -> bool:
        if candidate == best[0]:
            return True
        comparison = compare(folds(candidate), leader, metric.direction)
        return abs(comparison.gain) < comparison.standard_error

    chosen = min(filter(tied, best), key=lambda i: (pool.effort[i], i))
    return np.asarray(np.eye(size)[chosen], dtype=np.float64)


def greedy_ensemble(pool: Pool, rows: Rows) -> Array:
    """Weights by greedy selection with replacement; at most ``MAX_MEMBERS`` candidates get any."""
    size = len(pool.answers)
    sample = rows if len(rows) <= ENOUGH_ROWS else rows[:: -(-len(rows) // ENOUGH_ROWS)]
    counts = np.zeros(size)
    best_quality, best_counts = -np.inf, counts
    for _ in range(ROUNDS):
        full = np.count_nonzero(counts) >= MAX_MEMBERS
        options = np.flatnonzero(counts) if full else np.arange(size)
        steps = [counts + np.eye(size)[i] for i in options]
        qualities = [pool.quality(step / step.sum(), sample) for step in steps]
        winner = int(np.argmax(qualities))
        counts = steps[winner]
        if qualities[winner] > best_quality:
            best_quality, best_counts = qualities[winner], counts
    return np.asarray(best_counts / best_counts.sum(), dtype=np.float64)


def deal(rows: int, *, seed: int) -> Array:
    """The part, 0 to ``PARTS - 1``, that each row belongs to."""
    return np.random.default_rng(seed).permutation(np.arange(rows) % PARTS)


def cross_fitted(pool: Pool, rule: Rule, parts: Array, graded: Sequence[int] | Rows) -> Array:
    """Predictions for the ``graded`` rows, each by a choice under ``rule`` in which its part took no part."""
    graded = np.asarray(graded)
    predictions = np.empty_like(pool.answers[0])
    for part in range(PARTS):
        weights = rule(pool, np.flatnonzero(parts != part))
        mine = graded[parts[graded] == part]
        if len(mine):
            predictions[mine] = pool.predict(weights, mine)
    return predictions[graded]
