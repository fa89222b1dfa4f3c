"""The review: a language model says in a sentence or two what came of a run, and whether it can be trusted.

Facts decide first: a run that failed, or left no valid submission, is a bug whatever a model says, and a score that the
harness made itself stands. So here the review is a remark that the next prompts carry along; only where the script
scores itself (*printed*) does it decide, and then the value it names must be found in the output.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, ValidationError

from treewright.coders.llm.blocks import Attempt, Caps, program, setting_blocks
from treewright.coders.llm.conversation import Conversation
from treewright.coders.llm.desk import NoAnswer, Source
from treewright.coders.llm.templates import Templates
from treewright.coders.llm.text import duration
from treewright.coders.llm.trouble import Refused, TooLong
from treewright.errors import ProviderError
from treewright.protocols import Cancelled, Evaluator, Overdrawn, Setting
from treewright.scores import FoldScore
from treewright.tree import Message, Review

if TYPE_CHECKING:
    from treewright.events import Selected
    from treewright.protocols import Closing, Trial
    from treewright.tree import Evaluation, Execution, Tree

SUMMARY_CHARS = 600
MOST_TOKENS = 4_096
"""Of a review, a model's thoughts included."""
MOST_SECONDS = 300.0
"""A node can do without a review: it does not wait for one for longer."""
AWAY_SECONDS = 600.0
"""After a reviewing model gave out: until it is asked again."""
JUDGE_THE_SCORE = (
    "Nobody but the program has computed its score: `is_bug` is true as well if the score is not that of a sound "
    "validation, on rows that nothing was learned from, by the metric of the task. Give `value`: the metric's value "
    "that the program printed, or null."
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class ReviewAnswer(BaseModel):
    """What a review answers."""

    is_bug: bool = Field(description="whether the run failed or its result cannot be trusted")
    summary: str = Field(description="two or three sentences on what the program did and what came of it")


class PrintedReviewAnswer(ReviewAnswer):
    """The same for a script that scores itself."""

    value: float | None = Field(description="the metric's value as printed, null if there is none")


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Asks a model for reviews; ``printed`` for the metric's value as well, as programs score themselves."""

    source: Source
    templates: Templates
    caps: Caps
    printed: bool = False

    def review(self, setting: Setting, trial: Trial, execution: Execution, evaluation: Evaluation) -> Review | None:
        """The review of a run; ``None`` where the model has none to give, twice."""
        attempt = Attempt(trial.plan, trial.code, execution, evaluation)
        talk = Conversation(
            source=self.source,
            node=trial.node,
            recorded=tuple(exchange for exchange in trial.exchanges if exchange.purpose == "review"),
            begun=len(trial.exchanges),
            keep=trial.keep,
            spent=trial.spent,
            deadline=min(time.monotonic() + MOST_SECONDS, trial.deadline or math.inf),
            cancel=trial.cancel,
            max_tokens=MOST_TOKENS,
        )
        more: tuple[Message, ...] = ()
        schema = PrintedReviewAnswer if self.printed else ReviewAnswer

        def prompt(share: float) -> tuple[Message, ...]:
            caps = self.caps.shrunk(share)
            value = f" {JUDGE_THE_SCORE}" if self.printed else ""
            blocks = setting_blocks(setting, caps) | {"parent": program(setting, attempt, caps), "value": value}
            return (
                Message("system", self.templates.fill("system", blocks)),
                Message("user", self.templates.fill("review", blocks)),
                *more,
            )

        try:
            for _ in range(2):
                answer = talk.ask("review", prompt, schema).answer
                read, complaint = _read(answer, schema, execution.output)
                if read:
                    return read
                more = (Message("assistant", answer or "(nothing)"), Message("user", complaint))
        except (TooLong, Overdrawn, NoAnswer):
            pass  # a node can do without
        return None


def _read(answer: str, schema: type[ReviewAnswer], output: str) -> tuple[Review | None, str]:
    """The review, or what is wrong with the answer."""
    try:
        found = schema.model_validate_json(answer)
    except ValidationError as error:
        first = error.errors()[0]
        fields = json.dumps(list(schema.model_fields))
        return None, f"That is no valid answer: {first['msg']}. Answer with one JSON object with the keys {fields}."
    value = found.value if isinstance(found, PrintedReviewAnswer) else None
    if value is not None and not printed_in(value, output):
        return None, f"{value} is nowhere in the output. Give the value as it is printed there, or null."
    return Review(found.is_bug, found.summary.strip()[:SUMMARY_CHARS], value), ""


def printed_in(value: float, output: str) -> bool:
    """Whether a finite value stands in the output, with as many digits as it is given with."""
    return math.isfinite(value) and any(float(number[0]) == value for number in _NUMBER.finditer(output))


@dataclass(slots=True)
class ReviewingEvaluator:
    """An ``Evaluator`` that has runs reviewed after ``inner`` has scored them; ``always``: failed ones too.

    What has been evaluated is never lost for want of a review. When the reviewing model gave out, ``notify`` is told,
    and nodes do without: for ``AWAY_SECONDS`` by ``clock``, or for ever where the model will not serve such requests.
    """

    inner: Evaluator
    reviewer: Reviewer
    setting: Setting
    always: bool = False
    notify: Callable[[int, str], None] = lambda _node, _text: None
    clock: Callable[[], float] = time.monotonic
    _not_before: float = -math.inf

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """Score first, then have it reviewed where the facts leave something to say."""
        execution, evaluation = self.inner.evaluate(trial)
        unwanted = evaluation.score is None and not self.always
        if unwanted or self.clock() < self._not_before or (trial.cancel and trial.cancel.is_set()):
            return execution, evaluation
        try:
            review = self.reviewer.review(self.setting, trial, execution, evaluation)
        except Cancelled:
            review = None
        except ProviderError as error:
            review, refused = None, isinstance(error, Refused)
            self._not_before = math.inf if refused else self.clock() + AWAY_SECONDS
            how_long = "no more reviews" if refused else f"no reviews for {duration(AWAY_SECONDS)}"
            self.notify(trial.node, f"{how_long}: {str(error).splitlines()[0]}")
        evaluation = replace(evaluation, review=review)
        return execution, self._judged(evaluation) if self.reviewer.printed else evaluation

    def _judged(self, evaluation: Evaluation) -> Evaluation:
        """A score of the script's own, as the review leaves it."""
        review = evaluation.review
        if review is None or evaluation.score is None:
            return evaluation
        if review.is_bug:
            return replace(evaluation, reason=review.summary or "its review takes it for a bug")
        if review.value is None or not self.setting.task.metric.can_be(review.value):
            return evaluation
        return replace(evaluation, folds=(FoldScore(0, review.value, ()),))

    def reserve(self, tree: Tree, seconds: float) -> float:
        """As the evaluator within."""
        return self.inner.reserve(tree, seconds)

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """As the evaluator within."""
        return self.inner.select(tree, closing)
