"""Tables as text, by a sample of them: which character separates, whether there is a header, which rows are ragged."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from treewright.data.preview.columns import Column, is_number, judge
from treewright.data.preview.wording import counted
from treewright.data.tables import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from treewright.data.preview.listing import Deadline
    from treewright.data.preview.reading import Sample, Text

TRIAL_ROWS = 40
HEADLESS = "without a header line"

_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}

_DATE = re.compile(r"\d{4}-\d{1,2}(-\d{1,2})?\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b")


@dataclass(frozen=True, slots=True)
class Delimited:
    """What a sample shows of a table; ``rows`` is an estimate unless all of it was read, or unknown."""

    columns: tuple[Column, ...]
    rows: int | None
    remarks: tuple[str, ...]


def read_delimited(text: Text, sample: Sample, deadline: Deadline) -> Delimited | None:
    """Judge the table in the text of a sample; ``None`` if there is not even a header."""
    separator = _separator(text.parts[0])
    head = list(_rows(text.parts[0], separator, deadline))
    if not head:
        return None
    header, rows = head[0], head[1:] if sample.whole else head[1:-1]
    headless = is_data(header) or _recurs(header, rows)
    if headless:
        rows.insert(0, header)
    used = len(text.parts[0])
    for i, part in enumerate(text.parts[1:], 2):
        at_end = i == len(sample.parts)
        more = list(_rows(part, separator, deadline))
        if 2 * sum(len(row) == len(header) for row in more) > len(more):  # else the part begins inside a quoted cell
            rows += more if at_end else more[:-1]
            used += len(part)
    cut = not sample.whole and len(head) == 1
    names = [f"column {i}" for i in range(1, len(header) + 1)] if headless else _named(header)
    count = len(rows)
    if not sample.whole:
        share = used / sum(map(len, text.parts)) * text.size / max(1, sample.size)
        count = round(len(rows) / share) if share else 0
    return Delimited(
        columns=tuple(_columns(names[:-1] if cut else names, rows, count, deadline)),
        rows=count if rows or sample.whole else None,
        remarks=tuple(_remarks(separator, header, rows, headless=headless, cut=cut)),
    )


def first_row(line: str) -> tuple[str, ...]:
    """The cells of a table's first line."""
    return tuple(next(csv.reader([line], delimiter=_separator(line)), []))


def is_data(header: Sequence[str]) -> bool:
    """Whether most cells of a first row are numbers or dates; those in rising order, as years, may be names."""
    numbers = [float(cell.strip()) for cell in header if is_number(cell)]
    dates = [cell.strip() for cell in header if _DATE.match(cell.strip())]
    if 2 * (len(numbers) + len(dates)) <= len(header):
        return False
    rising = all(number.is_integer() for number in numbers) and all(a < b for a, b in pairwise(numbers))
    if numbers and dates:
        return True
    rising = rising and all(a < b for a, b in pairwise(dates))
    return not (rising and len(numbers) + len(dates) > 1)


def _recurs(header: list[str], rows: list[list[str]]) -> bool:
    """Whether half of the cells of the first row are also values of their columns, and it is not a header repeated."""
    some = [row for row in rows[:TRIAL_ROWS] if row != header]
    return 2 * sum(any(row[i : i + 1] == [cell] for row in some) for i, cell in enumerate(header)) >= len(header)


def _separator(text: str) -> str:
    """The character by which most of the first rows have as many cells as the first one, and more than one."""

    def fit(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in islice(_rows(text, separator), TRIAL_ROWS)]
        if not widths or widths[0] == 1:
            return 0, 0
        return round(widths.count(widths[0]) / len(widths), 1), widths[0]

    return max(SEPARATORS, key=fit)


def _rows(text: str, separator: str, deadline: Deadline | None = None) -> Iterator[list[str]]:
    """The rows that are not blank, up to what no reader could read."""
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if deadline and deadline.passed():
                return
            if len(row) > 1 or "".join(row).strip():
                yield row
    except csv.Error:  # a cell of more than 128 kB
        return


def _columns(names: list[str], rows: list[list[str]], count: int, deadline: Deadline) -> Iterator[Column]:
    for i, name in enumerate(names):
        if deadline.passed():
            yield Column(name)
        else:
            yield judge(name, [row[i] if i < len(row) else "" for row in rows], count)


def _named(header: list[str]) -> list[str]:
    return [name or f"Unnamed: {i}" for i, name in enumerate(header)]  # as pandas calls them


def _remarks(separator: str, header: list[str], rows: list[list[str]], *, headless: bool, cut: bool) -> Iterator[str]:
    if separator in _NAMES:
        yield f"separated by {_NAMES[separator]}"
    if headless:
        yield HEADLESS
    elif twice := sum(count > 1 for count in Counter(header).values()):
        yield f"{counted(twice, 'column name')} more than once"
    if cut:
        yield "the header is longer than what was read"
    if ragged := sum(len(row) != len(header) for row in rows):
        yield f"{ragged:,} of {len(rows):,} rows read have another number of cells than the header"
