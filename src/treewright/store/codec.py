"""Events to rows and back.

The body of a row is JSON. Any text longer than ``INLINE_CHARS`` (a program, an output) is taken out and kept once,
by its hash, so that a program that is tried twice is stored once and rows stay small.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from pydantic import TypeAdapter, ValidationError

from treewright.errors import RunFormatError
from treewright.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

INLINE_CHARS = 400

_TEXT = "$text"
_ADAPTERS: dict[str, TypeAdapter[Any]] = {cls.__name__: TypeAdapter(cls) for cls in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it is stored: its kind, its JSON body, and the long texts that the body refers to by hash."""

    kind: str
    body: str
    texts: Mapping[str, str]


def encode(event: Event) -> Row:
    """The row for an event; a ``ValueError`` for one with a value that could not be read back."""
    kind = type(event).__name__
    texts: dict[str, str] = {}
    body = _shelve(_ADAPTERS[kind].dump_python(event, mode="json", warnings="error"), texts)
    return Row(kind, json.dumps(body, separators=(",", ":"), allow_nan=True), texts)


def decode(kind: str, body: str, text: Callable[[str], str]) -> Event:
    """The event of a row; ``text`` looks a hash up. ``RunFormatError`` for what this version cannot read."""
    if kind not in _ADAPTERS:
        raise RunFormatError(
            f"the run holds an event {kind!r} unknown to this version; read it with a newer treewright"
        )
    try:
        event: Event = _ADAPTERS[kind].validate_python(_unshelve(json.loads(body), text))
    except ValueError as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise RunFormatError(f"the run holds a damaged event of kind {kind}: {reason}") from error
    return event


def _shelve(value: Any, texts: dict[str, str]) -> Any:
    match value:
        case str() if len(value) > INLINE_CHARS:
            digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
            texts[digest] = value
            return {_TEXT: digest}
        case dict():
            return {key: _shelve(item, texts) for key, item in value.items()}
        case list():
            return [_shelve(item, texts) for item in value]
        case _:
            return value


def _unshelve(value: Any, text: Callable[[str], str]) -> Any:
    match value:
        case {"$text": str(digest)} if len(value) == 1:
            return text(digest)
        case dict():
            return {key: _unshelve(item, text) for key, item in value.items()}
        case list():
            return [_unshelve(item, text) for item in value]
        case _:
            return value
