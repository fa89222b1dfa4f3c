"""The race of the best nodes over further splits, whose rows the search has not steered by.

The best of many scores is partly luck. What a node scores on other rows has none of it. The runs take time, so a node
that is clearly behind drops out, and no run begins for which there is no time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data import Fold
from treewright.errors import TreewrightError
from treewright.evaluation.grading import GradedFold
from treewright.evaluation.predictions import Predictions
from treewright.evaluation.rerun import Place, Program, Rerunner, Terms
from treewright.events import Confirmed, apply
from treewright.scores import FoldScore, Verdict, compare, mean_score
from treewright.task import Task
from treewright.tree import Confirmation, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.tree import Tree


@dataclass(frozen=True, slots=True)
class Race:
    """At most ``splits`` further splits, which ``further`` makes, for the best ``entrants``."""

    task: Task
    rerunner: Rerunner
    further: Callable[[int], Fold]
    splits: int = 2
    entrants: int = 5

    def run(self, tree: Tree, terms: Terms) -> tuple[Tree, tuple[GradedFold, ...]]:
        """The tree with what came of it, and the splits that were finished."""
        racers, finished = list(tree.ranking[: self.entrants]), list[GradedFold]()
        for number in range(1, self.splits + 1):
            missing = [node for node in racers if confirmation(tree[node], number) is None]
            needed = sum(self.rerunner.estimate(tree[node]) for node in missing)
            if len(racers) < 2 or (missing and not terms.allow_extra(needed)):
                break
            try:
                fold = self.fold(number)
            except TreewrightError:
                break  # there are no rows for a further split, or the user's files have changed
            for node in missing:
                seconds = terms.left_for_extras()
                if terms.cancelled or seconds <= 0:
                    return tree, tuple(finished)
                event = Confirmed(node, self.look_again(Program.of(tree[node], terms), fold, number, seconds))
                if terms.cancelled:
                    return tree, tuple(finished)  # that run was cut short by us
                terms.closing.record(event)
                tree = apply(tree, event)
            finished.append(fold)
            racers = self._still_racing(tree, racers, number)
        return tree, tuple(finished)

    def finished(self, tree: Tree) -> tuple[int, ...]:
        """The numbers of the further splits that were finished, by what is recorded of the race."""
        racers, done = list(tree.ranking[: self.entrants]), list[int]()
        for number in range(1, self.splits + 1):
            if len(racers) < 2 or any(confirmation(tree[node], number) is None for node in racers):
                break
            done.append(number)
            racers = self._still_racing(tree, racers, number)
        return tuple(done)

    def fold(self, number: int) -> GradedFold:
        """The further split of this number with its answers; ``TreewrightError`` if it cannot be made."""
        return GradedFold.from_fold(self.further(number), self.task)

    def look_again(self, program: Program, fold: GradedFold, number: int, seconds: float) -> Confirmation:
        """Run a node's program on a further split for ``seconds`` at most, and grade it."""
        seconds, outcome = self.rerunner.run(program, Place(place_of(number), fold.input, fold.form), seconds)
        if not isinstance(outcome, Predictions):
            return Confirmation(number, seconds, reason=outcome)
        try:
            return Confirmation(number, seconds, fold.score(outcome, self.task))
        except ValueError as error:
            return Confirmation(number, seconds, reason=f"cannot be scored: {error}")

    def _still_racing(self, tree: Tree, racers: Sequence[int], number: int) -> list[int]:
        """Those that ran well on this split and are not clearly behind the leader, on all rows of search and race."""
        evidence = {
            node: (*found.folds, *(c.score for c in tree[node].confirmations if c.score and c.split <= number))
            for node in racers
            if (found := tree[node].evaluation) and (last := confirmation(tree[node], number)) and last.score
        }
        if not evidence:
            return []
        direction = self.task.metric.direction
        leader = max(evidence, key=lambda node: direction.sign * mean_score(evidence[node]))

        def is_behind(folds: tuple[FoldScore, ...]) -> bool:
            return compare(folds, evidence[leader], direction).verdict is Verdict.WORSE

        return [node for node, folds in evidence.items() if not is_behind(folds)]


def confirmation(node: Node, number: int) -> Confirmation | None:
    """What became of the node on the further split of this number."""
    return next((each for each in node.confirmations if each.split == number), None)


def place_of(number: int) -> str:
    """The name under which predictions for a further split are kept."""
    return f"further{number}"
