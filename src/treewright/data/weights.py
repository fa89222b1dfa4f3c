"""The weight of a row: how much it counts in the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.metrics import Metric

_PLACE = "task.toml: weight"


def read_weights(cells: pd.Series) -> NDArray[np.float64]:
    """The weights of rows from text cells; ``ConfigError`` for one that is no finite number or is negative."""
    import numpy as np
    import pandas as pd

    weights = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise ConfigError(
            f"{_PLACE}: {wrong.sum():,} rows have a {cells.name} that is no number from 0 on, "
            f"{cells.iloc[int(wrong.argmax())]!r} for one; every labelled row needs one"
        )
    return np.asarray(weights, dtype=np.float64)


def check_weights(
    name: str, labelled: pd.DataFrame, test: pd.DataFrame | None, targets: tuple[str, ...], metric: Metric
) -> list[str]:
    """What there is to say about the column of weights; ``ConfigError`` if it cannot be one."""
    if name not in labelled.columns or name in targets:
        what = "is to be predicted" if name in targets else "is not in train.csv"
        raise ConfigError(f"{_PLACE}: the column {name!r} {what}; name one of train.csv's other columns")
    if metric.source:
        raise ConfigError(f"{_PLACE}: {metric.name} is a metric of your own, which knows no weights; drop one of them")
    if not read_weights(labelled[name]).any():
        raise ConfigError(f"{_PLACE}: {name} is 0 in every row, so there is nothing to score")
    shown = test is not None and name in test.columns
    where = "test rows show it too" if shown else "it is in train.csv only, so hidden rows come without it"
    return [f"Scores weigh each row by {name}; {where}."]
