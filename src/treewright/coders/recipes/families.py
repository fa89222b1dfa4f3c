"""The kinds of models: where each comes from, what it wants to see, and how it starts.

The starting options are the usual ones for tables of a few thousand to a hundred thousand rows: slow learning rates
with early stopping, rows and columns drawn at random, no deep trees on few rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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

    ``packages`` are the distributions any of which provides it. ``fit`` and ``view`` are library functions: how it is
    fitted, and what it is shown of the table (``table``: as it is). ``fixed`` are arguments that are no matter of
    choice. ``cost`` compares its time for one tree, or for one fit of anything else, with that of LightGBM's tree.
    ``most`` is the number of training rows up to which it is sensible.
    """

    title: str
    packages: tuple[str, ...]
    module: str
    regressor: str | None
    classifier: str | None
    fit: str
    view: str
    cost: float
    fixed: Mapping[str, Any] = field(default_factory=dict)
    most: int = 10_000_000

    def constructor(self, situation: Situation) -> Import | None:
        """The class that suits the target, if the family has one."""
        item = self.regressor if situation.is_regression else self.classifier
        return Import(self.module, item, None) if item else None


SEED, THREADS = Name("SEED"), Name("THREADS")
_SKLEARN = ("scikit-learn",)

FAMILIES: Mapping[str, Family] = {
    "lightgbm": Family(
        "LightGBM", ("lightgbm",), "lightgbm", "LGBMRegressor", "LGBMClassifier", "fit_lightgbm", "table", 1.0,
        {"n_jobs": THREADS, "random_state": SEED, "verbosity": -1},
    ),
    "xgboost": Family(
        "XGBoost", ("xgboost", "xgboost-cpu"), "xgboost", "XGBRegressor", "XGBClassifier", "fit_xgboost", "table", 1.9,
        {"enable_categorical": True, "early_stopping_rounds": 50, "n_jobs": THREADS, "random_state": SEED},
    ),
    "catboost": Family(
        "CatBoost", ("catboost",), "catboost", "CatBoostRegressor", "CatBoostClassifier", "fit_catboost", "name_gaps",
        3.0, {"thread_count": THREADS, "random_seed": SEED, "verbose": False, "allow_writing_files": False},
    ),
    "hist": Family(
        "histogram boosting", _SKLEARN, "sklearn.ensemble", "HistGradientBoostingRegressor",
        "HistGradientBoostingClassifier", "fit_model", "table", 1.4,
        {"categorical_features": "from_dtype", "random_state": SEED},
    ),
    "extra_trees": Family(
        "extremely random trees", _SKLEARN, "sklearn.ensemble", "ExtraTreesRegressor", "ExtraTreesClassifier",
        "fit_model", "number_labels", 4.0, {"n_jobs": THREADS, "random_state": SEED}, 200_000,
    ),
    "forest": Family(
        "a random forest", _SKLEARN, "sklearn.ensemble", "RandomForestRegressor", "RandomForestClassifier",
        "fit_model", "number_labels", 8.0, {"n_jobs": THREADS, "random_state": SEED}, 200_000,
    ),
    "ridge": Family(
        "ridge regression", _SKLEARN, "sklearn.linear_model", "Ridge", None, "fit_model", "one_hot_matrix", 20.0,
    ),
    "elastic_net": Family(
        "an elastic net", _SKLEARN, "sklearn.linear_model", "ElasticNet", None, "fit_scaled", "one_hot_matrix", 100.0,
        {"random_state": SEED},
    ),
    "logistic": Family(
        "logistic regression", _SKLEARN, "sklearn.linear_model", None, "LogisticRegression", "fit_model",
        "one_hot_matrix", 200.0,
    ),
    "svm": Family(
        "a support vector machine", _SKLEARN, "sklearn.svm", "SVR", None, "fit_scaled", "one_hot_matrix", 300.0,
        most=8_000,
    ),
    "neighbours": Family(
        "nearest neighbours", _SKLEARN, "sklearn.neighbors", "KNeighborsRegressor", "KNeighborsClassifier",
        "fit_model", "one_hot_matrix", 400.0, {"n_jobs": THREADS}, 30_000,
    ),
    "network": Family(
        "a small neural network", _SKLEARN, "sklearn.neural_network", "MLPRegressor", "MLPClassifier", "fit_model",
        "one_hot_matrix", 1500.0, {"early_stopping": True, "random_state": SEED}, 200_000,
    ),
    "naive_bayes": Family(
        "naive Bayes", _SKLEARN, "sklearn.naive_bayes", None, "MultinomialNB", "fit_model", "word_counts", 10.0,
    ),
    "nb_logistic": Family(
        "logistic regression on words weighed by naive Bayes", _SKLEARN, "", None, "NaiveBayesLogistic", "fit_model",
        "word_counts", 200.0,
    ),
}  # fmt: skip

BOOSTED = ("lightgbm", "catboost", "xgboost", "hist")
"""Families that add trees one after the other, at a learning rate."""

TEXT_VIEWS = ("word_weights", "letter_weights", "word_counts", "letter_counts")


def fit_function(family: str, situation: Situation) -> str:
    """The library function that fits this family, for the version that is installed."""
    if family == "lightgbm" and situation.version("lightgbm") < (4, 7):
        return "fit_lightgbm_4_6"
    if family == "network" and situation.is_regression:
        return "fit_scaled"
    return FAMILIES[family].fit


def available(situation: Situation) -> list[str]:
    """The families that are installed, suit the target and the number of rows; for tables, not for texts."""
    return [
        name
        for name, family in FAMILIES.items()
        if family.constructor(situation) and situation.has_package(*family.packages) and situation.rows <= family.most
        and family.view not in TEXT_VIEWS
    ]


def start(family: str, situation: Situation, view: str | None = None) -> Model:
    """A model of this family with the options that one would begin with."""
    return Model(family, view or FAMILIES[family].view, _options(family, situation))


def text_model(name: str, situation: Situation) -> Model:
    """A model of texts by name: a family, and after a space what it looks at."""
    family, _, of = name.partition(" ")
    words = {"logistic": "word_weights", "ridge": "word_weights"}.get(family, "word_counts")
    letters = {"logistic": "letter_weights", "ridge": "letter_weights"}.get(family, "letter_counts")
    options = {"C": 10.0, "max_iter": 300} if family == "logistic" else {"alpha": 1.0} if family == "ridge" else None
    model = start(family, situation, letters if of == "letters" else words)
    return model if options is None else replace(model, options=options)


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
                "min_child_weight": 2,
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
            return {"alpha": 0.005, "l1_ratio": 0.5, "max_iter": 3000}
        case "logistic":
            return {"C": 0.3, "max_iter": 500}
        case "svm":
            return {"C": 3.0, "epsilon": 0.05, "gamma": 0.005}
        case "neighbours":
            return {"n_neighbors": 20, "weights": "distance"}
        case "network":
            return {"hidden_layer_sizes": [64, 32], "alpha": 0.01, "max_iter": 100}
        case "naive_bayes":
            return {"alpha": 0.1}
        case _:
            return {"C": 3.0}
