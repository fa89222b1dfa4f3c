"""Further splits: other rows hidden, for a second look at the nodes that matter most.

The search has steered by its search rows, so the best scores on them are partly luck. Rows that it has not steered by
can tell how much. A further split hides such rows; the selection rows stay hidden in it as well, so that it can be made
and used before they are graded. It is made when it is first asked for, as most runs need one or two.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.data.hiding import Tables, make_plan, read_tables, write_fold
from treewright.data.holdout import FURTHER, Fold, Role, load_holdout
from treewright.data.ids import taken, why_fixed
from treewright.data.inputs import InputForm, placeholder_row
from treewright.data.side_files import find_side_files
from treewright.data.split import Split, deal_rows
from treewright.data.strata import NEVER, SELECTION
from treewright.data.strategy import choose_strategy, time_axis
from treewright.errors import StoreError, TaskError
from treewright.task import HoldoutSpec, SplitKind, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from treewright.data.strategy import Strategy

FEWEST_ROWS = 20

_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class FurtherSplits:
    """The further splits of a run, in its folder ``into`` of split data."""

    task: Task
    seed: int
    into: Path

    def __call__(self, number: int) -> Fold:
        """The further split of this number, counted from 1; it has the fold index ``FURTHER + number``.

        ``TaskError`` where there are no rows for it or the user's files have changed, ``StoreError`` if it cannot be
        written.
        """
        inputs, answers = self.into / "inputs", self.into / "answers"
        fold = Fold(FURTHER + number, inputs / f"further{number}", answers / f"further{number}.csv")
        building = replace(fold, input=inputs / f".{fold.input.name}")
        with _MAKING:  # several workers may ask for it at once
            if fold.input.exists():
                return fold
            try:
                shutil.rmtree(building.input, ignore_errors=True)
                self._write(building, number)
                building.input.replace(fold.input)
            except OSError as error:
                raise StoreError(f"{fold.input} cannot be written: {error.strerror or error}") from None
        return fold

    def _write(self, fold: Fold, number: int) -> None:
        import numpy as np

        holdout, tables = load_holdout(self.into), read_tables(self.task)
        task = replace(self.task, holdout=_terms(holdout.spec))
        strategy = choose_strategy(task, tables.train, tables.test)
        rows = holdout.folds[0].rows()
        kept = np.isin(tables.rows.positions, rows.positions[rows.roles == Role.SELECTION])
        rng = np.random.default_rng([self.seed, 3, number])
        if strategy.kind is SplitKind.FOLDS:
            raise TaskError(f"{task.train.name} has its own folds, and no others")
        if strategy.kind is SplitKind.TIME:
            seen = np.isin(tables.rows.positions, rows.positions[rows.roles != Role.TEST])
            tables, deal = _earlier(task, strategy, tables, hidden=seen, times=number, rng=rng)
        else:
            deal = _others(task, strategy, tables, kept, rng)
        if (deal > SELECTION).sum() < FEWEST_ROWS:
            raise TaskError(f"{task.train.name} has too few rows to hide others of them")
        deal[deal > SELECTION] = fold.index + 1
        plan = make_plan(task, tables, strategy, Split(deal, 1, ""), np.random.default_rng([self.seed, 4, number]))
        shown = write_fold(tables, plan, fold, self.seed, InputForm(task, placeholder_row(task, tables.sample)))
        find_side_files(task.side_files, tables.rows).write(self.into / "side", fold.input, shown)


def _terms(spec: HoldoutSpec) -> HoldoutSpec:
    """One fold with as many hidden rows as each of the run's own folds."""
    several = spec.folds is not None and spec.folds > 1
    return replace(spec, folds=1, fraction=1 / spec.folds if several and spec.folds else spec.fraction)


def _others(
    task: Task, strategy: Strategy, tables: Tables, kept: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Hide other rows than those kept for the selection, drawn in the same way."""
    import numpy as np

    train, test = tables.train, tables.test
    clash = taken(train, test, task.ids)
    fixed = kept | (clash if clash.any() and why_fixed(task, train) else np.zeros_like(clash))
    drawn = deal_rows(task, strategy, train, test, fixed=fixed, rng=rng).deal
    deal = np.where(kept, SELECTION, np.where(drawn > SELECTION, 1, NEVER))
    if task.classes:
        labels = train[task.targets[0]].to_numpy(dtype=object)
        unseen = ~np.isin(labels, labels[deal == NEVER])
        deal[unseen & ~kept] = NEVER
    return deal


def _earlier(
    task: Task,
    strategy: Strategy,
    tables: Tables,
    *,
    hidden: NDArray[np.bool_],
    times: int,
    rng: np.random.Generator,
) -> tuple[Tables, NDArray[np.int64]]:
    """Hide the stretch of time before the ``hidden`` one, without the rows after it, so many ``times`` over."""
    import numpy as np

    assert strategy.column is not None
    if task.side_files:
        raise TaskError(f"the files beside {task.train.name} cannot be cut off at a time")
    for _ in range(times):
        axis = time_axis(tables.train[strategy.column])
        assert axis is not None
        earlier = axis < axis[hidden].min()
        if earlier.sum() < FEWEST_ROWS:
            raise TaskError(f"{task.train.name} has no earlier rows to hide")
        rows = replace(tables.rows, positions=tables.rows.positions[earlier])
        tables = replace(tables, train=tables.train[earlier].reset_index(drop=True), rows=rows)
        fixed = np.zeros(len(tables.train), dtype=bool)
        hidden = deal_rows(task, strategy, tables.train, tables.test, fixed=fixed, rng=rng).deal != NEVER
    return tables, np.where(hidden, 1, NEVER)
