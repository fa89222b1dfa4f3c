"""Choosing the final answer from stored predictions: one node, or a blend of several.

The blend is greedy ensemble selection (Caruana et al., ICML 2004): keep adding, with replacement, the node that helps
the blend most. It is bagged as there: several such blends, each of a random half of the nodes, are averaged, for one
alone leans on luck. Where the metric wants labels and nodes gave probabilities, the blend's probabilities may be
weighed by class before the likeliest is taken, which is what a threshold is.

Whatever is chosen on some rows looks better on these rows than it is. So every decision here is *cross-fitted*: the
rows are dealt into parts, the choice is made without a part and scored on it, and only these scores are compared and
reported.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treewright.evaluation.predictions import unblend
from treewright.evaluation.scoring import of_rows, score, score_with_replicates
from treewright.scores import FoldScore, compare
from treewright.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]
    Rule = Callable[["Pool", Rows], "Choice"]

ROUNDS = 16
BAGS = 6
FEWEST_TO_BAG = 4
MAX_MEMBERS = 5
LEAST_WEIGHT = 0.05
"""What weighs less changes nothing, and would have to be run again all the same."""
PARTS = 5
ENOUGH_ROWS = 5_000
"""More rows than this add little to the weights of a blend but time; every n-th of them decides."""

MOST_CLASSES = 20
FACTORS = 1.15 ** np.arange(-12, 13)
"""By how much a class may be favoured over what the probabilities say: from a fifth to five times."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``weights`` of the candidates; ``factors`` for their blended class probabilities, where these decide labels."""

    weights: Array
    factors: Array | None = None

    @property
    def members(self) -> list[int]:
        """The candidates that have any weight, heaviest first."""
        return sorted(map(int, np.flatnonzero(self.weights)), key=lambda i: (-self.weights[i], i))


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates' predictions on rows whose truth is known.

    ``answers`` are the predictions as the metric takes them, one array a candidate; ``blendable`` the same as
    ``predictions.blendable`` gives them, ``(candidates, rows, values)``; ``probabilities`` those of the classes, for
    candidates that gave them. ``effort`` is the time a candidate takes in seconds, which settles a draw. ``runs`` tells
    for each row which run of a script predicted it, ``clusters`` which rows err together, ``row_weights`` how much each
    counts (``None``: all alike).
    """

    task: Task
    truth: Array
    answers: tuple[Array, ...]
    blendable: Array
    probabilities: tuple[Array | None, ...]
    effort: tuple[float, ...]
    runs: Rows
    clusters: Rows | None = None
    row_weights: Array | None = None

    def predict(self, choice: Choice, rows: Rows) -> Array:
        """The predictions of the choice for these rows."""
        weights, chosen = choice.weights, choice.members
        if choice.factors is not None:
            blend = sum(weights[i] * self.given(i)[rows] for i in chosen)
            return np.asarray((blend * choice.factors).argmax(axis=1), dtype=np.float64)
        if len(chosen) == 1:
            return np.asarray(self.answers[chosen[0]][rows], dtype=np.float64)
        return unblend(self.task, np.tensordot(weights[chosen], self.blendable[chosen][:, rows], axes=1))

    def quality(self, predictions: Array, rows: Rows) -> float:
        """The score of predictions for these rows, signed so that more is better."""
        sign = self.task.metric.direction.sign
        weights = of_rows(self.row_weights, rows)
        return sign * score_by_run(self.task, self.truth[rows], predictions, self.runs[rows], weights)

    def given(self, candidate: int) -> Array:
        """The class probabilities of a candidate that gave some."""
        given = self.probabilities[candidate]
        assert given is not None
        return given


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


# Rules --------------------------------------------------------------------------------------------------------------


def best_single(pool: Pool, rows: Rows) -> Choice:
    """All weight on one candidate: the least effort among those within one standard error of the best."""
    metric, size = pool.task.metric, len(pool.answers)
    qualities = [pool.quality(answer[rows], rows) for answer in pool.answers]
    best = sorted(range(size), key=lambda i: (-qualities[i], i))[:MAX_MEMBERS]  # resamples take time

    def folds(candidate: int) -> tuple[FoldScore, ...]:
        answer, found = pool.answers[candidate], []
        for n, part in enumerate(_by_run(pool.task, pool.runs[rows])):
            mine = rows[part]
            with suppress(ValueError):  # too few rows to be scored, for this candidate as for any other
                value = score_with_replicates(
                    metric,
                    pool.truth[mine],
                    answer[mine],
                    pool.task.classes,
                    seed=n,
                    weights=of_rows(pool.row_weights, mine),
                    clusters=of_rows(pool.clusters, mine),
                )
                found.append(FoldScore(n, *value))
        return tuple(found)

    leader = folds(best[0])

    def tied(candidate: int) -> bool:
        if candidate == best[0]:
            return True
        return compare(folds(candidate), leader, metric.direction).tied

    chosen = min(filter(tied, best), key=lambda i: (pool.effort[i], i))
    return Choice(np.asarray(np.eye(size)[chosen], dtype=np.float64))


def greedy_ensemble(pool: Pool, rows: Rows) -> Choice:
    """The mean of greedy blends of random halves of the candidates; at most ``MAX_MEMBERS`` of them get a weight."""
    rows = _enough(rows)
    blendable = pool.blendable[:, rows]
    return Choice(_bagged(blendable, lambda blend: pool.quality(unblend(pool.task, blend), rows), pool.task))


def tuned_ensemble(pool: Pool, rows: Rows) -> Choice:
    """A blend of the class probabilities that candidates gave, with factors for the classes: first one, then the other.

    Both are fitted on these rows, twice in turn.
    """
    rows = _enough(rows)
    soft = [i for i, given in enumerate(pool.probabilities) if given is not None]
    blendable = np.stack([pool.given(i)[rows] for i in soft])
    factors = np.ones(blendable.shape[2])
    weights = np.zeros(len(pool.answers))
    for _ in range(2):

        def quality(blend: Array, factors: Array = factors) -> float:
            return pool.quality((blend * factors).argmax(axis=1).astype(np.float64), rows)

        weights[soft] = _bagged(blendable, quality, pool.task)
        factors = _tune(np.tensordot(weights[soft], blendable, axes=1), factors, quality)
    return Choice(weights, factors)


def _enough(rows: Rows) -> Rows:
    return rows[:: -(-len(rows) // ENOUGH_ROWS)]


def _bagged(blendable: Array, quality: Callable[[Array], float], task: Task) -> Array:
    size = len(blendable)
    once = size < FEWEST_TO_BAG or task.metric.source  # one's own metric may be slow
    rng = np.random.default_rng(size)
    bags = [np.arange(size)] if once else [np.sort(rng.permutation(size)[: -(-size // 2)]) for _ in range(BAGS)]
    total = np.zeros(size)
    for bag in bags:
        total[bag] += _greedy(blendable[bag], quality)
    total[np.argsort(-total, kind="stable")[MAX_MEMBERS:]] = 0
    total[total < LEAST_WEIGHT * total.sum()] = 0
    return np.asarray(total / total.sum(), dtype=np.float64)


def _greedy(blendable: Array, quality: Callable[[Array], float]) -> Array:
    """Weights by greedy selection with replacement."""
    counts, total = np.zeros(len(blendable)), np.zeros(blendable.shape[1:])
    best_quality, best_counts = -np.inf, counts
    for taken in range(1, ROUNDS + 1):
        qualities = [quality((total + each) / taken) for each in blendable]
        winner = int(np.argmax(qualities))
        counts = counts + np.eye(len(blendable))[winner]
        total = total + blendable[winner]
        if qualities[winner] > best_quality:
            best_quality, best_counts = qualities[winner], counts
    return np.asarray(best_counts / best_counts.sum(), dtype=np.float64)


def _tune(blend: Array, factors: Array, quality: Callable[[Array, Array], float]) -> Array:
    """Class by class, the factor that helps most; where several help alike, the middle one."""
    factors = factors.copy()
    for k in range(len(factors) - (len(factors) == 2)):  # of two classes, one factor says it all
        trials = np.repeat(factors[None], len(FACTORS), axis=0)
        trials[:, k] = FACTORS
        qualities = np.array([quality(blend, trial) for trial in trials])
        top = np.flatnonzero(qualities == qualities.max())
        factors = trials[top[np.argmin(np.abs(top - len(FACTORS) // 2))]]
    return factors


# Cross-fitting ------------------------------------------------------------------------------------------------------


def deal(positions: Rows, *, seed: int) -> Rows:
    """The part, 0 to ``PARTS - 1``, of each row; a row that is there more than once is always in the same part."""
    distinct, of_row = np.unique(positions, return_inverse=True)
    parts = np.random.default_rng(seed).permutation(np.arange(len(distinct)) % PARTS)
    return np.asarray(parts[of_row], dtype=np.intp)


def cross_fitted(pool: Pool, rule: Rule, parts: Rows, graded: Sequence[int] | Rows) -> Array:
    """Predictions for the ``graded`` rows, each by a choice under ``rule`` in which its part took no part."""
    graded = np.asarray(graded)
    predictions = np.empty_like(pool.answers[0])
    for part in range(PARTS):
        choice = rule(pool, np.flatnonzero(parts != part))
        mine = graded[parts[graded] == part]
        if len(mine):
            predictions[mine] = pool.predict(choice, mine)
    return predictions[graded]
