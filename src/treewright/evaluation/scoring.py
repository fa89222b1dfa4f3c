"""Scores predictions against the truth, with the resamples that give a score its noise.

Three shapes are all there is. Numbers are floats; labels are integer codes into the task's classes, -1 for a label
that is none of them; probabilities are floats, one column a class, or of ``classes[1]`` alone where there are two.
With several target columns everything has one more axis at the end, one entry for each target, and the score is the
mean over targets.

One's own metric is a function ``f(truth, predictions)``. It gets labels as they are written in the data (as numbers
where all of them are), and is called once for each resample.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from treewright.errors import MetricError
from treewright.evaluation.bootstrap import Array, draw_resamples, no_resamples
from treewright.evaluation.formulas import FORMULAS, Rows, or_whole
from treewright.metrics import Domain, Metric, Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

_UNDEFINED = {
    "auc": "all are of one class",
    "average_precision": "none is of the positive class",
    "r2": "the truth is the same for all",
    "kappa": "truth and predictions are one class",
    "qwk": "truth and predictions are one class",
}


def score(
    metric: Metric,
    truth: ArrayLike,
    predictions: ArrayLike,
    classes: Sequence[str] = (),
    *,
    weights: ArrayLike | None = None,
) -> float:
    """The score of ``predictions`` for the rows whose ``truth`` is known.

    Shapes are those of the module's docstring, with rows first; ``weights`` (rows,) counts rows more or less.
    ``ValueError`` with a plain reason where there is no finite score: negative predictions for ``rmsle``, rows of one
    class for ``auc``, an exception of one's own metric. ``MetricError`` where one's own metric cannot be loaded.
    """
    return float(_scores(metric, truth, predictions, classes=classes, weights=weights, seed=None)[0])


def score_with_replicates(
    metric: Metric,
    truth: ArrayLike,
    predictions: ArrayLike,
    classes: Sequence[str],
    seed: int,
    *,
    weights: ArrayLike | None = None,
    clusters: NDArray[np.intp] | None = None,
) -> tuple[float, tuple[float, ...]]:
    """As ``score``, and the scores of ``scores.REPLICATES`` bootstrap resamples of the rows.

    The resamples depend on ``seed``, the number of rows and their ``clusters`` alone: rows of the same number, shape
    (rows,), are drawn together. One on which the metric is not defined (no row of
    a class, for ``auc``) counts as the score itself.
    """
    values = _scores(metric, truth, predictions, classes=classes, weights=weights, seed=seed, clusters=clusters)
    return float(values[0]), tuple(float(value) for value in values[1:])


def of_rows(values: NDArray[Any] | None, rows: NDArray[np.intp]) -> NDArray[Any] | None:
    """The weights or clusters of these rows, where rows have any."""
    return None if values is None else values[rows]


# The scores of the sample and its resamples -------------------------------------------------------------------------


def _scores(
    metric: Metric,
    truth: ArrayLike,
    predictions: ArrayLike,
    *,
    classes: Sequence[str],
    weights: ArrayLike | None,
    seed: int | None,
    clusters: NDArray[np.intp] | None = None,
) -> Array:
    """First the score of the sample, then one for each resample; ``seed`` is ``None`` where none is wanted."""
    actual = np.asarray(truth, float if metric.needs is Needs.NUMBERS else np.intp)
    predicted = np.asarray(predictions, np.intp if metric.needs is Needs.LABELS else float)
    count = len(actual)
    if len(predicted) != count:
        raise ValueError(f"{len(predicted):,} predictions for {count:,} rows")
    if not count:
        raise ValueError("there are no rows to score")
    if not np.isfinite(predicted).all():
        raise ValueError("the predictions are not all finite")
    if metric.source and weights is not None:
        raise ValueError(f"{metric.name} is one's own metric and knows no weights")
    shares = np.ones(count) if weights is None else np.asarray(weights, float)
    resamples = no_resamples(count) if seed is None else draw_resamples(count, seed, clusters)
    rows = Rows(actual, predicted, tuple(classes), shares, resamples)
    with np.errstate(all="ignore"):  # what is not finite is judged by the result
        scores = _own_scores(metric, rows) if metric.source else _built_in_scores(metric, rows)
    if not math.isfinite(scores[0]):
        why = _UNDEFINED.get(metric.name) if math.isnan(scores[0]) else "the predictions are too large"
        raise ValueError(f"{metric.name} is {scores[0]} on these {count:,} rows" + (f": {why}" if why else ""))
    return or_whole(scores)


def _built_in_scores(metric: Metric, rows: Rows) -> Array:
    truth, predictions = rows.truth, rows.predictions
    if metric.domain is not Domain.ANY:
        _check_domain(metric, truth, "true values")
        _check_domain(metric, predictions, "predictions")
    if metric.needs is Needs.PROBABILITIES:
        predictions = _probabilities(metric, rows)
    else:
        predictions = predictions.reshape(truth.shape)
    formula = FORMULAS[metric.name]
    if truth.ndim == 1:
        return formula(replace(rows, predictions=predictions))
    targets = zip(truth.T, predictions.T, strict=True)
    scores = [or_whole(formula(replace(rows, truth=t, predictions=p))) for t, p in targets]
    return np.asarray(np.mean(scores, axis=0))


def _check_domain(metric: Metric, values: Array, what: str) -> None:
    outside = values < 0 if metric.domain is Domain.NON_NEGATIVE else values <= 0
    if outside.any():
        example = f"{values[outside][0]:g} for one"
        raise ValueError(f"{metric.name}: {what} must be {metric.domain}, but {outside.sum():,} are not, {example}")


def _probabilities(metric: Metric, rows: Rows) -> Array:
    """One column for two classes or several targets, else one a class; these sum to one unless only ranks count."""
    predictions: Array = rows.predictions
    count, classes = len(rows.truth), len(rows.classes)
    if classes <= 2 and predictions.size == rows.truth.size:
        return predictions.reshape(rows.truth.shape)
    if predictions.shape != (count, classes):
        raise ValueError(f"predictions of shape {predictions.shape} for {count:,} rows and {classes} classes")
    if not metric.ranks:
        totals = predictions.sum(axis=1, keepdims=True)
        if not (totals > 0).all():
            raise ValueError("the probabilities of a row sum to zero")
        predictions = predictions / totals
    return predictions[:, 1] if classes == 2 else predictions


# One's own metric ---------------------------------------------------------------------------------------------------


@cache
def load_metric(metric: Metric) -> Callable[[Any, Any], Any]:
    """The function of one's own metric; its file is run, once. ``MetricError`` if that fails."""
    assert metric.source
    path, _, name = metric.source.rpartition(":")
    module_name = f"treewright_metric_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look a module up by its name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise MetricError(f"the metric's file {path} fails when run: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise MetricError(f"{path} defines no function {name!r}")
    return function  # type: ignore[no-any-return]


