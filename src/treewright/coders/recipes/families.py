"""The kinds of models: where each comes from, what it wants to see, and how it starts.

The starting options are the usual ones for tables of a few thousand to a hundred thousand rows: slow learning rates
with early stopping, rows and columns drawn at random, no deep trees on few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.layout import Name
from treewright.coders.recipes.linker import Import
from treewright.coders.recipes.recipe import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from treewright.coders.recipes.situation import Situation


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    ``packages`` are the distributions any of which provides it. ``view`` is the library function that shows it the
    table (``table``: as it is). ``fixed`` are arguments that are no matter of choice. ``cost`` is in microseconds for
    one row and one column of one fit at the default options, on one thread; ``least`` and ``most`` bound the
    number of training rows for which it is sensible.
    """

    title: str
    packages: tuple[str, ...]
    module: str
    regressor: str | None
    classifier: str | None
    fit: str
    view: str
    fixed: Mapping[str, Any]
    cost: float
    most: int = 10_000_000

    def constructor(self, situation: Situation) -> Import | None:
        """The class that suits the target, if the family has one."""
        item = self.regressor if situation.is_regression else self.classifier
        return Import(self.module, item, None) if item else None


SEED, THREADS = Name("SEED"), Name("THREADS")

FAMILIES: Mapping[str, Family] = {
    "lightgbm": Family(
        "LightGBM", ("lightgbm",), "lightgbm", "LGBMRegressor", "LGBMClassifier", "fit_lightgbm", "table",
        {"n_jobs": THREADS, "random_state": SEED, "verbosity": -1}, 12.0,
    ),
    "xgboost": Family(
        "XGBoost", ("xgboost", "xgboost-cpu"), "xgboost", "XGBRegressor", "XGBClassifier", "fit_xgboost", "table",
        {"enable_categorical": True, "early_stopping_rounds": 50, "n_jobs": THREADS, "random_state": SEED}, 20.0,
    ),
    "catboost": Family(
        "CatBoost", ("catboost",), "catboost", "CatBoostRegressor", "CatBoostClassifier", "fit_catboost", "name_gaps",
        {"thread_count": THREADS, "random_seed": SEED, "verbose": False, "allow_writing_files": False}, 60.0,
    ),
    "hist": Family(
        "histogram boosting", ("scikit-learn",), "sklearn.ensemble", "HistGradientBoostingRegressor",
        "HistGradientBoostingClassifier", "fit_model", "table",
        {"categorical_features": "from_dtype", "random_state": SEED}, 10.0,
    ),
    "extra_trees": Family(
        "extremely random trees", ("scikit-learn",), "sklearn.ensemble", "ExtraTreesRegressor", "ExtraTreesClassifier",
        "fit_model", "number_labels", {"n_jobs": THREADS, "random_state": SEED}, 10.0, 200_000,
    ),
    "forest": Family(
        "a random forest", ("scikit-learn",), "sklearn.ensemble", "RandomForestRegressor", "RandomForestClassifier",
        "fit_model", "number_labels", {"n_jobs": THREADS, "random_state": SEED}, 20.0, 200_000,
    ),
    "ridge": Family(
        "ridge regression", ("scikit-learn",), "sklearn.linear_model", "Ridge", None, "fit_model", "one_hot_matrix",
        {}, 0.5,
    ),
    "elastic_net": Family(
        "an elastic net", ("scikit-learn",), "sklearn.linear_model", "ElasticNet", None, "fit_model", "one_hot_matrix",
        {"random_state": SEED}, 2.0,
    ),
    "logistic": Family(
        "logistic regression", ("scikit-learn",), "sklearn.linear_model", None, "LogisticRegression", "fit_model",
        "one_hot_matrix", {}, 4.0,
    ),
    "svm": Family(
        "a support vector machine", ("scikit-learn",), "sklearn.svm", "SVR", None, "fit_model", "one_hot_matrix",
        {}, 4.0, 20_000,
    ),
    "neighbours": Family(
        "nearest neighbours", ("scikit-learn",), "sklearn.neighbors", "KNeighborsRegressor", "KNeighborsClassifier",
        "fit_model", "one_hot_matrix", {"n_jobs": THREADS}, 3.0, 30_000,
    ),
    "network": Family(
        "a small neural network", ("scikit-learn",), "sklearn.neural_network", "MLPRegressor", "MLPClassifier",
        "fit_model", "one_hot_matrix", {"early_stopping": True, "random_state": SEED}, 60.0, 200_000,
    ),
    "naive_bayes": Family(
        "naive Bayes", ("scikit-learn",), "sklearn.naive_bayes", None, "MultinomialNB", "fit_model", "word_counts",
        {}, 0.2,
    ),
    "nb_logistic": Family(
        "logistic regression on words weighed by naive Bayes", ("scikit-learn",), "", None, "NaiveBayesLogistic",
        "fit_model", "word_counts", {}, 4.0,
    ),
}  # fmt: skip


