"""Which rows are alike, so that every part of the split gets its share of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.task import TargetKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.task import Task

    Codes = NDArray[np.int64]

NEVER = -1
"""In ``split.Split.deal``: a row that is in no hidden part."""

SELECTION = 0
"""In ``split.Split.deal``: a row that is kept for the selection."""

BINS = 10


def strata(train: pd.DataFrame, task: Task) -> Codes:
    """The class of each row, or the tenth of the range of a number that it is in.

    With several targets that are classes: rows with the same rarest label come together, and among them those with
    the same labels, so that a rare label is shared out first and frequent combinations after it. Of several numbers
    the first counts.
    """
    import numpy as np
    import pandas as pd

    if task.kind is TargetKind.REGRESSION:
        ranks = pd.to_numeric(train[task.targets[0]]).rank(method="first").to_numpy()
        bins = max(1, min(BINS, len(train) // 10))
        return np.asarray((ranks - 1) * bins // len(train), dtype=np.int64)
    labels = class_codes(train, task)
    if labels.shape[1] == 1:
        return labels[:, 0]
    counts = np.column_stack([np.bincount(column)[column] for column in labels.T])
    rarest = counts.argmin(axis=1)
    kinds = np.column_stack([rarest, labels[np.arange(len(labels)), rarest], labels])
    return np.unique(kinds, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def class_codes(train: pd.DataFrame, task: Task) -> Codes:
    """The number of each target's class, ``(rows, targets)``."""
    import numpy as np
    import pandas as pd

    codes = [pd.Categorical(train[name], categories=list(task.classes)).codes for name in task.targets]
    return np.column_stack(codes).astype(np.int64)


def keep_classes_visible(deal: Codes, units: Codes, labels: Codes, folds: int) -> None:
    """Put a unit of each class that a fold would hide completely back among the rows that are never hidden.

    ``deal`` is that of ``split.Split`` and is changed, ``labels`` are those of ``class_codes``.
    """
    import numpy as np

    for fold in range(1, folds + 1):
        for classes in labels.T:
            hidden = (deal == SELECTION) | (deal == fold)
            for label in np.setdiff1d(classes, classes[~hidden]):
                rows = np.flatnonzero(hidden & (classes == label))
                search = rows[deal[rows] == fold]
                deal[units == units[(search if len(search) else rows)[0]]] = NEVER
