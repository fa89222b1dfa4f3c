"""The wire to a language model: one question, one answer, or one kind of trouble.

``Endpoint.ask`` is synchronous and may be called from many threads; the request itself runs on the event loop of
``background``. It is streamed, so that silence can be told from a long answer: the SDK gives up when no byte has come
for ``silence`` seconds, and after four times that without any part of an answer we do, because the signs of life that a
proxy sends prove nothing about the model. The SDKs' own retries are off: the caller decides what is tried again, when.

One ``ask`` is one attempt, though not always one request. A parameter that the endpoint refuses is dropped and the
request sent again; a structured answer is asked for in the next way when one way does not work (see ``dialect`` and
``structured``). Both are remembered. What these requests took together is the answer's ``usage``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ModelHTTPError, UnexpectedModelBehavior
from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.usage import RequestUsage

from treewright.coders.llm import structured
from treewright.coders.llm.background import background
from treewright.coders.llm.dialect import Dialect, limit_of, room
from treewright.coders.llm.providers import Price, cost, redact
from treewright.coders.llm.text import goes_round_in_circles, tokens
from treewright.coders.llm.trouble import (
    CalledOff,
    Malformed,
    Refused,
    Rejected,
    TooLong,
    Trouble,
    Unavailable,
    is_too_long,
    said,
    trouble_with,
)
from treewright.tree import Message, Usage

if TYPE_CHECKING:
    from threading import Event

    from pydantic_ai.messages import ModelMessage, ModelRequestPart
    from pydantic_ai.models import Model, StreamedResponse
    from pydantic_ai.settings import ModelSettings

__all__ = ["Answer", "CalledOff", "Endpoint", "Malformed", "Refused", "Rejected", "TooLong", "Trouble", "Unavailable"]

TICK = 0.05
"""Seconds between two looks at whether an answer is still wanted."""

PATIENCE = 4
"""So many times the silence that is allowed on the wire may pass without any part of an answer."""

GLANCE = 256
"""So many pieces of an answer come between two looks at whether it only repeats itself."""

LONGEST_TOKEN = 8
"""Characters; that of programs and tables has less than half of it."""
SHORTEST_LIMIT = 1_024

ADJUSTMENTS = 8
"""So many requests may go into one attempt."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    ``text`` is without the model's thoughts; of a structured answer it is the JSON. ``finish`` is ``stop``, ``length``
    for an answer that was cut off, ``repeating`` or ``overlong`` for one that was broken off here, or what else the
    provider says; only an answer that did not end by ``stop`` may be empty. ``notices`` tell what was changed to be
    served. ``usage_known`` is false where tokens had to be estimated.
    """

    text: str
    usage: Usage
    finish: str = "stop"
    notices: tuple[str, ...] = ()
    usage_known: bool = True


class Endpoint:
    """One model at one address, for any number of threads.

    ``name`` is ``provider:model``. ``max_tokens`` is the limit of an answer unless a request names another, ``silence``
    is in seconds, ``secrets`` are kept out of all messages, and ``price`` overrides the price list.
    """

    def __init__(
        self,
        name: str,
        model: Model[Any],
        *,
        max_tokens: int = 8192,
        temperature: float | None = None,
        silence: float = 300.0,
        secrets: tuple[str, ...] = (),
        price: Price | None = None,
    ) -> None:
        self.name = name
        self.model = model
        self.max_tokens = max_tokens
        self.secrets = secrets
        self.price = price
        self.dialect = Dialect(model.profile, model.unsupported_settings, temperature, silence)
        self._modes = structured.modes_for(model.profile)

    @property
    def mode(self) -> structured.Mode:
        """How structured answers are asked for at present: ``tool``, ``native`` or ``prompted``."""
        return self._modes[0]

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """USD for a request of so many tokens; ``None`` if the price is not known."""
        return cost(self.model, RequestUsage(input_tokens=input_tokens, output_tokens=output_tokens), self.price)

    def ask(
        self,
        messages: Sequence[Message],
        *,
        schema: type[BaseModel] | None = None,
        max_tokens: int | None = None,
        cancel: Event | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """One attempt at an answer to the conversation; with a ``schema``, at JSON that fits it.

        ``cancel`` is looked at while waiting, ``deadline`` is a time of ``time.monotonic``; when either is due the
        request is given up within a tenth of a second. Raises ``Trouble``, or ``Refused`` where no attempt will help.
        """
        if _is_due(cancel, deadline):
            raise CalledOff(f"{self.name}: not asked, there was no time left")
        attempt = _Attempt(self, messages, schema, max_tokens or self.max_tokens)
        request = background().submit(attempt.run())
        try:
            while not wait([request], timeout=TICK).done:
                if _is_due(cancel, deadline):
                    raise CalledOff(f"{self.name}: given up while waiting for an answer")
            return request.result()
        except CancelledError:
            raise CalledOff(f"{self.name}: given up, the program ends") from None
        except Trouble as trouble:
            trouble.usage = attempt.total()
            raise
        finally:
            request.cancel()  # nothing happens to one that is done

    def next_mode(self, failed: structured.Mode | None) -> bool:
        """Ask for structured answers in another way than the one that failed; ``False`` if there is no other."""
        if failed is None or failed == "prompted":
            return False
        if self.mode == failed:  # or else another thread's request has found out already
            self._modes.pop(0)
        return True

    def close(self) -> None:
        """Close the connections; the next request would open new ones."""
        background().submit(background().leave(self.model)).result()


@dataclass(slots=True)
class _Attempt:
    """One ``ask`` under way, and what it took so far."""

    endpoint: Endpoint
    messages: Sequence[Message]
    schema: type[BaseModel] | None
    limit: int
    began: float = field(default_factory=time.monotonic)
    usage: Usage = field(default_factory=Usage)
    notices: list[str] = field(default_factory=list)
    usage_known: bool = True
    broken_off: str = ""

    @property
    def most_chars(self) -> int:
        """So much of an answer is listened to, for not all servers keep to the limit they are given."""
        return LONGEST_TOKEN * max(self.limit, SHORTEST_LIMIT)

    def total(self) -> Usage:
        """What all requests took together."""
        return replace(self.usage, seconds=time.monotonic() - self.began)

    async def run(self) -> Answer:
        """Ask until there is an answer, or trouble that no adjustment mends."""
        for _ in range(ADJUSTMENTS):
            mode = self.endpoint.mode if self.schema else None
            settings = self.endpoint.dialect.settings(self.limit)
            try:
                response = await self._request(mode, settings)
            except Trouble:
                raise
            except Exception as error:  # noqa: BLE001  # whatever a library makes of a reply that it cannot read
                if not self._adjust(error, mode, settings):
                    raise trouble_with(error, self.endpoint.name, self.endpoint.model, self.endpoint.secrets) from None
                continue
            text = redact(structured.text_of(response)[: self.most_chars], self.endpoint.secrets)
            found = structured.find(text, self.schema) if self.schema else text
            finish = "stop" if response.finish_reason in _STOPPED else str(response.finish_reason)
            finish = self.broken_off or finish
            if found is not None:
                return Answer(found, self.total(), finish, tuple(self.notices), self.usage_known)
            if finish != "stop" or not self._next_mode(mode):
                raise Malformed(text)
        raise Refused(f"{self.endpoint.name}: one parameter after the other is refused; the last: {self.notices[-1]}")

    async def _request(self, mode: structured.Mode | None, settings: ModelSettings) -> ModelResponse:
        """One request and its whole response, which is empty only if it was cut off."""
        model, name = self.endpoint.model, self.endpoint.name
        parameters, extra = ModelRequestParameters(), ""
        if self.schema and mode:
            parameters, extra = structured.parameters(self.schema, mode), structured.instruction(self.schema, mode)
        conversation = _conversation(self.messages, extra)
        await background().enter(model)
        try:
            response = await self._listen(conversation, settings, parameters)
        except TimeoutError:
            raise Unavailable(f"{name}: no word from the model in time") from None
        if self.broken_off:
            return response
        if response.finish_reason == "error" or (response.finish_reason is None and model.provider):
            raise Unavailable(f"{name}: the reply broke off", replied=True)
        if response.finish_reason in _STOPPED and not structured.text_of(response).strip():
            raise Unavailable(f"{name}: an empty reply", replied=True)
        return response

    async def _listen(
        self, conversation: list[ModelMessage], settings: ModelSettings, parameters: ModelRequestParameters
    ) -> ModelResponse:
        model, patience = self.endpoint.model, PATIENCE * self.endpoint.dialect.silence
        stream: StreamedResponse | None = None
        try:
            async with (
                asyncio.timeout(patience) as watch,
                model_request_stream(
                    model, conversation, model_settings=settings, model_request_parameters=parameters
                ) as stream,
            ):
                pieces = 0
                async for _ in stream:
                    watch.reschedule(asyncio.get_running_loop().time() + patience)
                    pieces += 1
                    self.broken_off = "" if pieces % GLANCE else self._why_enough(stream.get())
                    if self.broken_off:
                        break
            return stream.get()
        except UnexpectedModelBehavior:
            if stream:
                raise
            # A stream without a single event hides a reason (llama-cpp-python: the prompt is too long), which servers
            # tell when they are not asked to stream.
            brief = settings | {"max_tokens": 1}
            async with asyncio.timeout(patience):
                await model_request(model, conversation, model_settings=brief, model_request_parameters=parameters)
            raise Unavailable(f"{self.endpoint.name}: an empty reply", replied=True) from None
        finally:
            self._count(stream.get() if stream else None)

    def _why_enough(self, response: ModelResponse) -> str:
        """Why not to listen any longer; empty where the answer may still become one."""
        text = structured.text_of(response)
        return "overlong" if len(text) > self.most_chars else "repeating" if goes_round_in_circles(text) else ""

    def _count(self, response: ModelResponse | None) -> None:
        """Add one request to the account; a reply that broke off counts as far as it came."""
        usage = response.usage if response else RequestUsage()
        read = sum(tokens(message.text) for message in self.messages)
        told = tokens(structured.text_of(response)) if response else 0
        counted = _is_count(usage.input_tokens, read) and _is_count(usage.output_tokens, self.limit)
        if response and response.parts and not (counted and (usage.input_tokens or usage.output_tokens)):
            usage, self.usage_known = RequestUsage(input_tokens=read, output_tokens=told), False
        unused = not (usage.input_tokens or usage.output_tokens)
        spent = 0.0 if unused else cost(self.endpoint.model, usage, self.endpoint.price)
        self.usage += Usage(1, usage.input_tokens, usage.output_tokens, spent)

    def _adjust(self, error: Exception, mode: structured.Mode | None, sent: ModelSettings) -> bool:
        """Give in where the server refused a way of asking; ``False`` if it refused the question."""
        if not isinstance(error, ModelHTTPError) or error.status_code not in _REFUSALS:
            return False
        words = said(error, self.endpoint.secrets)
        if smaller := room(words, limit_of(sent)):
            self.limit = smaller
            self._note(f"the prompt leaves room for an answer of {smaller} tokens")
            return True
        if is_too_long(error):
            return False
        if notice := self.endpoint.dialect.concede(words, sent):
            self._note(notice)
            return True
        return structured.is_refusal(words, mode) and self._next_mode(mode)

    def _next_mode(self, failed: structured.Mode | None) -> bool:
        if not self.endpoint.next_mode(failed):
            return False
        self._note(f"structured answers: {failed} does not work here, {self.endpoint.mode} is tried")
        return True

    def _note(self, notice: str) -> None:
        self.notices.append(f"{self.endpoint.name}: {notice}")


_STOPPED = {None, "stop", "tool_call"}

_REFUSALS = {400, 404, 422, 500, 501}
"""Status of replies to requests that were not understood; OpenRouter uses 404, llama-cpp-python 500."""


MISCOUNT = 100
"""So many times what was to be expected is no count of tokens any more."""


def _is_count(tokens: object, expected: int) -> bool:
    return isinstance(tokens, int) and 0 <= tokens <= MISCOUNT * max(expected, SHORTEST_LIMIT)


def _is_due(cancel: Event | None, deadline: float | None) -> bool:
    return (cancel is not None and cancel.is_set()) or (deadline is not None and time.monotonic() >= deadline)


def _conversation(messages: Sequence[Message], extra: str) -> list[ModelMessage]:
    """The messages in pydantic-ai's form, with something to add to the last one.

    Neighbours of one role become one message: the templates of many local models want roles to alternate.
    """
    turns = [*messages, Message("user", extra)] if extra else messages
    conversation: list[ModelMessage] = []
    parts: list[ModelRequestPart] = []
    for role, group in groupby(turns, key=lambda message: message.role):
        text = "\n\n".join(message.text for message in group)
        if role == "assistant":
            conversation.append(ModelResponse([TextPart(text)]))
            parts = []
            continue
        if not parts:
            conversation.append(ModelRequest(parts))
        parts.append(SystemPromptPart(text) if role == "system" else UserPromptPart(text))
    return conversation
