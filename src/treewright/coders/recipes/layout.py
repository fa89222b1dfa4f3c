"""Writing expressions the way ruff and black lay them out, so that rendered scripts need no formatter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Name:
    """A piece of Python to be written as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``function``; values are laid out in turn."""

    function: str
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()


def call(function: str, *arguments: object, **keywords: object) -> Call:
    """A call, written like one."""
    return Call(function, arguments, tuple(keywords.items()))


def statement(prefix: str, value: object, indent: int = 0, suffix: str = "") -> list[str]:
    """The lines of ``prefix value suffix``, broken at brackets where one line is too short."""
    return [" " * indent + line for line in _lay_out(prefix, value, suffix, WIDTH - indent)]


def string(text: str) -> str:
    """A string literal, in double quotes unless that takes more escapes."""
    literal = repr(text)
    if '"' in text or literal.startswith('"'):
        return literal
    return '"' + literal[1:-1].replace("\\'", "'") + '"'


def flat(value: object) -> str:
    """The value in one line."""
    match value:
        case Name(text):
            return text
        case Call(function):
            return f"{function}({', '.join(_items(value))})"
        case str():
            return string(value)
        case list():
            return f"[{', '.join(_items(value))}]"
        case tuple():
            return f"({', '.join(_items(value))}{',' if len(value) == 1 else ''})"
        case dict():
            return f"{{{', '.join(_items(value))}}}"
        case _:
            return repr(value)


def _items(value: object) -> list[str]:
    return [prefix + flat(item) for prefix, item in _parts(value)]


def _parts(value: object) -> list[tuple[str, Any]]:
    """What stands between the brackets: each item with what is written before it."""
    match value:
        case Call(_, arguments, keywords):
            return [("", item) for item in arguments] + [(f"{name}=", item) for name, item in keywords]
        case dict():
            return [(f"{flat(key)}: ", item) for key, item in value.items()]
        case list() | tuple():
            return [("", item) for item in value]
        case _:
            return []


def _lay_out(prefix: str, value: object, suffix: str, width: int) -> list[str]:
    line = prefix + flat(value) + suffix
    parts = _parts(value)
    if len(line) <= width or not parts:
        return [line]
    first, last = flat(value)[: _opening(value)], flat(value)[-1]
    inner = ", ".join(_items(value))
    if isinstance(value, Call) and len(inner) <= width - 4:
        body = ["    " + inner]
    else:
        body = ["    " + text for name, item in parts for text in _lay_out(name, item, ",", width - 4)]
    return [prefix + first, *body, last + suffix]


def _opening(value: object) -> int:
    return len(value.function) + 1 if isinstance(value, Call) else 1
