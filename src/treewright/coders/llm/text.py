"""Texts cut to size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CHARS = 3.5
"""Characters that a token stands for, on the safe side for programs and tables."""


def tokens(text: str) -> int:
    """About how many tokens a text is, rather too many than too few."""
    return int(len(text.encode("utf-8", "replace")) / CHARS) + 1


def clip(text: str, cap: float, tail: float = 0.0) -> str:
    """A text of at most ``cap`` tokens; where it was longer it says so, with a share ``tail`` kept of its end."""
    room = max(0, int(cap * CHARS))
    if len(text) <= room:
        return text
    end = int(room * tail)
    gap = f"\n… {len(text) - room:,} characters left out …\n"
    return text[: room - end] + gap + (text[-end:] if end else "")


def fenced(text: str, language: str = "") -> str:
    """A text in a fence longer than any that it holds."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def duration(seconds: float) -> str:
    """A time in the one unit that says most, as a model is told it."""
    whole = int(seconds)
    if whole < 1:
        return f"{seconds:.1f} seconds"
    if whole < 120:
        return f"{whole} seconds"
    if whole < 7200:
        return f"{whole // 60} minutes"
    return f"{whole / 3600:.1f} hours"


def some(values: Iterable[str], most: int) -> str:
    """The first of several values, and how many more there are."""
    listed = tuple(values)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


CIRCLING = 1_500
"""Characters that have to repeat what was said just before; a small model may go on like that until its limit."""
LONGEST_CIRCLE = 250


def goes_round_in_circles(text: str) -> bool:
    """Whether the end of the text is one piece over and over again."""
    size, end = len(text), text[-CIRCLING:]
    if size < CIRCLING + LONGEST_CIRCLE:
        return False
    return any(end == text[size - CIRCLING - period : size - period] for period in range(1, LONGEST_CIRCLE + 1))
