"""The kinds of models: where each comes from, what it is shown, and how it is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.layout import Name
from treewright.coders.recipes.options import TEXT_VIEWS, first_options
from treewright.coders.recipes.recipe import Model

if TYPE_CHECKING:
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
    regressor: str | None
    classifier: str | None
    fit: str
    view: str
    cost: float
    fixed: Mapping[str, Any] = field(default_factory=dict)
    most: int = 10_000_000


SEED, THREADS = Name("SEED"), Name("THREADS")
_SKLEARN = ("scikit-learn",)

FAMILIES: Mapping[str, Family] = {
    "lightgbm": Family(
        "LightGBM", ("lightgbm",), "LGBMRegressor", "LGBMClassifier", "fit_lightgbm", "table", 1.0,
        {"n_jobs": THREADS, "random_state": SEED, "verbosity": -1},
    ),
    "xgboost": Family(
        "XGBoost", ("xgboost", "xgboost-cpu"), "XGBRegressor", "XGBClassifier", "fit_xgboost", "table", 3.5,
        {"enable_categorical": True, "early_stopping_rounds": 50, "n_jobs": THREADS, "random_state": SEED},
    ),
    "catboost": Family(
        "CatBoost", ("catboost",), "CatBoostRegressor", "CatBoostClassifier", "fit_catboost", "name_gaps",
        3.0, {"thread_count": THREADS, "random_seed": SEED, "verbose": False, "allow_writing_files": False},
    ),
    "hist": Family(
        "histogram boosting", _SKLEARN, "HistGradientBoostingRegressor",
        "HistGradientBoostingClassifier", "fit_model", "table", 1.4,
        {"categorical_features": "from_dtype", "random_state": SEED},
    ),
    "extra_trees": Family(
        "extremely random trees", _SKLEARN, "ExtraTreesRegressor", "ExtraTreesClassifier",
        "fit_model", "number_labels", 4.5, {"n_jobs": THREADS, "random_state": SEED}, 200_000,
    ),
    "forest": Family(
        "a random forest", _SKLEARN, "RandomForestRegressor", "RandomForestClassifier",
        "fit_model", "number_labels", 8.0, {"n_jobs": THREADS, "random_state": SEED}, 200_000,
    ),
    "ridge": Family(
        "ridge regression", _SKLEARN, "Ridge", None, "fit_model", "one_hot_matrix", 20.0,
    ),
    "elastic_net": Family(
        "an elastic net", _SKLEARN, "ElasticNet", None, "fit_scaled", "one_hot_matrix", 100.0,
        {"random_state": SEED},
    ),
    "logistic": Family(
        "logistic regression", _SKLEARN, None, "LogisticRegression", "fit_model",
        "one_hot_matrix", 200.0,
    ),
    "svm": Family(
        "a support vector machine", _SKLEARN, "SVR", None, "fit_scaled", "one_hot_matrix", 300.0,
        most=8_000,
    ),
    "neighbours": Family(
        "nearest neighbours", _SKLEARN, "KNeighborsRegressor", "KNeighborsClassifier",
        "fit_model", "one_hot_matrix", 400.0, {"n_jobs": THREADS}, 30_000,
    ),
    "network": Family(
        "a small neural network", _SKLEARN, "MLPRegressor", "MLPClassifier", "fit_model",
        "one_hot_matrix", 400.0, {"random_state": SEED}, 200_000,
    ),
    "naive_bayes": Family(
        "naive Bayes", _SKLEARN, None, "MultinomialNB", "fit_model", "word_counts", 10.0,
    ),
    "nb_logistic": Family(
        "logistic regression on words weighed by naive Bayes", _SKLEARN, None, "NaiveBayesLogistic", "fit_model",
        "word_counts", 200.0,
    ),
}  # fmt: skip

BOOSTED = ("lightgbm", "catboost", "xgboost", "hist")
"""Families that add trees one after the other, at a learning rate."""


def constructor(family: str, situation: Situation) -> str:
    """The class that suits the target."""
    found = FAMILIES[family].regressor if situation.is_regression else FAMILIES[family].classifier
    assert found is not None
    return found


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
        if (family.regressor if situation.is_regression else family.classifier)
        and situation.has_package(*family.packages)
        and situation.rows <= family.most
        and family.view not in TEXT_VIEWS
    ]


def start(family: str, situation: Situation, view: str | None = None) -> Model:
    """A model of this family with the options that one would begin with."""
    view = view or FAMILIES[family].view
    return Model(family, view, first_options(family, view, situation))


def text_models(situation: Situation) -> list[Model]:
    """Models of nothing but texts: every sensible pair of a family and what it is shown."""
    if situation.is_regression:
        return [start("ridge", situation, view) for view in TEXT_VIEWS if view != "word_counts"]
    bayes = [start("naive_bayes", situation, view) for view in TEXT_VIEWS if view != "word_counts"]
    weighed = [start("nb_logistic", situation, view) for view in TEXT_VIEWS]
    plain = [start("logistic", situation, view) for view in ("word_weights", "letter_weights")]
    return [*bayes, *weighed, *plain]
