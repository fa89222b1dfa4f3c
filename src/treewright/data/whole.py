"""Data of which nothing is hidden: scripts see all labelled rows, and have to score themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.data.holdout import FULL, Holdout, load_holdout, write_holdout
from treewright.data.inputs import (
    InputForm,
    copy_side_files,
    new_folder,
    placeholder_row,
    profile_input,
    write_input,
)
from treewright.data.sources import read_sources
from treewright.data.strategy import choose_strategy
from treewright.data.target import labelled_rows
from treewright.task import HoldoutSpec

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.task import Task

STAND_INS = 10
"""Labelled rows that stand, without their targets, where there is no test table: so the same scripts can run."""


def prepare_whole(task: Task, into: Path, why: str) -> Holdout:
    """Write all of the task's rows into the folder ``into``, which must not exist yet; ``why`` begins the reason.

    How test differs from train is still found out, for validation of a script's own ought to imitate it.
    ``ConfigError`` for a ``[holdout]`` that does not fit the data, ``StoreError`` if the files cannot be written.
    """
    sources = read_sources(task.train, task.test, task.sample)
    train = sources.train[labelled_rows(sources.train, task.targets)].reset_index(drop=True)
    strategy = choose_strategy(task, train, sources.test)
    notes = [f"Scripts see all {len(train):,} labelled rows and print a score of their own."]
    test = sources.test
    if test is None:
        test = train.drop(columns=list(task.targets)).head(STAND_INS)
        notes.append(f"There is no test table: the first {len(test)} rows stand in its place, and count for nothing.")
    with new_folder(into) as building:
        folder = building / "inputs" / FULL
        write_input(folder, InputForm(task, placeholder_row(task, sources.sample)), train, test)
        copy_side_files(task.side_files, folder)
        holdout = Holdout(
            kind=strategy.kind,
            reason=f"{why}, so scores are those that scripts print: self-reported.",
            folds=(),
            profile=profile_input(task, folder),
            full=folder,
            notes=tuple(notes),
            spec=HoldoutSpec(strategy.kind, strategy.column, strategy.prefix, task.holdout.fraction),
        )
        write_holdout(holdout, task, building)
    return load_holdout(into)
