"""Reading what a script handed in, and saying exactly what is wrong with it.

Every cell is read as text, and rows are matched by their ids, in whatever order they come. Whether a file that a
script left may be opened at all, ``workdir.collect`` has found out before.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from treewright.metrics import Needs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from treewright.task import Task

    Array = NDArray[np.float64]

SPARE_BYTES = 10_000_000

_JOINT = "\x1f"
_WHOLE = re.compile(r"(-?\d{1,4000})(?:\.0*)?")


class InvalidSubmission(Exception):  # noqa: N818 -- it says what the file is, not that we failed
    """Why a submission cannot be scored, in words for whoever wrote the script."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a submission has to look like: as ``sample_submission.csv``, one row for each row of ``test.csv``.

    ``keys`` are the rows' ids as text (several id columns joined), in the order of the sample; ``None`` where the
    task has no ids and rows count by their order. ``max_bytes`` is more than any file of this form needs.
    """

    ids: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int
    keys: pd.Index | None
    max_bytes: int

    @classmethod
    def of(cls, rows: pd.DataFrame, task: Task, size: int) -> Form:
        """The form of a submission for these rows; ``size`` is that of a sample in bytes."""
        keys = _keys(rows, task.ids) if task.ids else None
        return cls(task.ids, task.submission_columns, len(rows), keys, 20 * size + SPARE_BYTES)


def read_form(sample: Path, task: Task) -> Form:
    """The form that this sample submission shows."""
    return Form.of(_read_text(sample), task, sample.stat().st_size)


def read_targets(cells: pd.DataFrame, task: Task) -> Array:
    """True values from text cells, one column a target: numbers, or codes into ``task.classes`` where there are any.

    ``(rows,)``, or ``(rows, targets)`` for several targets. ``InvalidSubmission`` for what is neither.
    """
    columns = task.targets
    values = _labels(cells, columns, task.classes) if task.classes else _numbers(cells, columns)
    return values[:, 0] if len(columns) == 1 else values


def read_submission(path: Path, form: Form, task: Task) -> Array:
    """The predictions in the form's row order; ``InvalidSubmission`` if anything is wrong.

    Numbers: ``(rows,)``, or ``(rows, targets)`` for several targets. Labels: codes into ``task.classes``, ``(rows,)``.
    Probabilities: ``(rows, classes)`` where each class has its column, else ``(rows,)`` of the positive class.
    """
    frame = _aligned(_read_text(path), form, form.columns, path.name)
    if task.metric.needs is Needs.LABELS:
        values = _labels(frame, form.columns, task.classes)
    else:
        values = _numbers(frame, form.columns)
    if task.metric.needs is Needs.PROBABILITIES and len(form.columns) > len(task.targets):
        _check_probabilities(values)
    elif task.metric.needs is Needs.PROBABILITIES and not task.metric.ranks:
        for i, column in enumerate(form.columns):
            _check_range(values[:, i], column)
    return values[:, 0] if len(form.columns) == 1 else values


def read_probabilities(path: Path, form: Form, task: Task) -> Array | None:
    """Probabilities of all classes, ``(rows, classes)``; ``None`` if they cannot be used."""
    try:
        frame = _aligned(_read_text(path), form, task.classes, path.name)
        values = _numbers(frame, task.classes)
        _check_probabilities(values)
    except InvalidSubmission:
        return None
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype=np.float64)


def _read_text(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error, OSError, ValueError) as error:
        raise InvalidSubmission(f"{path.name} is not a readable CSV file: {error}") from None


def _aligned(frame: pd.DataFrame, form: Form, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    """The value columns in the form's row order."""
    expected = (*form.ids, *columns)
    missing = [c for c in expected if c not in frame.columns]
    extra = [str(c) for c in frame.columns if c not in expected]
    if missing or extra:
        wrong = [f"lacks {_names(missing)}"] * bool(missing) + [f"has the extra {_names(extra)}"] * bool(extra)
        raise InvalidSubmission(f"{name} {' and '.join(wrong)}; its columns must be {_names(expected)}")
    if form.keys is None:
        if len(frame) != form.rows:
            raise InvalidSubmission(
                f"{name} has {len(frame):,} rows; {form.rows:,} are needed, one for each row of test.csv"
            )
        return frame[list(columns)]
    wanted, keys = form.keys, _keys(frame, form.ids)
    if keys.equals(wanted):
        return frame[list(columns)]
    if not keys.isin(wanted).all():
        alike = wanted.map(_plain)
        if not alike.has_duplicates:
            wanted, keys = alike, keys.map(_plain)
    if keys.has_duplicates:
        example = keys[keys.duplicated()][0]
        raise InvalidSubmission(
            f"{name} has the id {example!r} more than once ({int(keys.duplicated().sum()):,} rows too many)"
        )
    positions = keys.get_indexer(wanted)
    if (positions < 0).any():
        example = form.keys[int(np.argmin(positions))]
        raise InvalidSubmission(
            f"{name} lacks {int((positions < 0).sum()):,} of the {form.rows:,} ids of test.csv, {example!r} for one"
            + (f"; its own ids look like {keys[0]!r}" if len(keys) else "")
        )
    if len(keys) > form.rows:
        unknown = keys[~keys.isin(wanted)]
        raise InvalidSubmission(f"{name} has {len(unknown):,} ids that are not in test.csv, {unknown[0]!r} for one")
    return frame[list(columns)].iloc[positions]


