"""How test differs from train, and so how rows are to be hidden.

A score on hidden rows foretells the score on test rows only as far as the two are drawn alike. So the data is asked,
in this order: do the test rows come after all training rows in time? in blocks of time between them? in groups that
never appear in train? If none of it shows, rows are exchangeable. ``[holdout]`` in ``task.toml`` overrides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.tables import is_missing, without_missing
from treewright.data.times import parse_times
from treewright.errors import ConfigError
from treewright.task import SplitKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.task import Task

DELIMITERS = "_-/:|."
FEWEST_GROUPS = 10
FEWEST_TIMES = 4
MOST_FOLDS = 20

_NAMED_LIKE_TIME = re.compile(r"year|month|week|day|date|time|period|quarter|epoch", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Strategy:
    """How rows are hidden: ``column`` (up to the first ``prefix`` in it) is the time, the group or the fold of a row.

    ``selection`` is the value of the user's own folds that is kept for the selection.
    """

    kind: SplitKind
    reason: str
    column: str | None = None
    prefix: str | None = None
    selection: str | None = None


def choose_strategy(task: Task, train: pd.DataFrame, test: pd.DataFrame | None) -> Strategy:
    """The strategy that ``task.toml`` asks for, or else the one that the tables show.

    ``ConfigError`` if a column that it names does not exist or holds no times.
    """
    asked = _asked_for(task, train, test)
    if asked:
        return asked
    if test is None:
        return Strategy(SplitKind.RANDOM, "There is no test table to imitate, so rows are hidden at random.")
    return (
        _by_time(train, test)
        or _by_id_prefix(task, train, test)
        or _by_group(train, test)
        or Strategy(SplitKind.RANDOM, "Nothing sets test rows apart from training rows, so rows are hidden at random.")
    )


def time_axis(cells: pd.Series) -> NDArray[np.float64] | None:
    """Text cells as positions in time, or ``None``: days, or plain numbers as they are; NaN where there is none."""
    import numpy as np
    import pandas as pd

    present = without_missing(cells)
    times = parse_times(present)
    if times is not None:
        return np.asarray((times - pd.Timestamp(0)) / pd.Timedelta(days=1), dtype=float)
    numbers = pd.to_numeric(present, errors="coerce").astype(float)
    if not 0 < numbers.notna().sum() == present.notna().sum():
        return None
    return np.asarray(numbers.where(np.isfinite(numbers)))


def group_of(cells: pd.Series, prefix: str | None) -> pd.Series:
    """The group of each row: its cell, or what stands before the first ``prefix`` in it."""
    return cells.str.partition(prefix)[0] if prefix else cells


def own_folds(strategy: Strategy, cells: pd.Series) -> tuple[list[str], str]:
    """The user's own folds: the values for the search in their order, and the one for the selection."""
    values = _fold_values(cells)
    selection = strategy.selection if strategy.selection is not None else values[-1]
    return [value for value in values if value != selection], selection


def block_length(train: NDArray[np.float64], test: NDArray[np.float64]) -> int | None:
    """How many distinct times a block of test rows typically lasts; ``None`` if test does not come in blocks.

    Blocks last at least three times as long as runs would if the times had been dealt out at random, and lie between
    training times.
    """
    import numpy as np

    mine, theirs = _distinct(train), _distinct(test)
    if not len(mine) or not len(theirs) or len(np.intersect1d(mine, theirs)):
        return None
    is_test = np.argsort(np.concatenate([mine, theirs]), kind="stable") >= len(mine)
    starts = np.flatnonzero(np.diff(is_test, prepend=~is_test[:1]))
    lengths = np.diff(starts, append=len(is_test))[is_test[starts]]
    by_chance = len(is_test) / len(mine)
    if len(starts) < 3 or lengths.mean() < 3 * by_chance:
        return None
    return max(1, round(float(np.median(lengths))))


def _asked_for(task: Task, train: pd.DataFrame, test: pd.DataFrame | None) -> Strategy | None:
    spec = task.holdout
    if spec.column is not None and spec.column not in train.columns:
        raise ConfigError(f"[holdout] column: {task.train.name} has no column {spec.column!r}")
    kind = spec.kind
    if kind is None:
        if spec.column is None and spec.prefix is None:
            return None
        dated = spec.prefix is None and parse_times(without_missing(train[spec.column])) is not None
        kind = SplitKind.TIME if dated else SplitKind.GROUP
    reason = f"task.toml asks for kind {kind.value!r}"
    if kind is SplitKind.RANDOM:
        return Strategy(kind, f"{reason}.")
    if kind is SplitKind.FOLDS:
        assert spec.column is not None  # the settings made sure of it
        _check_own_folds(spec.column, spec.selection, train[spec.column])
        return Strategy(kind, f"{reason}, by {spec.column}.", spec.column, selection=spec.selection)
    if kind is SplitKind.GROUP:
        column = spec.column or (task.ids[0] if spec.prefix and task.ids else None)
        if column is None:
            raise ConfigError('[holdout] kind = "group" needs column = "...", or prefix = "..." with an id column')
        return Strategy(kind, f"{reason}, by {column}.", column, spec.prefix)
    shared = train.columns if test is None else test.columns
    column = spec.column or next((c for c in shared if parse_times(without_missing(train[c])) is not None), None)
    if column is None or not _is_axis(time_axis(train[column])):
        wrong = f"{column} holds fewer than {FEWEST_TIMES} times" if column else "no column holds dates"
        raise ConfigError(f'[holdout] kind = "{kind.value}" needs a time column, but {wrong}; name it with column')
    return Strategy(kind, f"{reason}, by {column}.", column)


