"""Tables of records: JSON, JSON lines and Parquet. Their columns are judged like those of any table.

What is nested in a column is told by its shape.
"""

from __future__ import annotations

import importlib
import json
import struct
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from treewright.data.preview.columns import Column, judge
from treewright.data.preview.shapes import decode, recurring, shape
from treewright.data.preview.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from treewright.data.preview.listing import Deadline
    from treewright.data.preview.reading import Sample, Text

MOST_FOOTER = 1 << 23
"""Bytes of a Parquet file's footer up to which it is read."""

MOST_CELLS = 50_000
NESTED_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Records:
    """A table of records, or else the shape of what was found.

    ``rows`` is an estimate if ``about``, and ``sampled`` is how many of them were judged where that was not all.
    """

    columns: tuple[Column, ...] = ()
    rows: int | None = None
    about: bool = False
    sampled: int | None = None
    shape: str = ""
    fault: str = ""


def read_lines(text: Text, sample: Sample, deadline: Deadline, *, keys: bool) -> Records:
    """JSON lines; ``keys`` says whether keys that are data may be shown."""
    values, faults = [], 0
    for part in text.parts:
        lines = part.split("\n")
        for line in lines if sample.whole else lines[:-1]:
            if deadline.passed():
                break
            if line.strip():
                try:
                    values.append(json.loads(line))
                except (ValueError, RecursionError):
                    faults += 1
    count = len(values) if sample.whole else round(len(values) * sample.size / max(1, text.size))
    fault = f"{counted(faults, 'line')} without JSON" if faults else ""
    return replace(_of(values, count, deadline, whole=sample.whole, keys=keys), fault=fault)


def read_json(text: Text, sample: Sample, deadline: Deadline, *, keys: bool) -> Records:
    """A JSON document, which may turn out to be JSON lines; ``ValueError`` if it is neither."""
    value, end, whole = decode(text.parts[0], deadline)
    if whole and end < len(text.parts[0]):
        return read_lines(text, sample, deadline, keys=keys)
    fault = "damaged, or nested too deeply: read up to there" if sample.whole and not whole else ""
    if not isinstance(value, list):
        return Records(shape=shape([value], keys=keys), about=not whole, fault=fault)
    if not whole and len(value) > 1:
        value.pop()  # it may be cut off
    share = 1.0 if whole else end / len(text.parts[0]) * len(text.parts[0].encode()) / max(1, sample.size)
    return replace(_of(value, round(len(value) / share), deadline, whole=whole, keys=keys), fault=fault)


def read_parquet(file: BinaryIO, deadline: Deadline, *, keys: bool) -> Records:
    """The schema and the first rows of a Parquet file; ``ImportError`` without pyarrow, ``ValueError`` if damaged."""
    parquet = importlib.import_module("pyarrow.parquet")
    file.seek(-8, 2)
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != b"PAR1" or length > MOST_FOOTER:
        raise ValueError("no Parquet file, or one with a huge footer")
    table = parquet.ParquetFile(file, buffer_size=1 << 16)
    schema, rows = table.schema_arrow, table.metadata.num_rows
    some = max(10, min(1_000, MOST_CELLS // max(1, len(schema.names))))
    columns = []
    for field in schema:
        values: list[Any] = []
        if rows and not deadline.passed():
            try:
                batches = table.iter_batches(some, row_groups=[0], columns=[field.name], use_threads=False)
                values = next(batches).column(0).to_pylist()
            except Exception:  # noqa: BLE001, S110 -- of a value that Python has no form for, the type is told
                pass
        columns.append(_column(field.name, values, rows, keys=keys) if values else Column(field.name, str(field.type)))
    return Records(tuple(columns), rows, sampled=some if rows > some else None)


def _of(values: list[Any], count: int, deadline: Deadline, *, whole: bool, keys: bool) -> Records:
    """Records if the values are objects, else their common shape."""
    about = not whole or deadline.passed()
    objects = all(isinstance(value, dict) for value in values)
    names = dict.fromkeys(chain.from_iterable(values) if keys else recurring(values)) if objects else {}
    if not names:
        found = shape([values], keys=keys)
        if about:
            found = f"about {counted(count, 'item')}, each {shape(values, keys=keys)}"
        return Records(shape=found if values else "", about=about)
    columns = tuple(_columns(list(names), values, count, deadline, keys=keys))
    others = len(set(chain.from_iterable(values)).difference(names))
    besides = f"besides {counted(others, 'key')} that most rows lack" if others else ""
    return Records(columns, count, about=about, sampled=len(values) if about else None, shape=besides)


def _columns(
    names: Sequence[str], records: list[dict[str, Any]], rows: int, deadline: Deadline, *, keys: bool
) -> Iterator[Column]:
    for name in names:
        if deadline.passed():
            yield Column(name)
        else:
            yield _column(name, [record.get(name) for record in records], rows, keys=keys)


def _column(name: str, values: list[Any], rows: int, *, keys: bool) -> Column:
    present = [value for value in values if value is not None]
    if any(isinstance(value, dict | list | tuple | bytes) for value in present):
        return Column(name, shape(present, NESTED_DEPTH, keys=keys), missing=1 - len(present) / len(values))
    return judge(name, ["" if value is None else _cell(value) for value in values], rows)


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
