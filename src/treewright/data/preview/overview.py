"""From a folder to its overview: what is looked at, and what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from treewright.data import inputs
from treewright.data.preview.columns import from_profile, grouped
from treewright.data.preview.delimited import HEADLESS
from treewright.data.preview.listing import NAMED, Deadline, list_files, summarize
from treewright.data.preview.outline import Block, outline
from treewright.data.preview.peek import Look, Peek, peek
from treewright.data.preview.units import TABLES, TEST, TRAIN, rank_of, units
from treewright.data.preview.wording import TIMES, counted, listed, quoted, size_text, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from treewright.data.preview.columns import Column
    from treewright.data.preview.listing import File
    from treewright.data.preview.units import Unit
    from treewright.task import TableProfile

CHARS = 8_000
SECONDS = 2.0
PART = 1 << 18
ALL_PARTS = 1 << 22
"""Bytes of each part of a file that are read, and of the parts of all files together where there are many."""

MOST_UNITS = 80
MOST_NAMED = 150
"""Columns of a table that are each named; in a wider one those whose names differ in digits alone are grouped."""

MOST_LISTED = 30
IMAGES = 5

_LEADS = {TRAIN: 3, TEST: 1}
_LAG_OF_TEXT = -5
_UNREAD = "not opened, for lack of time"


def preview(
    folder: Path,
    *,
    table: TableProfile | None = None,
    samples: bool = True,
    chars: int = CHARS,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """What lies in a folder, in at most ``chars`` characters and about ``seconds`` of reading.

    ``table`` has the exact figures of ``train.csv`` and ``test.csv``; other tables are judged by a sample. Without
    ``samples`` no value of the data is shown: no example, range, label or line of text, no key of JSON that only one
    object has, and no digit in the names of files; but the first line of a table counts as its header where it does not
    show that it is data. Odd and damaged files are told of; nothing raises.
    """
    start = clock()

    def after(share: float) -> Deadline:
        return Deadline(start + share * seconds, clock)

    listing = list_files(folder, after(0.45), sure=(inputs.TRAIN, inputs.TEST, inputs.SAMPLE))
    every = units(folder, listing.files, after(0.65))
    described, others = every[:MOST_UNITS], every[MOST_UNITS:]
    part = max(1 << 13, min(PART, ALL_PARTS // max(1, len(described))))
    blocks = list(_blocks(folder, described, Look(part, after(0.85), samples), table))
    summary = summarize(listing, samples=samples)
    text = outline(summary, blocks, chars, samples=samples, unseen=sum(len(unit.files) for unit in others))
    return _harmless(text, chars)


def _blocks(folder: Path, every: Sequence[Unit], look: Look, table: TableProfile | None) -> Iterator[Block]:
    """A block for each unit; what two tables have in common is told once."""
    known: dict[tuple[str, ...], str] = {}
    train: tuple[str, tuple[str, ...]] = "", ()
    for unit in every:
        first = unit.first.path
        rank = rank_of(unit.first)
        seen = _profiled(first, table) or _look_at(folder, unit, look)
        names = tuple(column.name for column in seen.columns)
        block = Block(
            title=_title(unit, seen, look),
            lines=(*seen.lines, *seen.quotes) if look.samples else seen.lines,
            columns=grouped(seen.columns) if len(names) > MOST_NAMED else seen.columns,
            lead=_LEADS.get(rank, 0) if unit.kind in TABLES else _LAG_OF_TEXT,
            sampled=seen.sampled,
            files=len(unit.files),
        )
        if names in known and HEADLESS not in seen.remarks:
            block = replace(block, columns=(), lines=(f"the columns of {known[names]}",))
        elif rank == TEST and 2 * len(set(names) & set(train[1])) > len(names):
            block = _against(block, seen.columns, *train)
        if rank == TRAIN and not train[0]:
            train = quoted(first), names
        if names:
            known.setdefault(names, _name(unit, look))
        yield block


def _profiled(path: str, table: TableProfile | None) -> Peek | None:
    """What is known of the training or the test table without looking."""
    if table is None or path not in {inputs.TRAIN, inputs.TEST}:
        return None
    if path == inputs.TEST:
        columns = tuple(from_profile(column, target=False) for column in table.columns if column.in_test)
        return Peek(columns, table.test_rows)
    targets = (from_profile(column, target=True) for column in table.targets)
    return Peek((*(from_profile(column, target=False) for column in table.columns), *targets), table.train_rows)


def _look_at(folder: Path, unit: Unit, look: Look) -> Peek:
    """A look at the first file, or at some where they are images."""
    if unit.kind == "image":
        step = -(-len(unit.files) // IMAGES)
        looks = [_look_at_file(folder, file, look).remarks for file in unit.files[::step]]
        count = f"{len(looks)} looked at" if len(unit.files) > 1 else ""
        return Peek(remarks=tuple(filter(None, [*dict.fromkeys(chain.from_iterable(looks)), count])))
    return _look_at_file(folder, unit.first, look)


def _look_at_file(folder: Path, file: File, look: Look) -> Peek:
    return Peek(remarks=(_UNREAD,)) if look.deadline.passed() else peek(folder / file.path, file.suffix, look)


def _name(unit: Unit, look: Look) -> str:
    """The path of the file that stands for all."""
    return quoted(told(unit.first.path, samples=look.samples))


def _title(unit: Unit, seen: Peek, look: Look) -> str:
    """The files, their rows and columns, their size, and the remarks; figures for several are estimates."""
    count = len(unit.files)
    name = listed([told(file.path, samples=look.samples) for file in unit.files], NAMED)
    if count > NAMED:
        name = f"{count:,} files like {_name(unit, look)}"
    columns = counted(len(seen.columns), "column")
    if same := unit.same_header and bool(seen.columns):
        name += f" with the same {columns}"
    facts = [] if same or not seen.columns else [columns]
    if seen.rows is not None and seen.columns:
        about = "about " if seen.about or count > 1 else ""
        rows = about + counted(round(seen.rows * unit.size / max(1, unit.first.size)), "row")
        facts = [rows if same else f"{rows} {TIMES} {columns}"]
    facts.append(size_text(unit.size) + (" in all" if count > 1 else ""))
    if count > 1 and unit.kind != "image" and (seen.columns or seen.lines or seen.quotes):
        facts.append("described by that one" if count > NAMED else f"described by {_name(unit, look)}")
    return f"{name}: {', '.join((*facts, *seen.remarks))}"


def _against(block: Block, columns: Sequence[Column], train: str, train_names: Sequence[str]) -> Block:
    """The block of a test table, told by what it has of the columns of the training table, and what not."""
    names = {column.name for column in columns}
    without = [name for name in train_names if name not in names]
    known = set(train_names)
    extra = tuple(column for column in columns if column.name not in known)
    line = f"the columns of {train}{f' without {listed(without, MOST_LISTED)}' if without else ''}"
    return replace(block, columns=extra, lines=(f"{line}, and besides" if extra else line,))


def _harmless(text: str, chars: int) -> str:
    """The text without what could end a fenced block, show as something else, or be too long."""
    text = "".join(char if char.isprintable() or char == "\n" else " " for char in text).replace("```", "'''")
    if len(text) <= chars:
        return text
    return text[: chars - 1] + "…" if chars > 0 else ""
