"""Answers of a given form: three ways to ask for one, and how it is read.

An endpoint may be asked for a tool call, for text under a JSON schema, or simply told the schema in the prompt. The
first two are surer, but many servers lack them: some refuse, some ignore what they do not know and answer in prose, and
some models write the call into the text. So whatever way was used, the JSON is looked for everywhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ValidationError
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_ai.profiles import ModelProfile

Mode = Literal["tool", "native", "prompted"]

TOOL = "answer"


def modes_for(profile: ModelProfile) -> list[Mode]:
    """The ways that a model claims to know, its favourite first; the prompt is the last resort."""
    modes: list[Mode] = []
    if profile.get("supports_tools", True):
        modes.append("tool")
    if profile.get("supports_json_schema_output", False):
        modes.append("native")
    favourite = profile.get("default_structured_output_mode", "tool")
    return [*sorted(modes, key=lambda mode: mode != favourite), "prompted"]


def parameters(schema: type[BaseModel], mode: Mode) -> ModelRequestParameters:
    """The request's parameters that ask for an answer of this form."""
    form, about = schema.model_json_schema(), (schema.__doc__ or "").strip()
    if mode == "tool":
        tool = ToolDefinition(name=TOOL, parameters_json_schema=form, description=about, kind="output")
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    if mode == "native":
        return ModelRequestParameters(output_mode="native", output_object=OutputObjectDefinition(form, TOOL, about))
    return ModelRequestParameters()


def instruction(schema: type[BaseModel], mode: Mode) -> str:
    """What the prompt has to say because the schema is not sent beside it; empty otherwise."""
    if mode != "prompted":
        return ""
    form = json.dumps(schema.model_json_schema())
    return f"Answer with one JSON object and nothing else. It must fit this JSON schema:\n{form}"


def is_refusal(words: str, mode: Mode | None) -> bool:
    """Whether a server that refused a request blames the way in which the structured answer was asked for."""
    return mode in _BLAMED and bool(_BLAMED[mode].search(words))


def text_of(response: ModelResponse) -> str:
    """What the model wrote, without its thoughts; the arguments of a tool call come first."""
    calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    return "\n".join(calls) or _THOUGHTS.sub("", text)


def find(text: str, schema: type[BaseModel]) -> str | None:
    """The JSON of the first object in the text that fits the schema; ``None`` if there is none."""
    for found in _objects(text):
        # Models trained on tool calls that the server knows nothing of write {"name": ..., "arguments": {...}}.
        for value in (found, found.get("arguments"), found.get("parameters")):
            if _fits(value, schema):
                return json.dumps(value, ensure_ascii=False)
    return None


# What servers leave in the text that do not know the model's own marks; the first mark may stand in the template.
_THOUGHTS = re.compile(r"\A(?:\s*<think>.*?(?:</think>\s*|\Z)|.*?^</think>$\s*)", re.DOTALL | re.MULTILINE)

_BLAMED: dict[Mode | None, re.Pattern[str]] = {
    "tool": re.compile(r"\btools?\b|tool_?choice|function.?call|\bfunctions\b", re.IGNORECASE),
    "native": re.compile(r"response_?format|schema|structured|grammar|output_(config|format)", re.IGNORECASE),
}


def _fits(value: object, schema: type[BaseModel]) -> bool:
    try:
        schema.model_validate(value)
    except ValidationError:
        return False
    return True


_STARTS = 50
"""So many opening braces are tried; an answer of braces alone shall not keep us busy."""


def _objects(text: str) -> Iterator[dict[str, object]]:
    decoder, start = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(_STARTS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
            yield found
        except (ValueError, RecursionError):
            end = start + 1
        start = text.find("{", end)
