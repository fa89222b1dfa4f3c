"""Hiding labelled rows among the test rows, and writing what scripts see.

What is decided elsewhere comes together here: the strategy (how test differs from train), the deal (which rows are
hidden when) and new ids where they are needed. Everything is written into a folder that gets its name when it is
complete, so a crash in between leaves nothing that looks like a split.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.holdout import Fold, Holdout, Role, load_holdout, write_holdout
from treewright.data.ids import fresh_ids, taken, why_fixed
from treewright.data.inputs import (
    TEST,
    TRAIN,
    InputForm,
    natural_order,
    other_files,
    placeholder_row,
    write_input,
)
from treewright.data.profile import profile_table
from treewright.data.side_files import find_side_files
from treewright.data.side_rows import Shown, TaskRows, keys_of
from treewright.data.sources import read_sources
from treewright.data.split import Split, deal_rows
from treewright.data.strata import NEVER, SELECTION
from treewright.data.strategy import Strategy, choose_strategy
from treewright.data.tables import is_missing, write_table
from treewright.data.target import labelled_rows
from treewright.errors import CannotSplit, StoreError
from treewright.task import SplitKind, TableProfile

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import pandas

    from treewright.task import Task


@dataclass(frozen=True, slots=True)
class _Tables:
    """The user's tables as text: the labelled rows of the training table, and the others; ``rows`` are their ids."""

    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    rows: TaskRows


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided.

    ``visible`` are the columns of ``train.csv`` as scripts see it, ``disguised`` the labelled rows as they look when
    hidden, ``real`` the test rows.
    """

    strategy: Strategy
    split: Split
    visible: list[str]
    disguised: pd.DataFrame
    real: pd.DataFrame
    notes: tuple[str, ...]


def prepare(task: Task, seed: int, into: Path) -> Holdout:
    """Hide labelled rows of the task and write everything into the folder ``into``, which must not exist yet.

    The same task and seed give the same files. ``TaskError`` or ``ConfigError`` if rows cannot be hidden as asked,
    ``StoreError`` if the files cannot be written.
    """
    if into.exists() and any(into.iterdir()):
        raise StoreError(f"{into} already holds files; split data is written into a new folder only")
    building = into.with_name(f".{into.name}.partial")
    try:
        holdout = _hide(task, seed, building)
        profile = _profile(task, holdout.folds[0].input)  # reads what was written: the tables as text are gone by now
        write_holdout(replace(holdout, profile=profile), task, building)
        building.replace(into)
    except OSError as error:
        raise StoreError(f"the split data cannot be written to {into}: {error.strerror or error}") from None
    return load_holdout(into)


def _hide(task: Task, seed: int, into: Path) -> Holdout:
    tables = _read(task)
    _check_meaning(task, tables)
    plan = _decide(task, tables, seed)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    return _write(task, tables, plan, seed, into)


def _read(task: Task) -> _Tables:
    sources = read_sources(task.train, task.test, task.sample)
    labelled = labelled_rows(sources.train, task.targets).to_numpy()
    rows = TaskRows.of(sources.train, sources.test, labelled=labelled, ids=task.ids, targets=task.targets)
    return _Tables(sources.train[labelled].reset_index(drop=True), sources.test, sources.sample, rows)


def _check_meaning(task: Task, tables: _Tables) -> None:
    """``CannotSplit`` if what rows are like stands only in files that scripts must not see."""
    shown = tables.train.columns if tables.test is None else tables.test.columns
    features = [name for name in shown if name not in (*task.ids, *task.targets, task.weight)]
    if task.withheld and not features and not task.side_files:
        names = ", ".join(path.name for path in task.withheld[:8])
        raise CannotSplit(
            f"the tables of {task.name} have ids and targets only, and what the rows are like is in {names}, "
            "which cannot be split without showing hidden labels"
        )


def _decide(task: Task, tables: _Tables, seed: int) -> _Plan:
    import numpy as np

    train, test = tables.train, tables.test
    strategy = choose_strategy(task, train, test)
    clash = taken(train, test, task.ids)
    why = why_fixed(task, train) if clash.any() else None
    fixed = clash if why else np.zeros_like(clash)
    split = deal_rows(task, strategy, train, test, fixed=fixed, rng=np.random.default_rng([seed, 0]))
    renamed, notes = clash & (split.deal != NEVER), [split.note, _counts(split, len(train))]
    visible = [name for name in train.columns if not _is_own_fold(name, strategy, test)]
    columns = [name for name in visible if name not in (*task.targets, task.weight)] if test is None else test.columns
    disguised = train[list(columns)].copy()
    if test is not None:
        notes += _empty_as_in_test(disguised, test)
    if renamed.any():
        used = {*train[task.ids[0]], *(() if test is None else test[task.ids[0]])}
        disguised.loc[renamed, task.ids[0]] = fresh_ids(int(renamed.sum()), used, np.random.default_rng([seed, 1]))
    if why:
        notes.append(f"Rows are never hidden where another row has the same id: {why}.")
    elif renamed.any():
        notes.append(f"{renamed.sum():,} hidden rows go under a new id, for another row has theirs.")
    return _Plan(strategy, split, visible, disguised, disguised.iloc[:0] if test is None else test, tuple(notes))


def _empty_as_in_test(disguised: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    """Take from hidden rows the values of columns in which no test row has any; what is to be said about it."""
    emptied = []
    for name in test.columns[is_missing(test.iloc[0]).to_numpy()]:
        has_value = ~is_missing(disguised[name])
        if has_value.any() and is_missing(test[name]).all():
            disguised.loc[has_value, name] = test[name].iloc[0]
            emptied.append(name)
    return [f"No test row has a value in {', '.join(emptied)}, so hidden rows have none either."] if emptied else []


def _is_own_fold(name: str, strategy: Strategy, test: pd.DataFrame | None) -> bool:
    """Whether the column holds the user's own folds, and nothing that a script could learn from."""
    is_fold = strategy.kind is SplitKind.FOLDS and name == strategy.column
    return is_fold and (test is None or name not in test.columns)


