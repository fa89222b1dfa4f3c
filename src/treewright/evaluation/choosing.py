"""Which nodes make the final answer, with which weights, and what that choice is worth.

A single node and several kinds of blend compete. Each is a rule that chooses on given rows; the rule whose choices do
best on rows left out wins, and chooses once more on all rows. What is reported is the score of the winning rule on the
selection rows, each predicted by a choice in which it took no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treewright.evaluation.confirm import confirmation, place_of
from treewright.evaluation.ensemble import (
    MOST_CLASSES,
    Choice,
    Pool,
    best_single,
    cross_fitted,
    deal,
    greedy_ensemble,
    score_by_run,
    tuned_ensemble,
)
from treewright.evaluation.grading import GradedFold, Grader
from treewright.evaluation.predictions import Predictions, blendable, combine, load_predictions
from treewright.evaluation.rerun import UNREADABLE, kept
from treewright.evaluation.scoring import of_rows, score, score_with_replicates
from treewright.folder import RunFolder
from treewright.metrics import Needs
from treewright.scores import FoldScore, compare
from treewright.tree import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from treewright.evaluation.ensemble import Array, Rule
    from treewright.tree import Tree


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may become part of the answer, with its predictions for hidden and for real test rows."""

    node: Node
    hidden: Predictions
    test: Predictions | None


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses from what nodes predicted; nothing is run. ``blend`` lets several nodes share the answer."""

    grader: Grader
    folder: RunFolder
    blend: bool = True
    seed: int = 0

    def candidates(self, tree: Tree) -> list[Candidate]:
        """The best nodes whose predictions are there and are such as the metric takes, if there are any of these."""
        found, scorable = list[Candidate](), list[Candidate]()
        runs, weights = self.grader.runs, self.grader.weights
        for node in tree.ranking:
            try:
                folds = load_predictions(self.folder.node(node) / "predictions.npz")
                candidate = Candidate(tree[node], self.grader.hidden(folds), self.grader.test(folds))
            except UNREADABLE:
                continue  # its files were lost or damaged: the others can still answer
            found.append(candidate)
            try:
                score_by_run(self.grader.task, self.grader.truth, candidate.hidden.answer, runs, weights)
            except ValueError:
                continue
            scorable.append(candidate)
        return scorable or found

    def choose(self, candidates: Sequence[Candidate], splits: Sequence[GradedFold]) -> tuple[Choice, FoldScore | None]:
        """The choice, and what it is worth on the selection rows.

        A single node is chosen on the further ``splits`` as well, among those that ran on all of them. The best by
        its search score, and ``None``, where the hidden rows are too few for the metric.
        """
        splits, finalists = self._finalists(candidates, splits)
        pool, singles = self._pool(candidates, ()), self._pool([candidates[i] for i in finalists], splits)
        parts = deal(_positions(self.grader, splits), seed=self.seed)
        contests: list[tuple[Rule, Pool]] = [
            (best_single, singles),
            *((rule, pool) for rule in self._blends(candidates)),
        ]
        common = np.arange(len(pool.truth))
        try:
            honest = [cross_fitted(among, rule, parts[: len(among.truth)], common) for rule, among in contests]
            qualities = [pool.quality(each, common) if self._keeps_up(each, honest[0]) else -np.inf for each in honest]
            winner = int(np.argmax(qualities))  # the single node at a draw
            rule, among = contests[winner]
            choice = rule(among, np.arange(len(among.truth)))
        except ValueError:  # the hidden rows are too few for the metric: they have one class only
            return Choice(np.eye(len(candidates))[0]), None
        if among is singles:
            choice = Choice(np.eye(len(candidates))[finalists[choice.members[0]]])
        return choice, self._report(honest[winner])

    def selection_scores(self, candidates: Sequence[Candidate]) -> dict[int, float]:
        """The candidates' own scores on the selection rows."""
        task, rows = self.grader.task, self.grader.selection_rows
        truth, weights = self.grader.truth[rows], of_rows(self.grader.weights, rows)
        try:
            return {
                c.node.id: score(task.metric, truth, c.hidden.answer[rows], task.classes, weights=weights)
                for c in candidates
            }
        except ValueError:  # the metric cannot be told from so few rows
            return {}

    def _finalists(
        self, candidates: Sequence[Candidate], splits: Sequence[GradedFold]
    ) -> tuple[Sequence[GradedFold], list[int]]:
        """The candidates that ran on all of the further splits, and these splits; none of them if nobody did."""
        ran = [
            i
            for i, each in enumerate(candidates)
            if all(self._ran(each.node, number) for number in range(1, len(splits) + 1))
        ]
        return (splits, ran) if ran else ((), list(range(len(candidates))))

    def _ran(self, node: Node, number: int) -> bool:
        found = confirmation(node, number)
        return (
            found is not None and found.score is not None and kept(self.folder, node.id, place_of(number)) is not None
        )

    def _blends(self, candidates: Sequence[Candidate]) -> list[Rule]:
        """The rules that may blend these candidates."""
        task = self.grader.task
        if not self.blend or (task.classes and len(task.targets) > 1):
            return []
        rules: list[Rule] = [greedy_ensemble] if len(candidates) > 1 else []
        tunable = task.metric.needs is Needs.LABELS and len(task.classes) <= MOST_CLASSES and not task.metric.source
        soft = any(candidate.hidden.probabilities is not None for candidate in candidates)
        return [*rules, tuned_ensemble] if tunable and soft else rules

    def _pool(self, candidates: Sequence[Candidate], splits: Sequence[GradedFold]) -> Pool:
        """The candidates' predictions for all hidden rows, those of further splits at the end."""
        task, grader = self.grader.task, self.grader
        hidden = [combine([c.hidden, *self._on(c.node.id, splits)]) for c in candidates]
        soft = all(each.probabilities is not None for each in hidden)
        clusters = [fold.own_clusters[fold.search] for fold in splits]
        weights = [fold.weights[fold.search] for fold in splits if fold.weights is not None]
        return Pool(
            task=task,
            truth=np.concatenate([grader.truth, *(fold.truth[fold.search] for fold in splits)]),
            answers=tuple(each.answer for each in hidden),
            blendable=np.stack([blendable(task, each if soft else Predictions(each.answer)) for each in hidden]),
            probabilities=tuple(each.probabilities for each in hidden),
            effort=tuple(c.node.execution.seconds if c.node.execution else 0.0 for c in candidates),
            runs=np.concatenate([grader.runs, *(np.full(len(fold.search), fold.index) for fold in splits)]),
            clusters=None if grader.clusters is None else np.concatenate([grader.clusters, *clusters]),
            row_weights=None if grader.weights is None else np.concatenate([grader.weights, *weights]),
        )

    def _on(self, node: int, splits: Sequence[GradedFold]) -> list[Predictions]:
        """What a node predicted for the rows that further splits hide."""
        there = (kept(self.folder, node, place_of(number)) for number in range(1, len(splits) + 1))
        return [each.rows(fold.search) for each, fold in zip(there, splits, strict=True) if each]

    def _keeps_up(self, honest: Array, single: Array) -> bool:
        """Whether a rule is not worse than the single node by over one standard error on the selection rows alone.

        The search has steered by all the others, and what was fitted to them may look good there for that.
        """
        mine, other = self._report(honest), self._report(single)
        if mine is None or other is None:
            return True
        gain = compare([mine], [other], self.grader.task.metric.direction)
        return gain.gain >= -(gain.standard_error or 0.0)

    def _report(self, honest: Array) -> FoldScore | None:
        task, grader, rows = self.grader.task, self.grader, self.grader.selection_rows
        try:
            value = score_with_replicates(
                task.metric,
                grader.truth[rows],
                honest[rows],
                task.classes,
                seed=self.seed,
                weights=of_rows(grader.weights, rows),
                clusters=of_rows(grader.clusters, rows),
            )
        except ValueError:  # the selection rows alone are too few for the metric
            return None
        return FoldScore(0, *value)


def _positions(grader: Grader, splits: Sequence[GradedFold]) -> NDArray[np.intp]:
    return np.concatenate([grader.positions, *(fold.positions[fold.search] for fold in splits)])
