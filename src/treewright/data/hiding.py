"""Hiding labelled rows among the test rows, and writing what scripts see.

What is decided elsewhere comes together here: the strategy (how test differs from train), the deal (which rows are
hidden when) and new ids where they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.clusters import cluster_rows
from treewright.data.holdout import FULL, Fold, Holdout, Role, load_holdout, write_holdout
from treewright.data.ids import fresh_ids, taken, why_fixed
from treewright.data.inputs import (
    InputForm,
    copy_side_files,
    natural_order,
    new_folder,
    placeholder_row,
    profile_input,
    write_input,
)
from treewright.data.sources import read_sources
from treewright.data.split import NEVER, SELECTION, Split, deal_rows
from treewright.data.strategy import Strategy, choose_strategy
from treewright.data.tables import write_table
from treewright.data.target import labelled_rows
from treewright.errors import CannotSplit
from treewright.task import HoldoutSpec

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import numpy
    import pandas as pd  # noqa: TC004
    from numpy.typing import NDArray  # noqa: TC004

    from treewright.task import Task


@dataclass(frozen=True, slots=True)
class Tables:
    """The user's tables as text: the labelled rows, their ``positions`` in the file, and the others."""

    train: pd.DataFrame
    positions: NDArray[np.int64]
    test: pd.DataFrame | None
    sample: pd.DataFrame | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided: ``disguised`` are the labelled rows as they look when hidden, ``real`` the test rows."""

    strategy: Strategy
    split: Split
    disguised: pd.DataFrame
    real: pd.DataFrame
    notes: tuple[str, ...] = ()


def prepare(task: Task, seed: int, into: Path) -> Holdout:
    """Hide labelled rows of the task and write everything into the folder ``into``, which must not exist yet.

    The same task and seed give the same files. ``CannotSplit`` if no rows can be hidden safely, ``ConfigError`` for a
    ``[holdout]`` that does not fit the data, ``StoreError`` if the files cannot be written.
    """
    tables = read_tables(task)
    plan = _decide(task, tables, seed)
    with new_folder(into) as building:
        write_holdout(_write(task, tables, plan, seed, building), task, building)
    return load_holdout(into)


def read_tables(task: Task) -> Tables:
    """The tables of a task, as text."""
    import numpy as np

    sources = read_sources(task.train, task.test, task.sample)
    labelled = labelled_rows(sources.train, task.targets)
    train = sources.train[labelled].reset_index(drop=True)
    return Tables(train, np.flatnonzero(labelled), sources.test, sources.sample)


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
    notes = [split.note, _counts(split, len(train))]
    if why:
        notes.append(f"Rows are never hidden where another row has the same id: {why}.")
    elif renamed := int((clash & (split.deal != NEVER)).sum()):
        notes.append(f"{renamed:,} hidden rows go under a new id, for another row has theirs.")
    return replace(plan, notes=tuple(notes))


def make_plan(task: Task, tables: Tables, strategy: Strategy, split: Split, rng: np.random.Generator) -> Plan:
    """With the hidden rows made to look like test rows, under new ids where theirs are taken."""
    train, test = tables.train, tables.test
    columns = [name for name in train.columns if name not in task.targets] if test is None else list(test.columns)
    disguised = train[columns].copy()
    renamed = taken(train, test, task.ids) & (split.deal != NEVER)
    if renamed.any():
        used = {*train[task.ids[0]], *(() if test is None else test[task.ids[0]])}
        disguised.loc[renamed, task.ids[0]] = fresh_ids(int(renamed.sum()), used, rng)
    return Plan(strategy, split, disguised, disguised.iloc[:0] if test is None else test)


def _check_telling(task: Task, train: pd.DataFrame, split: Split) -> None:
    """``CannotSplit`` where the metric ranks, and in no fold the search rows have two classes to be ranked."""
    hidden = (train[split.deal == fold] for fold in range(1, split.folds + 1))
    if task.metric.ranks and not any(all(len(rows[name].unique()) > 1 for name in task.targets) for rows in hidden):
        raise CannotSplit(
            f"{task.name} has too few rows of some class to hide some of them and score by {task.metric.name}; "
            "it needs more rows, or another --metric"
        )


def _write(task: Task, tables: Tables, plan: Plan, seed: int, into: Path) -> Holdout:
    copy_side_files(task.side_files, into / "side")
    form = InputForm(task, placeholder_row(task, tables.sample), into / "side")
    (into / "answers").mkdir()
    folds = []
    for index in range(plan.split.folds):
        fold = Fold(index, into / "inputs" / f"fold{index}", into / "answers" / f"fold{index}.csv")
        write_fold(tables, plan, fold, seed, form)
        folds.append(fold)
    full = into / "inputs" / FULL if tables.test is not None else None
    if full:
        write_input(full, form, tables.train, plan.real)
    return Holdout(
        kind=plan.strategy.kind,
        reason=plan.strategy.reason,
        folds=tuple(folds),
        profile=profile_input(task, folds[0].input),
        full=full,
        notes=plan.notes,
        spec=HoldoutSpec(
            plan.strategy.kind, plan.strategy.column, plan.strategy.prefix, task.holdout.fraction, plan.split.folds
        ),
    )


def write_fold(tables: Tables, plan: Plan, fold: Fold, seed: int, form: InputForm) -> None:
    """Write a fold's input, and its answers: what is needed to grade each row of its ``test.csv``."""
    import numpy as np
    import pandas as pd

    task, deal, real = form.task, plan.split.deal, plan.real
    hidden = (deal == SELECTION) | (deal == fold.index + 1)
    by = [name for name in (plan.strategy.column or "", *task.ids) if name in real.columns]
    order = natural_order(real, plan.disguised[hidden], by, np.random.default_rng([seed, 2, fold.index]))
    shown = pd.concat([real, plan.disguised[hidden]], ignore_index=True).iloc[order]
    write_input(fold.input, form, tables.train[~hidden], shown)
    roles = np.where(deal[hidden] == SELECTION, Role.SELECTION.value, Role.SEARCH.value)
    answers = {
        "role": np.concatenate([np.full(len(real), Role.TEST.value), roles])[order],
        "position": np.concatenate([np.arange(len(real)), tables.positions[hidden]])[order].astype(str),
    }
    clusters = cluster_rows(plan.strategy, tables.train, hidden)[hidden]
    answers["cluster"] = np.concatenate([np.full(len(real), -1), clusters])[order].astype(str)
    answers |= {f"id:{name}": shown[name].to_numpy(dtype=object) for name in task.ids}
    for name in task.targets:
        truth = tables.train.loc[hidden, name].to_numpy(dtype=object)
        answers[f"truth:{name}"] = np.concatenate([np.full(len(real), "", dtype=object), truth])[order]
    write_table(pd.DataFrame(answers, dtype=object), fold.answers)


def _counts(split: Split, rows: int) -> str:
    selection = int((split.deal == SELECTION).sum())
    search = int((split.deal > SELECTION).sum())
    each = f" in {split.folds} parts" if split.folds > 1 else ""
    return f"Of {rows:,} labelled rows, {search:,} are hidden for the search{each} and {selection:,} for the selection."
