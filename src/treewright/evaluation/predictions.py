"""Predictions: kept beside the node that made them, averaged over folds and nodes, and written as a submission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treewright.evaluation.submission import InvalidSubmission, read_probabilities, read_submission
from treewright.metrics import Domain, Needs
from treewright.workdir import Refused, collect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from treewright.evaluation.submission import Form
    from treewright.task import Task

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What one run of a script predicted for each row of its ``test.csv``, in that order.

    ``answer`` is as ``submission.read_submission`` returns it; ``probabilities``, if the script gave any, is
    ``(rows, classes)``.
    """

    answer: Array
    probabilities: Array | None = None

    def rows(self, rows: NDArray[np.intp]) -> Predictions:
        """The predictions for these rows."""
        return Predictions(self.answer[rows], None if self.probabilities is None else self.probabilities[rows])


def read_predictions(workdir: Path, form: Form, task: Task) -> Predictions:
    """What a script left in its ``working/``; ``InvalidSubmission`` if it cannot be used."""
    submission = collect(workdir, "submission.csv", form.max_bytes)
    if isinstance(submission, Refused):
        raise InvalidSubmission(submission.reason)
    answer = read_submission(submission, form, task)
    if not task.classes or len(task.targets) > 1:
        return Predictions(answer)
    probabilities = collect(workdir, "probabilities.csv", form.max_bytes * len(task.classes))
    given = None if isinstance(probabilities, Refused) else read_probabilities(probabilities, form, task)
    return Predictions(answer, given)


def save_predictions(path: Path, folds: dict[int, Predictions]) -> None:
    """Write the predictions of each fold to one ``.npz`` file."""
    arrays = {f"answer{fold}": predictions.answer for fold, predictions in folds.items()}
    arrays |= {f"probabilities{fold}": p.probabilities for fold, p in folds.items() if p.probabilities is not None}
    np.savez(path, allow_pickle=False, **arrays)


def load_predictions(path: Path) -> dict[int, Predictions]:
    """Read back what ``save_predictions`` wrote."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    numbers = [int(name.removeprefix("answer")) for name in arrays if name.startswith("answer")]
    return {n: Predictions(arrays[f"answer{n}"], arrays.get(f"probabilities{n}")) for n in numbers}


def blendable(task: Task, predictions: Predictions) -> Array:
    """A prediction as numbers that may be averaged, ``(rows, values)``.

    Probabilities as they are; numbers on the scale on which the metric measures errors (logarithms for rmsle);
    labels as votes, or by their probabilities where the likeliest class is what the metric wants.
    """
    if task.metric.needs is Needs.LABELS:
        if predictions.probabilities is not None and task.metric.name == "accuracy":
            return predictions.probabilities
        return np.asarray(np.eye(len(task.classes))[predictions.answer.astype(int)], dtype=np.float64)
    columns = predictions.answer if predictions.answer.ndim > 1 else predictions.answer[:, None]
    return np.log1p(np.maximum(columns, 0.0)) if is_logarithmic(task) else columns


def unblend(task: Task, blended: Array) -> Array:
    """The prediction, as the metric takes it, for an average of ``blendable`` ones."""
    if task.metric.needs is Needs.LABELS:
        return np.asarray(blended.argmax(axis=-1), dtype=np.float64)
    values = np.expm1(blended) if is_logarithmic(task) else blended
    return values[:, 0] if values.shape[1] == 1 else values


def is_logarithmic(task: Task) -> bool:
    """Whether the metric measures errors between logarithms."""
    return task.metric.domain is not Domain.ANY


def average(
    task: Task,
    predictions: Sequence[Predictions],
    weights: Sequence[float] | None = None,
    factors: Sequence[float] = (),
) -> Predictions:
    """The weighted mean of predictions of the same rows. One alone stays exactly as it is.

    Labels vote, by their probabilities if all of the predictions have some. With ``factors``, one a class, the label is
    the class whose mean probability times its factor is the highest.
    """
    if len(predictions) == 1 and not factors:
        return predictions[0]
    given = [p.probabilities for p in predictions if p.probabilities is not None]
    probabilities = None
    if len(given) == len(predictions):
        probabilities = np.average(np.stack(given), axis=0, weights=weights)
    if factors:
        if probabilities is None:
            raise ValueError("factors need the probabilities of all members")
        return Predictions((probabilities * np.asarray(factors)).argmax(axis=1).astype(np.float64), probabilities)
    if probabilities is None:
        predictions = [Predictions(p.answer) for p in predictions]
    answers = np.stack([blendable(task, p) for p in predictions])
    return Predictions(unblend(task, np.average(answers, axis=0, weights=weights)), probabilities)


def combine(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of several sets of rows, one after the other."""
    given = [part.probabilities for part in parts if part.probabilities is not None]
    answer = np.concatenate([part.answer for part in parts])
    return Predictions(answer, np.concatenate(given) if len(given) == len(parts) else None)


def write_submission(path: Path, task: Task, sample: pd.DataFrame, answer: Array) -> None:
    """Write an answer in the form of a sample submission, all of whose cells are text."""
    frame = sample[list(task.ids)].copy()
    values = answer if answer.ndim > 1 else answer[:, None]
    for i, column in enumerate(task.submission_columns):
        if task.metric.needs is Needs.LABELS:
            frame[column] = np.asarray(task.classes, dtype=object)[values[:, i].astype(int)]
        else:
            frame[column] = values[:, i]
    frame.to_csv(path, index=False)
