"""What the harness knows and scripts do not: the truth of the hidden rows, and which row is which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from treewright.data import Role
from treewright.data.tables import read_table
from treewright.data.weights import read_weights
from treewright.errors import MetricError, RunFormatError, TaskError
from treewright.evaluation.predictions import Predictions, average, combine
from treewright.evaluation.scoring import of_rows, score, score_with_replicates
from treewright.evaluation.submission import Form, InvalidSubmission, read_form, read_submission, read_targets
from treewright.metrics import Needs
from treewright.scores import FoldScore, mean_standard_error
from treewright.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from treewright.data import Fold, Holdout
    from treewright.metrics import Metric

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]

SAMPLE = "sample_submission.csv"


@dataclass(frozen=True, slots=True)
class GradedFold:
    """One split with its answers.

    ``search``, ``selection`` and ``test`` are positions in the fold's ``test.csv``, the last two in the order of the
    user's own files, so that they line up across folds. ``truth`` and ``positions`` (in the training table) have one
    entry for each row of ``test.csv``, of which those of test rows mean nothing. So have ``clusters``, the same number
    for rows that err together, and ``weights``; ``None`` where all rows err on their own, or count alike.
    """

    index: int
    input: Path
    form: Form
    search: Rows
    selection: Rows
    test: Rows
    truth: Array
    positions: Rows
    clusters: Rows | None = None
    weights: Array | None = None

    @classmethod
    def from_fold(cls, fold: Fold, task: Task) -> GradedFold:
        """Read the fold's answers."""
        rows = fold.rows()
        order = np.argsort(rows.positions, kind="stable")
        search, selection, test = (
            order[rows.roles[order] == role] for role in (Role.SEARCH, Role.SELECTION, Role.TEST)
        )
        hidden = np.concatenate([search, selection])
        truth = read_targets(rows.truth.iloc[hidden], task)
        everywhere = np.zeros((len(rows.roles), *truth.shape[1:]))
        everywhere[hidden] = truth
        together = len(np.unique(rows.clusters[hidden])) < len(hidden)
        return cls(
            index=fold.index,
            input=fold.input,
            form=read_form(fold.input / SAMPLE, task),
            search=search,
            selection=selection,
            test=test,
            truth=everywhere,
            positions=rows.positions,
            clusters=rows.clusters if together else None,
            weights=rows.weights,
        )

    @property
    def own_clusters(self) -> Rows:
        """The clusters under numbers that no other fold has; rows that err on their own have one each."""
        numbers = np.arange(len(self.truth)) if self.clusters is None else self.clusters
        return np.asarray(numbers + (self.index << 40), dtype=np.intp)

    def score(self, predictions: Predictions, task: Task) -> FoldScore:
        """What the predictions for its search rows are worth; ``ValueError`` where the metric does not take them."""
        value, replicates = score_with_replicates(
            task.metric,
            self.truth[self.search],
            predictions.answer[self.search],
            task.classes,
            seed=self.index,
            weights=of_rows(self.weights, self.search),
            clusters=of_rows(self.clusters, self.search),
        )
        return FoldScore(self.index, value, replicates)

    def tells(self, metric: Metric) -> bool:
        """Whether its search rows can be scored at all: what ranks needs two classes among them."""
        truth = self.truth[self.search]
        return not metric.ranks or bool((truth != truth[:1]).any(axis=0).all())


