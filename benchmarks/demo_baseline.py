"""Scores LightGBM with its defaults on ``examples/bike-sharing``, and a submission against it.

::

    python benchmarks/demo_baseline.py runs/NAME/best/submission.csv

The test answers are only read here. The difference comes with a standard error by a paired bootstrap over whole days,
because the hours of a day share their weather; a difference beyond two of them is more than noise. A second baseline,
which knows that the metric works on logarithms, shows how much of a gain that one insight is.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor

EXAMPLES = Path(__file__).parents[1] / "examples"
ID, TARGET = "datetime", "bikers"
REPLICATES = 2000


def baseline(*, log: bool) -> pd.Series:
    """Predictions of LightGBM with default parameters, on all columns of ``test.csv`` but the id, as they are."""
    train, test = (pd.read_csv(EXAMPLES / "bike-sharing" / f"{name}.csv") for name in ("train", "test"))
    features = test.columns.drop(ID)
    both = pd.concat([train[features], test[features]])
    words = {column: pd.CategoricalDtype(both[column].unique()) for column in both.select_dtypes(exclude="number")}
    model = LGBMRegressor(verbose=-1, random_state=0)
    model.fit(train[features].astype(words), np.log1p(train[TARGET]) if log else train[TARGET])
    predictions = model.predict(test[features].astype(words))
    return pd.Series(np.expm1(predictions) if log else predictions, index=test[ID]).clip(lower=0)


def squared_log_errors(predictions: pd.Series, answers: pd.Series) -> pd.Series:
    """One squared error of ``log(1 + y)`` for each row of the answers."""
    missing = answers.index.difference(predictions.index)
    if len(missing):
        sys.exit(f"the submission lacks {len(missing)} of {len(answers)} rows, the first is {missing[0]}")
    return (np.log1p(predictions[answers.index]) - np.log1p(answers)) ** 2


def rmsle_replicates(errors: pd.Series, draws: np.ndarray) -> np.ndarray:
    """The RMSLE on each resample of days; ``draws`` has a row for each replicate and the numbers of its days."""
    days = errors.groupby(errors.index.str[:10]).agg(["sum", "size"]).to_numpy()
    totals = days[draws].sum(axis=1)
    return np.sqrt(totals[:, 0] / totals[:, 1])


def main() -> None:
    """Print the scores, and how far the submission is ahead."""
    answers = pd.read_csv(EXAMPLES / "bike-sharing-source" / "answers.csv", index_col=ID)[TARGET]
    days = answers.index.str[:10].nunique()
    draws = np.random.default_rng(0).integers(days, size=(REPLICATES, days))
    entries = {"LightGBM, defaults": baseline(log=False), "LightGBM, defaults, on log(1 + y)": baseline(log=True)}
    for path in sys.argv[1:]:
        entries[path] = pd.read_csv(path, index_col=ID)[TARGET]

    scored = {}
    for name, predictions in entries.items():
        errors = squared_log_errors(predictions, answers)
        scored[name] = (np.sqrt(errors.mean()), rmsle_replicates(errors, draws))
    reference, reference_replicates = next(iter(scored.values()))
    for name, (score, replicates) in scored.items():
        gain, error = reference - score, (reference_replicates - replicates).std(ddof=1)
        ahead = f", {gain:+.4f} ± {error:.4f} ahead ({gain / error:+.1f} standard errors)" if error else ""
        print(f"rmsle {score:.4f} ± {replicates.std(ddof=1):.4f}  {name}{ahead}")


if __name__ == "__main__":
    main()
