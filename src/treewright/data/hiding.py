"""Hiding labelled rows among the test rows, and writing what scripts see.

What is decided elsewhere comes together here: the strategy (how test differs from train), the deal (which rows are
hidden when) and new ids where they are needed. Everything is written into a folder that gets its name when it is
complete, so a crash in between leaves nothing that looks like a split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.clusters import cluster_rows
from treewright.data.holdout import FULL, Fold, Holdout, Role, load_holdout, write_holdout
from treewright.data.ids import fresh_ids, taken, why_fixed
from treewright.data.inputs import (
    InputForm,
    natural_order,
    new_folder,
    placeholder_row,
    profile_input,
    write_input,
)
from treewright.data.side_files import find_side_files
from treewright.data.side_rows import Shown, TaskRows, keys_of
from treewright.data.sources import read_sources
from treewright.data.split import Split, deal_rows
from treewright.data.strata import NEVER, SELECTION
from treewright.data.strategy import Strategy, choose_strategy
from treewright.data.tables import is_missing, write_table
from treewright.data.target import labelled_rows
from treewright.errors import CannotSplit
from treewright.task import SplitKind, TableProfile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd  # noqa: TC004

    from treewright.task import Task


@dataclass(frozen=True, slots=True)
class Tables:
    """The user's tables as text: the labelled rows of the training table, and the others; ``rows`` are their ids."""

    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    rows: TaskRows


@dataclass(frozen=True, slots=True)
class Plan:
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

    The same task and seed give the same files. ``CannotSplit`` if no rows can be hidden safely, ``ConfigError`` for a
    ``[holdout]`` that does not fit the data, ``StoreError`` if the files cannot be written.
    """
    with new_folder(into) as building:
        holdout = _hide(task, seed, building)
        profile = profile_input(task, holdout.folds[0].input)  # the tables as text are gone by now
        write_holdout(replace(holdout, profile=profile), task, building)
    return load_holdout(into)


def _hide(task: Task, seed: int, into: Path) -> Holdout:
    tables = read_tables(task)
    _check_meaning(task, tables)
    return _write(task, tables, _decide(task, tables, seed), seed, into)


def read_tables(task: Task) -> Tables:
    """The tables of a task, as text."""
    sources = read_sources(task.train, task.test, task.sample)
    labelled = labelled_rows(sources.train, task.targets).to_numpy()
    rows = TaskRows.of(sources.train, sources.test, labelled=labelled, ids=task.ids, targets=task.targets)
    return Tables(sources.train[labelled].reset_index(drop=True), sources.test, sources.sample, rows)


def _check_meaning(task: Task, tables: Tables) -> None:
    """``CannotSplit`` if what rows are like stands only in files that scripts must not see."""
    shown = tables.train.columns if tables.test is None else tables.test.columns
    features = [name for name in shown if name not in (*task.ids, *task.targets, task.weight)]
    if task.withheld and not features and not task.side_files:
        names = ", ".join(path.name for path in task.withheld[:8])
        raise CannotSplit(
            f"the tables of {task.name} have ids and targets only, and what the rows are like is in {names}, "
            "which cannot be split without showing hidden labels"
        )


def _decide(task: Task, tables: Tables, seed: int) -> Plan:
    import numpy as np

    train, test = tables.train, tables.test
    strategy = choose_strategy(task, train, test)
    clash = taken(train, test, task.ids)
    why = why_fixed(task, train) if clash.any() else None
    fixed = clash if why else np.zeros_like(clash)
    split = deal_rows(task, strategy, train, test, fixed=fixed, rng=np.random.default_rng([seed, 0]))
    _check_telling(task, train, split)
    plan = make_plan(task, tables, strategy, split, np.random.default_rng([seed, 1]))
    notes = [split.note, _counts(split, len(train)), *plan.notes]
    if why:
        notes.append(f"Rows are never hidden where another row has the same id: {why}.")
    elif renamed := int((clash & (split.deal != NEVER)).sum()):
        notes.append(f"{renamed:,} hidden rows go under a new id, for another row has theirs.")
    return replace(plan, notes=tuple(notes))


def make_plan(task: Task, tables: Tables, strategy: Strategy, split: Split, rng: np.random.Generator) -> Plan:
    """With the hidden rows made to look like test rows, under new ids where theirs are taken."""
    train, test = tables.train, tables.test
    visible = [name for name in train.columns if not _is_own_fold(name, strategy, test)]
    columns = [name for name in visible if name not in (*task.targets, task.weight)] if test is None else test.columns
    disguised = train[list(columns)].copy()
    notes = [] if test is None else _empty_as_in_test(disguised, test)
    renamed = taken(train, test, task.ids) & (split.deal != NEVER)
    if renamed.any():
        used = {*train[task.ids[0]], *(() if test is None else test[task.ids[0]])}
        disguised.loc[renamed, task.ids[0]] = fresh_ids(int(renamed.sum()), used, rng)
    return Plan(strategy, split, visible, disguised, disguised.iloc[:0] if test is None else test, tuple(notes))


def _check_telling(task: Task, train: pd.DataFrame, split: Split) -> None:
    """``CannotSplit`` where the metric ranks, and in no fold the search rows have two classes to be ranked."""
    hidden = (train[split.deal == fold] for fold in range(1, split.folds + 1))
    if task.metric.ranks and not any(all(len(rows[name].unique()) > 1 for name in task.targets) for rows in hidden):
        raise CannotSplit(
            f"{task.name} has too few rows of some class to hide some of them and score by {task.metric.name}; "
            "it needs more rows, or another --metric"
        )


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


def _write(task: Task, tables: Tables, plan: Plan, seed: int, into: Path) -> Holdout:
    """Write all inputs and answers; what is returned lacks its profile."""
    form = InputForm(task, placeholder_row(task, tables.sample))
    side = find_side_files(task.side_files, tables.rows)
    side.copy(into / "side")
    (into / "answers").mkdir()
    folds = []
    for index in range(plan.split.folds):
        fold = Fold(index, into / "inputs" / f"fold{index}", into / "answers" / f"fold{index}.csv")
        side.write(into / "side", fold.input, write_fold(tables, plan, fold, seed, form))
        folds.append(fold)
    full = into / "inputs" / FULL if tables.test is not None else None
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


def write_fold(tables: Tables, plan: Plan, fold: Fold, seed: int, form: InputForm) -> Shown:
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
    clusters = cluster_rows(plan.strategy, tables.train, hidden)[hidden]
    answers["cluster"] = np.concatenate([np.full(len(real), -1), clusters])[order].astype(str)
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


def _all_shown(tables: Tables) -> Shown:
    """No row is hidden."""
    import numpy as np

    rows = tables.rows
    return Shown(rows, np.zeros(len(tables.train), dtype=bool), rows.train, np.arange(rows.test_count), (0,))


def _counts(split: Split, rows: int) -> str:
    selection = int((split.deal == SELECTION).sum())
    search = int((split.deal > SELECTION).sum())
    each = f" in {split.folds} parts" if split.folds > 1 else ""
    return f"Of {rows:,} labelled rows, {search:,} are hidden for the search{each} and {selection:,} for the selection."
