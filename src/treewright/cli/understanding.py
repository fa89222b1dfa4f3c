"""What ``inspect`` shows: how a task was understood, before anything runs."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from treewright.app import need_packages
from treewright.cli.render import plain
from treewright.evaluating import prepare_data, read_asked_task
from treewright.task import ColumnKind, EvaluationKind, TableProfile, Task

if TYPE_CHECKING:
    from treewright.config import Config
    from treewright.task import ColumnProfile

MOST_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Understanding:
    """A task, and how its rows would be hidden under seed 0. ``rows`` counts them by their role in the first fold.

    Without ``folds`` nothing would be hidden, and ``split`` only tells how test rows differ from training rows.
    """

    task: Task
    split: str
    reason: str
    folds: int
    rows: dict[str, int]
    profile: TableProfile
    notes: tuple[str, ...]


def understand(config: Config) -> Understanding:
    """Read the task and split it, as a run would, in a folder that is removed again."""
    need_packages()
    from treewright.data import load_holdout

    with tempfile.TemporaryDirectory(prefix="treewright-") as folder:
        data = Path(folder) / "data"
        _, task = prepare_data(config, read_asked_task(config), data)
        holdout = load_holdout(data)
        roles = list(holdout.folds[0].rows().roles) if holdout.folds else []
    rows = {"train": holdout.profile.train_rows}
    rows |= {role: roles.count(role) for role in ("search", "selection", "test")}
    if not holdout.folds:
        rows["test"] = holdout.profile.test_rows if task.test else 0
    notes = (*task.notes, *holdout.notes)
    return Understanding(task, holdout.kind, holdout.reason, len(holdout.folds), rows, holdout.profile, notes)


def understanding_as_json(understood: Understanding) -> dict[str, Any]:
    """The same for programs."""
    task = understood.task
    return {
        "task": task.name,
        "goal": task.goal,
        "metric": task.metric.name,
        "direction": task.metric.direction.value,
        "kind": task.kind.value,
        "targets": list(task.targets),
        "ids": list(task.ids),
        "classes": list(task.classes),
        "submission_columns": list(task.submission_columns),
        "evaluate": (EvaluationKind.HOLDOUT if understood.folds else EvaluationKind.PRINTED).value,
        "split": {"kind": understood.split, "reason": understood.reason, "folds": understood.folds},
        "rows": understood.rows,
        "columns": [asdict(column) for column in understood.profile.columns],
        "notes": list(understood.notes),
    }


def understanding_as_text(understood: Understanding) -> RenderableType:
    """The same for people."""
    task, rows = understood.task, understood.rows
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold")
    facts.add_column()
    folds = f", {understood.folds} splits that hide each row once" if understood.folds > 1 else ""
    for name, value in (
        ("task", f"{task.name}: {task.goal}"),
        ("target", f"{', '.join(task.targets)} ({task.kind})" + (f": {_some(task.classes)}" if task.classes else "")),
        ("metric", f"{task.metric.name}, {task.metric.direction}; submissions hold {task.metric.needs}"),
        ("ids", ", ".join(task.ids) or "none: rows count by their order"),
        ("split", f"{understood.split if understood.folds else 'none'}{folds}. {understood.reason}"),
        ("rows", ", ".join(f"{count:,} {role}" for role, count in rows.items())),
    ):
        facts.add_row(name, Text(plain(value)))
    notes = [Text(f"· {plain(note)}") for note in understood.notes]
    return Group(facts, Text(), *notes, *([Text()] if notes else []), _columns(understood.profile))


def _columns(profile: TableProfile) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("column", "kind", "missing", "distinct", "examples"):
        table.add_column(
            name, justify="right" if name in {"missing", "distinct"} else "left", no_wrap=name != "examples"
        )
    for column in profile.columns[:MOST_COLUMNS]:
        missing = f"{column.missing:.1%}" if column.missing else ""
        examples = plain(_some(column.examples, 4))
        table.add_row(
            Text(plain(column.name)), _kind(column), missing, f"{column.unique:,}", Text(examples, style="dim")
        )
    if len(profile.columns) <= MOST_COLUMNS:
        return table
    return Group(table, Text(f"… {len(profile.columns) - MOST_COLUMNS} more columns", style="dim"))


def _kind(column: ColumnProfile) -> str:
    kind = "integer" if column.kind is ColumnKind.NUMERIC and column.integer else str(column.kind)
    return kind if column.in_test else f"{kind}, train only"


def _some(values: tuple[str, ...], most: int = 8) -> str:
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")
