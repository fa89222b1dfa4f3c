"""The evaluator for data that cannot be split: it believes what a script prints of its own validation.

A script sees all labelled rows and says itself what it is worth: ``metric: <number>``, the last such line counts.
Nothing checks that number but its form, and a review where a language model gives one. So every score made here is
marked *self-reported*, and it has no standard error: how noisy it is, nobody knows.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from treewright.errors import RunFormatError
from treewright.evaluation.grading import SAMPLE
from treewright.evaluation.predictions import read_predictions, write_submission
from treewright.evaluation.publish import publish_self_reported
from treewright.evaluation.resources import Resources
from treewright.evaluation.submission import Form, InvalidSubmission, read_form
from treewright.events import Member, Selected
from treewright.folder import RunFolder
from treewright.metrics import ends_with_name
from treewright.protocols import Executor, Job
from treewright.scores import FoldScore
from treewright.task import Task
from treewright.tree import Evaluation, Execution
from treewright.workdir import OUTPUT, SOLUTION, remove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from treewright.data import Holdout
    from treewright.metrics import Metric
    from treewright.protocols import Closing, Trial
    from treewright.tree import Tree

LONGEST_LINE = 1_000
"""Of the lines that are looked at: a longer one reports no score."""

_SECONDS_TO_PUBLISH = 1.0

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_FIGURE = re.compile(
    r"""
    (?P<words>.*?) [:=] [\s*_`]* (?:np\.float\d+\()?
    (?P<number> [-+]? (?: nan | inf(?:inity)? | (?: (?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)? | \.\d+ ) (?:e[-+]?\d+)? ) )
    (?! [\w:] | \s*% | [.,]\d )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_THE_WORD = re.compile(r"[\W_]*(?:metric|score)\b", re.IGNORECASE)
_ANOTHER_THING = re.compile(
    r"(?<![a-z])(?:train(?:ing)?|neg|std|deviation|epoch|iter(?:ation)?)(?![a-z])|(?<![a-z])fold[\W_]*\d", re.IGNORECASE
)
"""Words of figures that are none of the whole validation, or that have another sign."""


@dataclass(frozen=True, slots=True)
class PrintedEvaluator:
    """Scores programs by what they print; writes ``nodes/NNNN/`` of the run folder.

    ``input`` is what scripts see. ``form`` and ``sample`` are those of a submission; ``None`` without a test table, for
    then none is wanted.
    """

    task: Task
    input: Path
    form: Form | None
    sample: pd.DataFrame | None
    executor: Executor
    folder: RunFolder
    resources: Resources

    @classmethod
    def over(cls, task: Task, holdout: Holdout, executor: Executor, folder: RunFolder, resources: Resources) -> Self:
        """For a task of which nothing is hidden; ``RunFormatError`` if its input is damaged."""
        form = sample = None
        if task.test is not None:
            try:
                form = read_form(holdout.input / SAMPLE, task)
            except InvalidSubmission as error:
                raise RunFormatError(f"the data is damaged: {error}; start a new run") from None
            sample = pd.read_csv(holdout.input / SAMPLE, dtype=str, keep_default_na=False)
        return cls(task, holdout.input, form, sample, executor, folder, resources)

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """Run the program once on the whole input and read its score off its output."""
        place = self.folder.node(trial.node)
        remove(place)
        workdir = place / ".run-0"
        workdir.mkdir(parents=True)
        (place / SOLUTION).write_text(trial.code, encoding="utf-8")
        cpus, memory_mb = self.resources.cpus, self.resources.memory_mb
        job = Job(trial.code, workdir, self.input, trial.seconds, cpus, memory_mb, trial.cancel)
        try:
            execution = self.executor.run(job)
            _keep_log(workdir / OUTPUT, place / OUTPUT)
            return execution, self._judge(execution, workdir, place)
        finally:
            remove(workdir)

    def _judge(self, execution: Execution, workdir: Path, place: Path) -> Evaluation:
        """The score of a program that has run, or why it has none."""
        if execution.failure:
            return Evaluation(reason=execution.failure)
        try:
            score = read_score(place / OUTPUT, self.task.metric)
            if self.form is not None and self.sample is not None:
                answer = read_predictions(workdir, self.form, self.task).answer
                write_submission(place / "submission.csv", self.task, self.sample, answer)
        except (NoScore, InvalidSubmission) as wrong:
            return Evaluation(reason=str(wrong))
        return Evaluation((FoldScore(0, score, ()),), self_reported=True)

    def reserve(self, tree: Tree, seconds: float) -> float:
        """Nothing is run again at the end: next to no time."""
        del tree
        return min(_SECONDS_TO_PUBLISH, 0.05 * seconds)

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """The best node by its printed score, which is the reported one; there are no rows to choose it anew on."""
        del closing
        if tree.best is None:
            return Selected((), {}, None, None)
        best = tree[tree.best]
        publish_self_reported(self.folder, self.task, best, ended=True)
        return Selected((Member(best.id, 1.0),), {}, best.score, None)


class NoScore(Exception):  # noqa: N818 -- it says what the output lacks, not that we failed
    """Why a script's output holds no score, in words for whoever wrote the script."""


def read_score(log: Path, metric: Metric) -> float:
    """The last score in a script's output; ``NoScore`` without one, or for one that the metric cannot have."""
    found = ""
    if _is_plain(log):
        with log.open(encoding="utf-8", errors="replace") as lines:
            for found in _scores(lines, metric):  # noqa: B007 -- the last one counts
                pass
    if not found:
        raise NoScore(
            f"it printed no score; its last line must be `metric: <number>`, its own validation {metric.name}"
        )
    value = float(found.replace(",", ""))
    if metric.can_be(value):
        return value
    raise NoScore(f"it printed the score {found}, which no {metric.name} can be")


def _scores(lines: Iterable[str], metric: Metric) -> Iterator[str]:
    """The numbers that are said to be the score, as they are written."""
    for line in lines:
        if len(line) <= LONGEST_LINE:
            text, place = _ESCAPES.sub("", line), 0
            while figure := _FIGURE.match(text, place):
                if _is_score(figure["words"], metric, begins=place == 0):
                    yield figure["number"]
                place = figure.end()


def _is_score(words: str, metric: Metric, *, begins: bool) -> bool:
    """Whether a number after these words is the score; the words metric and score must begin the line."""
    if _ANOTHER_THING.search(words):
        return False
    return (begins and _THE_WORD.match(words) is not None) or ends_with_name(words, metric)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _keep_log(source: Path, target: Path) -> None:
    if _is_plain(source):
        shutil.copyfile(source, target)
