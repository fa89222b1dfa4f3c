"""Columns as they are told, judged by a sample of their cells.

``profile`` describes the training table, on all its rows and with pandas, for programs that are built on it. Here any
table is judged by what was read of it, in the same terms, and cheaply: a cell is looked at by regular expressions
that take one pass, whatever stands in it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.preview.wording import share_text
from treewright.data.profile import ALMOST_UNIQUE, TEXT_WORDS
from treewright.data.tables import MISSING
from treewright.task import ColumnKind, ColumnProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = 3
FEWEST_ALIKE = 4
FEWEST_NAMES = 10
"""Values from which on it says something that all are different."""

CELL_CHARS = 500
"""A cell is judged by its beginning."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+", re.ASCII)
_DATE = re.compile(
    r"((1[6-9]|2[01])\d\d([-/.]\d\d?){1,2}|\d\d?[-/.]\d\d?[-/.]((1[6-9]|2[01])\d\d|\d\d)"
    r"|\d\d?\.? ?-?[a-z]{3,9}\.?,?[- ]\d{2,4}|[a-z]{3,9}\.? \d\d?,? \d{4})([t ]\s*\d.*)?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_DAY_FIRST = re.compile(r"(1[3-9]|2\d|3[01])[-/. ]\d\d?[-/. ]|\d\d?\.\d\d?\.", re.ASCII)
_DATES_LOOKED_AT = 200

_KINDS = {
    ColumnKind.NUMERIC: "number",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.CATEGORICAL: "category",
    ColumnKind.TEXT: "text",
    ColumnKind.DATETIME: "date",
    ColumnKind.IDENTIFIER: "identifier",
    ColumnKind.CONSTANT: "constant",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    ``kind`` is integer, number, text, category, date, boolean, constant, identifier, or the shape of nested values;
    empty where nothing is known. ``missing`` is a share in [0, 1]; ``distinct`` counts the values that were seen.
    ``low``, ``high``, ``details`` and ``examples`` show data, ``notes`` do not. ``count`` is more than one where this
    stands for several columns whose names differ in digits alone.
    """

    name: str
    kind: str = ""
    missing: float = 0.0
    distinct: int | None = None
    low: float | None = None
    high: float | None = None
    details: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    count: int = 1


def judge(name: str, cells: Sequence[str], rows: int) -> Column:
    """Judge a column by some of its cells as they stand in the file; ``rows`` is the length of the whole table."""
    present = [cell[:CELL_CHARS] for cell in cells if cell not in MISSING]
    if not cells:
        return Column(name)
    values = list(dict.fromkeys(present))
    column = Column(
        name=name,
        missing=1 - len(present) / len(cells),
        distinct=len(values),
        examples=tuple(values[:EXAMPLES]),
    )
    if not values or (len(values) == 1 and len(present) == len(cells) > 1):
        return replace(column, kind="constant")
    if {value.lower() for value in values} <= {"true", "false"}:
        return replace(column, kind="boolean")
    return _numeric(column, present, values, rows) or _date(column, values) or replace(column, kind=_worded(present))


def grouped(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a wide table, with one in place of those whose names differ in digits alone."""
    alike: dict[str, list[Column]] = {}
    for column in columns:
        alike.setdefault(re.sub(r"\d+", "#", column.name), []).append(column)
    return tuple(
        column for group in alike.values() for column in ([_merged(group)] if len(group) >= FEWEST_ALIKE else group)
    )


def is_number(cell: str) -> bool:
    """Whether a cell is a decimal number, with a point if it has a fraction."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def from_profile(profile: ColumnProfile, *, target: bool) -> Column:
    """A column of the training table as it was judged on all its rows."""
    notes = (
        ("target", target),
        ("not in test.csv", not target and not profile.in_test),
        ("stored as text: other values stand among the numbers", profile.as_text),
        ("day before month", profile.day_first),
        ("rows are in its order", profile.sorted),
        (f"{share_text(profile.unseen)} of test rows have a value that is not in train", profile.unseen >= 0.001),
    )
    details = (
        (f"about {profile.words or 0:.0f} words", profile.words is not None),
        (f"{profile.parts} parts between {profile.delimiter!r}", profile.delimiter is not None),
    )
    return Column(
        name=profile.name,
        kind="integer" if profile.integer else _KINDS[profile.kind],
        missing=profile.missing,
        distinct=profile.unique,
        low=profile.low,
        high=profile.high,
        details=tuple(detail for detail, holds in details if holds),
        examples=profile.examples[:EXAMPLES],
        notes=tuple(note for note, holds in notes if holds),
    )


def _merged(columns: Sequence[Column]) -> Column:
    kinds = Counter(column.kind for column in columns if column.kind)
    lows = [column.low for column in columns if column.low is not None]
    highs = [column.high for column in columns if column.high is not None]
    return Column(
        name=f"{columns[0].name} … {columns[-1].name}",
        kind=next(iter(kinds), "")
        if len(kinds) < 2
        else ", ".join(f"{kind} ({n:,})" for kind, n in kinds.most_common()),
        missing=max(column.missing for column in columns),
        low=min(lows, default=None),
        high=max(highs, default=None),
        notes=tuple(note for note in columns[0].notes if all(note in column.notes for column in columns)),
        count=len(columns),
    )


def _numeric(column: Column, present: list[str], values: list[str], rows: int) -> Column | None:
    notes: tuple[str, ...] = ()
    texts = {value: value.strip() for value in values}
    commas = {value for value, text in texts.items() if _DECIMAL_COMMA.fullmatch(text)}
    if commas and all(value in commas or _NUMBER.fullmatch(text) for value, text in texts.items()):
        texts = {value: text.replace(",", ".") for value, text in texts.items()}
        notes = ("decimal comma",)
    strange = {value for value, text in texts.items() if not _NUMBER.fullmatch(text)}
    if sum(cell in strange for cell in present) >= (1 - ALMOST_UNIQUE) * len(present):
        return None
    if strange:
        notes = ("stored as text: other values stand among the numbers",)
    numbers = [float(text) for value, text in texts.items() if value not in strange]
    finite = [number for number in numbers if abs(number) != float("inf")]
    whole = all(number.is_integer() for number in finite)
    column = replace(column, low=min(finite, default=None), high=max(finite, default=None), notes=notes)
    names_rows = whole and len(values) == len(present) and not strange and len(finite) >= FEWEST_NAMES
    if names_rows and (_called_id(column.name) or max(finite) - min(finite) < 2 * rows):
        return replace(column, kind="identifier")
    return replace(column, kind="integer" if whole else "number")


def _date(column: Column, values: list[str]) -> Column | None:
    some = [value.strip() for value in values[:_DATES_LOOKED_AT]]
    if sum(bool(_DATE.fullmatch(value)) for value in some) <= ALMOST_UNIQUE * len(some):
        return None
    day_first = any(_DAY_FIRST.match(value) for value in some)
    return replace(column, kind="date", notes=("day before month",) if day_first else ())


def _worded(present: list[str]) -> str:
    share = len(set(present)) / len(present)
    if share > 0.5 and sum(len(cell.split()) for cell in present) >= TEXT_WORDS * len(present):
        return "text"
    return "identifier" if share > ALMOST_UNIQUE and len(present) >= FEWEST_NAMES else "category"


def _called_id(name: str) -> bool:
    return name.lower() == "id" or name.endswith(("_id", "Id", "ID"))
