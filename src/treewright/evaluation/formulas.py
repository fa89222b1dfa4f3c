"""The built-in metrics, each computed for a sample and all its resamples at once.

There are three families. A metric is a function of weighted means of values that each row has (``rmse``, ``log_loss``,
``qwk``); or of how many rows are, are called, and are rightly called each class (``f1``, ``mcc``); or of the order of
the rows (``auc``, ``average_precision``, ``medae``). For the first two, sums over blocks of rows are all that a
resample of blocks needs. The third is not made of sums, so with blocks it is linearised: the score plus the sum of the
rows' influences (the infinitesimal jackknife, Efron 1982), whose error fades as one over the number of rows and is
negligible where blocks are used.

Conventions are those of scikit-learn and Kaggle. A value that is not defined is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from treewright.evaluation.bootstrap import Array, Resamples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

CLIP = 1e-15


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One target column to be scored, of n rows.

    ``truth`` (n,) holds numbers, or codes into ``classes``. ``predictions`` is (n,) for numbers, for codes (-1 is a
    label that is none of the classes) and for probabilities of ``classes[1]``; (n, classes) for probabilities
    otherwise. ``weights`` is (n,).
    """

    truth: Any
    predictions: Any
    classes: tuple[str, ...]
    weights: Array
    resamples: Resamples


Formula = Callable[[Rows], Array]
"""The scores of the sample and of its resamples, (1 + resamples,)."""


# Functions of weighted means ----------------------------------------------------------------------------------------


def _means(values: Callable[[Rows], tuple[Array, ...]], finish: Callable[..., Array] = np.positive) -> Formula:
    def formula(rows: Rows) -> Array:
        columns = np.column_stack([*values(rows), np.ones(len(rows.truth))])
        sums = rows.resamples.sums(columns * rows.weights[:, None])
        return finish(*(sums[:, :-1] / sums[:, -1:]).T)

    return formula


def _squared(rows: Rows) -> tuple[Array]:
    return ((rows.predictions - rows.truth) ** 2,)


def _absolute(rows: Rows) -> tuple[Array]:
    return (np.abs(rows.predictions - rows.truth),)


def _relative(rows: Rows) -> tuple[Array]:
    return (np.abs(rows.predictions - rows.truth) / np.maximum(np.abs(rows.truth), np.finfo(float).eps),)


def _symmetric(rows: Rows) -> tuple[Array]:
    """In per cent of the mean of the two sizes, 0 to 200; 0 where both are 0."""
    size = np.abs(rows.predictions) + np.abs(rows.truth)
    return (200 * np.abs(rows.predictions - rows.truth) / np.where(size > 0, size, 1),)


def _squared_log1p(rows: Rows) -> tuple[Array]:
    return ((np.log1p(rows.predictions) - np.log1p(rows.truth)) ** 2,)


def _squared_log(rows: Rows) -> tuple[Array]:
    return ((np.log(rows.predictions) - np.log(rows.truth)) ** 2,)


def _variances(rows: Rows) -> tuple[Array, ...]:
    centred = rows.truth - np.median(rows.truth)  # unlike the mean, exactly zero where the truth is constant
    return (rows.predictions - rows.truth) ** 2, centred, centred**2


def _r2(error: Array, mean: Array, square: Array) -> Array:
    variance = square - mean**2
    return 1 - error / np.where(variance > 1e-12 * square, variance, np.nan)


def _hits(rows: Rows) -> tuple[Array]:
    return ((rows.predictions == rows.truth).astype(np.float64),)


def _ratings(rows: Rows) -> tuple[Array, ...]:
    """Squared difference, truth and prediction as ratings around the middle of the scale; unknown is farthest off."""
    scale = rating_scale(rows.classes)
    middle = (scale.min() + scale.max()) / 2
    truth = scale[rows.truth] - middle
    farthest = np.where(truth > 0, scale.min(), scale.max()) - middle
    predictions = np.where(rows.predictions < 0, farthest, scale[rows.predictions] - middle)
    return (truth - predictions) ** 2, truth, predictions, truth**2 + predictions**2


def rating_scale(classes: tuple[str, ...]) -> Array:
    """The classes as ratings: their own numbers where all are numbers, as Kaggle has it, else their positions."""
    try:
        return np.array([float(label) for label in classes])
    except ValueError:
        return np.arange(len(classes), dtype=np.float64)


def _qwk(observed: Array, truth: Array, predictions: Array, squares: Array) -> Array:
    return 1 - observed / (squares - 2 * truth * predictions)


def _log_loss(rows: Rows) -> tuple[Array]:
    return (-np.log(np.clip(_of_truth(rows), CLIP, 1 - CLIP)),)


