"""What each feature block asks of a table, and the arguments that it then gets.

Each function looks at the situation and returns the arguments of the library function of the same idea, or ``None``
where the block makes no sense. None looks at a column's meaning, only at what its profile shows; the exceptions are
names that calendars use everywhere (``hour``, ``month``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.situation import PERIODS
from treewright.task import ColumnKind, SplitKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.coders.recipes.situation import Situation
    from treewright.task import ColumnProfile

Arguments = Mapping[str, Any] | None
Offer = Callable[["Situation"], Arguments]


# Dates ----------------------------------------------------------------------------------------------------------------


def calendar(situation: Situation) -> Arguments:
    """Dates: the parts that come again in the test rows."""
    columns = _dates(situation)
    if not columns:
        return None
    parts = ["day_of_week"]
    if any(_has_hours(column) for column in columns):
        parts.append("hour")
    if situation.split is not SplitKind.TIME:
        parts += ["year", "month"]  # what lies ahead of the training rows has no like among them
    if situation.split is SplitKind.RANDOM:
        parts.append("day")
    return {"columns": [column.name for column in columns], "parts": parts}


def time_of_day(situation: Situation) -> Arguments:
    """Dates with a time that is finer than hours."""
    columns = [column.name for column in _dates(situation) if _has_hours(column)]
    return {"columns": columns} if columns and situation.step != 1 else None


def day_of_year(situation: Situation) -> Arguments:
    """Dates, unless the test rows lie in another season."""
    return None if situation.split is SplitKind.TIME else _of_dates(situation)


def elapsed(situation: Situation) -> Arguments:
    """Dates, unless the test rows lie ahead."""
    # Trees cannot follow a trend beyond the training rows.
    return None if situation.split is SplitKind.TIME else _of_dates(situation)


def durations(situation: Situation) -> Arguments:
    """At least two columns of dates."""
    return _of_dates(situation) if len(_dates(situation)) > 1 else None


def cycles(situation: Situation) -> Arguments:
    """Numbers that turn around: parts of dates, or columns that are called so."""
    periods = {c.name: PERIODS[c.name.lower()] for c in situation.numeric if c.name.lower() in PERIODS}
    if offered := calendar(situation):
        turning = [part for part in offered["parts"] if part in PERIODS]
        periods |= {f"{column}_{part}": PERIODS[part] for column in offered["columns"] for part in turning}
    return {"periods": periods} if periods else None


def _dates(situation: Situation) -> list[ColumnProfile]:
    """The first few columns of dates, the time axis before others."""
    axis = [situation.time] if situation.time else []
    return [*axis, *(column for column in situation.dates if column not in axis)][:3]


def _of_dates(situation: Situation) -> Arguments:
    columns = [column.name for column in _dates(situation)]
    return {"columns": columns} if columns else None


def _has_hours(column: ColumnProfile) -> bool:
    return any(":" in example for example in column.examples)


# Labels ---------------------------------------------------------------------------------------------------------------


def codes(situation: Situation) -> Arguments:
    """Labels made of parts."""
    coded = [c for c in situation.columns if c.delimiter and c.kind is ColumnKind.CATEGORICAL]
    return {"column": coded[0].name, "delimiter": coded[0].delimiter} if coded else None


def group(situation: Situation) -> Arguments:
    """Ids that name a group, as the split or their form shows."""
    holdout = situation.setting.task.holdout
    coded = [c for c in situation.columns if c.delimiter and c.kind is ColumnKind.IDENTIFIER]
    if holdout.column and holdout.prefix:
        return {"column": holdout.column, "delimiter": holdout.prefix}
    return {"column": coded[0].name, "delimiter": coded[0].delimiter} if coded else None


def last_word(situation: Situation) -> Arguments:
    """Ids of several words, as names are."""
    for column in situation.columns:
        if column.kind is ColumnKind.IDENTIFIER and column.examples and all(" " in e.strip() for e in column.examples):
            return {"column": column.name}
    return None


def counts(situation: Situation) -> Arguments:
    """Labels of which there are more than a handful."""
    names = [c.name for c in situation.labels if c.unique > 5]
    return {"columns": names} if names else None


def target_means(situation: Situation) -> Arguments:
    """The same labels, where a number is predicted."""
    return _encodable(situation) if situation.is_regression else None


def class_shares(situation: Situation) -> Arguments:
    """The same labels, where a class is predicted."""
    return _encodable(situation) if not situation.is_regression and situation.classes <= 10 else None


def _encodable(situation: Situation) -> Arguments:
    # Nothing is known of labels that test rows alone have: groups that are never split between train and test.
    names = [c.name for c in situation.labels if c.unique > 5 and c.unseen < 0.5]
    return {"columns": names} if names else None


def rare(situation: Situation) -> Arguments:
    """Labels of which there are many."""
    names = [c.name for c in situation.labels if c.unique > 12]
    return {"columns": names, "least": 10} if names else None


def missing(situation: Situation) -> Arguments:
    """Gaps in several columns."""
    return {} if sum(c.missing > 0 for c in situation.columns) > 2 else None


# Numbers --------------------------------------------------------------------------------------------------------------


def totals(situation: Situation) -> Arguments:
    """Columns of one kind: amounts on one scale with many zeros and long tails."""
    names = _on_one_scale([c for c in situation.numeric if c.low == 0 and (c.skew or 0) > 2 and c.unique > 20], 20)
    return {"columns": names} if 2 <= len(names) <= 30 else None


def sums(situation: Situation) -> Arguments:
    """Varied numbers on one scale."""
    names = _on_one_scale([c for c in situation.continuous if _not_negative(c)], 5)[:6]
    return {"columns": names} if len(names) > 1 and not situation.is_wide else None


def _on_one_scale(columns: Sequence[ColumnProfile], factor: float) -> list[str]:
    """Those whose mean is not much below the largest mean but one, which need not be of their kind."""
    means = sorted((column.mean or 0.0 for column in columns), reverse=True)
    if len(means) < 2:
        return []
    return [column.name for column in columns if means[1] / factor <= (column.mean or 0.0) <= means[1] * factor]


def _not_negative(column: ColumnProfile) -> bool:
    return column.low is not None and column.low >= 0


def logarithms(situation: Situation) -> Arguments:
    """Numbers with a long tail."""
    names = situation.choose(lambda c: _not_negative(c) and (c.skew or 0) > 2 and c.unique > 20)
    return {"columns": names} if names and not situation.is_wide else None


def varied(most: int) -> Offer:
    """The most varied numbers."""

    def offer(situation: Situation) -> Arguments:
        names = [c.name for c in situation.continuous[:most]]
        return {"columns": names} if len(names) > 1 and not situation.is_wide else None

    return offer


def positive_ratios(situation: Situation) -> Arguments:
    """The most varied numbers that are never zero."""
    names = [c.name for c in situation.continuous if (c.low or 0) > 0][:6]
    return {"columns": names} if len(names) > 1 and not situation.is_wide else None


# Rows around ----------------------------------------------------------------------------------------------------------


def group_means(situation: Situation) -> Arguments:
    """The label with the most values, and the most varied numbers."""
    numbers = [c.name for c in situation.continuous[:6]]
    label = max(situation.few_labels, key=lambda c: c.unique, default=None)
    return {"by": label.name, "columns": numbers} if label and numbers and not situation.is_wide else None


def crossed(situation: Situation) -> Arguments:
    """The first two columns of few labels."""
    names = [c.name for c in situation.few_labels if 2 <= c.unique <= 30][:2]
    return {"columns": names} if len(names) == 2 else None


def rolling(situation: Situation) -> Arguments:
    """A time axis with a row for each moment, and numbers along it."""
    names = [c.name for c in situation.continuous[:4]]
    if not (situation.is_series and situation.time and names):
        return None
    step = situation.step
    hours = (3, 12, 24, 72) if step is not None and step < 24 else (72, 168, 672)
    windows = [round(each / step) for each in hours if each > step] if step else []
    return {"time": situation.time.name, "columns": names, "windows": windows or [3, 7, 28]}


def lags(situation: Situation) -> Arguments:
    """The same numbers."""
    offered = rolling(situation)
    if not offered:
        return None
    return {"time": offered["time"], "columns": offered["columns"], "steps": [1, offered["windows"][0]]}


# Many columns at once, and texts --------------------------------------------------------------------------------------


def row_statistics(situation: Situation) -> Arguments:
    """Very many numbers."""
    return {} if len(situation.numeric) > 30 else None


def components(situation: Situation) -> Arguments:
    """Many numbers."""
    many = len(situation.numeric)
    return {"components": 20 if many > 60 else 5} if many > 12 else None


def clusters(situation: Situation) -> Arguments:
    """Several numbers."""
    names = [c.name for c in situation.continuous[:20]]
    return {"columns": names, "clusters": 12} if len(names) > 2 and not situation.is_wide else None


def text(**more: Any) -> Offer:
    """Texts beside other columns; ``more`` are further arguments."""
    return lambda situation: (
        {"column": situation.texts[0].name, **more} if situation.texts and not situation.only_text else None
    )


def text_scores(situation: Situation) -> Arguments:
    """Texts beside other columns."""
    return {} if situation.texts and not situation.only_text else None
