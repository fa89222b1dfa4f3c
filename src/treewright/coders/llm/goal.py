"""What to predict, and the frame of every program: reading, fitting, and writing the submission with true names.

A weak model loses most of its programs on misspelt columns and on a submission of another form, so it is shown code
that runs as it stands once there are features and a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.llm.text import clip, fenced, some
from treewright.metrics import Direction, Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.task import Task

MOST_NAMES = 30


def goal(task: Task, cap: float, *, samples: bool) -> str:
    """The goal in at most about ``cap`` tokens, how it is scored, what a submission looks like, and the frame."""
    better = "the lower, the better" if task.metric.direction is Direction.MINIMIZE else "the higher, the better"
    lines = [
        f"# Goal\n\n{clip(task.goal, cap)}",
        f"Target: {some(task.targets, MOST_NAMES)} ({task.kind}). Metric: {task.metric.name}, {better}.",
        f"A submission holds {_content(task, samples=samples)}.",
        f"Read and write like this:\n\n{fenced(frame(task), 'python')}",
    ]
    return "\n\n".join(lines)


def _content(task: Task, *, samples: bool) -> str:
    columns = _quoted(task.submission_columns)
    classes = f" out of {_quoted(task.classes)}" if task.classes and samples else ""
    if task.metric.needs is Needs.NUMBERS:
        return f"numbers in {columns}"
    if task.metric.needs is Needs.LABELS:
        return f"labels{classes}, written as they stand in train.csv, in {columns}"
    if len(task.submission_columns) > len(task.targets):
        return f"probabilities, one column a class: {columns}"
    return f"in {columns} the probability of the second class in sorted order{classes}"


def frame(task: Task) -> str:
    """Code that needs ``X``, ``X_test`` and ``model`` alone, with the true names of files and columns."""
    return "\n".join(
        [
            "import pandas as pd",
            "",
            'train = pd.read_csv("./input/train.csv")',
            f'test = pd.read_csv("./input/test.csv")  # has no {_quoted(task.targets, 3)}',
            'sample = pd.read_csv("./input/sample_submission.csv")  # one row for each row of test, in the same order',
            "# X and X_test: the features of all rows of train and of test, prepared in the same way",
            *_predicting(task),
            'sample.to_csv("./working/submission.csv", index=False)',
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


def _quoted(names: Sequence[str], most: int = MOST_NAMES) -> str:
    return some(tuple(map(repr, names)), most)
