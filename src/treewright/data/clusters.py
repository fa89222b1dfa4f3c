"""Which hidden rows err together, so that the noise of a score is not taken for less than it is.

Rows of one group, or of one day, are hidden together and mispredicted together: they are no independent evidence. The
bootstrap draws such clusters whole (Field and Welsh 2007), where there are enough of them to draw from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.data.strategy import group_of, time_axis
from treewright.data.tables import is_missing
from treewright.task import SplitKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.data.strategy import Strategy

    Codes = NDArray[np.int64]

FEWEST_CLUSTERS = 10


def cluster_rows(strategy: Strategy, train: pd.DataFrame, hidden: NDArray[np.bool_]) -> Codes:
    """The cluster of each row of ``train``; rows that err on their own have one each.

    Groups are clusters. Times are parted into the unbroken blocks that are hidden, or else into days, or else into
    distinct times, whichever is the first with ``FEWEST_CLUSTERS`` among the ``hidden`` rows.
    """
    import numpy as np
    import pandas as pd

    alone = np.arange(len(train))
    if strategy.kind in {SplitKind.RANDOM, SplitKind.FOLDS} or strategy.column is None:
        return alone
    cells = train[strategy.column]
    if strategy.kind is SplitKind.GROUP:
        codes = pd.factorize(group_of(cells, strategy.prefix))[0]
        return np.asarray(np.where(is_missing(cells), len(train) + alone, codes), dtype=np.int64)
    times = time_axis(cells)
    assert times is not None  # the strategy made sure of it
    for parts in (_blocks(times, hidden), np.floor(times), times):
        codes = pd.factorize(parts)[0].astype(np.int64)
        if len(np.unique(codes[hidden])) >= FEWEST_CLUSTERS:
            return np.where(codes < 0, len(train) + alone, codes)
    return alone


def _blocks(times: NDArray[np.float64], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The number of the unbroken block that a hidden row is in: how many visible times come before it."""
    import numpy as np

    return np.searchsorted(np.unique(times[~hidden & ~np.isnan(times)]), times).astype(float)
