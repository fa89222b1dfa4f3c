"""What to predict, how it is scored, and what a submission holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.llm.text import clip, some
from treewright.metrics import Direction, Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.protocols import Setting
    from treewright.task import Task

MOST_NAMES = 30


OWN_SCORE = "The program scores itself: its last line of output is `metric: <number>`, from a validation of its own."


def goal(setting: Setting, cap: float, *, samples: bool) -> str:
    """The goal in at most about ``cap`` tokens, how it is scored, and what a submission looks like."""
    task = setting.task
    better = "the lower, the better" if task.metric.direction is Direction.MINIMIZE else "the higher, the better"
    lines = [
        f"# Goal\n\n{clip(task.goal, cap)}",
        f"Target: {some(task.targets, MOST_NAMES)} ({task.kind}). Metric: {task.metric.name}, {better}.",
        *([OWN_SCORE] if setting.self_reported else []),
        f"A submission holds {_content(task, samples=samples)}.",
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


def _quoted(names: Sequence[str], most: int = MOST_NAMES) -> str:
    return some(tuple(map(repr, names)), most)
