"""Columns as such: their types, gaps and codes."""

import numpy as np
import pandas as pd


def read_numbers(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Read these columns as numbers; a stray word in one of them is a missing value."""
    return table.assign(**{name: pd.to_numeric(table[name], errors="coerce") for name in columns})


def label_categories(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Make truth values numbers and texts categories, as tree models want them.

    Columns of more than ``most`` labels are dropped: hardly any label comes again.
    """
    columns = {}
    for name, column in table.items():
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            columns[name] = column
        elif column.dropna().isin([True, False]).all():
            columns[name] = column.astype(float)
        elif column.nunique() <= most:
            columns[name] = column.astype("category")
    return pd.DataFrame(columns, index=table.index)


def number_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Replace the columns' names, which LightGBM and XGBoost refuse for their brackets and quotes."""
    return table.set_axis([f"column_{i}" for i in range(table.shape[1])], axis="columns")


def group_rare(table: pd.DataFrame, columns: list[str], least: int) -> pd.DataFrame:
    """Merge the labels seen fewer than ``least`` times: nothing can be learned about each of them alone."""
    table = table.copy()
    for name in columns:
        seen = table[name].map(table[name].value_counts())
        table[name] = table[name].astype("object").where(table[name].isna() | (seen >= least), "rare")
    return table


def split_codes(table: pd.DataFrame, column: str, delimiter: str) -> pd.DataFrame:
    """Take codes like ``XL-40-red`` apart; parts that are numbers become numbers."""
    parts = table[column].str.split(delimiter, expand=True, regex=False).add_prefix(f"{column}_part")
    for name in parts.columns:
        numbers = pd.to_numeric(parts[name], errors="coerce")
        if numbers.notna().sum() == parts[name].notna().sum():
            parts[name] = numbers
    return table.join(parts)


def count_labels(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Tell how often each label occurs: rare and common ones often behave differently."""
    return table.assign(**{f"{name}_count": table[name].map(table[name].value_counts()) for name in columns})


def count_missing(table: pd.DataFrame) -> pd.DataFrame:
    """Tell how many values of a row are missing: rows with gaps often have an origin in common."""
    return table.assign(missing_values=table.isna().sum(axis=1))


def cross_labels(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Join several labels into one, for effects that only their combination has."""
    joined = table[columns[0]].astype("str")
    for name in columns[1:]:
        joined = joined + " " + table[name].astype("str")
    return table.assign(**{"_".join(columns): joined})


def add_logarithms(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Compress the long tails of amounts and counts."""
    return table.assign(**{f"{name}_log": np.log1p(table[name].clip(lower=0)) for name in columns})
