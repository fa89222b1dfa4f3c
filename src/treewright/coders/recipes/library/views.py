# mypy: disable-error-code="no-any-return"
"""What different kinds of models are shown of the same table."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler


def one_hot_matrix(table: pd.DataFrame) -> np.ndarray:
    """Code categories as zeros and ones; fill the gaps of numbers, straighten their skew and scale them."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), PowerTransformer())
    labels = OneHotEncoder(
        min_frequency=5, max_categories=50, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    columns = ColumnTransformer(
        [
            ("numbers", numbers, table.select_dtypes("number").columns),
            ("labels", labels, table.select_dtypes("category").columns),
        ]
    )
    return columns.fit_transform(table)


def number_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Number the categories and fill gaps with a value outside the data, which suits forests."""
    labels = table.select_dtypes("category").columns
    codes = {name: table[name].cat.codes for name in labels}
    return table.assign(**codes).astype(np.float32).fillna(-999)


def name_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Write categories as strings with a name for gaps, as CatBoost wants them."""
    labels = table.select_dtypes("category").columns
    return table.assign(**{name: table[name].astype("object").fillna("missing").astype("str") for name in labels})