def _write(task: Task, tables: _Tables, plan: _Plan, seed: int, into: Path) -> Holdout:
    """Write all inputs and answers; what is returned lacks its profile."""
    form = InputForm(task, placeholder_row(task, tables.sample))
    side = find_side_files(task.side_files, tables.rows)
    side.copy(into / "side")
    (into / "answers").mkdir()
    folds = []
    for index in range(plan.split.folds):
        fold = Fold(index, into / "inputs" / f"fold{index}", into / "answers" / f"fold{index}.csv")
        side.write(into / "side", fold.input, _write_fold(tables, plan, fold, seed, form))
        folds.append(fold)
    full = into / "inputs" / "full" if tables.test is not None else None
    if full:
        write_input(full, form, tables.train[plan.visible], plan.real)
        side.write(into / "side", full, _all_shown(tables))
    return Holdout(
        kind=plan.strategy.kind,
        reason=plan.strategy.reason,
        folds=tuple(folds),
        profile=TableProfile(0, 0, (), ()),
        full=full,
        notes=plan.notes,
        spec=replace(
            task.holdout,
            kind=plan.strategy.kind,
            column=plan.strategy.column,
            prefix=plan.strategy.prefix,
            folds=plan.split.folds,
        ),
    )


def _write_fold(tables: _Tables, plan: _Plan, fold: Fold, seed: int, form: InputForm) -> Shown:
    """Write a fold's tables, and its answers: what is needed to grade each row of its ``test.csv``."""
    import numpy as np
    import pandas as pd

    task, deal, real = form.task, plan.split.deal, plan.real
    hidden = (deal == SELECTION) | (deal == fold.index + 1)
    by = [name for name in (plan.strategy.column or "", *task.ids) if name in real.columns]
    order = natural_order(real, plan.disguised[hidden], by, np.random.default_rng([seed, 2, fold.index]))
    shown = pd.concat([real, plan.disguised[hidden]], ignore_index=True).iloc[order]
    write_input(fold.input, form, tables.train.loc[~hidden, plan.visible], shown)
    roles = np.where(deal[hidden] == SELECTION, Role.SELECTION.value, Role.SEARCH.value)
    answers = {
        "role": np.concatenate([np.full(len(real), Role.TEST.value), roles])[order],
        "position": np.concatenate([np.arange(len(real)), tables.rows.positions[hidden]])[order].astype(str),
    }
    answers |= {f"id:{name}": shown[name].to_numpy(dtype=object) for name in task.ids}
    for name in task.targets:
        truth = tables.train.loc[hidden, name].to_numpy(dtype=object)
        answers[f"truth:{name}"] = np.concatenate([np.full(len(real), "", dtype=object), truth])[order]
    if task.weight is not None:
        weights = tables.train.loc[hidden, task.weight].to_numpy(dtype=object)
        answers["weight"] = np.concatenate([np.full(len(real), "0", dtype=object), weights])[order]
    write_table(pd.DataFrame(answers, dtype=object), fold.answers)
    names = keys_of(plan.disguised, task.ids) if task.ids else None
    return Shown(tables.rows, np.asarray(hidden), names, order, (seed, 3, fold.index))


def _all_shown(tables: _Tables) -> Shown:
    """No row is hidden."""
    import numpy as np

    rows = tables.rows
    return Shown(rows, np.zeros(len(tables.train), dtype=bool), rows.train, np.arange(rows.test_count), (0,))


def _counts(split: Split, rows: int) -> str:
    selection = int((split.deal == SELECTION).sum())
    search = int((split.deal > SELECTION).sum())
    each = f" in {split.folds} parts" if split.folds > 1 else ""
    return f"Of {rows:,} labelled rows, {search:,} are hidden for the search{each} and {selection:,} for the selection."


def _profile(task: Task, folder: Path) -> TableProfile:
    import pandas as pd

    train, test = (pd.read_csv(folder / name, low_memory=False) for name in (TRAIN, TEST))
    return profile_table(train, test, task.targets, task.ids, other_files(folder))
