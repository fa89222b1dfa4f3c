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
        case str():
            return string(value)
        case Call() | list() | dict():
            first, last = _brackets(value)
            return first + ", ".join(_items(value)) + last
        case _:
            return repr(value)


def _brackets(value: Call | list[Any] | dict[Any, Any]) -> tuple[str, str]:
    if isinstance(value, Call):
        return f"{value.function}(", ")"
    return ("[", "]") if isinstance(value, list) else ("{", "}")


def _items(value: Call | list[Any] | dict[Any, Any]) -> list[str]:
    return [prefix + flat(item) for prefix, item in _parts(value)]


def _parts(value: Call | list[Any] | dict[Any, Any]) -> list[tuple[str, Any]]:
    """What stands between the brackets: each item with what is written before it."""
    match value:
        case Call(_, arguments, keywords):
            return [("", item) for item in arguments] + [(f"{name}=", item) for name, item in keywords]
        case dict():
            return [(f"{flat(key)}: ", item) for key, item in value.items()]
        case _:
            return [("", item) for item in value]


def _lay_out(prefix: str, value: object, suffix: str, width: int) -> list[str]:
    line = prefix + flat(value) + suffix
    if len(line) <= width or not isinstance(value, Call | list | dict) or not _parts(value):
        return [line]
    first, last = _brackets(value)
    inner = ", ".join(_items(value))
    if isinstance(value, Call) and len(inner) <= width - 4:
        body = ["    " + inner]
    else:
        body = ["    " + text for name, item in _parts(value) for text in _lay_out(name, item, ",", width - 4)]
    return [prefix + first, *body, last + suffix]
