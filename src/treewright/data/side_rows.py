"""What side files are compared with: the rows of the task, and how one fold shows them.

A side file belongs to training rows, to test rows or to both. Which it is, only the rows that have an id to themselves
can tell: where training and test rows are counted from 1 alike, a table with the row 17 may mean either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import numpy
    import pandas as pd  # noqa: TC004
    from numpy.typing import NDArray  # noqa: TC004

ENOUGH = 0.5
"""A file belongs to rows where it names at least this share of them."""

_JOINT = "\x1f"
_WORD = r"(?:(?<![A-Za-z])|(?<=\b[xXyY]))(?:{})(?![a-z])"
_TRAIN = re.compile(_WORD.format("(?:train|Train|TRAIN)(?:ing|ING)?"))
_TEST = re.compile(_WORD.format("(?:test|Test|TEST)(?:ing|ING)?"))


class Belongs(StrEnum):
    """The rows that a file says something about; ``UNCLEAR`` where ids do not tell training from test rows."""

    NEITHER = "neither"
    TRAIN = "train"
    BOTH = "both"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class TaskRows:
    """The rows of a task: ``train``, ``every`` and ``test`` are ids as text (several columns joined), or ``None``.

    ``train`` are the labelled rows, which stand at ``positions`` of the training table, ``every`` all of its rows.
    ``test`` is ``None`` without a test table or without ids. ``count`` and ``test_count`` are the rows of both tables,
    ``targets`` the target cells of the labelled rows.
    """

    ids: tuple[str, ...]
    train: pd.Index | None
    every: pd.Index | None
    test: pd.Index | None
    positions: NDArray[np.int64]
    count: int
    test_count: int
    targets: pd.DataFrame

    @classmethod
    def of(
        cls,
        train: pd.DataFrame,
        test: pd.DataFrame | None,
        *,
        labelled: NDArray[np.bool_],
        ids: tuple[str, ...],
        targets: tuple[str, ...],
    ) -> TaskRows:
        """The rows of the two tables; ``labelled`` marks the training rows that have a target."""
        import numpy as np

        mine = keys_of(train, ids) if ids else None
        theirs = keys_of(test, ids) if ids and test is not None else None
        return cls(
            ids,
            None if mine is None else mine[labelled],
            mine,
            theirs,
            np.flatnonzero(labelled),
            len(train),
            0 if test is None else len(test),
            train.loc[labelled, list(targets)],
        )

    def only_test(self) -> set[str]:
        """The ids of test rows that no training row has, labelled or not."""
        return set() if self.every is None or self.test is None else set(self.test) - set(self.every)

    def are_all(self, keys: Collection[str]) -> bool:
        """Whether these are the ids of the training rows, in whatever order."""
        return self.every is not None and set(keys) == set(self.every)

    def belong(self, keys: Collection[str]) -> Belongs:
        """Whose rows have these ids."""
        if self.train is None:
            return Belongs.NEITHER
        named = set(keys)
        mine = set(self.train)
        if not mine & named:
            return Belongs.NEITHER
        if self.test is None:
            return Belongs.BOTH  # as the columns of one table alone are all features
        theirs = self.only_test()
        if len(theirs) < len(self.test) / 10:
            return Belongs.UNCLEAR
        shares = [len(part & named) / len(part) for part in (mine - set(self.test) or mine, theirs)]
        return Belongs.BOTH if shares[1] >= shares[0] * ENOUGH and shares[1] > 0 else Belongs.TRAIN


@dataclass(frozen=True, slots=True)
class Shown:
    """How a fold shows the rows, or the input with all labelled rows, where none is ``hidden``.

    ``hidden`` marks the labelled rows that stand in ``test.csv``, ``names`` are the ids that all labelled rows have or
    would have there. ``order`` are the rows of ``test.csv`` as positions in the test table followed by the hidden rows.
    ``seed`` makes chance the same again.
    """

    rows: TaskRows
    hidden: NDArray[np.bool_]
    names: pd.Index | None
    order: NDArray[np.int64]
    seed: tuple[int, ...]

    def new_names(self) -> dict[str, list[str]]:
        """For the id of each hidden row, the ids that such rows have in ``test.csv``."""
        names: dict[str, list[str]] = {}
        if self.rows.train is None or self.names is None:
            return names
        for old, new in zip(self.rows.train[self.hidden], self.names[self.hidden], strict=True):
            names.setdefault(old, []).append(new)
        return names


def keys_of(table: pd.DataFrame, columns: Sequence[str]) -> pd.Index:
    """The rows' ids as text, the columns of several joined."""
    import pandas as pd

    first, *rest = [table[name].astype("object") for name in columns]
    joined = first.str.cat(rest, sep=_JOINT) if rest else first
    return pd.Index(joined.to_numpy(dtype=object), dtype=object)


def is_called_train(name: str) -> bool:
    """Whether a name or a path says that it is about training rows."""
    return _TRAIN.search(name) is not None


def is_called_test(name: str) -> bool:
    """Whether a name or a path says that it is about test rows."""
    return _TEST.search(name) is not None


def without_word(name: str) -> str:
    """The name or path with a star for ``train`` or ``test``, so that files which are counterparts are called alike."""
    return _TEST.sub("*", _TRAIN.sub("*", name))
