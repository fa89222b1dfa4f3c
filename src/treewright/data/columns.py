"""Which columns are the targets, which are the ids, and what a submission consists of.

The sample submission tells: a column that it shares with ``test.csv`` identifies rows, one that it shares only with
``train.csv`` is a target. What is left over names classes, or is the target under another name.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.data.tables import is_missing
from treewright.errors import TaskError
from treewright.task import SplitKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import pandas as pd

    from treewright.task import HoldoutSpec

MOST_CLASSES = 1_000


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns are for.

    ``submission`` are the columns of a submission after the ids. ``labels`` is empty unless those columns stand for
    classes: then it holds the label of each, in their order.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    submission: tuple[str, ...]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def infer_roles(
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    sample: pd.DataFrame | None,
    wanted: Sequence[str],
    aside: Collection[str] = (),
) -> Roles:
    """Read the roles off the three tables; ``wanted`` are the targets that the user named, if any.

    ``aside`` are columns that are known to be for something else, and so no targets.

    ``TaskError`` if the tables do not fit together or leave open what is to be predicted.
    """
    _check_wanted(train, test, wanted)
    if test is not None and (lost := [name for name in test.columns if name not in train.columns]):
        raise TaskError(
            f"test.csv has columns that train.csv lacks: {_listed(lost)}; a script could not learn from them"
        )
    if test is None:
        return _roles_of_one_table(train, wanted, aside)
    only_train = [name for name in train.columns if name not in test.columns and name not in aside]
    if not only_train:
        raise TaskError(
            "train.csv has no column that test.csv lacks, so nothing is left to predict; drop it from test.csv"
        )
    roles = (
        _roles_without_sample(train, test, only_train, wanted)
        if sample is None
        else _roles_from_sample(train, test, sample, only_train, wanted)
    )
    extra = [name for name in only_train if name not in roles.targets]
    if extra:
        note = f"Train-only columns stay in train: {_listed(extra)}; hidden rows come without them, as test rows do."
        roles = replace(roles, notes=(*roles.notes, note))
    return roles


def _roles_from_sample(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, only_train: list[str], wanted: Sequence[str]
) -> Roles:
    ids = tuple(name for name in sample.columns if name in test.columns)
    rest = tuple(name for name in sample.columns if name not in ids)
    if not rest:
        raise TaskError("sample_submission.csv has no column for predictions: all of its columns are in test.csv too")
    if all(name in train.columns for name in rest) and (not wanted or set(wanted) == set(rest)):
        note = f"Predict {_listed(rest)}: in train.csv and sample_submission.csv, but not in test.csv."
        return Roles(ids, rest, rest, notes=(note, _ids_note(ids)))
    candidates = tuple(wanted) or tuple(only_train)
    for name in candidates:
        if labels := _labels_of(rest, train[name]):
            note = f"Predict a probability for each class of {name}: sample_submission.csv has a column a class."
            return Roles(ids, (name,), rest, labels, notes=(note, _ids_note(ids)))
    if len(rest) == len(candidates) == 1:
        note = f"Predict {candidates[0]}, which sample_submission.csv calls {rest[0]}."
        return Roles(ids, candidates, rest, notes=(note, _ids_note(ids)))
    if wanted:
        raise TaskError(
            f"sample_submission.csv asks for {_listed(rest)}, which is not --target {', '.join(wanted)} nor its classes"
        )
    raise TaskError(
        f"sample_submission.csv asks for {_listed(rest)}, but train.csv has no such columns and none whose values "
        f"they are; name the one to predict with --target (train-only columns: {_listed(only_train)})"
    )


def _roles_without_sample(
    train: pd.DataFrame, test: pd.DataFrame, only_train: list[str], wanted: Sequence[str]
) -> Roles:
    if not wanted and len(only_train) > 1:
        raise TaskError(
            f"test.csv lacks several columns of train.csv: {_listed(only_train)}; choose with --target COLUMN"
        )
    targets = tuple(wanted) or (only_train[0],)
    ids = tuple(name for name in _called_id(test.columns) if train[name].is_unique and test[name].is_unique)[:1]
    note = f"Predict {_listed(targets)}" + ("." if wanted else ": the one column of train.csv that test.csv lacks.")
    return Roles(ids, targets, targets, notes=(note, _ids_note(ids)))


def columns_aside(spec: HoldoutSpec, weight: str | None) -> tuple[str, ...]:
    """The columns that tell how the harness works and nothing about a row: its weight and its fold."""
    folds = spec.column if spec.kind is SplitKind.FOLDS else None
    return tuple(name for name in (weight, folds) if name is not None)


def _roles_of_one_table(train: pd.DataFrame, wanted: Sequence[str], aside: Collection[str]) -> Roles:
    if not wanted:
        raise TaskError(
            f"one table alone does not show what to predict; add --target COLUMN, one of {_listed(train.columns)}"
        )
    features = [name for name in train.columns if name not in wanted and name not in aside]
    if not features:
        raise TaskError(f"there is nothing to predict {_listed(wanted)} from: the table has no other column")
    ids = tuple(name for name in _called_id(features) if train[name].is_unique)[:1]
    return Roles(ids, tuple(wanted), tuple(wanted), notes=(f"Predict {_listed(wanted)}.", _ids_note(ids)))


def check_ids(train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, ids: Sequence[str]) -> list[str]:
    """Whether each row of test and sample can be told by its id; what is only odd is returned as notes.

    ``TaskError`` for ids that occur twice in ``test.csv`` or differ from those of ``sample_submission.csv``.
    """
    import pandas as pd

    if not ids:
        if sample is not None and len(sample) != len(test):
            raise TaskError(
                f"sample_submission.csv has no id column and {len(sample):,} rows, but test.csv has {len(test):,}; "
                "they must match one to one"
            )
        return []
    here = pd.MultiIndex.from_frame(test[list(ids)])
    if here.has_duplicates:
        twice = here[here.duplicated()]
        raise TaskError(
            f"test.csv has the {_listed(ids)} {'/'.join(twice[0])} more than once ({len(twice):,} rows too many)"
        )
    notes = []
    if repeated := int(train.duplicated(list(ids)).sum()):
        notes.append(f"{repeated:,} rows of train.csv repeat the {_listed(ids)} of an earlier row.")
    if sample is None:
        return notes
    there = pd.MultiIndex.from_frame(sample[list(ids)])
    if there.equals(here):
        return notes
    if len(strange := there.difference(here)):
        raise TaskError(
            f"sample_submission.csv has {len(strange):,} ids that test.csv lacks, {'/'.join(strange[0])} for one; "
            "the two must list the same rows"
        )
    if len(strange := here.difference(there)):
        raise TaskError(
            f"sample_submission.csv lacks {len(strange):,} ids of test.csv, {'/'.join(strange[0])} for one; "
            "the two must list the same rows"
        )
    if len(there) != len(here):
        raise TaskError(f"sample_submission.csv has {len(there):,} rows for the {len(here):,} of test.csv")
    return [*notes, "sample_submission.csv is in another order than test.csv; submissions follow test.csv."]


def _check_wanted(train: pd.DataFrame, test: pd.DataFrame | None, wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in train.columns:
            folded = {str(column).casefold(): column for column in train.columns}
            near = difflib.get_close_matches(name.casefold(), folded, n=1)
            guess = f"did you mean {folded[near[0]]}? The" if near else "the"
            raise TaskError(f"there is no column {name!r} to predict; {guess} table has {_listed(train.columns)}")
        if test is not None and name in test.columns:
            raise TaskError(f"test.csv has the column {name!r} that is to be predicted; remove it there")


def _labels_of(names: Sequence[str], values: pd.Series) -> tuple[str, ...]:
    """The label that each column name stands for, with or without a common prefix, else nothing.

    A class may have no training row, but then its column has its very name.
    """
    labels = set(values[~is_missing(values)].unique())
    if not 2 <= len(labels) <= len(names) <= MOST_CLASSES:
        return ()
    if labels <= set(names):
        return tuple(names)
    for label in labels:
        prefix = names[0].removesuffix(label) if names[0].endswith(label) else None
        if prefix is not None and {name.removeprefix(prefix) for name in names} == labels:
            return tuple(name.removeprefix(prefix) for name in names)
    return ()


def _called_id(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.lower() == "id" or name.endswith(("_id", "Id", "ID"))]


def _ids_note(ids: Sequence[str]) -> str:
    return f"Rows are told apart by {_listed(ids)}." if ids else "There is no id column: rows count by their order."


def _listed(names: Iterable[str], most: int = 12) -> str:
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
