"""The final procedure: choose, blend, refit, publish.

Up to here the search has looked at search rows only. Now the selection rows are graded, and the answer is chosen anew
on all hidden rows: the single best node, or a blend, whichever proves better on rows that took no part in choosing
it. The reported score is that of the winning rule on the selection rows, each again graded by a choice made without
it. Then the chosen programs run once more on *all* labelled rows. A refit that fails, or whose predictions are not
at all like the earlier ones, is dropped for what is already there: there is always an answer.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from treewright.errors import ExecutorError
from treewright.evaluation.ensemble import (
    MAX_MEMBERS,
    Pool,
    best_single,
    cross_fitted,
    deal,
    greedy_ensemble,
    of_rows,
    score_by_run,
)
from treewright.evaluation.grading import Grader
from treewright.evaluation.predictions import (
    Predictions,
    average,
    blendable,
    have_probabilities,
    load_predictions,
    read_predictions,
    write_submission,
)
from treewright.evaluation.publish import Answer, publish
from treewright.evaluation.resources import Resources
from treewright.evaluation.scoring import score, score_with_replicates
from treewright.evaluation.submission import InvalidSubmission
from treewright.events import Member, Selected
from treewright.folder import RunFolder
from treewright.protocols import Executor, Job
from treewright.scores import FoldScore, mean_standard_error
from treewright.tree import Node
from treewright.workdir import remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event as Flag

    from numpy.typing import NDArray

    from treewright.tree import Tree

REFIT_GROWTH = 1.3
"""A refit has up to a fifth more rows than a search run, and a little patience is cheaper than a lost refit."""

THREADS_GAIN = 0.7
"""Twice the threads make a script quicker by two to the power of this."""

MARGIN_SECONDS = 2.0
"""For choosing, blending and writing."""

SPENT = "an earlier end of this run has shown its selection rows already, so this score may flatter"

MOST_OF_THE_RUN = 0.25
BEFORE_ANY_NODE = 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may become part of the answer, with its predictions for hidden and for real test rows."""

    node: Node
    hidden: Predictions
    test: Predictions | None


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """Makes the final answer of a run.

    ``waves`` is how many runs of a script, one after the other, its evaluation took, and ``cpus_each`` the threads that
    each of them had. ``blend`` and ``refit`` switch these two stages on; ``script_seconds`` caps a refit.
    """

    grader: Grader
    executor: Executor
    folder: RunFolder
    resources: Resources
    waves: int = 1
    cpus_each: int = 1
    blend: bool = True
    refit: bool = True
    seed: int = 0
    script_seconds: float = 3600.0

    def seconds_needed(self, tree: Tree, seconds: float) -> float:
        """How many of all the ``seconds`` of the run to keep for running the likely members again."""
        if not tree.ranking:
            return BEFORE_ANY_NODE * seconds
        likely = [self._run_seconds(tree[i]) for i in tree.ranking[:MAX_MEMBERS]] if self.refit else []
        return min(MOST_OF_THE_RUN * seconds, MARGIN_SECONDS + sum(likely))

    def make(self, tree: Tree, *, spent: bool, seconds: float | None, cancel: Flag | None = None) -> Selected:
        """Choose, blend, refit and publish within ``seconds``; without refits once ``cancel`` is set."""
        deadline = None if seconds is None else time.monotonic() + seconds
        candidates = self._candidates(tree)
        candidates = [candidate for candidate in candidates if self._can_be_scored(candidate)] or candidates
        if not candidates:
            return Selected((), {}, None, None, spent)
        weights, reported, reported_se = self._choose(candidates)
        members = sorted(zip(candidates, weights, strict=True), key=lambda pair: -pair[1])
        members = [(candidate, weight) for candidate, weight in members if weight > 0]
        refits, remarks = self._refit([candidate for candidate, _ in members], deadline, cancel)
        tests = [refits.get(candidate.node.id, candidate.test) for candidate, _ in members]
        answer = Answer(
            members=tuple((candidate.node, float(weight)) for candidate, weight in members),
            reported=reported,
            reported_se=reported_se,
            refitted=tuple(refits),
            probabilities=self._likeliest(tests),
            spent=spent,
        )
        self._publish(answer, tests)
        return Selected(
            members=tuple(Member(candidate.node.id, round(float(weight), 6)) for candidate, weight in members),
            selection_scores=self._selection_scores(candidates),
            reported=reported,
            reported_se=reported_se,
            spent=spent,
            refitted=tuple(refits),
            remarks=(*([SPENT] if spent else []), *remarks),
        )

    # -- choosing ------------------------------------------------------------------------------------------------

    def _candidates(self, tree: Tree) -> list[Candidate]:
        candidates = []
        for node in tree.ranking:
            path = self.folder.node(node) / "predictions.npz"
            try:
                folds = load_predictions(path)
                candidates.append(Candidate(tree[node], self.grader.hidden(folds), self.grader.test(folds)))
            except (OSError, EOFError, ValueError, KeyError, BadZipFile):
                continue  # its files were lost or damaged: the others can still answer
        return candidates

    def _can_be_scored(self, candidate: Candidate) -> bool:
        """Whether the metric takes its predictions; one whose it does not take must not silence the others."""
        task = self.grader.task
        try:
            score_by_run(task, self.grader.truth, candidate.hidden.answer, self.grader.runs, self.grader.weights)
        except ValueError:
            return False
        return True

    def _choose(self, candidates: list[Candidate]) -> tuple[NDArray[np.float64], float | None, float | None]:
        """Weights of the candidates, and what the choice is worth on selection rows with its standard error.

        The best by its search score, and ``None`` twice, where the hidden rows are too few for the metric.
        """
        task, truth, kept = self.grader.task, self.grader.truth, self.grader.selection_rows
        row_weights, runs = self.grader.weights, self.grader.runs
        soft = have_probabilities([candidate.hidden for candidate in candidates])
        pool = Pool(
            task,
            truth,
            tuple(candidate.hidden.answer for candidate in candidates),
            np.stack([blendable(task, c.hidden if soft else Predictions(c.hidden.answer)) for c in candidates]),
            tuple(candidate.node.execution.seconds if candidate.node.execution else 0.0 for candidate in candidates),
            runs,
            row_weights,
        )
        rows, parts = np.arange(len(truth)), deal(len(truth), seed=self.seed)
        rules: list[Callable[[Pool, Any], Any]] = [best_single]
        votes_on_several = bool(task.classes) and len(task.targets) > 1
        if self.blend and len(candidates) > 1 and not votes_on_several:
            rules.append(greedy_ensemble)
        try:
            honest = [cross_fitted(pool, rule, parts, rows) for rule in rules]
            sign = task.metric.direction.sign
            qualities = [sign * score_by_run(task, truth, predictions, runs, row_weights) for predictions in honest]
            winner = int(np.argmax(qualities))  # the first, so the single node, at a draw
            weights = rules[winner](pool, rows)
        except ValueError:  # the hidden rows are too few for the metric: they have one class only
            return np.eye(len(candidates))[0], None, None
        try:
            reported = score_with_replicates(
                task.metric,
                truth[kept],
                honest[winner][kept],
                task.classes,
                seed=self.seed,
                weights=of_rows(row_weights, kept),
            )
        except ValueError:  # the selection rows alone are
            return weights, None, None
        return weights, reported[0], mean_standard_error([FoldScore(0, *reported)])

    def _selection_scores(self, candidates: list[Candidate]) -> dict[int, float]:
        task, kept = self.grader.task, self.grader.selection_rows
        truth, weights = self.grader.truth[kept], of_rows(self.grader.weights, kept)
        try:
            return {
                c.node.id: score(task.metric, truth, c.hidden.answer[kept], task.classes, weights=weights)
                for c in candidates
            }
        except ValueError:  # the metric cannot be told from so few rows
            return {}

    # -- refitting -----------------------------------------------------------------------------------------------

    def _refit(
        self, members: list[Candidate], deadline: float | None, cancel: Flag | None
    ) -> tuple[dict[int, Predictions], list[str]]:
        """The members' test predictions after a run on all labelled rows, and why some have none."""
        if not self.refit or self.grader.full is None:
            return {}, []
        refits, reasons = dict[int, Predictions](), list[str]()
        for member in members:
            left = None if deadline is None else deadline - time.monotonic() - MARGIN_SECONDS
            if left is not None and left < self._run_seconds(member.node) / 2:
                outcome: Predictions | str = "no time was left to run it again on all rows"
            else:
                outcome = self._run_on_all_rows(member, left, cancel)
            if isinstance(outcome, Predictions):
                refits[member.node.id] = outcome
            else:
                reasons.append(f"node {member.node.id}: {outcome}")
        return refits, reasons

    def _run_seconds(self, node: Node) -> float:
        """The seconds that one run of the node's script will take on all rows."""
        assert node.execution is not None
        more_threads: float = max(1.0, self.resources.cpus / self.cpus_each) ** THREADS_GAIN
        return REFIT_GROWTH * node.execution.seconds / self.waves / more_threads

    def _run_on_all_rows(self, member: Candidate, seconds: float | None, cancel: Flag | None) -> Predictions | str:
        assert self.grader.full is not None
        assert self.grader.full_form is not None
        assert member.node.proposal is not None
        workdir = self.folder.path / f".refit-{member.node.id}"
        remove(workdir)
        workdir.mkdir(parents=True)
        limit = min(self.script_seconds, math.inf if seconds is None else seconds)
        cpus, memory_mb = self.resources.cpus, self.resources.memory_mb
        job = Job(member.node.proposal.code, workdir, self.grader.full, limit, cpus, memory_mb, cancel)
        try:
            execution = self.executor.run(job)
            if execution.failure:
                return f"the refit on all rows {execution.failure}; its earlier predictions stand"
            predictions = read_predictions(workdir, self.grader.full_form, self.grader.task)
        except (InvalidSubmission, ExecutorError) as error:
            return f"the refit on all rows failed: {error}; its earlier predictions stand"
        finally:
            remove(workdir)
        if member.test is not None and self._implausible(member.test, predictions):
            return "the refit on all rows predicts something quite different; its earlier predictions stand"
        return predictions

    def _implausible(self, before: Predictions, after: Predictions) -> bool:
        """Whether the two differ by more than half of the spread of the truth itself (root mean square)."""
        task = self.grader.task
        one, other = blendable(task, Predictions(before.answer)), blendable(task, Predictions(after.answer))
        truth = self.grader.truth
        whole = (
            blendable(task, Predictions(truth)) if not task.classes else np.eye(len(task.classes))[truth.astype(int)]
        )
        if task.metric.ranks:  # on whatever scale
            one, other = (np.argsort(np.argsort(each, axis=0), axis=0) / len(each) for each in (one, other))
            whole = one
        return bool(np.sqrt(np.mean((one - other) ** 2)) > np.sqrt(np.mean(np.var(whole, axis=0))) / 2)

    def _likeliest(self, tests: list[Predictions | None]) -> bool:
        """Whether labels are blended by their probabilities."""
        given = [test for test in tests if test is not None]
        return self.grader.task.metric.name == "accuracy" and have_probabilities(given)

    # -- publishing ----------------------------------------------------------------------------------------------

    def _publish(self, answer: Answer, tests: list[Predictions | None]) -> None:
        submission: Path | None = None
        given = [test for test in tests if test is not None]
        if self.grader.sample is not None and len(given) == len(tests):
            submission = self.folder.path / ".submission.csv"
            combined = average(self.grader.task, given, [weight for _, weight in answer.members])
            write_submission(submission, self.grader.task, self.grader.sample, combined.answer)
        publish(self.folder, self.grader.task, answer, submission)
        if submission:
            submission.unlink()
