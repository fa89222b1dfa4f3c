"""Dividing the training rows, and predicting across the parts."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import GroupKFold, RepeatedKFold, RepeatedStratifiedKFold
from threadpoolctl import threadpool_limits

SEED = 0
PROCESSORS = int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count() or 1
THREADS = max(1, PROCESSORS // 5)

Folds = list[tuple[np.ndarray, np.ndarray]]
Fit = Callable[[Any, Any, np.ndarray, Any, np.ndarray], Any]


def random_folds(y: np.ndarray, folds: int, repeats: int) -> Folds:
    """Divide the rows at random."""
    return list(RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=SEED).split(y))


def stratified_folds(y: np.ndarray, folds: int, repeats: int) -> Folds:
    """Divide the rows so that every part has its share of each class."""
    return list(RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=SEED).split(y, y))


def grouped_folds(y: np.ndarray, groups: pd.Series, folds: int, repeats: int) -> Folds:
    """Divide the rows by whole groups, as the test rows are whole groups too."""
    codes, _ = pd.factorize(groups)
    codes = np.where(codes < 0, len(y) + np.arange(len(y)), codes)  # a row without a group is one of its own
    folds = min(folds, len(np.unique(codes)))
    splitters = [GroupKFold(folds, shuffle=True, random_state=SEED + i) for i in range(repeats)]
    return [pair for splitter in splitters for pair in splitter.split(y, groups=codes)]


def block_folds(times: pd.Series, blocks: int, folds: int, repeats: int) -> Folds:
    """Divide the time axis into blocks and deal them out: neighbouring rows are too alike to tell on each other."""
    block = times.rank(method="first") * blocks // (len(times) + 1)
    splitters = [GroupKFold(folds, shuffle=True, random_state=SEED + i) for i in range(repeats)]
    return [pair for splitter in splitters for pair in splitter.split(block, groups=block)]


def across_folds(
    fit: Fit, model: Any, x: Any, y: np.ndarray, folds: Folds, *, predict: str
) -> Iterator[tuple[np.ndarray, Any, np.ndarray, np.ndarray]]:
    """Fit a model on each fold, several at a time; give its held-out rows, it, and its predictions for both files."""
    rows = getattr(x, "iloc", x)

    def in_one(fit_rows: np.ndarray, held_rows: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray, np.ndarray]:
        """Fit on the rows of one fold and predict the others."""
        with threadpool_limits(THREADS):  # folds side by side are quicker than threads within one
            x_held = rows[held_rows]
            fitted = fit(model, rows[fit_rows], y[fit_rows], x_held, y[held_rows])
            answers = getattr(fitted, predict)
            return held_rows, fitted, answers(x_held), answers(rows[len(y) :])

    yield from Parallel(PROCESSORS, prefer="threads")(delayed(in_one)(*pair) for pair in folds)


def predict_numbers(fit: Fit, model: Any, x: Any, y: np.ndarray, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    """Predict each training row by models that have not seen it, and the test rows by the mean of all models."""
    held_out, times, predicted = np.zeros(len(y)), np.zeros(len(y)), np.zeros(x.shape[0] - len(y))
    for rows, _, held, new in across_folds(fit, model, x, y, folds, predict="predict"):
        held_out[rows] += held.ravel()
        times[rows] += 1
        predicted += new.ravel() / len(folds)
    return held_out / times, predicted


def predict_classes(fit: Fit, model: Any, x: Any, y: np.ndarray, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    """Give each training row's probabilities by models that have not seen it, and the models' mean for the test rows.

    Both have a row for each row and a column for each class.
    """
    # Rows of a class that a fold would hold out whole are always learned from.
    lone = [np.flatnonzero(~np.isin(y, y[fit_rows])) for fit_rows, _ in folds]
    folds = [(np.union1d(a, rows), np.setdiff1d(b, rows)) for (a, b), rows in zip(folds, lone, strict=True)]
    held_out, predicted = np.zeros((len(y), y.max() + 1)), np.zeros((x.shape[0] - len(y), y.max() + 1))
    for rows, fitted, held, new in across_folds(fit, model, x, y, folds, predict="predict_proba"):
        held_out[np.ix_(rows, fitted.classes_)] += held
        predicted[:, fitted.classes_] += new / len(folds)
    held_out[held_out.sum(axis=1) == 0] = 1  # rows never held out get even chances
    return held_out / held_out.sum(axis=1, keepdims=True), predicted
