"""Rows that belong together."""

import numpy as np
import pandas as pd
from sklearn.preprocessing import TargetEncoder


def add_group(table: pd.DataFrame, column: str, delimiter: str) -> pd.DataFrame:
    """Take the group out of an id like ``0013_01`` and tell how many rows share it."""
    group = table[column].str.rsplit(delimiter, n=1).str[0]
    return table.assign(group=group, group_size=group.map(group.value_counts()))


def add_last_word(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Tell how many rows share the last word of a name."""
    word = table[column].str.split().str[-1]
    return table.assign(**{f"{column}_last": word, f"{column}_last_count": word.map(word.value_counts())})


def add_group_means(table: pd.DataFrame, by: str, columns: list[str]) -> pd.DataFrame:
    """Add the mean of each column among the rows with the same label, and how far the row is from it."""
    means = table.groupby(by, observed=True)[columns].transform("mean")
    return table.join(means.add_suffix(f"_mean_by_{by}")).join((table[columns] - means).add_suffix(f"_against_{by}"))


def add_ranks(table: pd.DataFrame, by: str, columns: list[str]) -> pd.DataFrame:
    """Add each row's place, from 0 to 1, among the rows with the same label."""
    ranks = table.groupby(by, observed=True)[columns].rank(pct=True)
    return table.join(ranks.add_suffix(f"_rank_by_{by}"))


def add_target_means(table: pd.DataFrame, y: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """Replace labels by the target's mean, shrunk where a label is rare.

    For training rows the mean comes from other folds, so that no row sees its own target.
    """
    encoder = TargetEncoder(random_state=0)
    labels = table[columns].astype("str")
    known = encoder.fit_transform(labels.iloc[: len(y)], y)
    means = np.vstack([known, encoder.transform(labels.iloc[len(y) :])])
    names = [f"target_mean_{i}" for i in range(means.shape[1])]
    return table.join(pd.DataFrame(means, columns=names, index=table.index))
