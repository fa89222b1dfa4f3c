"""Fenced code in Markdown, as language models write it.

By the rules of CommonMark, but that an info string (```` ```python ````) always opens a block, since models forget to
close the one before; that a fence within a triple-quoted string of a program is text; and that a fence that wraps the
whole answer (```` ```markdown ````) is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.coders.llm.syntax import ends_inside_string

if TYPE_CHECKING:
    from collections.abc import Sequence

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})(.*)")
_LANGUAGE = re.compile(r"[a-z][\w+#-]*", re.IGNORECASE)
_WRAPPERS = ("markdown", "md")
_LOOKAHEAD = 40
"""Fences that are looked past for the end of a string: each costs a parse."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A line that opens or closes a block; ``language`` is in lower case, empty if none is named."""

    indent: int
    marks: str
    language: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code; ``start`` and ``stop`` are the lines it takes, fences included, counted from 0."""

    language: str
    text: str
    start: int
    stop: int
    closed: bool
    marks: str

    @property
    def is_python(self) -> bool:
        """Whether it says that it is Python."""
        return self.language.startswith(("py", "ipy"))


def read_fence(line: str) -> Fence | None:
    """The fence that this line is, if it is one."""
    found = _FENCE.fullmatch(line)
    if not found or (found[2][0] == "`" and "`" in found[3]):  # the latter is code within a line of prose
        return None
    language = _LANGUAGE.search(found[3])
    return Fence(len(found[1]), found[2], language[0].lower() if language else "")


def blocks(text: str, *, cut: bool = False) -> tuple[Block, ...]:
    """All blocks in order. ``cut``: the text was cut off, so that the last one may rightly have no end."""
    lines = text.split("\n")
    fences = [read_fence(line) if "```" in line or "~~~" in line else None for line in lines]
    found: list[Block] = []
    at = 0
    while at < len(lines):
        fence = fences[at]
        if fence and fence.language not in _WRAPPERS:
            found.append(_block(lines, fences, at, cut=cut))
            at = found[-1].stop
        else:
            at += 1
    return tuple(block for block in found if block.text.strip())


def _block(lines: Sequence[str], fences: Sequence[Fence | None], start: int, *, cut: bool) -> Block:
    fence = fences[start]
    assert fence is not None
    stop = _stop(lines, fences, start, cut=cut)
    text = _inside(lines[start + 1 : stop], fence)
    closed = stop < len(lines)
    if not closed and text.rstrip().endswith(fence.marks):  # glued to the last line of code
        text, closed = text.rstrip().removesuffix(fence.marks), True
    ender = fences[stop] if stop < len(lines) else None
    own_end = ender is not None and not ender.language
    return Block(fence.language, text, start, stop + own_end, closed, fence.marks)


def _stop(lines: Sequence[str], fences: Sequence[Fence | None], start: int, *, cut: bool) -> int:
    """The line that ends the block: its closing fence, the next opening one, or the end of the text."""
    fence = fences[start]
    assert fence is not None
    seen: list[int] = []
    for at in range(start + 1, len(lines)):
        other = fences[at]
        if other and other.marks.startswith(fence.marks):
            if not ends_inside_string(_inside(lines[start + 1 : at], fence)):
                return at
            seen.append(at)
            if len(seen) == _LOOKAHEAD:
                break
    return seen[0] if seen and not cut else len(lines)


def _inside(lines: Sequence[str], fence: Fence) -> str:
    """The lines without the indentation of their fence."""
    if not fence.indent:
        return "\n".join(lines)
    return "\n".join(line[min(fence.indent, len(line) - len(line.lstrip(" \t"))) :] for line in lines)
