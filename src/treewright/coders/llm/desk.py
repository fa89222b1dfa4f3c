"""Where requests to a language model are made.

Around the one attempt that ``wire`` makes: an estimate is reserved, trouble is outlasted or given up, what was taken is
settled, and all of it comes back as one ``Exchange`` to keep. A ``Desk`` asks a model; ``replay.Tape`` stands in its
place with the answers of an earlier run.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from treewright.coders.llm.accounts import Accounts, Estimate
from treewright.coders.llm.outage import Circuit, pause
from treewright.coders.llm.text import duration, tokens
from treewright.coders.llm.trouble import CalledOff, Malformed, Refused, Rejected, TooLong, Trouble, Unavailable
from treewright.coders.llm.wire import Answer, Endpoint
from treewright.errors import ProviderError
from treewright.protocols import Cancelled, Overdrawn
from treewright.tree import NOTHING, UNANSWERED, Exchange, Message, Usage

USUAL_OUTPUT = 2_000
"""Tokens that an answer is expected to have before there was one."""

MOST_TRIES = 10
SHORTEST_ANSWER = 256
TIME_UP = "the model had not answered when the time was up"


class NoAnswer(Exception):  # noqa: N818 -- the node has the error, not the run
    """One request is never answered, while others are; or there is no time left for it."""


@dataclass(slots=True)
class _Trouble:
    """What the attempts at a request met with, and what the failed ones took."""

    reasons: list[str] = field(default_factory=list)
    usage: Usage = NOTHING


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model for a node: the ``number``-th request for it.

    ``schema`` asks for a structured answer, ``max_tokens`` for a shorter one than usual. ``spent`` is what the run has
    taken by its log; ``deadline`` is a time of ``time.monotonic``.
    """

    node: int
    number: int
    purpose: str
    messages: tuple[Message, ...]
    schema: type[BaseModel] | None = None
    max_tokens: int | None = None
    shrunk: float = 1.0
    spent: Usage = NOTHING
    deadline: float | None = None
    cancel: threading.Event | None = None


class Source(Protocol):
    """Where answers come from."""

    @property
    def name(self) -> str:
        """``provider:name`` of the model."""

    @property
    def context(self) -> int | None:
        """How many tokens a prompt and its answer may have together, if that is known."""

    def ask(self, request: Request) -> Exchange:
        """The answer, with ``finish`` ``malformed`` for a structured one that cannot be read.

        ``TooLong`` where a shorter prompt would do, ``Overdrawn``, ``NoAnswer``, ``Cancelled``; ``ProviderError``
        where nothing more can be had. Each may carry an ``exchange`` with what was taken in vain.
        """


@dataclass(slots=True)
class Desk:
    """A ``Source`` that asks one model; called from several worker threads at once.

    ``notify`` is told, with the node, what a person should know while it waits.
    """

    endpoint: Endpoint
    accounts: Accounts
    circuit: Circuit
    max_tokens: int
    context: int | None = None
    notify: Callable[[int, str], None] = lambda _node, _text: None
    rng: random.Random = field(default_factory=random.Random)
    _answers: int = 0
    _output: int = 0

    @property
    def name(self) -> str:
        """``provider:name`` of the model."""
        return self.endpoint.name

    def ask(self, request: Request) -> Exchange:
        """Ask until there is an answer, or until it is clear that there will be none."""
        told = _Trouble()
        try:
            answer = self._persist(request, told)
        except (NoAnswer, TooLong, Cancelled, Overdrawn, ProviderError) as end:
            if told.usage.requests:
                end.exchange = self._exchange(request, Answer("", NOTHING, UNANSWERED), told)  # type: ignore[union-attr]
            raise
        for notice in answer.notices:
            self.notify(request.node, notice)
        return self._exchange(request, answer, told)

    def _exchange(self, request: Request, answer: Answer, told: _Trouble) -> Exchange:
        return Exchange(
            number=request.number,
            purpose=request.purpose,
            model=self.name,
            request=request.messages,
            answer=answer.text,
            usage=told.usage + answer.usage,
            finish=answer.finish,
            trouble=(*told.reasons, *answer.notices),
        )

    def _persist(self, request: Request, told: _Trouble) -> Answer:
        """One attempt after the other."""
        while True:
            try:
                with self.circuit.attempt(lambda seconds: self._wait(request, seconds)):
                    answer = self._attempt(request, told)
            except Unavailable as unavailable:
                self._rest(request, told, unavailable)
                continue
            except Malformed as malformed:
                answer = Answer(malformed.text, NOTHING, "malformed")
            except Rejected as rejected:
                if not self._has_answered(request):
                    raise Refused(str(rejected)) from None  # the call is wrong, not this prompt
                self.circuit.succeeded()
                raise NoAnswer(str(rejected)) from None
            except TooLong:
                self.circuit.succeeded()
                raise
            except CalledOff:
                if request.cancel and request.cancel.is_set():
                    raise Cancelled from None
                raise NoAnswer(TIME_UP) from None
            self.circuit.succeeded()
            return answer

    def _has_answered(self, request: Request) -> bool:
        """Whether a model has ever answered anything in this run."""
        return self._answers > 0 or request.spent.output_tokens > 0

    def _attempt(self, request: Request, told: _Trouble) -> Answer:
        most = min(self.max_tokens, request.max_tokens or self.max_tokens)
        with self.accounts.reserve(self._estimate(request.messages), request.spent):
            try:
                answer = self.endpoint.ask(
                    request.messages,
                    schema=request.schema,
                    max_tokens=max(SHORTEST_ANSWER, int(most * request.shrunk)),
                    cancel=request.cancel,
                    deadline=request.deadline,
                )
            except Trouble as trouble:
                self.accounts.settle(trouble.usage)
                told.usage += trouble.usage
                raise
            self.accounts.settle(answer.usage)
        self._answers, self._output = self._answers + 1, self._output + answer.usage.output_tokens
        return answer

    def _estimate(self, messages: Sequence[Message]) -> Estimate:
        asked = sum(tokens(message.text) for message in messages)
        told = self._output // self._answers if self._answers else min(USUAL_OUTPUT, self.max_tokens)
        return Estimate(asked + told, self.endpoint.cost(asked, told))

    def _rest(self, request: Request, told: _Trouble, unavailable: Unavailable) -> None:
        """Wait before the next attempt, or see that there should be none."""
        told.reasons.append(reason := str(unavailable))
        tries = len(told.reasons)
        seconds = pause(tries, unavailable.retry_after, self.rng)
        if unavailable.replied:
            self.circuit.succeeded()  # it is there; it is this answer that cannot be used
        else:
            self.circuit.failed(self.name, reason, seconds)
        if tries >= MOST_TRIES and unavailable.replied and not self._has_answered(request):
            raise Refused(f"{reason}, {tries} times: is that the address of a model? check --base-url")
        if tries >= MOST_TRIES > self.circuit.failures:
            raise NoAnswer(f"{self.name} did not answer this request in {tries} attempts: {reason}")
        paused = "the run pauses" if self.circuit.is_open else "waiting"
        self.notify(request.node, f"{reason}; {paused}, attempt {tries + 1} in {duration(seconds)}")
        self._wait(request, seconds)

    def _wait(self, request: Request, seconds: float) -> None:
        left = seconds if request.deadline is None else min(seconds, request.deadline - time.monotonic())
        cancel = request.cancel or threading.Event()
        if cancel.wait(max(0.0, left)):
            raise Cancelled
        if left < seconds:
            raise NoAnswer(TIME_UP)
