"""The user's tables, with the ids that a submission needs.

Most layouts have their id column in all three tables. Two habits do without: a sample submission that numbers rows
which ``test.csv`` does not number, and a ``train.csv`` whose rows have no ids because nobody submits them. Both get
their missing column here, so that everything after knows rows by the same ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.ids import fresh_ids
from treewright.data.tables import read_table, without_missing
from treewright.data.times import parse_times

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import pandas


@dataclass(frozen=True, slots=True)
class Sources:
    """The tables as text; ``notes`` tell what had to be put right."""

    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    notes: tuple[str, ...]


def read_sources(train: Path, test: Path | None, sample: Path | None) -> Sources:
    """Read the tables of a task; ``TaskError`` as ``read_table``. The same files always give the same tables."""
    labelled, notes = read_table(train)
    unlabelled, notes_on_test = read_table(test) if test else (None, ())
    form, notes_on_sample = read_table(sample) if test and sample else (None, ())
    return _with_ids(Sources(labelled, unlabelled, form, (*notes, *notes_on_test, *notes_on_sample)))


def _with_ids(sources: Sources) -> Sources:
    import numpy as np
    import pandas as pd

    train, test, sample = sources.train, sources.test, sources.sample
    if test is None or sample is None:
        return sources
    notes = []
    for name in sample.columns:
        if name not in test.columns and name not in train.columns and _numbers_rows(sample[name], len(test)):
            test = pd.concat([sample[name], test], axis=1)
            notes.append(f"sample_submission.csv numbers the rows of test.csv by {name}, so test.csv gets that column.")
        if name in test.columns and name not in train.columns and parse_times(without_missing(test[name])) is None:
            made_up = fresh_ids(len(train), set(test[name]), np.random.default_rng(0))
            train = pd.concat([pd.Series(made_up, name=name, dtype=object), train], axis=1)
            notes.append(f"train.csv has no {name}, so its rows get made-up ones.")
    return replace(sources, train=train, test=test, notes=(*sources.notes, *notes))


def _numbers_rows(cells: pd.Series, rows: int) -> bool:
    """Whether the cells count the rows, from 0 or from 1."""
    return len(cells) == rows and any(
        cells.tolist() == [str(i) for i in range(start, start + rows)] for start in (0, 1)
    )
