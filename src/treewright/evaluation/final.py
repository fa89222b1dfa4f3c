"""The final procedure: confirm, choose, refit, publish.

1. *Confirm.* The search has looked at search rows only, so the best scores on them are partly luck. The top nodes are
   run on further splits, as time allows; one that falls clearly behind drops out of this race (``confirm``).
2. *Choose.* The selection rows are graded, for the first time. The answer is the best single node or a blend,
   whichever proves better on rows that took no part in choosing it (``choosing``, ``ensemble``).
3. *Refit.* The programs chosen run once more, on all labelled rows. A refit that fails, or predicts something quite
   different from before, is dropped for what is already there: there is always an answer.
4. *Publish.* ``best/``, with a score that is cross-fitted: that of the winning rule on the selection rows, each
   graded by a choice in which it took no part.

Each run of a program is recorded when it is done, so whatever interrupts the procedure, it goes on where it was;
choosing is quick, and always comes out the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from treewright.evaluation.choosing import Candidate, Chooser
from treewright.evaluation.confirm import Race
from treewright.evaluation.ensemble import MAX_MEMBERS
from treewright.evaluation.predictions import Predictions, average, blendable, write_submission
from treewright.evaluation.publish import publish
from treewright.evaluation.rerun import MARGIN_SECONDS, Place, Program, Terms, kept
from treewright.events import Member, Refitted, Selected, apply
from treewright.scores import mean_standard_error
from treewright.tree import Node, Refit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from treewright.evaluation.ensemble import Choice
    from treewright.folder import RunFolder
    from treewright.protocols import Closing
    from treewright.scores import FoldScore
    from treewright.tree import Tree

SPENT = "an earlier end of this run has shown its selection rows already, so this score may flatter"

REFIT = "refit"
"""The name under which predictions of a run on all labelled rows are kept."""

MOST_OF_THE_RUN = 0.25
BEFORE_ANY_NODE = 0.1


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """Makes the final answer of a run. ``refit`` switches that stage on."""

    race: Race
    chooser: Chooser
    refit: bool = True

    def seconds_needed(self, tree: Tree, seconds: float) -> float:
        """How many of all the ``seconds`` of the run to keep for confirming and refitting the likely members."""
        if not tree.ranking:
            return BEFORE_ANY_NODE * seconds
        runs = self._seconds(tree, MAX_MEMBERS) if self.refit else 0.0
        runs += self._seconds(tree, self.race.entrants) if self.race.splits else 0.0
        return min(MOST_OF_THE_RUN * seconds, MARGIN_SECONDS + runs)

    def make(self, tree: Tree, closing: Closing) -> Selected:
        """The four stages, one after the other."""
        terms = Terms.of(closing, self._seconds(tree, MAX_MEMBERS) if self.refit else 0.0)
        tree, splits = self.race.run(tree, terms)
        candidates = self.chooser.candidates(tree)
        if not candidates:
            return Selected((), {}, None, None, closing.spent)
        choice, reported = self.chooser.choose(candidates, splits)
        members = [candidates[i] for i in choice.members]
        if self.refit:
            tree = self._refit(tree, members, terms, soft=choice.factors is not None)
            members = [replace(member, node=tree[member.node.id]) for member in members]
        selected = self._selected(choice, reported, candidates, members, spent=closing.spent)
        self._publish(selected, members)
        return selected

    def _seconds(self, tree: Tree, nodes: int) -> float:
        """What one run of each of the best nodes takes."""
        return sum(self.race.rerunner.estimate(tree[node]) for node in tree.ranking[:nodes])

    def _selected(
        self,
        choice: Choice,
        reported: FoldScore | None,
        candidates: Sequence[Candidate],
        members: Sequence[Candidate],
        *,
        spent: bool,
    ) -> Selected:
        weights = [round(float(choice.weights[i]), 6) for i in choice.members]
        return Selected(
            members=tuple(Member(member.node.id, w) for member, w in zip(members, weights, strict=True)),
            selection_scores=self.chooser.selection_scores(candidates),
            reported=reported.score if reported else None,
            reported_se=mean_standard_error([reported]) if reported else None,
            spent=spent,
            refitted=tuple(member.node.id for member in members if _is_refitted(member.node)),
            remarks=(*([SPENT] if spent else []), *self._troubles(members)),
            factors=() if choice.factors is None else tuple(map(float, choice.factors)),
        )

    # -- refitting -----------------------------------------------------------------------------------------------

    def _refit(self, tree: Tree, members: Sequence[Candidate], terms: Terms, *, soft: bool) -> Tree:
        """The tree with the members' runs on all labelled rows, as far as there is time for them.

        ``soft`` says that these must give probabilities.
        """
        rerunner, place = self.race.rerunner, self._everything
        for member in members if place else ():
            node = tree[member.node.id]
            if node.refit is not None and (node.refit.reason or kept(rerunner.folder, node.id, REFIT)):
                continue  # before an interruption
            if terms.left() < rerunner.estimate(node) / 2:
                continue
            assert place is not None
            seconds, outcome = rerunner.run(Program.of(node, terms), place, terms.left())
            if terms.cancelled:
                break
            event = Refitted(node.id, Refit(seconds, self._objection(member, outcome, soft=soft)))
            terms.closing.record(event)
            tree = apply(tree, event)
        return tree

    @property
    def _everything(self) -> Place | None:
        """All labelled rows and the real test rows; ``None`` without a test table."""
        full, form = self.chooser.grader.full, self.chooser.grader.full_form
        return Place(REFIT, full, form) if full is not None and form is not None else None

    def _objection(self, member: Candidate, outcome: Predictions | str, *, soft: bool) -> str | None:
        """Why the predictions of a refit are not used."""
        if isinstance(outcome, str):
            return outcome
        if soft and outcome.probabilities is None:
            return "gives no probabilities"
        different = member.test is not None and self._implausible(member.test, outcome)
        return "predicts something quite different" if different else None

    def _implausible(self, before: Predictions, after: Predictions) -> bool:
        """Whether the two differ by more than half of the spread of the truth itself (root mean square)."""
        task, truth = self.chooser.grader.task, self.chooser.grader.truth
        one, other = blendable(task, Predictions(before.answer)), blendable(task, Predictions(after.answer))
        whole = (
            blendable(task, Predictions(truth)) if not task.classes else np.eye(len(task.classes))[truth.astype(int)]
        )
        if task.metric.ranks:  # on whatever scale
            one, other = (np.argsort(np.argsort(each, axis=0), axis=0) / len(each) for each in (one, other))
            whole = one
        return bool(np.sqrt(np.mean((one - other) ** 2)) > np.sqrt(np.mean(np.var(whole, axis=0))) / 2)

    def _troubles(self, members: Sequence[Candidate]) -> list[str]:
        """Which members were not refitted, and why."""
        troubles = []
        for node in (member.node for member in members if self.refit and self._everything):
            if node.refit is None:
                troubles.append(f"node {node.id}: no time was left to run it again on all rows")
            elif node.refit.reason:
                why = f"the refit on all rows {node.refit.reason}; its earlier predictions stand"
                troubles.append(f"node {node.id}: {why}")
        return troubles

    # -- publishing ----------------------------------------------------------------------------------------------

    def _publish(self, selected: Selected, members: Sequence[Candidate]) -> None:
        task, sample, folder = self.chooser.grader.task, self.chooser.grader.sample, self.race.rerunner.folder
        tests = [test for member in members if (test := test_predictions(folder, member)) is not None]
        submission: Path | None = None
        if sample is not None and len(tests) == len(members):
            submission = folder.path / ".submission.csv"
            weights = [member.weight for member in selected.members]
            write_submission(submission, task, sample, average(task, tests, weights, selected.factors).answer)
        nodes = [member.node for member in members]
        publish(folder, task, selected, members=nodes, tests=tests, submission=submission)
        if submission:
            submission.unlink()


def test_predictions(folder: RunFolder, member: Candidate) -> Predictions | None:
    """What a member says of the real test rows: after its refit, or else before."""
    after = kept(folder, member.node.id, REFIT) if _is_refitted(member.node) else None
    return after or member.test


def _is_refitted(node: Node) -> bool:
    return node.refit is not None and node.refit.reason is None