def _own_scores(metric: Metric, rows: Rows) -> Array:
    function = load_metric(metric)
    truth, predictions = rows.truth, rows.predictions
    if metric.needs is not Needs.NUMBERS:
        labels = _as_written(rows.classes)
        truth = labels[truth]
        if metric.needs is Needs.LABELS:
            if (predictions < 0).any():
                raise ValueError(f"{(predictions < 0).sum():,} predictions are none of the classes")
            predictions = labels[predictions]

    def value(chosen: Any) -> float:
        return float(function(truth[chosen], predictions[chosen]))

    def value_of_resample(resample: int) -> float:
        try:
            return value(rows.resamples.rows(resample))
        except Exception:  # noqa: BLE001 -- all rows went well, so this resample lacks what the metric needs
            return math.nan

    try:
        whole = value(slice(None))
    except Exception as error:
        raise ValueError(f"the metric {metric.name} raised {type(error).__name__}: {error}") from error
    return np.array([whole, *(value_of_resample(resample) for resample in range(len(rows.resamples.counts)))])


def _as_written(classes: Sequence[str]) -> NDArray[Any]:
    """The classes as numbers where all of them are, else as text."""
    for number in (int, float):
        try:
            return np.array([number(label) for label in classes])
        except ValueError:
            continue
    return np.array(classes)