def _fold_values(cells: pd.Series) -> list[str]:
    """The different values in their order: that of numbers where all are numbers."""
    import pandas as pd

    values = pd.Series(sorted(cells[~is_missing(cells)].unique()), dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    ordered = values if numbers.isna().any() else values.iloc[numbers.argsort(kind="stable")]
    return [str(value) for value in ordered]


def _check_own_folds(column: str, selection: str | None, cells: pd.Series) -> None:
    values = _fold_values(cells)
    shown = ", ".join(values[:8]) + (" ..." if len(values) > 8 else "")
    if not 2 <= len(values) <= MOST_FOLDS:
        raise ConfigError(
            f"[holdout] column: {column} has {len(values):,} different values ({shown}); "
            f'kind = "folds" needs 2 to {MOST_FOLDS}, one for each part'
        )
    if len(values) == 2 and not is_missing(cells).any():
        raise ConfigError(
            f"[holdout] column: {column} has two values only, one for the search and one for the selection; "
            "use a third one, or leave the cell empty, for rows that are never hidden"
        )
    if selection is not None and selection not in values:
        raise ConfigError(f"[holdout] selection: {column} has no value {selection!r}; it has {shown}")


def _by_time(train: pd.DataFrame, test: pd.DataFrame) -> Strategy | None:
    import numpy as np

    for name in test.columns:
        if parse_times(without_missing(test[name])) is None and not _counts_time(name, test[name]):
            continue
        mine, theirs = time_axis(train[name]), time_axis(test[name])
        if mine is None or theirs is None or not _is_axis(mine):
            continue
        if np.nanmin(theirs) > np.nanmax(mine):
            reason = f"Every test row is later in {name} than all training rows, so the end of that time is hidden."
            return Strategy(SplitKind.TIME, reason, name)
        if block_length(mine, theirs):
            reason = f"Test rows come in blocks of {name} between the training rows, so such blocks are hidden."
            return Strategy(SplitKind.BLOCKS, reason, name)
    return None


def _counts_time(name: str, cells: pd.Series) -> bool:
    return bool(_NAMED_LIKE_TIME.search(name)) and bool(cells.str.fullmatch(r"\d+").all())


def _by_id_prefix(task: Task, train: pd.DataFrame, test: pd.DataFrame) -> Strategy | None:
    for name in task.ids:
        for delimiter in DELIMITERS:
            if not (train[name].str.contains(delimiter, regex=False).all()):
                continue
            mine, theirs = group_of(train[name], delimiter), group_of(test[name], delimiter)
            if _is_apart(mine, theirs, several_each=False):
                reason = f"Rows whose {name} agrees up to the {delimiter!r} are never split between train and test, "
                return Strategy(SplitKind.GROUP, f"{reason}so whole groups are hidden.", name, delimiter)
    return None


def _by_group(train: pd.DataFrame, test: pd.DataFrame) -> Strategy | None:
    found = [
        (int(train[name].nunique()), name)
        for name in test.columns
        if _is_apart(train[name], test[name]) and not train[name].str.contains(r"\d\.\d").any()
    ]
    if not found:
        return None
    name = min(found)[1]  # the coarsest: with the hospital new, its patients are new as well
    reason = f"No {name} of test.csv occurs in train.csv, so rows are hidden by whole {name}."
    return Strategy(SplitKind.GROUP, reason, name)


def _is_apart(train: pd.Series, test: pd.Series, *, several_each: bool = True) -> bool:
    """Whether values repeat, but never across the two tables, which chance would hardly do."""
    mine, theirs = train[~is_missing(train)].value_counts(), test[~is_missing(test)].value_counts()
    if len(mine) < FEWEST_GROUPS or len(theirs) < 2 or mine.index.isin(theirs.index).any():
        return False
    if several_each:
        return bool(mine.mean() >= 2 and theirs.mean() >= 2)
    return bool((mine > 1).sum() >= FEWEST_GROUPS and (theirs > 1).any())


def _is_axis(times: NDArray[np.float64] | None) -> bool:
    return times is not None and len(_distinct(times)) >= FEWEST_TIMES


def _distinct(times: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.unique(times[~np.isnan(times)])
