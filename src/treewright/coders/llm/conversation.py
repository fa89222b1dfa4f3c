"""The requests for one node, in order.

What an earlier session of the run has had answered is not asked again: the log holds the answer, and it is acted upon
as if it had just come. A new answer is kept before anything acts on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.desk import Request, Source
from treewright.coders.llm.text import tokens
from treewright.coders.llm.trouble import TooLong
from treewright.tree import NOTHING, UNANSWERED, Exchange, Message, Usage, storable

if TYPE_CHECKING:
    from pydantic import BaseModel


SHRINKING = (1.0, 0.5, 0.25, 0.1)
"""What is left of the blocks of a prompt, step by step, where the context is too short for it."""
ROOM = 1_500
"""Tokens that an answer needs at least."""


def _storable(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(Message(message.role, storable(message.text)) for message in messages)


@dataclass(slots=True)
class Conversation:
    """Asks ``source`` for ``node``.

    ``recorded`` are the exchanges of an earlier session that belong to this conversation, ``begun`` counts all of the
    node's; those that were in vain (``finish`` is ``none``) are asked for once more.
    """

    source: Source
    node: int
    recorded: tuple[Exchange, ...]
    begun: int
    keep: Callable[[Exchange], None]
    spent: Usage = NOTHING
    deadline: float | None = None
    cancel: threading.Event | None = None
    max_tokens: int | None = None
    _again: int = 0
    _kept: int = 0

    def ask(
        self,
        purpose: str,
        prompt: Callable[[float], tuple[Message, ...]],
        schema: type[BaseModel] | None = None,
    ) -> Exchange:
        """The answer to ``prompt(share)``, the whole of it or as small a share as it takes to fit."""
        if self._again < len(answered := [exchange for exchange in self.recorded if exchange.finish != UNANSWERED]):
            self._again += 1
            return answered[self._again - 1]
        for share in SHRINKING:
            messages, last = _storable(prompt(share)), share == SHRINKING[-1]
            if not last and self._too_long(messages):
                continue
            try:
                exchange = self.source.ask(self._request(purpose, messages, share, schema))
            except Exception as end:
                if in_vain := getattr(end, "exchange", None):
                    self._keep(in_vain)
                if last or not isinstance(end, TooLong):
                    raise
            else:
                break
        return self._keep(exchange)

    def _keep(self, exchange: Exchange) -> Exchange:
        exchange = replace(
            exchange, answer=storable(exchange.answer), trouble=tuple(storable(text) for text in exchange.trouble)
        )
        self._kept += 1
        self.keep(exchange)
        return exchange

    def _too_long(self, messages: tuple[Message, ...]) -> bool:
        context = self.source.context
        return context is not None and sum(tokens(message.text) for message in messages) + ROOM > context

    def _request(
        self, purpose: str, messages: tuple[Message, ...], share: float, schema: type[BaseModel] | None
    ) -> Request:
        return Request(
            node=self.node,
            number=self.begun + self._kept + 1,
            purpose=purpose,
            messages=messages,
            schema=schema,
            max_tokens=self.max_tokens,
            shrunk=share,
            spent=self.spent,
            deadline=self.deadline,
            cancel=self.cancel,
        )
