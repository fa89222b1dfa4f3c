"""Several numeric columns taken together."""

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .folds import SEED


def add_totals(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add up amounts of one kind, and count those that are zero."""
    amounts = table[columns]
    return table.assign(total_of_amounts=amounts.sum(axis=1), zeros_among_amounts=(amounts == 0).sum(axis=1))


def add_shares(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add each amount's share of their sum."""
    total = table[columns].sum(axis=1)
    return table.assign(**{f"{name}_share": table[name] / total.where(total != 0) for name in columns})


def add_ratios(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the ratio of each pair of columns; trees can only approach a ratio by many steps."""
    ratios = {f"{a}_per_{b}": table[a] / table[b].where(table[b] != 0) for a, b in combinations(columns, 2)}
    return table.assign(**ratios)


def add_differences(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the difference of each pair of columns; trees can only approach a difference by many steps."""
    return table.assign(**{f"{a}_minus_{b}": table[a] - table[b] for a, b in combinations(columns, 2)})


def add_products(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the product of each pair of columns, for effects that strengthen each other."""
    return table.assign(**{f"{a}_times_{b}": table[a] * table[b] for a, b in combinations(columns, 2)})


def add_sums(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the sum of each pair of columns."""
    return table.assign(
        **{f"{a}_plus_{b}": table[a].fillna(0) + table[b].fillna(0) for a, b in combinations(columns, 2)}
    )


def add_row_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Add each row's mean, spread and extremes, as many columns measure the same thing."""
    values = table.select_dtypes("number")
    return table.join(values.agg(["mean", "std", "min", "max"], axis=1).add_prefix("row_"))


def add_components(table: pd.DataFrame, components: int) -> pd.DataFrame:
    """Add the leading principal components of all numbers, which gather what many columns have in common."""
    reduce = make_pipeline(SimpleImputer(), StandardScaler(), PCA(components, random_state=SEED))
    reduced = reduce.fit_transform(table.select_dtypes("number")).astype(np.float32)
    return table.join(pd.DataFrame(reduced, index=table.index).add_prefix("component_"))


def add_clusters(table: pd.DataFrame, columns: list[str], clusters: int) -> pd.DataFrame:
    """Add the distances to the centres of clusters of similar rows."""
    distance = make_pipeline(SimpleImputer(), StandardScaler(), KMeans(clusters, n_init=3, random_state=SEED))
    distances = distance.fit_transform(table[columns]).astype(np.float32)
    return table.join(pd.DataFrame(distances, index=table.index).add_prefix("cluster_"))