@dataclass(frozen=True, slots=True)
class Grader:
    """All splits of a run with their answers.

    ``full`` is the input with all labelled rows and its form, ``sample`` the user's own sample submission as text;
    both ``None`` without a test table. ``truth`` are the answers to all search rows, fold after fold, and then to the
    selection rows; ``weights`` tell how much each of these counts, ``None`` where all count alike.
    """

    task: Task
    folds: tuple[GradedFold, ...]
    truth: Array
    full: Path | None
    full_form: Form | None
    sample: pd.DataFrame | None
    weights: Array | None = None

    @classmethod
    def from_holdout(cls, task: Task, holdout: Holdout) -> Grader:
        """Read all answers; ``RunFormatError`` if they are damaged, ``MetricError`` if one's own metric fails."""
        full = holdout.full
        try:
            folds = tuple(GradedFold.from_fold(fold, task) for fold in holdout.folds)
            form = read_form(full / SAMPLE, task) if full else None
            sample = pd.read_csv(full / SAMPLE, dtype=str, keep_default_na=False) if full else None
        except InvalidSubmission as error:
            raise RunFormatError(f"the split data is damaged: {error}; start a new run") from None
        truth = np.concatenate([*(fold.truth[fold.search] for fold in folds), folds[0].truth[folds[0].selection]])
        if task.metric.source:
            _rehearse(task, truth)
        return cls(task, folds, truth, full, form, sample, _weights(folds))

    @property
    def selection_rows(self) -> Rows:
        """Which entries of ``truth`` belong to selection rows."""
        return np.arange(len(self.truth) - len(self.folds[0].selection), len(self.truth))

    def _of_hidden(self, values: Callable[[GradedFold], Rows]) -> Rows:
        """What each fold has for its rows, in the order of ``truth``."""
        first = self.folds[0]
        return np.concatenate([*(values(fold)[fold.search] for fold in self.folds), values(first)[first.selection]])

    @property
    def positions(self) -> Rows:
        """For each entry of ``truth`` the position of its row in the training table."""
        return self._of_hidden(lambda fold: fold.positions)

    @property
    def clusters(self) -> Rows | None:
        """For each entry of ``truth`` a number that it shares with those that err together; ``None`` if none do."""
        if any(fold.clusters is None for fold in self.folds):
            return None
        return self._of_hidden(lambda fold: np.zeros(0, int) if fold.clusters is None else fold.clusters)

    @property
    def runs(self) -> Rows:
        """For each entry of ``truth`` the fold whose run predicted it; -1 for selection rows, which all runs did."""
        kept = np.full(len(self.folds[0].selection), -1)
        return np.concatenate([*(np.full(len(fold.search), fold.index) for fold in self.folds), kept])

    def hidden(self, folds: dict[int, Predictions]) -> Predictions:
        """Predictions in the order of ``truth``: those of selection rows are averaged over the folds."""
        parts = [folds[fold.index].rows(fold.search) for fold in self.folds]
        parts.append(average(self.task, [folds[fold.index].rows(fold.selection) for fold in self.folds]))
        return combine(parts)

    def test(self, folds: dict[int, Predictions]) -> Predictions | None:
        """Predictions for the real test rows, averaged over the folds that were run; ``None`` without a test table."""
        if self.full is None:
            return None
        return average(self.task, [folds[fold.index].rows(fold.test) for fold in self.folds if fold.index in folds])


def _weights(folds: tuple[GradedFold, ...]) -> Array | None:
    """The weights of all search rows, fold after fold, and of the selection rows."""
    parts = [fold.weights[fold.search] for fold in folds if fold.weights is not None]
    if len(parts) < len(folds) or folds[0].weights is None:
        return None
    return np.concatenate([*parts, folds[0].weights[folds[0].selection]])


def _rehearse(task: Task, truth: Array) -> None:
    """Call one's own metric before any script depends on it: the answers in reverse order stand for predictions."""
    predictions = truth[::-1]
    if task.metric.needs is Needs.PROBABILITIES and len(task.submission_columns) == len(task.classes):
        predictions = np.eye(len(task.classes))[predictions.astype(int)]
    try:
        score(task.metric, truth, predictions, task.classes)
    except ValueError as error:
        raise MetricError(f"{task.metric.source} cannot score: {' '.join(str(error).split())}") from None
    except SystemExit:
        raise MetricError(f"{task.metric.source} ends the program when called; let it return a number") from None


def grade_file(task: Task, submission: Path, answers: Path) -> dict[str, Any]:
    """Score a submission against a file of true values, matched by id; ``TaskError`` says what is wrong with either."""
    truth, _ = read_table(answers)
    if missing := [name for name in (*task.ids, *task.targets) if name not in truth.columns]:
        raise TaskError(f"{answers} lacks the columns {', '.join(missing)}; it must have ids and targets")
    if task.ids and truth.duplicated(list(task.ids)).any():
        raise TaskError(f"{answers} has the same {', '.join(task.ids)} more than once; keep one row for each")
    try:
        actual = read_targets(truth[list(task.targets)], task)
    except InvalidSubmission as error:
        raise TaskError(f"{answers} cannot be used: {error}") from None
    try:
        form = Form.of(truth, task, submission.stat().st_size)
        answer = read_submission(submission, form, task)
        weights = read_weights(truth[task.weight]) if task.weight in truth.columns else None
        value, replicates = score_with_replicates(task.metric, actual, answer, task.classes, seed=0, weights=weights)
    except FileNotFoundError:
        raise TaskError(f"there is no file {submission}") from None
    except (InvalidSubmission, ValueError) as error:
        raise TaskError(f"{submission} cannot be scored: {error}") from None
    return {
        "metric": task.metric.name,
        "direction": task.metric.direction.value,
        "score": value,
        "score_se": mean_standard_error([FoldScore(0, value, replicates)]),
        "rows": len(truth),
    }
