"""JSON that may be cut off anywhere, and its shape: keys and types, no values."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from treewright.data.preview.wording import TIMES, counted, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.data.preview.listing import Deadline

DEPTH = 5
MOST_KEYS = 24
MOST_ITEMS = 50
"""Items of an array that are looked at."""

CUT = ...
"""Stands for a value that could not be read to its end."""

_NAMES = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null", type(CUT): "…"}
_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")


def decode(text: str, deadline: Deadline) -> tuple[Any, int, bool]:
    """The JSON value that the text begins with, where it ends, and whether it is all there.

    Where the text is cut off, or damaged, the value has what stands before that. ``ValueError`` if it is no JSON.
    """
    value, end, whole = _decode(text, 0, 2 * DEPTH, deadline)
    if value is CUT:
        raise ValueError("not JSON")
    return value, _skip_blanks(text, end), whole


def shape(values: Sequence[Any], depth: int = DEPTH, *, keys: bool = True) -> str:
    """What values at the same place have in common: ``{name: text, tags: [2 … text]}``.

    Objects with more than ``MOST_KEYS`` keys are taken for a mapping, whose keys are data. Without ``keys``, which is
    to show no data, any key may be one unless it recurs from object to object; the others are counted only.
    """
    parts = list(dict.fromkeys(_NAMES.get(type(value), type(value).__name__) for value in values if _is_plain(value)))
    objects = [value for value in values if isinstance(value, dict)]
    arrays = [value for value in values if isinstance(value, list)]
    if objects:
        parts.append(_object_shape(objects, depth, keys=keys))
    if arrays:
        items = list(chain.from_iterable(islice(array, MOST_ITEMS) for array in arrays[:MOST_ITEMS]))
        lengths = {len(array) for array in arrays}
        count = f"{min(lengths):,}" if len(lengths) == 1 else f"{min(lengths):,} to {max(lengths):,}"
        inner = shape(items, depth - 1, keys=keys) if items and depth else "…" if items else ""
        parts.append(f"[{count} {TIMES} {inner}]" if items else "[]")
    return " or ".join(parts)


def recurring(objects: Sequence[dict[str, Any]]) -> list[str]:
    """The keys that at least two of the objects have, and at least half of them."""
    counts = Counter(chain.from_iterable(objects))
    return [name for name, count in counts.items() if count > 1 and 2 * count >= len(objects)]


def _object_shape(objects: list[dict[str, Any]], depth: int, *, keys: bool) -> str:
    if not depth:
        return "{…}"
    names = list(dict.fromkeys(chain.from_iterable(islice(each, MOST_KEYS + 1) for each in objects)))
    fields = names if keys else recurring(objects)
    if len(fields) > MOST_KEYS:
        fields = []
    parts = [
        f"{quoted(name)}: {shape([each[name] for each in objects if name in each], depth - 1, keys=keys)}"
        for name in fields
    ]
    known = set(fields)
    if not known.issuperset(names):
        others = [[value for name, value in each.items() if name not in known] for each in objects]
        like = f" like {', '.join(map(quoted, names[:2]))}" if keys else ""
        some = list(chain.from_iterable(values[:MOST_ITEMS] for values in others[:MOST_ITEMS]))
        parts.append(f"{counted(max(map(len, others)), 'key')}{like}: each {shape(some, depth - 1, keys=keys)}")
    return "{" + ", ".join(parts) + "}"


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _decode(text: str, at: int, depth: int, deadline: Deadline) -> tuple[Any, int, bool]:
    at = _skip_blanks(text, at)
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        if not depth or text[at : at + 1] not in {"[", "{"}:
            return CUT, len(text), False
        value, end = (_decode_array if text[at] == "[" else _decode_object)(text, at + 1, depth - 1, deadline)
        return value, end, False
    return value, end, True


def _decode_array(text: str, at: int, depth: int, deadline: Deadline) -> tuple[list[Any], int]:
    items = []
    while not deadline.passed():
        item, at, whole = _decode(text, at, depth, deadline)
        if item is not CUT:
            items.append(item)
        at = _skip_blanks(text, at)
        if not whole or text[at : at + 1] != ",":
            break
        at += 1
    return items, at


def _decode_object(text: str, at: int, depth: int, deadline: Deadline) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while not deadline.passed():
        name, at, whole = _decode(text, at, depth, deadline)
        at = _skip_blanks(text, at)
        if not whole or not isinstance(name, str) or text[at : at + 1] != ":":
            break
        members[name], at, whole = _decode(text, at + 1, depth, deadline)
        at = _skip_blanks(text, at)
        if not whole or text[at : at + 1] != ",":
            break
        at += 1
    return members, at


def _skip_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
