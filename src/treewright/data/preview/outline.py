"""Blocks of text at several levels of detail, and as much detail as a number of characters allows.

Every block starts at its title alone. Then all of them grow level by level, the urgent ones ahead of the others, until
no block can grow any more. So many tables share the room fairly, and of one wide table each column is named before
any is described.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.preview.columns import Column
from treewright.data.preview.wording import counted, plain, quoted, share_text, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUMMARY_SHARE = 0.3
"""Of all characters, the most that the summary of the folder may take where there are blocks."""

_NOTE_CHARS = 60
_UNCOUNTED = frozenset(["identifier", "constant"])


@dataclass(frozen=True, slots=True)
class Block:
    """What is to be said of some files: a title, lines, and columns.

    ``lines`` are cut at the characters of a level. ``lead`` is the number of levels by which the block is ahead of
    others; ``sampled`` says that its columns were judged by some of the rows; ``files`` counts the files it tells of.
    """

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    lead: int = 0
    sampled: bool = False
    files: int = 1


@dataclass(frozen=True, slots=True)
class _Level:
    """How much is said: ``chars`` of lines and of names; what marks columns; of each a line, its range, examples."""

    chars: int
    marks: bool = False
    a_line_each: bool = False
    ranges: bool = False
    examples: int = 0
    width: int = 0


_CUTS = (0, 240, 700, 2_000, 6_000)
_ALL = 1_000_000
_WHOLE_LISTS = len(_CUTS)
_LEVELS = (
    *(_Level(chars) for chars in (*_CUTS, _ALL)),
    _Level(_ALL, marks=True),
    _Level(_ALL, a_line_each=True),
    _Level(_ALL, a_line_each=True, ranges=True),
    _Level(_ALL, a_line_each=True, ranges=True, examples=1, width=24),
    _Level(_ALL, a_line_each=True, ranges=True, examples=3, width=40),
)


def outline(summary: Sequence[str], blocks: Sequence[Block], chars: int, *, samples: bool, unseen: int = 0) -> str:
    """The summary and the blocks in at most so many characters; without ``samples`` no data values.

    A note counts the files whose block has no room, and the ``unseen`` ones that no block tells of.
    """
    head = _fitting(summary, int(chars * SUMMARY_SHARE) if blocks else chars)
    room = chars - len(head) - _NOTE_CHARS
    shown, reached = [""] * len(blocks), [-1] * len(blocks)

    def grow(i: int, level: _Level) -> bool:
        nonlocal room
        text = "\n".join(_told(blocks[i], level, samples=samples))
        cost = len(text) - len(shown[i]) + (0 if shown[i] else 2)
        if fits := cost <= room:
            shown[i], room = text, room - cost
        return fits

    steps = ((number - block.lead, i, number) for number in range(len(_LEVELS)) for i, block in enumerate(blocks))
    for _, i, number in sorted(steps):
        if reached[i] == number - 1 and grow(i, _LEVELS[number]):
            reached[i] = number
    for i, number in enumerate(reached):  # a list of names that was cut may take what is left
        if 0 < number < _WHOLE_LISTS:
            grow(i, _Level(len(shown[i]) - len(blocks[i].title) + room - _NOTE_CHARS))
    unseen += sum(block.files for block, text in zip(blocks, shown, strict=True) if not text)
    note = f"Not described, for lack of room: {counted(unseen, 'file')}." if unseen else ""
    return "\n\n".join(filter(None, [head, *shown, note]))


def _told(block: Block, level: _Level, *, samples: bool) -> Iterator[str]:
    yield block.title
    room = level.chars
    for line in block.lines:
        if room > 0:
            yield "  " + shortened(line, room)
        room -= len(line)
    if level.a_line_each:
        for column in block.columns:
            yield "- " + ", ".join(_facts(column, level, samples=samples, sampled=block.sampled))
    elif level.chars:
        yield from _names(block.columns, level)


def _facts(column: Column, level: _Level, *, samples: bool, sampled: bool) -> Iterator[str]:
    yield f"{quoted(column.name)}: {plain(column.kind, 200)}" if column.kind else quoted(column.name)
    if column.count > 1:
        yield f"{column.count:,} columns"
    yield from column.notes
    if column.missing > 0:
        yield f"{'up to ' if column.count > 1 else ''}{share_text(column.missing)} missing"
    if not level.ranges:
        return
    if samples and column.kind != "identifier" and column.low is not None and column.high is not None:
        yield f"{_number(column.low)} to {_number(column.high)}"
    if column.distinct is not None and column.kind not in _UNCOUNTED:
        yield f"{'at least ' if sampled else ''}{column.distinct:,} distinct"
    if samples:
        yield from column.details
        yield from _examples(column, level, sampled=sampled)


def _examples(column: Column, level: _Level, *, sampled: bool) -> Iterator[str]:
    some = [plain(value, level.width) for value in column.examples[: level.examples]]
    if some:
        values = ", ".join(f'"{value}"' if column.kind == "text" or "," in value else value for value in some)
        every = not sampled and column.kind in {"category", "boolean"} and column.distinct == len(some)
        yield f"always {values}" if column.kind == "constant" else f"values {values}" if every else f"e.g. {values}"


def _names(columns: Sequence[Column], level: _Level) -> Iterator[str]:
    """The names of all columns of a kind in one line, the first ones if not all fit."""
    kinds: dict[str, list[Column]] = defaultdict(list)
    for column in columns:
        kinds[column.kind or "columns"].append(column)
    room, left = level.chars, sum(column.count for column in columns)
    for kind, alike in kinds.items():
        names = []
        for column in alike:
            name = quoted(column.name) + (f" ({'; '.join(marks)})" if (marks := list(_marks(column, level))) else "")
            if len(name) > room:
                break
            room -= len(name) + 2
            left -= column.count
            names.append(name)
        if names:
            room -= len(kind)
            yield f"- {plain(kind, 200)}: {', '.join(names)}"
    if left:
        yield f"- … and {counted(left, 'column')} more"


def _marks(column: Column, level: _Level) -> Iterator[str]:
    if column.count > 1:
        yield f"{column.count:,} columns"
    if level.marks:
        yield from column.notes
        if column.missing > 0:
            yield f"{share_text(column.missing)} missing"


def _fitting(lines: Sequence[str], chars: int) -> str:
    """As many lines as fit, the first one in any case."""
    kept: list[str] = []
    for i, line in enumerate(lines):
        if kept and sum(map(len, kept)) + len(kept) + len(line) > chars:
            return "\n".join([*kept, f"- … and {counted(len(lines) - i, 'line')} more"])
        kept.append(line)
    return "\n".join(kept)


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