def available(situation: Situation) -> list[str]:
    """The families that are installed, suit the target and the number of rows; for tables, not for texts."""
    return [
        name
        for name, family in FAMILIES.items()
        if family.constructor(situation) and situation.has_package(*family.packages) and situation.rows <= family.most
        and family.view not in TEXT_VIEWS
    ]


TEXT_VIEWS = ("word_weights", "letter_weights", "word_counts", "letter_counts")


def start(family: str, situation: Situation, view: str | None = None) -> Model:
    """A model of this family with the options that one would begin with."""
    return Model(family, view or FAMILIES[family].view, _options(family, situation))


def _options(family: str, situation: Situation) -> dict[str, Any]:
    rows, robust = situation.rows, situation.metric in ("mae", "medae", "mape", "smape")
    small = rows < 3_000
    match family:
        case "lightgbm":
            options: dict[str, Any] = {
                "n_estimators": 3000,
                "learning_rate": 0.03 if small else 0.05,
                "num_leaves": 8 if rows < 1_000 else 15 if small else 31,
                "min_child_samples": 5 if rows < 1_000 else 10 if small else 20,
                "subsample": 0.8,
                "subsample_freq": 1,
                "colsample_bytree": 0.5 if situation.width > 20 else 0.8,
                "reg_lambda": 1.0,
            }
            return ({"objective": "mae"} if robust else {}) | options
        case "xgboost":
            options = {
                "n_estimators": 3000,
                "learning_rate": 0.03 if small else 0.05,
                "max_depth": 4 if small else 6,
                "min_child_weight": 2 if small else 5,
                "subsample": 0.8,
                "colsample_bytree": 0.5 if situation.width > 20 else 0.8,
                "reg_lambda": 1.0,
            }
            return ({"objective": "reg:absoluteerror"} if robust else {}) | options
        case "catboost":
            options = {"iterations": 2000, "learning_rate": 0.04 if small else 0.08, "depth": 5 if small else 6}
            return ({"loss_function": "MAE"} if robust else {}) | options
        case "hist":
            options = {
                "max_iter": 600,
                "learning_rate": 0.04 if small else 0.06,
                "max_leaf_nodes": 15 if small else 31,
                "min_samples_leaf": 10 if small else 20,
                "max_features": 0.5,
                "early_stopping": True,
            }
            return ({"loss": "absolute_error"} if robust else {}) | options
        case "extra_trees" | "forest":
            return {"n_estimators": 300, "min_samples_leaf": 2, "max_features": 0.5}
        case "ridge":
            return {"alpha": 10.0}
        case "elastic_net":
            return {"alpha": 0.003, "l1_ratio": 0.5, "max_iter": 3000}
        case "logistic":
            return {"C": 0.3, "max_iter": 500}
        case "svm":
            return {"C": 3.0, "epsilon": 0.1}
        case "neighbours":
            return {"n_neighbors": 20, "weights": "distance"}
        case "network":
            return {"hidden_layer_sizes": [64, 32], "alpha": 0.01, "max_iter": 100}
        case "naive_bayes":
            return {"alpha": 0.1}
        case _:
            return {"C": 3.0}
