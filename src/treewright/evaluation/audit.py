"""Recomputing a run: every score from the stored predictions, every claim of the answer from these.

Nothing is run, and nothing that the log says is taken for true: what it says is compared with what the files say.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.errors import TreewrightError
from treewright.evaluation.choosing import Candidate, Chooser
from treewright.evaluation.confirm import Race, place_of
from treewright.evaluation.final import test_predictions
from treewright.evaluation.predictions import average, load_predictions, write_submission
from treewright.evaluation.rerun import UNREADABLE, kept
from treewright.scores import FoldScore, mean_standard_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from treewright.evaluation.predictions import Predictions
    from treewright.events import Selected
    from treewright.tree import Node, Tree

DIGITS = 1e-9
"""Relative difference that the arithmetic of another machine may make."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that the log or the answer says: what it is about, whether it holds, and else what was found."""

    about: str
    holds: bool
    found: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Checks a run of hidden rows."""

    chooser: Chooser
    race: Race

    def claims(self, tree: Tree, selected: Selected | None) -> Iterator[Claim]:
        """All claims of a run, one after the other."""
        for node in tree.evaluated():
            yield from self._scores(node)
        if selected is not None and selected.members:
            yield from self._answer(tree, selected)

    def _scores(self, node: Node) -> Iterator[Claim]:
        assert node.evaluation is not None
        if node.score is not None:
            predictions = self._stored(node)
            if predictions is None:
                yield Claim(f"score of node {node.id}", holds=False, found="its predictions are gone or damaged")
            else:
                for said in node.evaluation.folds:
                    fold = self.chooser.grader.folds[said.fold]
                    about = f"score of node {node.id} on split {said.fold}"
                    yield _compared(about, said, self._score(fold.index, predictions.get(fold.index)))
        for confirmation in node.confirmations:
            if confirmation.score is not None:
                about = f"score of node {node.id} on further split {confirmation.split}"
                yield _compared(about, confirmation.score, self._again(node, confirmation.split))

    def _stored(self, node: Node) -> Mapping[int, Predictions] | None:
        try:
            return load_predictions(self.chooser.folder.node(node.id) / "predictions.npz")
        except UNREADABLE:
            return None

    def _score(self, fold: int, predictions: Predictions | None) -> FoldScore | None:
        try:
            grader = self.chooser.grader
            return grader.folds[fold].score(predictions, grader.task) if predictions else None
        except (ValueError, LookupError):
            return None

    def _again(self, node: Node, number: int) -> FoldScore | None:
        predictions = kept(self.chooser.folder, node.id, place_of(number))
        try:
            return self.race.fold(number).score(predictions, self.chooser.grader.task) if predictions else None
        except (ValueError, LookupError, TreewrightError):
            return None

    def _answer(self, tree: Tree, selected: Selected) -> Iterator[Claim]:
        candidates = self.chooser.candidates(tree)
        by_node = {candidate.node.id: candidate for candidate in candidates}
        scores = self.chooser.selection_scores(candidates)
        for node, said in selected.selection_scores.items():
            found = scores.get(node)
            about = f"score of node {node} on selection rows"
            yield Claim(about, found is not None and _same(said, found), f"{found}, not {said}")
        members = [by_node[member.node] for member in selected.members if member.node in by_node]
        if len(members) < len(selected.members):
            yield Claim("the members of the answer", holds=False, found="their predictions are gone or damaged")
            return
        yield from self._choice(tree, selected, candidates)
        yield self._submission(selected, members)
        for member in members:
            yield self._program(member.node, alone=len(members) == 1 and not selected.factors)

    def _choice(self, tree: Tree, selected: Selected, candidates: list[Candidate]) -> Iterator[Claim]:
        splits = [self.race.fold(number) for number in self.race.finished(tree)]
        choice, reported = self.chooser.choose(candidates, splits)
        found = {candidates[i].node.id: float(choice.weights[i]) for i in choice.members}
        weights = {member.node: member.weight for member in selected.members}
        same = found.keys() == weights.keys() and all(abs(found[node] - weights[node]) < 1e-5 for node in weights)
        yield Claim("the choice of the answer", same, f"{found}, not {weights}")
        score = reported.score if reported else None
        noise = mean_standard_error([reported]) if reported else None
        for about, said, again in (
            ("the score reported", selected.reported, score),
            ("its standard error", selected.reported_se, noise),
        ):
            same = said == again or (said is not None and again is not None and _same(said, again))
            yield Claim(about, same, f"{again}, not {said}")

    def _submission(self, selected: Selected, members: list[Candidate]) -> Claim:
        """Whether ``best/submission.csv`` is what the members predict together."""
        grader, folder, about = self.chooser.grader, self.chooser.folder, "best/submission.csv"
        published = folder.best / "submission.csv"
        tests = [test for member in members if (test := test_predictions(folder, member)) is not None]
        if grader.sample is None or len(tests) < len(members):
            return Claim(about, not published.exists(), "there is one, but nothing to make it of")
        weights = [member.weight for member in selected.members]
        with tempfile.TemporaryDirectory(prefix="treewright-") as place:
            again = Path(place, "submission.csv")
            answer = average(grader.task, tests, weights, selected.factors).answer
            write_submission(again, grader.task, grader.sample, answer)
            same = published.exists() and published.read_bytes() == again.read_bytes()
        return Claim(about, same, "it is not what the members predict together")

    def _program(self, node: Node, *, alone: bool) -> Claim:
        name = "solution.py" if alone else f"node_{node.id:04d}.py"
        path = self.chooser.folder.best / name
        assert node.proposal is not None
        same = path.exists() and path.read_text(encoding="utf-8") == node.proposal.code
        return Claim(f"best/{name}", same, f"it is not the program of node {node.id}")


def _compared(about: str, said: FoldScore, found: FoldScore | None) -> Claim:
    if found is None:
        return Claim(about, holds=False, found="its predictions are gone, or are none that can be scored")
    same = _same(said.score, found.score) and all(map(_same, said.replicates, found.replicates))
    return Claim(about, same and len(said.replicates) == len(found.replicates), f"{found.score}, not {said.score}")


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=DIGITS, abs_tol=1e-12)
