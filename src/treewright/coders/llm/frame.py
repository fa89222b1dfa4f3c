"""A frame for a first program: it reads and writes as it must, with the true names of files and columns.

Models of any size know what to do between the two; small ones forget, by the time they get there, that the test table
has no answers, that each of its rows wants a prediction, and that text has to become numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.llm.text import some
from treewright.metrics import Needs

if TYPE_CHECKING:
    from treewright.protocols import Setting

MOST_COLUMNS = 30

_FEATURES = """\
both = pd.concat([train[test.columns], test], ignore_index=True)  # features, made in the same way for train and test
for column in both.columns:
    if not pd.api.types.is_numeric_dtype(both[column]):
        both[column] = both[column].astype("category").cat.codes
both = both.fillna(-1)
X, X_test = both[: len(train)], both[len(train) :]
"""


def frame(setting: Setting) -> str:
    """The block: a program with a gap for the model."""
    task = setting.task
    code = (
        "import pandas as pd\n\n"
        'train = pd.read_csv("./input/train.csv")\n'
        f'test = pd.read_csv("./input/test.csv")  # has no {some(task.targets, 3)}\n'
        'sample = pd.read_csv("./input/sample_submission.csv")  # one row for each row of test, in the same order\n\n'
        f"{_FEATURES}\n"
        "model = ...\n"
        f"{_predict(setting)}"
        'sample.to_csv("./working/submission.csv", index=False)\n'
    )
    return (
        "# A frame to start from\n\n"
        "It reads and writes as it must. Your model stands where `...` is, your features where the loop is; keep the "
        f"rest.\n\n```python\n{code}```"
    )


def _predict(setting: Setting) -> str:
    """Fitting and predicting, with as many predictions as there are rows in test."""
    task = setting.task
    columns, targets = list(task.submission_columns), list(task.targets)
    if task.metric.needs is Needs.PROBABILITIES and len(columns) > len(targets):
        shown = str(columns) if len(columns) <= MOST_COLUMNS else "list(model.classes_)"
        order = "in the order of model.classes_"
        return f"model.fit(X, train[{targets[0]!r}])\nsample[{shown}] = model.predict_proba(X_test)  # {order}\n"
    what = "label, as in train.csv," if task.metric.needs is Needs.LABELS else "value"
    call = "predict_proba(X_test)[:, 1]" if task.metric.needs is Needs.PROBABILITIES else "predict(X_test)"
    if len(targets) == 1:
        lines = (f"model.fit(X, train[{targets[0]!r}])", f"sample[{columns[0]!r}] = model.{call}")
        return f"{lines[0]}\n{lines[1]}  # one {what} for each row of test\n"
    named = str(targets) if len(targets) <= MOST_COLUMNS else "sample.columns.intersection(train.columns)"
    return (
        f"for name in {named}:\n    model.fit(X, train[name])\n"
        f"    sample[name] = model.{call}  # one {what} for each row of test\n"
    )
