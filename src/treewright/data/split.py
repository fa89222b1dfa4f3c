"""Dealing out rows: which are hidden for the search, which for the selection, which never.

Rows are hidden by *units*: a row with its identical twins, a group, a block of time. Units stand in an order that
brings like next to like (same class, same size, same season), and every share is drawn at even distances along that
order, from a random start. So search rows, selection rows and visible rows are alike in whatever the order reflects,
which is all that stratification is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.strata import NEVER, SELECTION, class_codes, keep_classes_visible, strata
from treewright.data.strategy import block_length, group_of, own_folds, time_axis
from treewright.data.tables import is_missing
from treewright.errors import CannotSplit
from treewright.task import SplitKind, TargetKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.data.strategy import Strategy
    from treewright.task import Task

    Codes = NDArray[np.int64]
    Times = NDArray[np.float64]

FEW_ROWS = 1_000
"""Where a hidden part would have fewer rows, every row outside the selection part is hidden once, fold by fold."""

FOLDS = 5
VERY_FEW_ROWS = 50
FOLDS_OF_VERY_FEW_ROWS = 3

MOST_BLOCKS = 100
FEWEST_DAYS = 10
FEWEST_TURNS = 4
FEWEST_PIECES = 20


@dataclass(frozen=True, slots=True)
class Split:
    """``deal`` tells of each row: ``NEVER`` hidden, ``SELECTION``, or the fold (from 1) whose search row it is."""

    deal: Codes
    folds: int
    note: str


def deal_rows(
    task: Task,
    strategy: Strategy,
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    *,
    fixed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Split:
    """Deal out the labelled rows; ``fixed`` marks those that must not be hidden. Depends on ``rng`` alone.

    ``CannotSplit`` where too few rows, groups or blocks are left to hide some and see others.
    """
    import numpy as np

    units = np.arange(len(train))
    if strategy.kind is SplitKind.TIME:
        deal, folds = _deal_window(_times(strategy, train), task.holdout.fraction, rng), 1
        deal[fixed] = NEVER
        note = "One split, whatever the number of rows: nothing is to be predicted from what comes after it."
    elif strategy.kind is SplitKind.FOLDS:
        deal, folds, note = _deal_own_folds(strategy, train)
        deal[fixed] = NEVER
    else:
        units, order = _units(task, strategy, train, test, strata=strata(train, task), rng=rng)
        stuck = np.unique(units[fixed])
        order = order[~np.isin(order, stuck)]
        if len(order) < 3:
            mend = 'choose another [holdout] in task.toml, such as kind = "random"'
            if fixed.any():
                mend = f"{fixed.sum():,} rows have the id of another row, which cannot be changed; give them their own"
            by = strategy.column or "rows"
            raise CannotSplit(f"only {len(order)} parts of the rows can be hidden by {by}, but 3 are needed; {mend}")
        folds, note = _fold_count(task, len(train), len(order))
        deal = _deal_units(units, order, task.holdout.fraction, folds, rng)
    if task.kind is not TargetKind.REGRESSION:
        keep_classes_visible(deal, units, class_codes(train, task), folds)
    return _without_empty_parts(deal, folds, note)


def _without_empty_parts(deal: Codes, folds: int, note: str) -> Split:
    """The split without folds that hide no search row, which classes of a single row can lead to."""
    import numpy as np

    kept = [fold for fold in range(1, folds + 1) if (deal == fold).any()]
    if not kept or not (deal == SELECTION).any():
        raise CannotSplit(
            "hiding rows for the search and for the selection would hide all rows of some class; "
            "the rarest classes need more rows"
        )
    if len(kept) < folds:
        note = f"{note} {folds - len(kept)} of them would hide nothing and are left out."
        deal = np.where(deal > SELECTION, np.searchsorted(kept, deal) + 1, deal)
    return Split(deal, len(kept), note)


def _deal_own_folds(strategy: Strategy, train: pd.DataFrame) -> tuple[Codes, int, str]:
    import numpy as np

    cells = train[strategy.column]
    search, selection = own_folds(strategy, cells)
    deal = np.full(len(train), NEVER, dtype=np.int64)
    for fold, value in enumerate(search, start=1):
        deal[cells == value] = fold
    deal[cells == selection] = SELECTION
    note = f"{len(search)} splits, each hiding one of {', '.join(search)} of {strategy.column} for the search"
    return deal, len(search), f"{note}; {selection} is kept for the selection."


def _fold_count(task: Task, rows: int, units: int) -> tuple[int, str]:
    asked, fraction = task.holdout.folds, task.holdout.fraction
    hidden = round(fraction * rows)
    if asked is not None:
        folds, why = asked, "task.toml asks for it"
    elif hidden >= FEW_ROWS:
        folds, why = 1, f"{hidden:,} hidden rows measure well enough"
    else:
        folds = FOLDS if rows >= VERY_FEW_ROWS else FOLDS_OF_VERY_FEW_ROWS
        why = f"{hidden:,} hidden rows would measure too coarsely"
    folds = min(folds, units - 2) if folds > 1 else 1
    if folds <= 1:
        return 1, f"One split: {why}."
    return folds, f"{folds} splits, each row outside the selection part being hidden once: {why}."


# Units --------------------------------------------------------------------------------------------------------------


def _units(
    task: Task,
    strategy: Strategy,
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    *,
    strata: Codes,
    rng: np.random.Generator,
) -> tuple[Codes, Codes]:
    """The unit of each row (``NEVER`` for none), and the units in the order in which shares are drawn."""
    import numpy as np

    if strategy.kind is SplitKind.BLOCKS:
        later = time_axis(test[strategy.column]) if test is not None and strategy.column in test.columns else None
        hidden_rows = 2 * task.holdout.fraction * len(train)
        units = _block_units(_times(strategy, train), np.empty(0) if later is None else later, hidden_rows)
        neighbourhood = np.arange(units.max(initial=NEVER) + 1) // 4
        return units, np.lexsort((rng.random(len(neighbourhood)), neighbourhood))
    units = _twins(task, train, test)
    if strategy.kind is SplitKind.GROUP:
        units = _with_twins(_groups(strategy, train), units)
    sizes = np.bincount(units)
    likeness = np.round(2 * np.bincount(units, weights=strata) / sizes)
    return units, np.lexsort((rng.random(len(sizes)), sizes, likeness))


def _twins(task: Task, train: pd.DataFrame, test: pd.DataFrame | None) -> Codes:
    """One unit for all rows with the same features, unless features are so coarse that most rows have twins."""
    import numpy as np
    import pandas as pd

    known = train.columns if test is None else test.columns
    features = [name for name in known if name not in task.ids and name not in task.targets]
    if not features:
        return np.arange(len(train))
    codes, distinct = pd.factorize(pd.util.hash_pandas_object(train[features], index=False).to_numpy())
    return np.asarray(codes, dtype=np.int64) if 2 * len(distinct) > len(train) else np.arange(len(train))


def _groups(strategy: Strategy, train: pd.DataFrame) -> Codes:
    """Rows by group; a row without a group is one of its own."""
    import numpy as np
    import pandas as pd

    cells = train[strategy.column]
    codes, distinct = pd.factorize(group_of(cells, strategy.prefix))
    alone = is_missing(cells).to_numpy()
    codes[alone] = len(distinct) + np.arange(alone.sum())
    return np.asarray(pd.factorize(codes)[0], dtype=np.int64)


def _with_twins(groups: Codes, twins: Codes) -> Codes:
    """Groups joined where they share identical rows; not joined if that would chain them into large ones."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(groups.max()) + 1
    ends = (groups, count + twins)
    nodes = count + int(twins.max()) + 1
    joined = connected_components(coo_array((np.ones(len(groups)), ends), shape=(nodes, nodes)), directed=False)[1]
    units = np.unique(joined[groups], return_inverse=True)[1].astype(np.int64)
    largest = max(int(np.bincount(groups).max()), len(groups) // 20)
    return units if np.bincount(units).max() <= largest else groups


def _block_units(times: Times, test: Times, hidden_rows: float) -> Codes:
    """The last part of each run of training times, as long as a block of test times but at most half of the run.

    Where there are too few such runs, runs are cut from their end into blocks of that length, or shorter ones where
    they are too few again; the first of each run stays visible. Units are numbered along the time.
    """
    import numpy as np

    distinct, position = np.unique(times, return_inverse=True)
    distinct = distinct[~np.isnan(distinct)]
    length = block_length(times, test) or max(1, len(distinct) // (2 * FEWEST_PIECES))
    run_of = np.searchsorted(np.sort(test[~np.isnan(test)]), distinct)
    ends = np.flatnonzero(np.diff(run_of, append=np.inf)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    unit_of = np.full(len(distinct), NEVER, dtype=np.int64)
    for unit, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        unit_of[_whole_days(distinct, end - min(length, (end - start) // 2), end) : end] = unit
    if len(np.unique(unit_of)) < 5 or np.isin(position, np.flatnonzero(unit_of >= 0)).sum() < 1.1 * hidden_rows:
        unit_of[:] = NEVER
        length = max(1, min(length, len(distinct) // FEWEST_PIECES))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            for stop in range(end, start + 2 * length - 1, -length):
                unit_of[stop - length : stop] = stop
    unit_of = np.append(unit_of, NEVER)[np.minimum(position, len(distinct))]
    return np.unique(np.append(unit_of, NEVER), return_inverse=True)[1][:-1].astype(np.int64) - 1


def _whole_days(distinct: Times, start: int, end: int) -> int:
    """Let a block of several days begin with a day, as those of the test rows mostly do."""
    import numpy as np

    if end - start < 2 or distinct[end - 1] - distinct[start] < 2:
        return start
    return int(np.searchsorted(distinct, np.ceil(distinct[start])))


# Shares -------------------------------------------------------------------------------------------------------------


def _deal_units(units: Codes, order: Codes, fraction: float, folds: int, rng: np.random.Generator) -> Codes:
    import numpy as np

    sizes = np.bincount(units[units >= 0], minlength=int(units.max()) + 1)
    wanted = fraction * len(units)
    role = np.full(len(sizes), NEVER, dtype=np.int64)
    chosen = _evenly(len(order), wanted / sizes[order].sum(), rng)
    role[order[chosen]] = SELECTION
    rest = order[~chosen]
    if folds > 1:
        role[rest] = (np.arange(len(rest)) + rng.integers(folds)) % folds + 1
    else:
        role[rest[_evenly(len(rest), wanted / sizes[rest].sum(), rng)]] = 1
    return np.append(role, NEVER)[units]


def _evenly(count: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A share of ``count`` things at even distances from a random start; one at least, half of them at most."""
    import numpy as np

    steps = np.floor(np.arange(count + 1) * min(share, 0.5) + rng.random())
    chosen = np.asarray(np.diff(steps) > 0, dtype=bool)
    if not chosen.any():
        chosen[rng.integers(count)] = True
    return chosen


def _deal_window(times: Times, fraction: float, rng: np.random.Generator) -> Codes:
    """Hide the end of the time: search and selection rows take turns there, block by block, so that both look alike.

    A block is a day where the window has enough days, else one time; where there are too few times for turns, rows
    of the window are dealt out singly. Which of two neighbouring blocks is which is left to chance.
    """
    import numpy as np

    known = np.sort(times[~np.isnan(times)])
    start = known[int((1 - 2 * fraction) * len(known))]
    if len(np.unique(np.floor(known[known >= start]))) >= FEWEST_DAYS:
        start, times = np.floor(start), np.floor(times)
    if start <= known[0]:
        start = known[known > known[0]][0]
    inside = np.flatnonzero(times >= start)
    distinct, block = np.unique(times[inside], return_inverse=True)
    turns = rng.permutation(len(inside)) if len(distinct) < FEWEST_TURNS else block // -(-len(distinct) // MOST_BLOCKS)
    flips = rng.integers(2, size=len(inside))
    deal = np.full(len(times), NEVER, dtype=np.int64)
    deal[inside] = np.where((turns + flips[turns // 2]) % 2, SELECTION, 1)
    return deal


def _times(strategy: Strategy, train: pd.DataFrame) -> Times:
    times = time_axis(train[strategy.column])
    assert times is not None  # strategy made sure of it
    return times