def _keys(frame: pd.DataFrame, ids: tuple[str, ...]) -> pd.Index:
    columns = [frame[name].str.strip() for name in ids]
    joined = columns[0].str.cat(columns[1:], sep=_JOINT) if len(ids) > 1 else columns[0]
    return pd.Index(joined.to_numpy(dtype=object), dtype=object)


def _plain(key: str) -> str:
    """A key as it is compared: ``17.0`` and ``017`` count as ``17``, for that is what pandas may make of them."""
    return _JOINT.join(str(int(found[1])) if (found := _WHOLE.fullmatch(cell)) else cell for cell in key.split(_JOINT))


def _numbers(frame: pd.DataFrame, columns: tuple[str, ...]) -> Array:
    values = np.empty((len(frame), len(columns)))
    for i, column in enumerate(columns):
        values[:, i] = pd.to_numeric(frame[column], errors="coerce").to_numpy(float, na_value=np.nan)
        wrong = ~np.isfinite(values[:, i])
        if wrong.any():
            example = frame[column].iloc[int(np.argmax(wrong))]
            raise InvalidSubmission(
                f"{int(wrong.sum()):,} of {len(frame):,} values of {column!r} are no finite numbers, "
                f"{example!r} for one"
            )
    return values


def _labels(frame: pd.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...]) -> Array:
    exact = {label: code for code, label in enumerate(classes)}
    loose = {_loose(label): code for code, label in enumerate(classes)}
    values = np.empty((len(frame), len(columns)))
    for i, column in enumerate(columns):
        cells = frame[column]
        known = {cell: exact.get(cell, loose.get(_loose(cell), -1)) for cell in cells.unique()}
        values[:, i] = cells.map(known).to_numpy(float)
        wrong = values[:, i] < 0
        if wrong.any():
            raise InvalidSubmission(
                f"{int(wrong.sum()):,} of {len(cells):,} values of {column!r} are no known class, "
                f"{cells.iloc[int(np.argmax(wrong))]!r} for one; the classes are {_names(classes)}"
            )
    return values


def _loose(label: str) -> str:
    return _plain(label.strip()).lower()


def _check_probabilities(values: Array) -> None:
    if (values < 0).any():
        raise InvalidSubmission(f"{int((values < 0).any(axis=1).sum()):,} rows have negative probabilities")
    if (values.sum(axis=1) <= 0).any():
        raise InvalidSubmission(f"{int((values.sum(axis=1) <= 0).sum()):,} rows have probabilities that sum to zero")


def _check_range(values: Array, column: str) -> None:
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        raise InvalidSubmission(f"{int(wrong.sum()):,} values of {column!r} are no probabilities between 0 and 1")


def _names(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
