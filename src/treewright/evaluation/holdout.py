"""The evaluator that scripts cannot fool: it hides labelled rows and grades the predictions itself.

A script finds the hidden rows in ``test.csv``, among the real ones, and predicts them all. Its *search* rows are
graded at once: they steer the search. Its *selection* rows are kept, ungraded, for the choice at the end. Where rows
are few the same script runs on several splits, which together hide every row once.

What a node predicted is stored beside it, so that choosing, blending and auditing need no second run.
"""

from __future__ import annotations

import math
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.errors import TreewrightError
from treewright.evaluation.doubts import doubt, is_constant, objection
from treewright.evaluation.final import FinalAnswer
from treewright.evaluation.grading import Grader
from treewright.evaluation.predictions import (
    Predictions,
    read_predictions,
    save_predictions,
    write_submission,
)
from treewright.evaluation.rerun import Program
from treewright.evaluation.resources import Resources
from treewright.evaluation.submission import InvalidSubmission
from treewright.folder import RunFolder
from treewright.protocols import Executor, Job
from treewright.scores import FoldScore, Verdict, compare
from treewright.task import SplitKind
from treewright.tree import Evaluation, Execution
from treewright.workdir import remove

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.evaluation.grading import GradedFold
    from treewright.events import Selected
    from treewright.protocols import Closing, Trial
    from treewright.tree import Tree

_OWN_SCORE = re.compile(
    r"^.*\b(?:score|metric|valid\w*|cv|oof)\b[^:=\n]*[:=]\s*[-+]?[\d.]+(?:e[-+]?\d+)?.*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a script on one split: what it predicted, or why that cannot be used."""

    execution: Execution
    predictions: Predictions | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HoldoutEvaluator:
    """Scores programs on hidden rows; writes ``nodes/NNNN/`` of the run folder."""

    grader: Grader
    executor: Executor
    folder: RunFolder
    resources: Resources
    final: FinalAnswer

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """Run the program on each split, as far as it keeps up with the best node, and grade its search rows."""
        started, task = time.monotonic(), self.grader.task
        place = self.folder.node(trial.node)
        remove(place)
        place.mkdir(parents=True)
        (place / "solution.py").write_text(trial.code, encoding="utf-8")
        attempts: dict[int, Attempt] = {}
        scored: tuple[FoldScore, ...] = ()
        at_once = self.resources.side_by_side(len(self.grader.folds))
        for i in range(0, len(self.grader.folds), at_once):
            wave = self.grader.folds[i : i + at_once]
            with ThreadPoolExecutor(at_once) as pool:
                outcomes = list(pool.map(lambda fold: self._attempt(trial, fold, place), wave))
            attempts |= {fold.index: outcome for fold, outcome in zip(wave, outcomes, strict=True)}
            failed = next((attempt for attempt in outcomes if attempt.predictions is None), None)
            if failed:
                execution = replace(failed.execution, seconds=time.monotonic() - started)
                return execution, Evaluation(reason=failed.reason)
            try:
                telling = [fold for fold in wave if fold.tells(task.metric)]
                scored += tuple(fold.score(_predicted(attempts[fold.index]), task) for fold in telling)
            except ValueError as error:
                return outcomes[0].execution, Evaluation(reason=f"cannot be scored: {error}")
            if scored and self._behind(trial, scored):
                break
        predictions = {i: attempt.predictions for i, attempt in attempts.items() if attempt.predictions}
        self._keep(place, predictions)
        first = next(iter(attempts.values()))
        execution = replace(first.execution, seconds=time.monotonic() - started)
        complete = len(attempts) == len(self.grader.folds)
        constant = "predicts the same for all rows" if is_constant(_predicted(first)) else None
        found = Evaluation(scored, complete=complete, remark=_joined(_own_score(execution.output), constant))
        return execution, self._second_look(trial, found)

    def reserve(self, tree: Tree, seconds: float) -> float:
        """Time to run the likely members of the final answer again on all rows."""
        return self.final.seconds_needed(tree, seconds)

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """Choose on search and selection rows, refit, and publish ``best/``."""
        return self.final.make(tree, closing)

    def _second_look(self, trial: Trial, found: Evaluation) -> Evaluation:
        """The evaluation, or where its score is doubtful what is left of it after a run on a further split."""
        task, race = self.grader.task, self.final.race
        why = doubt(task.metric, found, parent=trial.parent, best=trial.rival)
        if why is None:
            return found
        doubtful = f"suspicious: its score is {why}"
        try:
            fold = race.fold(1)
        except TreewrightError as error:
            return replace(found, remark=_joined(found.remark, f"{doubtful}, and {error}"))
        left = math.inf if trial.deadline is None else trial.deadline - time.monotonic()
        if left < trial.seconds or not fold.tells(task.metric):
            return replace(found, remark=_joined(found.remark, f"{doubtful}, and could not be looked at again"))
        again = race.look_again(Program(trial.node, trial.code, trial.cancel), fold, 1, trial.seconds)
        reason = objection(task.metric, found, again.score) if again.score else again.reason
        if reason and again.score and task.holdout.kind is SplitKind.TIME:  # other times need not be alike
            return replace(found, remark=_joined(found.remark, f"{doubtful}; {reason}"))
        if reason:
            return replace(found, reason=f"{doubtful}; looked at again, {reason}")
        return replace(found, remark=_joined(found.remark, f"its score is {why}, and held on another split"))

    def _attempt(self, trial: Trial, fold: GradedFold, place: Path) -> Attempt:
        workdir = place / f".run-{fold.index}"
        workdir.mkdir()
        cpus = self.resources.cpus_each(len(self.grader.folds))
        job = Job(trial.code, workdir, fold.input, trial.seconds, cpus, self.resources.memory_mb, trial.cancel)
        try:
            execution = self.executor.run(job)
            _append_log(workdir / "output.log", place / "output.log")
            if execution.failure:
                return Attempt(execution, reason=execution.failure)
            return Attempt(execution, read_predictions(workdir, fold.form, self.grader.task))
        except InvalidSubmission as invalid:
            return Attempt(execution, reason=str(invalid))
        finally:
            remove(workdir)

    def _behind(self, trial: Trial, scored: tuple[FoldScore, ...]) -> bool:
        """Whether there is no point in running the other splits: worse than the best beyond two standard errors."""
        if trial.rival is None:
            return False
        return compare(scored, trial.rival.folds, self.grader.task.metric.direction).verdict is Verdict.WORSE

    def _keep(self, place: Path, predictions: dict[int, Predictions]) -> None:
        save_predictions(place / "predictions.npz", predictions)
        if self.grader.sample is not None:
            test = self.grader.test(predictions)
            assert test is not None
            write_submission(place / "submission.csv", self.grader.task, self.grader.sample, test.answer)


def _joined(*remarks: str | None) -> str | None:
    return "; ".join(filter(None, remarks)) or None


def _predicted(attempt: Attempt) -> Predictions:
    assert attempt.predictions is not None
    return attempt.predictions


def _append_log(source: Path, target: Path) -> None:
    if source.exists():
        with source.open("rb") as new, target.open("ab") as log:
            shutil.copyfileobj(new, log)


def _own_score(output: str) -> str | None:
    """The last score that the script printed for itself: worth a remark, and nothing more."""
    found = _OWN_SCORE.findall(output)
    return found[-1].strip()[:200] if found else None
