"""Rows that belong together."""

import numpy as np
import pandas as pd

from .folds import SEED


def add_group(table: pd.DataFrame, column: str, delimiter: str) -> pd.DataFrame:
    """Take the group out of an id like ``order7-2`` and tell how many rows share it."""
    group = table[column].astype(str).str.partition(delimiter)[0]
    return table.assign(**{f"{column}_group": group, f"{column}_group_size": group.map(group.value_counts())})


def add_last_word(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Tell how many rows share the last word of a name."""
    word = table[column].str.split().str[-1]
    return table.assign(**{f"{column}_last": word, f"{column}_last_count": word.map(word.value_counts())})


def add_group_means(table: pd.DataFrame, by: str, columns: list[str]) -> pd.DataFrame:
    """Add the mean of each column among the rows with the same label, and how far the row is from it."""
    means = table.groupby(by, observed=True)[columns].transform("mean")
    return table.join(means.add_suffix(f"_mean_by_{by}")).join((table[columns] - means).add_suffix(f"_against_{by}"))


def add_target_means(table: pd.DataFrame, y: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """Put the target's mean for each label beside it: many labels come to lie on one scale."""
    return table.assign(**{f"{name}_target_mean": label_means(table[name], y) for name in columns})


def add_class_shares(table: pd.DataFrame, y: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """Put each class's share among the rows of a label beside it: many labels come to lie on one scale."""
    classes = range(1, y.max() + 1)  # the first class has what the others leave
    shares = {
        f"{name}_share_{i}": label_means(table[name], (y == i).astype(float)) for name in columns for i in classes
    }
    return table.assign(**shares)


def label_means(labels: pd.Series, y: np.ndarray) -> pd.Series:
    """Give the mean of ``y`` for each row's label.

    A training row's mean comes from other rows than its own, or it would tell the row's own target.
    """
    labels = labels.astype("str")
    part = np.append(np.random.default_rng(SEED).integers(0, 5, len(y)), np.full(len(labels) - len(y), 5))
    means = pd.Series(np.nan, index=labels.index)
    for held in range(6):
        others = np.flatnonzero(part[: len(y)] != held)
        sums = pd.Series(y[others]).groupby(labels.iloc[others].to_numpy()).agg(["sum", "count"])
        # Ten rows with the overall mean are added to each label, so that rare labels do not stand out by chance.
        shrunk = (sums["sum"] + 10 * y.mean()) / (sums["count"] + 10)
        means[part == held] = labels[part == held].map(shrunk)
    return means.fillna(y.mean())
