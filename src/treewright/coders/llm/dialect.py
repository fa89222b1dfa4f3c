"""What an endpoint turned out not to take, and how a request is put to it since.

Servers differ in what they refuse: a temperature, usage in a stream, one or the other name for the limit of an answer,
a limit that is larger than the model's own. They say so with status 400 (llama-cpp-python with 500) and name the
culprit. It is dropped, renamed or lowered, and that is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pydantic_ai.settings import ModelSettings

LEAST_ROOM = 256
"""Tokens: with less room than this for the answer, it is the prompt that is too long."""


@dataclass(slots=True)
class Dialect:
    """How to ask one endpoint.

    ``profile`` and ``ignored`` are what pydantic-ai knows of the model: its traits, and the settings that it takes no
    notice of. ``silence`` is in seconds. ``ceiling`` is the most tokens that an answer may have, as far as is known.
    ``refused`` are names of parameters.
    """

    profile: Mapping[str, Any]
    ignored: frozenset[str]
    temperature: float | None
    silence: float
    ceiling: int | None = None
    refused: set[str] = field(default_factory=set)

    def settings(self, limit: int) -> ModelSettings:
        """The settings of a request whose answer may have ``limit`` tokens."""
        limit = min(limit, self.ceiling or limit)
        body: dict[str, object] = {}
        settings: ModelSettings = {"timeout": self.silence, "max_retries": 0}
        name, other = self._limit_names()
        if name in self.refused:
            body[other] = limit
        else:
            settings["max_tokens"] = limit
        if self.temperature is not None and not self._without_temperature():
            settings["temperature"] = self.temperature
        if "stream_options" in self.refused:
            from openai import Omit  # only its clients send this parameter

            body["stream_options"] = Omit()
        if body:
            settings["extra_body"] = body
        # pydantic-ai warns of settings that the model ignores
        return {key: value for key, value in settings.items() if key not in self.ignored}  # type: ignore[return-value]

    def concede(self, words: str, sent: ModelSettings) -> str | None:
        """Give in to a refusal in these words; what was changed, or ``None`` if they name nothing that was sent."""
        if "temperature" in words and "temperature" in sent:
            self.refused.add("temperature")
            return "the temperature was refused and is left out"
        if "stream_options" in words and "stream_options" not in cast("dict[str, object]", sent.get("extra_body", {})):
            self.refused.add("stream_options")
            return "stream_options was refused and is left out"
        return self._concede_limit(words, sent) if _LIMIT.search(words) else None

    def _concede_limit(self, words: str, sent: ModelSettings) -> str | None:
        name, other = self._limit_names()
        if _UNKNOWN.search(words) and "max_tokens" in sent:
            self.refused.add(name)
            return f"{name} was refused, {other} is sent instead"
        if lower := _lower(words, limit_of(sent)):
            self.ceiling = min(lower, self.ceiling or lower)
            return f"the limit of an answer was refused and is lowered to {lower} tokens"
        return None

    def _limit_names(self) -> tuple[str, str]:
        newer = self.profile.get("openai_chat_supports_max_completion_tokens", True)
        return ("max_completion_tokens", "max_tokens") if newer else ("max_tokens", "max_completion_tokens")

    def _without_temperature(self) -> bool:
        # pydantic-ai would drop it as well, but with a warning on standard error
        thinks = self.profile.get("openai_supports_reasoning") and self.profile.get("thinking_enabled_by_default")
        return "temperature" in self.refused or bool(
            thinks or self.profile.get("anthropic_disallows_sampling_settings")
        )


def room(words: str, limit: int) -> int | None:
    """Tokens left for the answer, where prompt and limit together were too much for the context; else ``None``.

    "... maximum context length is 4096 tokens. However, you requested 5000 tokens (1000 in the messages, ...)"
    """
    numbers = _plain(words)
    if sum_ := _SUM.search(numbers):
        prompt, window = int(sum_[1]), int(sum_[2])
    elif (whole := _WINDOW.search(numbers)) and (part := _PROMPT.search(numbers)):
        prompt, window = int(part[1]), int(whole[1])
    else:
        return None
    left = window - prompt - 1
    return left if LEAST_ROOM <= left < limit else None


_LIMIT = re.compile(r"max_?(completion_?|output_?|new_?)?tokens|output tokens|completion tokens", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"not supported|unsupported|un(known|recognized|expected)|extra (inputs|fields)|not permitted", re.IGNORECASE
)
_SUM = re.compile(r"(\d+) \+ \d+ > (\d+)")
_WINDOW = re.compile(r"(?:context|maximum)[\w ]{0,24}? (?:is|of|:) ?(\d+)", re.IGNORECASE)
_PROMPT = re.compile(
    r"(\d+) (?:tokens )?(?:(?:in|of|from) )?(?:the |your )?(?:text |prompt )?(?:messages|input|prompt)"
)


def _plain(words: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", words)


def limit_of(sent: ModelSettings) -> int:
    """The limit of the answer that a request was sent with, under whichever name."""
    body = sent.get("extra_body")
    others = body.values() if isinstance(body, dict) else ()
    return sent.get("max_tokens") or next(value for value in others if isinstance(value, int))


def _lower(words: str, limit: int) -> int | None:
    # A model's own maximum stands beside what was asked for.
    text = _plain(words)
    numbers = (int(number) for number in re.findall(r"(?<![\w.-])(\d{2,7})(?![\w-]|\.\d)", text))
    lower = max((number for number in numbers if number < limit), default=0)
    return lower - ("exclusive" in text) or None
