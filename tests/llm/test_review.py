"""Reviews: facts first, then a sentence from a model, or none."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace

import pytest

from llm_support import Answers, asked, setting
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.desk import NoAnswer
from treewright.coders.llm.review import Reviewer, ReviewingEvaluator, printed_in
from treewright.coders.llm.templates import Templates
from treewright.coders.llm.trouble import Refused, TooLong
from treewright.errors import ProviderError
from treewright.protocols import Cancelled, Overdrawn, Trial
from treewright.scores import FoldScore
from treewright.testing import ScriptedEvaluator, folds
from treewright.tree import Evaluation, Execution, Review

GOOD = json.dumps({"is_bug": False, "summary": "It works."})
RAN = Execution(1.0, 0, output="fold 1: 0.25\nmetric: 0.5000\n")
SCORED = Evaluation(folds(0.5))


def review(*answers, printed: bool = False, **trial) -> tuple[Review | None, Answers, list]:
    source, kept = Answers(list(answers)), []
    reviewer = Reviewer(source, Templates.load(), Caps(), printed=printed)
    found = reviewer.review(setting(), Trial(4, "print()", 60.0, keep=kept.append, **trial), RAN, SCORED)
    return found, source, kept


def test_a_review_says_in_a_sentence_what_came_of_a_run():
    found, source, kept = review(GOOD)
    assert found == Review(is_bug=False, summary="It works.")
    assert "rmse 0.5 ±" in asked(source) and "metric: 0.5000" in asked(source)
    assert [exchange.purpose for exchange in kept] == ["review"]


@pytest.mark.parametrize(
    "bad", ["", "It is fine.", '{"is_bug": "perhaps", "summary": ""}', '{"summary": "no verdict"}']
)
def test_a_malformed_review_is_asked_for_again_with_what_is_wrong(bad):
    found, source, _ = review((bad, "malformed"), GOOD)
    assert found is not None
    assert "That is no valid answer" in asked(source)


def test_after_a_second_malformed_review_the_node_does_without():
    found, source, kept = review("no", "no again", GOOD)
    assert found is None
    assert len(source.requests) == len(kept) == 2


@pytest.mark.parametrize("trouble", [TooLong("long"), Overdrawn("cost"), NoAnswer("silence")])
def test_no_trouble_with_a_review_is_the_node_s(trouble):
    assert review(*[trouble] * 4)[0] is None


def test_a_review_of_an_earlier_session_is_not_asked_for_again():
    _, _, kept = review(GOOD)
    found, source, again = review("never asked", exchanges=tuple(kept))
    assert found is not None and not source.requests and not again


class TestPrinted:
    def test_the_value_must_stand_in_the_output(self):
        found, source, _ = review(
            json.dumps({"is_bug": False, "summary": "", "value": 0.123}),
            json.dumps({"is_bug": False, "summary": "", "value": 0.5}),
            printed=True,
        )
        assert found is not None and found.value == 0.5
        assert "0.123 is nowhere in the output" in asked(source)

    def test_an_invented_value_is_refused_for_good(self):
        lie = json.dumps({"is_bug": False, "summary": "", "value": 0.9})
        assert review(lie, lie, printed=True)[0] is None

    def test_no_value_is_an_answer(self):
        found = review(json.dumps({"is_bug": True, "summary": "crashed", "value": None}), printed=True)[0]
        assert found == Review(is_bug=True, summary="crashed")

    @pytest.mark.parametrize(
        ("value", "output", "there"),
        [
            (0.5, "score=0.50", True),
            (12.0, "metric: 12", True),
            (-1e-5, "loss -1e-05", True),
            (0.5, "0.51", False),
            (float("nan"), "nan", False),
        ],
    )
    def test_a_value_is_found_however_it_is_written(self, value, output, there):
        assert printed_in(value, output) is there


@dataclass
class Printing:
    """An evaluator that always reads the same score from the same output."""

    output: str

    def evaluate(self, trial):
        del trial
        return replace(RAN, output=self.output), Evaluation((FoldScore(0, 0.25, ()),), self_reported=True)


class TestJudged:
    def evaluate(self, *answers, output=RAN.output) -> Evaluation:
        source = Answers([json.dumps(answer) if isinstance(answer, dict) else answer for answer in answers])
        reviewer = Reviewer(source, Templates.load(printed=True), Caps(), printed=True)
        self.source = source
        return ReviewingEvaluator(Printing(output), reviewer, setting()).evaluate(Trial(1, "print()", 60.0))[1]

    def test_a_run_that_the_review_takes_for_a_bug_is_one(self):
        evaluation = self.evaluate({"is_bug": True, "summary": "It scored its own training rows.", "value": 0.5})
        assert evaluation.score is None
        assert evaluation.reason == "It scored its own training rows."
        assert "`is_bug` is true as well if the score is not that of a sound validation" in asked(self.source)

    def test_a_bug_without_a_word_has_a_reason_all_the_same(self):
        assert self.evaluate({"is_bug": True, "summary": "", "value": None}).reason == "its review takes it for a bug"

    def test_the_value_of_the_review_takes_the_place_of_the_one_that_was_read(self):
        evaluation = self.evaluate({"is_bug": False, "summary": "Fine.", "value": 0.5})
        assert evaluation.score == 0.5 and evaluation.score_se is None and evaluation.self_reported

    def test_without_a_value_the_one_that_was_read_stands(self):
        assert self.evaluate({"is_bug": False, "summary": "", "value": None}).score == 0.25

    @pytest.mark.parametrize("answers", [("no", "no again"), ({"is_bug": False, "summary": "", "value": 7.5},) * 2])
    def test_a_malformed_or_invented_answer_is_done_without(self, answers):
        evaluation = self.evaluate(*answers)
        assert evaluation.score == 0.25 and evaluation.review is None

    def test_a_value_that_the_metric_cannot_have_replaces_nothing(self):
        answer = {"is_bug": False, "summary": "", "value": -0.5}
        assert self.evaluate(answer, output="neg rmse -0.5, rmse 0.25").score == 0.25


class TestWhoIsReviewed:
    def evaluate(self, answers, *, buggy: float, always: bool, **trial):
        source = Answers(answers)
        inner = ScriptedEvaluator(buggy=buggy)
        reviewer = Reviewer(source, Templates.load(), Caps())
        evaluator = ReviewingEvaluator(inner, reviewer, setting(), always=always)
        return evaluator.evaluate(Trial(1, "print()", 60.0, **trial))[1], source

    def test_a_failure_needs_no_model(self):
        evaluation, source = self.evaluate([], buggy=1, always=False)
        assert evaluation.score is None and not source.requests

    def test_unless_every_run_is_to_be_reviewed(self):
        evaluation, _ = self.evaluate([GOOD], buggy=1, always=True)
        assert evaluation.score is None and evaluation.review is not None

    def test_a_model_that_takes_a_scored_run_for_a_bug_does_not_take_its_score_away(self):
        evaluation, _ = self.evaluate([json.dumps({"is_bug": True, "summary": "Bad."})], buggy=0, always=False)
        assert evaluation.score is not None
        assert evaluation.review == Review(is_bug=True, summary="Bad.")

    def test_an_interruption_during_the_review_does_not_cost_the_score(self):
        assert self.evaluate([Cancelled()], buggy=0, always=False)[0].score is not None

    @pytest.mark.parametrize(
        ("error", "said", "later"),
        [
            (Refused("no such model"), "no more reviews: no such model", None),
            (ProviderError("it is out\nresume when it is back"), "no reviews for 10 minutes: it is out", GOOD),
        ],
    )
    def test_a_reviewing_model_that_gives_out_is_told_once_and_done_without_for_as_long_as_it_takes(
        self, error, said, later
    ):
        source, told, now = Answers([error, GOOD]), [], [0.0]
        reviewer = Reviewer(source, Templates.load(), Caps())
        evaluator = ReviewingEvaluator(
            ScriptedEvaluator(buggy=0),
            reviewer,
            setting(),
            notify=lambda *what: told.append(what),
            clock=lambda: now[0],
        )
        soon = [evaluator.evaluate(Trial(node, "print()", 60.0))[1] for node in (1, 2)]
        assert all(evaluation.score is not None and evaluation.review is None for evaluation in soon)
        now[0] = 601.0
        assert (evaluator.evaluate(Trial(3, "print()", 60.0))[1].review is not None) == (later is not None)
        assert told == [(1, said)]

    def test_a_review_is_not_waited_for_beyond_the_end_of_the_search(self):
        source = Answers([GOOD])
        Reviewer(source, Templates.load(), Caps()).review(
            setting(), Trial(4, "print()", 3600.0, deadline=5.0), RAN, SCORED
        )
        assert source.requests[0].deadline == 5.0

    def test_after_an_interruption_no_model_is_asked(self):
        cancel = threading.Event()
        cancel.set()
        assert not self.evaluate([], buggy=0, always=True, cancel=cancel)[1].requests
