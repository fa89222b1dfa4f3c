"""A run repeated from its log: no network, and no script run again unless that is asked for.

Answers are found by node and number of the request, so the repeat asks for the same things in the same order; where it
does not (another version of the prompts asks once more, say) it says so and stops.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.desk import NoAnswer
from treewright.errors import ProviderError
from treewright.events import Answered, Selected
from treewright.folder import RunFolder
from treewright.protocols import Evaluator
from treewright.tree import UNANSWERED, Exchange, Tree

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from treewright.coders.llm.desk import Request
    from treewright.events import Event
    from treewright.protocols import Closing, Trial
    from treewright.tree import Action, Evaluation, Execution


@dataclass(frozen=True, slots=True)
class Tape:
    """A ``Source`` with the answers of an earlier run; ``name`` is ``replay:RUN``. What it answers costs nothing."""

    name: str
    answers: Mapping[int, Sequence[Exchange]]
    context: int | None = None

    @classmethod
    def of(cls, name: str, events: Sequence[Event]) -> Tape:
        """All answers in a log, node by node; requests that were in vain are none."""
        answers: dict[int, list[Exchange]] = {}
        for event in events:
            if isinstance(event, Answered) and event.exchange.finish != UNANSWERED:
                answers.setdefault(event.node, []).append(event.exchange)
        return cls(name, answers)

    def ask(self, request: Request) -> Exchange:
        """The answer that was given then; ``NoAnswer`` where none was; ``ProviderError`` if to another request.

        The number of the request is its place among the node's answers.
        """
        answers = self.answers.get(request.node, ())
        if request.number > len(answers):
            raise NoAnswer("nothing was answered when this run was recorded")
        found = answers[request.number - 1]
        if found.purpose != request.purpose:
            raise ProviderError(
                f"{self.name} departs from its recording at node {request.node}, request {request.number}: "
                f"now it is {request.purpose}, then it was {found.purpose}"
            )
        return replace(found, number=request.number, usage=replace(found.usage, cost_usd=0.0, seconds=0.0))


@dataclass(frozen=True, slots=True)
class RecordedPolicy:
    """A ``SearchPolicy`` that repeats the choices of an earlier run."""

    tree: Tree

    def select(self, tree: Tree, rng: random.Random) -> Action:
        """What was chosen for this node."""
        del rng
        return self.tree[len(tree) + 1].action


@dataclass(frozen=True, slots=True)
class RecordedEvaluator:
    """An ``Evaluator`` that repeats what scripts did, with the files they left in ``folder``, a run of the same split.

    A program that is not the recorded one goes to ``inner``, as does the final answer where the trees differ.
    """

    inner: Evaluator
    tree: Tree
    selected: Selected | None
    source: RunFolder
    folder: RunFolder

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """What came of this program then."""
        found = self.tree[trial.node]
        recorded = found.proposal is not None and found.proposal.code == trial.code
        if not recorded or found.execution is None or found.evaluation is None:
            return self.inner.evaluate(trial)
        _copy(self.source.node(trial.node), self.folder.node(trial.node))
        return found.execution, _before_review(found.evaluation)

    def reserve(self, tree: Tree, seconds: float) -> float:
        """As the evaluator within."""
        return self.inner.reserve(tree, seconds)

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """The answer that was chosen then, from the same tree."""
        best = self.source.best
        if self.selected is None or not best.is_dir() or _codes(tree) != _codes(self.tree):
            return self.inner.select(tree, closing)
        self.folder.publish({file.name: file for file in best.iterdir() if file.is_file()})
        return self.selected


def _before_review(evaluation: Evaluation) -> Evaluation:
    """What the review has yet to be said of: a score with a reason against it got that reason from its review."""
    return replace(evaluation, review=None, reason=None if evaluation.folds else evaluation.reason)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def _codes(tree: Tree) -> list[str | None]:
    return [node.proposal.code if node.proposal else None for node in tree.nodes]
