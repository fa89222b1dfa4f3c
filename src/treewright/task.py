"""The task: what is to be predicted, from what, and how it is scored. Plain facts, no behaviour.

``data.read_task`` makes a ``Task`` from a folder or a table; ``data.profile_table`` describes the columns that a
script will see. Both are what every coding operator, the recipes as much as a language model, gets to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from treewright.metrics import Metric


class TargetKind(StrEnum):
    """What is predicted: a number, one of two labels, or one of several."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"


class EvaluationKind(StrEnum):
    """Who scores a program: the harness on rows that it hides, or the program itself, which prints its score."""

    HOLDOUT = "holdout"
    PRINTED = "printed"


class SplitKind(StrEnum):
    """How the hidden rows are drawn, so that they differ from the visible ones as test differs from train.

    ``RANDOM`` is stratified by the target. ``TIME`` hides the end of the time axis, ``BLOCKS`` whole blocks of
    time as the test rows come in blocks, ``GROUP`` whole groups of rows, ``FOLDS`` the user's own parts.
    """

    RANDOM = "random"
    TIME = "time"
    BLOCKS = "blocks"
    GROUP = "group"
    FOLDS = "folds"


@dataclass(frozen=True, slots=True)
class HoldoutSpec:
    """How rows are hidden, as ``[holdout]`` in ``task.toml`` or as inferred.

    ``column`` is the time or group column, or the one with the user's own folds; ``prefix`` the delimiter whose left
    part of the column is the group (``"_"`` for ids like ``0013_01``); ``fraction`` the share of rows hidden for each
    of search and selection. ``selection`` names the one of the user's own folds that is kept for the selection.
    """

    kind: SplitKind | None = None
    column: str | None = None
    prefix: str | None = None
    fraction: float = 0.1
    folds: int | None = None
    selection: str | None = None


class ColumnKind(StrEnum):
    """What a column holds, judged by its values."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of the visible training table.

    ``missing`` is a share in [0, 1]; ``unique`` a count; ``low``, ``high``, ``mean`` and ``skew`` describe numeric
    columns only; ``words`` is the mean number of words of a text; ``integer`` is true for numeric columns of whole
    numbers; ``delimiter`` is set where the values are made of the same number of parts (``B/0/P``: ``/``, 3 parts).
    ``sorted`` tells that the file is in this column's order. ``unseen`` is the share of test rows whose value never
    occurs in train (categorical columns). ``as_text`` marks numbers that are read as text because something else stands
    among them, ``day_first`` dates whose day comes before the month.
    """

    name: str
    kind: ColumnKind
    missing: float
    unique: int
    examples: tuple[str, ...] = ()
    in_test: bool = True
    integer: bool = False
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    skew: float | None = None
    words: float | None = None
    delimiter: str | None = None
    parts: int = 1
    sorted: bool = False
    unseen: float = 0.0
    as_text: bool = False
    day_first: bool = False


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What a script will find in ``./input``: sizes in rows, and every column of ``train.csv`` but the targets.

    ``targets`` profiles the target columns on the visible training rows alone. ``files`` names the other files of
    ``./input`` with their sizes in bytes.
    """

    train_rows: int
    test_rows: int
    columns: tuple[ColumnProfile, ...]
    targets: tuple[ColumnProfile, ...]
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A prediction task.

    ``train``, ``test`` and ``sample`` are the files as the user gave them; ``test`` and ``sample`` are ``None`` for
    one table alone. ``submission_columns`` are the columns of a submission after the id columns: the targets, or
    class names where each class has a column of probabilities. ``classes`` are the labels as they are written in
    ``train.csv`` (empty for regression). ``ids`` may be empty: rows then count by their order.
    ``evaluation`` is the one that is asked for; ``None`` means hidden rows wherever that is possible.
    ``weight`` is the column of the training table that tells how much a row counts in the score. ``side_files`` are
    further files that go into ``./input``, where they follow the rows; ``withheld`` are those that scripts must not
    see, for they could show hidden labels. ``notes`` say what was inferred and why, one sentence each, for the user to
    read.
    """

    name: str
    goal: str
    description: str
    metric: Metric
    kind: TargetKind
    train: Path
    test: Path | None
    sample: Path | None
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    submission_columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
    holdout: HoldoutSpec = HoldoutSpec()
    evaluation: EvaluationKind | None = None
    weight: str | None = None
    side_files: tuple[Path, ...] = ()
    withheld: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