def _brier(rows: Rows) -> tuple[Array]:
    """Squared distance to the truth; for two classes that of the positive one alone."""
    right = _of_truth(rows)
    if rows.predictions.ndim == 1:
        return ((1 - right) ** 2,)
    return ((rows.predictions**2).sum(axis=1) - 2 * right + 1,)


def _of_truth(rows: Rows) -> Array:
    """The probability given to the true class."""
    if rows.predictions.ndim == 1:
        return np.asarray(np.where(rows.truth == 1, rows.predictions, 1 - rows.predictions))
    return np.asarray(rows.predictions[np.arange(len(rows.truth)), rows.truth])


# Functions of the tallies of classes --------------------------------------------------------------------------------


def _tallies(finish: Callable[[Array, Array, Array], Array]) -> Formula:
    """``finish`` gets the weight of each class among hits, truth and what was called, (1 + resamples, classes + 1).

    The last column counts labels that are none of the classes.
    """

    def formula(rows: Rows) -> Array:
        unknown = len(rows.classes)
        hits = np.where(rows.predictions == rows.truth, rows.truth, unknown)
        calls = np.where(rows.predictions < 0, unknown, rows.predictions)
        hit, true, called = (rows.resamples.tallies(c, rows.weights, unknown + 1) for c in (hits, rows.truth, calls))
        hit[:, unknown] = 0
        return finish(hit, true, called)

    return formula


def _ratio(part: Array, whole: Array) -> Array:
    """Zero over zero counts as zero, as in scikit-learn."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean_over(present: Array, values: Array) -> Array:
    """The mean over the classes that occur, unknown labels aside."""
    occurs = present[:, :-1] > 0
    return np.asarray(np.where(occurs, values[:, :-1], 0).sum(axis=1) / occurs.sum(axis=1))


def _f1_of_each(hit: Array, true: Array, called: Array) -> Array:
    return _ratio(2 * hit, true + called)


def _f1_macro(hit: Array, true: Array, called: Array) -> Array:
    return _mean_over(true + called, _f1_of_each(hit, true, called))


def _f1_weighted(hit: Array, true: Array, called: Array) -> Array:
    return np.asarray((_f1_of_each(hit, true, called) * true).sum(axis=1) / true.sum(axis=1))


def _mcc(hit: Array, true: Array, called: Array) -> Array:
    """Gorodkin's R_K (2004), Matthews' coefficient for two classes; zero where truth or predictions are constant."""
    total = true.sum(axis=1)
    hit, true, called = (tally / total[:, None] for tally in (hit, true, called))
    covariance = hit.sum(axis=1) - (true * called).sum(axis=1)
    variances = (1 - (true**2).sum(axis=1)) * (1 - (called**2).sum(axis=1))
    return _ratio(covariance, np.sqrt(np.where(variances > 1e-14, variances, 0)))


def _kappa(hit: Array, true: Array, called: Array) -> Array:
    total = true.sum(axis=1)
    chance = (true * called).sum(axis=1) / total**2
    return np.asarray((hit.sum(axis=1) / total - chance) / (1 - chance))


# Functions of the order ---------------------------------------------------------------------------------------------


def _ranking(
    score: Callable[[Array, Array], Array], influence: Callable[[Array, Array], tuple[Array, Array]]
) -> Formula:
    """Ranks the rows by the probability of a class; with several classes the mean over those that occur.

    Both functions get the weight of the class and of all others at each distinct probability, highest first.
    """

    def one(hits: Flags, probabilities: Array, rows: Rows) -> Array:
        order = np.argsort(-probabilities)
        starts = np.flatnonzero(np.diff(probabilities[order], prepend=np.nan))
        hits = hits[order]

        def grouped(weights: Array) -> tuple[Array, Array]:
            weights = weights[..., order]
            return np.add.reduceat(weights * hits, starts, -1), np.add.reduceat(weights * ~hits, starts, -1)

        if rows.resamples.can_weigh:
            return score(*grouped(rows.resamples.weigh(rows.weights)))
        groups = grouped(rows.weights)
        of_hit, of_miss = (np.repeat(each, np.diff(starts, append=len(order))) for each in influence(*groups))
        influences = np.empty(len(order))
        influences[order] = np.where(hits, of_hit, of_miss)
        return _linearised(score(*groups), influences, rows)

    def formula(rows: Rows) -> Array:
        if rows.predictions.ndim == 1:
            return one(rows.truth == 1, rows.predictions, rows)
        occurring = np.unique(rows.truth)
        scores = [or_whole(one(rows.truth == c, rows.predictions[:, c], rows)) for c in occurring]
        return np.asarray(np.mean(scores, axis=0))

    return formula


def or_whole(scores: Array) -> Array:
    """The scores, with that of the sample itself for the resamples on which the metric is not defined."""
    return np.where(np.isfinite(scores), scores, scores[0])


def _linearised(score: Any, influences: Array, rows: Rows) -> Array:
    changes = rows.resamples.sums((influences * rows.weights)[:, None])[:, 0]
    changes[0] = 0
    return np.asarray(score + changes)


def _auc(hit: Array, miss: Array) -> Array:
    above = np.cumsum(hit, -1) - hit / 2
    return np.asarray((miss * above).sum(-1) / (hit.sum(-1) * miss.sum(-1)))


def _auc_influence(hit: Array, miss: Array) -> tuple[Array, Array]:
    """The rows' placements (DeLong et al. 1988) around their mean."""
    above = (np.cumsum(hit) - hit / 2) / hit.sum()
    below = 1 - (np.cumsum(miss) - miss / 2) / miss.sum()
    auc = _auc(hit, miss)
    return (below - auc) / hit.sum(), (above - auc) / miss.sum()


