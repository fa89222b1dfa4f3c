"""The plan in what a model says around its program."""

from __future__ import annotations

import ast
import re
from itertools import takewhile

from treewright.coders.llm.fences import read_fence
from treewright.coders.llm.syntax import parse

PLAN_CHARS = 1000

_HEADING = re.compile(
    r"(?:\d+[.)]\W*)?(?:(?:the|my|full|complete|final|whole|python)\s+)*"
    r"(?:plan|approach|idea|code|program|script|solution|implementation|answer|explanation)s?:?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:\d+[.)]\s*)?[*_]*(?:the |my )?plan\s*[*_]*\s*(?:[:\u2013\u2014]|- )[\s*_]*", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_PROGRAM = re.compile(r"\b(?:code|program|script|solution|implementation)\b", re.IGNORECASE)


def plan(prose: str) -> str:
    """The prose as one paragraph, without headings, labels, tags, and the words that announce the program."""
    lines = [_without_marks(line) for line in prose[: 10 * PLAN_CHARS].split("\n") if not read_fence(line)]
    lines = [line for line in lines if line]
    if lines and lines[-1].endswith(":") and (len(lines) > 1 or _PROGRAM.search(lines[-1])):
        del lines[-1]
    return shorten("\n".join(lines))


def _without_marks(line: str) -> str:
    line = re.sub(r"</?plan>", "", line).strip("#>*_ \t")
    return "" if _HEADING.fullmatch(line) else _BOLD.sub(r"\1", _LABEL.sub("", line))


def shorten(text: str) -> str:
    """The text in one line of at most ``PLAN_CHARS`` characters."""
    line = " ".join(text[: 10 * PLAN_CHARS].split())
    if len(line) <= PLAN_CHARS:
        return line
    start = line[: PLAN_CHARS - 2]
    return f"{start[: start.rfind(' ')] if ' ' in start else start} …"


def first_remark(code: str) -> str:
    """What the program's docstring says, or else its first comment."""
    try:
        docstring = ast.get_docstring(parse(code))
    except SyntaxError:
        docstring = None
    if docstring:
        return shorten(docstring)
    lines = [line.strip() for line in code.split("\n")]
    first = next(
        (at for at, line in enumerate(lines) if line.startswith("#") and not line.startswith("#!")), len(lines)
    )
    return plan("\n".join(takewhile(lambda line: line.startswith("#"), lines[first:])))
