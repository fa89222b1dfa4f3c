"""The options that each family of models starts with.

They are the usual ones for tables of a few hundred to a hundred thousand rows: small steps that stop early, rows and
columns drawn at random, smaller trees where there are fewer rows, and the median where absolute errors count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from treewright.coders.recipes.situation import Situation

TEXT_VIEWS = {
    "word_counts": "words",
    "word_weights": "weighted words",
    "phrase_weights": "phrases",
    "letter_weights": "runs of letters",
    "string_weights": "runs of characters",
}
"""What models can be shown of texts."""

Options = dict[str, Any]


def first_options(family: str, view: str, situation: Situation) -> Options:
    """The options of a model of this family that is shown this view."""
    if view in TEXT_VIEWS:
        return _ON_TEXTS[family](view)
    return _ON_TABLES[family](situation)


def _lightgbm(situation: Situation) -> Options:
    rows = situation.rows
    return ({"objective": "mae"} if situation.is_robust else {}) | {
        "n_estimators": 3000,
        "learning_rate": 0.05,
        "num_leaves": 8 if rows < 1_000 else 15 if rows < 3_000 else 31,
        "min_child_samples": 5 if rows < 1_000 else 10 if rows < 3_000 else 20,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": _share_of_columns(situation),
        "reg_lambda": 1.0,
    }


def _xgboost(situation: Situation) -> Options:
    return ({"objective": "reg:absoluteerror"} if situation.is_robust else {}) | {
        "n_estimators": 3000,
        "learning_rate": 0.05,
        "max_depth": 4 if situation.rows < 3_000 else 6,
        "min_child_weight": 2,
        "subsample": 0.8,
        "colsample_bytree": _share_of_columns(situation),
        "reg_lambda": 1.0,
    }


def _catboost(situation: Situation) -> Options:
    few = situation.rows < 3_000
    options = {"iterations": 2000, "learning_rate": 0.05 if few else 0.08, "depth": 5 if few else 6}
    return ({"loss_function": "MAE"} if situation.is_robust else {}) | options


def _hist(situation: Situation) -> Options:
    # Few rows leave none to spare for stopping early.
    few, very_few = situation.rows < 3_000, situation.rows < 1_000
    return ({"loss": "absolute_error"} if situation.is_robust else {}) | {
        "max_iter": 150 if very_few else 600,
        "learning_rate": 0.05,
        "max_leaf_nodes": 15 if few else 31,
        "min_samples_leaf": 10 if few else 20,
        "max_features": 0.5,
        "early_stopping": not very_few,
    }


def _share_of_columns(situation: Situation) -> float:
    return 0.3 if situation.width > 50 else 0.5 if situation.width > 20 else 0.8


def _forest(_situation: Situation) -> Options:
    # As many again in every fold, so that the mean is over several hundred.
    return {"n_estimators": 100, "min_samples_leaf": 2, "max_features": 0.5}


def _svm(situation: Situation) -> Options:
    # Distances grow with the number of columns, so the width of the kernel has to.
    return {"C": 5.0, "epsilon": 0.05, "gamma": float(f"{0.1 / situation.width:.1g}")}


def _network(situation: Situation) -> Options:
    return {"hidden_layer_sizes": [64, 32], "alpha": 0.01, "max_iter": 100, "early_stopping": situation.rows > 1_000}


_ON_TABLES: Mapping[str, Callable[[Situation], Options]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "hist": _hist,
    "extra_trees": _forest,
    "forest": _forest,
    "ridge": lambda _: {"alpha": 10.0},
    "elastic_net": lambda _: {"alpha": 0.005, "l1_ratio": 0.5, "max_iter": 3000},
    "logistic": lambda _: {"C": 0.3, "max_iter": 300},
    "svm": _svm,
    "neighbours": lambda situation: {"n_neighbors": max(2, min(20, situation.rows // 10)), "weights": "distance"},
    "network": _network,
}

_ON_TEXTS: Mapping[str, Callable[[str], Options]] = {
    "ridge": lambda _: {"alpha": 1.0},
    "logistic": lambda _: {"C": 10.0, "max_iter": 300},
    "naive_bayes": lambda _: {"alpha": 0.03},
    "nb_logistic": lambda view: {"strength": 1.0 if view == "word_counts" else 10.0},
}