def _average_precision(hit: Array, miss: Array) -> Array:
    hits, seen = np.cumsum(hit, -1), np.cumsum(hit + miss, -1)
    return np.asarray((hit * _ratio(hits, seen)).sum(-1) / hit.sum(-1))


def _average_precision_influence(hit: Array, miss: Array) -> tuple[Array, Array]:
    """A row counts at its own rank, and at all below it: there a hit adds to the hits, and any row to the seen."""
    hits, seen = np.cumsum(hit), np.cumsum(hit + miss)
    precision = _ratio(hits, seen)
    gain, loss = (np.cumsum(_ratio(each, seen)[::-1])[::-1] for each in (hit, hit * precision))
    total = hit.sum()
    return (precision - _average_precision(hit, miss) + gain - loss) / total, -loss / total


def _medae(rows: Rows) -> Array:
    errors = np.abs(rows.predictions - rows.truth)
    order = np.argsort(errors)
    ordered = errors[order]
    if rows.resamples.can_weigh:
        return _quantile(ordered, rows.resamples.weigh(rows.weights)[:, order], 0.5)
    weights = rows.weights[order][None]
    median = _quantile(ordered, weights, 0.5)[0]
    width = len(ordered) ** (-1 / 3)
    low, high = (_quantile(ordered, weights, 0.5 + side * width)[0] for side in (-1, 1))
    influences = (0.5 - (errors <= median)) * (high - low) / (2 * width) / weights.sum()
    return _linearised(median, influences - np.average(influences, weights=rows.weights), rows)


def _quantile(ordered: Array, weights: Array, share: float) -> Array:
    """Weighted quantiles of ascending values for each line of weights; the middle of two where it falls between."""
    below = np.cumsum(weights, axis=1)
    wanted = share * below[:, -1:]
    return np.asarray((ordered[(below >= wanted).argmax(axis=1)] + ordered[(below > wanted).argmax(axis=1)]) / 2)


FORMULAS: dict[str, Formula] = {
    "rmse": _means(_squared, np.sqrt),
    "mse": _means(_squared),
    "mae": _means(_absolute),
    "medae": _medae,
    "mape": _means(_relative),
    "smape": _means(_symmetric),
    "rmsle": _means(_squared_log1p, np.sqrt),
    "msle": _means(_squared_log1p),
    "rmse_log": _means(_squared_log, np.sqrt),
    "mcrmse": _means(_squared, np.sqrt),
    "mcrmsle": _means(_squared_log1p, np.sqrt),
    "r2": _means(_variances, _r2),
    "accuracy": _means(_hits),
    "balanced_accuracy": _tallies(lambda hit, true, _: _mean_over(true, _ratio(hit, true))),
    "f1": _tallies(lambda hit, true, called: _f1_of_each(hit, true, called)[:, 1]),
    "f1_macro": _tallies(_f1_macro),
    "f1_micro": _means(_hits),
    "f1_weighted": _tallies(_f1_weighted),
    "precision": _tallies(lambda hit, _, called: _ratio(hit, called)[:, 1]),
    "recall": _tallies(lambda hit, true, _: _ratio(hit, true)[:, 1]),
    "mcc": _tallies(_mcc),
    "kappa": _tallies(_kappa),
    "qwk": _means(_ratings, _qwk),
    "auc": _ranking(_auc, _auc_influence),
    "average_precision": _ranking(_average_precision, _average_precision_influence),
    "log_loss": _means(_log_loss),
    "brier": _means(_brier),
}
