"""What a table, a metric and a machine suggest: the facts that every recipe choice rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from treewright.metrics import Domain, Needs
from treewright.protocols import Setting
from treewright.task import ColumnKind, ColumnProfile, SplitKind, TargetKind

if TYPE_CHECKING:
    from collections.abc import Callable

MANY_LABELS = 200
"""Categories with more labels than this are described by counts and target means, not label by label."""

SMALL = 5_000

MOST_WEIGHTS = 30
"""Classes beyond which no weight is fitted for each: that would take long, and follow noise."""

WIDE = 150
"""Numeric tables with more columns than this are treated as series or images: no pairs, no groups."""

PERIODS = {
    "hour": 24,
    "minute": 60,
    "dayofweek": 7,
    "day_of_week": 7,
    "weekday": 7,
    "dow": 7,
    "month": 12,
    "dayofyear": 366,
    "day_of_year": 366,
    "week": 53,
}
"""Numeric columns of these names turn around after so many steps."""


@dataclass(frozen=True)
class Situation:
    """A run's setting, sorted by what can be done with each column."""

    setting: Setting

    @cached_property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The columns that scripts can use: in both files and not constant."""
        columns = self.setting.table.columns
        return tuple(c for c in columns if c.in_test and c.kind is not ColumnKind.CONSTANT)

    def of(self, *kinds: ColumnKind) -> tuple[ColumnProfile, ...]:
        """The usable columns of these kinds, without the ids."""
        return tuple(c for c in self.columns if c.kind in kinds and not self._names_rows(c))

    def _names_rows(self, column: ColumnProfile) -> bool:
        return column.kind is ColumnKind.IDENTIFIER or (
            column.name in self.setting.task.ids and column.kind is not ColumnKind.DATETIME
        )

    @property
    def numeric(self) -> tuple[ColumnProfile, ...]:
        """Columns of numbers."""
        return self.of(ColumnKind.NUMERIC)

    @cached_property
    def continuous(self) -> tuple[ColumnProfile, ...]:
        """Columns of numbers that take many values, the most varied first."""
        many = [c for c in self.numeric if c.unique > 12]
        return tuple(sorted(many, key=lambda c: -c.unique))

    @property
    def labels(self) -> tuple[ColumnProfile, ...]:
        """Columns of categories."""
        return self.of(ColumnKind.CATEGORICAL)

    @cached_property
    def few_labels(self) -> tuple[ColumnProfile, ...]:
        """Columns of not too many categories."""
        return tuple(c for c in self.labels if c.unique <= MANY_LABELS and c.unique <= self.rows / 4)

    @cached_property
    def many_labels(self) -> tuple[ColumnProfile, ...]:
        """Columns of too many categories to look at each."""
        return tuple(c for c in self.labels if c not in self.few_labels)

    @property
    def texts(self) -> tuple[ColumnProfile, ...]:
        """Columns of written text."""
        return self.of(ColumnKind.TEXT)

    @property
    def dates(self) -> tuple[ColumnProfile, ...]:
        """Columns of dates and times."""
        return self.of(ColumnKind.DATETIME)

    @cached_property
    def only_text(self) -> bool:
        """Whether there is text and nothing else to learn from."""
        return bool(self.texts) and not (self.numeric or self.labels or self.dates or self.of(ColumnKind.BOOLEAN))

    @property
    def rows(self) -> int:
        """Training rows that a script sees."""
        return self.setting.table.train_rows

    @property
    def all_rows(self) -> int:
        """Rows of both files."""
        return self.setting.table.train_rows + self.setting.table.test_rows

    @property
    def is_small(self) -> bool:
        """Whether there are so few rows that smooth models can keep up with trees."""
        return self.rows <= SMALL

    @cached_property
    def width(self) -> int:
        """How many columns the models will see, roughly."""
        return max(1, len(self.numeric) + len(self.labels) + 6 * len(self.dates) + len(self.of(ColumnKind.BOOLEAN)))

    @property
    def is_wide(self) -> bool:
        """Whether the table is a series, an image or the like: very many numbers a row."""
        return len(self.numeric) > WIDE

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.setting.task.metric.name

    @property
    def is_regression(self) -> bool:
        """Whether a number is predicted."""
        return self.setting.task.kind is TargetKind.REGRESSION

    @property
    def is_robust(self) -> bool:
        """Whether the metric counts absolute errors, so that the median answers best."""
        return self.metric in ("mae", "medae", "mape", "smape")

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes."""
        return self.setting.task.kind is TargetKind.BINARY

    @property
    def classes(self) -> int:
        """The number of classes; 1 for a regression."""
        return 1 if self.is_regression else max(2, len(self.setting.task.classes))

    @property
    def wants_labels(self) -> bool:
        """Whether the submission holds class labels."""
        return not self.is_regression and self.setting.task.metric.needs is Needs.LABELS

    @property
    def tunable(self) -> bool:
        """Whether a weight can be fitted for each class in reasonable time."""
        return self.classes <= MOST_WEIGHTS

    @cached_property
    def split(self) -> SplitKind:
        """How test rows differ from training rows."""
        return self.setting.task.holdout.kind or SplitKind.RANDOM

    @cached_property
    def time(self) -> ColumnProfile | None:
        """The column of the time axis: the one that the split goes by, or the one that the file is sorted by."""
        named = [c for c in self.dates if c.name == self.setting.task.holdout.column]
        in_order = [c for c in self.dates if c.sorted]
        return next(iter(named + in_order), None)

    @cached_property
    def is_series(self) -> bool:
        """Whether there is one row for each moment, so that neighbouring rows are neighbours in time."""
        return self.time is not None and self.time.unique > 0.98 * self.rows

    @cached_property
    def step(self) -> float | None:
        """Hours from one row to the next, where the file is in the order of time and its format tells."""
        if self.time is None or not self.time.sorted:
            return None
        try:
            times = [datetime.fromisoformat(example) for example in self.time.examples]
            hours = [(b - a).total_seconds() / 3600 for a, b in pairwise(times)]
        except (ValueError, TypeError):
            return None
        return min((each for each in hours if each > 0), default=None)

    @cached_property
    def target_is_positive(self) -> bool:
        """Whether every target is known to be above zero."""
        return all(t.low is not None and t.low > 0 for t in self.setting.table.targets)

    @property
    def needs_positive(self) -> bool:
        """Whether an answer of zero would be invalid."""
        return self.setting.task.metric.domain is Domain.POSITIVE and self.target_is_positive

    @cached_property
    def target_is_not_negative(self) -> bool:
        """Whether no target is below zero."""
        return all(t.low is not None and t.low >= 0 for t in self.setting.table.targets)

    def has_package(self, *names: str) -> bool:
        """Whether any of these distributions is installed."""
        return any(name in self.setting.machine.packages for name in names)

    def version(self, name: str) -> tuple[int, int]:
        """The major and minor version of a distribution; (0, 0) where it is not installed."""
        found = re.match(r"(\d+)\.(\d+)", self.setting.machine.packages.get(name, "0.0"))
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def choose(self, test: Callable[[ColumnProfile], bool]) -> list[str]:
        """The names of the usable numeric columns that pass the test."""
        return [c.name for c in self.numeric if test(c)]
