"""Fitting one model on the rows of one fold.

All of these take the rows of a fold and those held out, which tell boosting when to stop, and return the model.
"""

from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler


def fit_lightgbm(model: Any, x: Any, y: np.ndarray, x_held: Any, y_held: np.ndarray) -> Any:
    """Add trees until the held-out rows no longer gain from them."""
    stop = lgb.early_stopping(50, verbose=False)
    return clone(model).fit(x, y, eval_X=x_held, eval_y=y_held, callbacks=[stop])


def fit_lightgbm_4_6(model: Any, x: Any, y: np.ndarray, x_held: Any, y_held: np.ndarray) -> Any:
    """Add trees until the held-out rows no longer gain from them (for LightGBM before 4.7)."""
    stop = lgb.early_stopping(50, verbose=False)
    return clone(model).fit(x, y, eval_set=[(x_held, y_held)], callbacks=[stop])


def fit_xgboost(model: Any, x: Any, y: np.ndarray, x_held: Any, y_held: np.ndarray) -> Any:
    """Add trees until the held-out rows no longer gain from them."""
    return clone(model).fit(x, y, eval_set=[(x_held, y_held)], verbose=False)


def fit_catboost(model: Any, x: Any, y: np.ndarray, x_held: Any, y_held: np.ndarray) -> Any:
    """Add trees until the held-out rows no longer gain from them."""
    labels = list(x.select_dtypes(exclude="number").columns)
    return clone(model).fit(x, y, cat_features=labels, eval_set=(x_held, y_held), early_stopping_rounds=50)


def fit_model(model: Any, x: Any, y: np.ndarray, _x_held: Any, _y_held: np.ndarray) -> Any:
    """Fit a model that needs no held-out rows."""
    return clone(model).fit(x, y)


def fit_scaled(model: Any, x: Any, y: np.ndarray, _x_held: Any, _y_held: np.ndarray) -> Any:
    """Fit a model whose options are in units of the target's spread."""
    return TransformedTargetRegressor(clone(model), transformer=StandardScaler()).fit(x, y)
