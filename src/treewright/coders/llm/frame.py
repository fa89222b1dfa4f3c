"""A frame for a first program: it reads and writes as it must, with the true names of files and columns.

Models of any size know what to do between the two; small ones forget, by the time they get there, that the test table
has no answers, that each of its rows wants a prediction, and that text has to become numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.llm.goal import MOST_NAMES
from treewright.coders.llm.text import fenced, some
from treewright.metrics import Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.protocols import Setting
    from treewright.task import Task

GAP = "model = ..."
OWN_SCORE = "score = ...  # {metric} of predictions for rows of train that the models have not seen"


def frame_block(setting: Setting) -> str:
    """The block of a prompt with the frame in it."""
    return (
        "# A frame to start from\n\n"
        "It reads and writes as it must. Your model stands where `...` is, your features where the loop is; keep the "
        f"rest.\n\n{fenced(frame(setting.task, self_reported=setting.self_reported), 'python')}"
    )


def frame(task: Task, *, self_reported: bool = False) -> str:
    """A program that runs once ``GAP`` is filled, and ``OWN_SCORE`` where it has to score itself."""
    return "\n".join(
        [
            "import pandas as pd",
            "",
            'train = pd.read_csv("./input/train.csv")',
            f'test = pd.read_csv("./input/test.csv")  # has no {some(tuple(map(repr, task.targets)), 3)}',
            'sample = pd.read_csv("./input/sample_submission.csv")  # one row for each row of test, in the same order',
            "",
            "both = pd.concat([train[test.columns], test], ignore_index=True)  # features of train and test alike",
            "for column in both.columns:",
            "    if not pd.api.types.is_numeric_dtype(both[column]):",
            '        both[column] = both[column].astype("category").cat.codes',
            "both = both.fillna(-1)",
            "X, X_test = both[: len(train)], both[len(train) :]",
            "",
            GAP,
            *_predicting(task),
            'sample.to_csv("./working/submission.csv", index=False)',
            *([OWN_SCORE.format(metric=task.metric.name), 'print(f"metric: {score}")'] if self_reported else []),
            "",
        ]
    )


def _predicting(task: Task) -> list[str]:
    chances = task.metric.needs is Needs.PROBABILITIES
    if len(task.targets) == 1 and chances and len(task.submission_columns) > 1:
        return [
            f"model.fit(X, train[{task.targets[0]!r}])",
            f"columns = {_columns(task, _in_order_of_classes(task))}  # in the order of model.classes_",
            "sample[columns] = model.predict_proba(X_test)",
        ]
    predicted = "model.predict_proba(X_test)[:, 1]" if chances else "model.predict(X_test)"
    what = "label" if task.metric.needs is Needs.LABELS else "value"
    said = f"  # one {what} for each row of test" + (", as in train.csv" if what == "label" else "")
    if len(task.targets) == 1:
        return [
            f"model.fit(X, train[{task.targets[0]!r}])",
            f"sample[{task.submission_columns[0]!r}] = {predicted}{said}",
        ]
    return [
        f"for target in {_columns(task, task.targets)}:",
        "    model.fit(X, train[target])",
        f"    sample[target] = {predicted}{said}",
    ]


def _in_order_of_classes(task: Task) -> list[str]:
    """The columns of a submission as scikit-learn sorts their classes: numbers by size, all else as text."""
    columns = dict(zip(task.classes, task.submission_columns, strict=True))
    try:
        return [columns[label] for label in sorted(columns, key=float)]
    except ValueError:
        return [columns[label] for label in sorted(columns)]


def _columns(task: Task, columns: Sequence[str]) -> str:
    """A list of columns as Python; of very many, how to get them from the sample submission."""
    if len(columns) <= MOST_NAMES:
        return repr(list(columns))
    every = f"[column for column in sample if column not in {task.ids}]"
    if tuple(columns) == task.submission_columns:
        return every
    return f"sorted({every})" if sorted(columns) == list(columns) else repr(list(columns))
