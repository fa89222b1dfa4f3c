"""``inspect`` and ``grade``: the commands about a task that run nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from treewright.cli.options import Goal, Json, Metric, Target, Task
from treewright.errors import UsageError


def inspect(task: Task, goal: Goal = None, metric: Metric = None, target: Target = None, as_json: Json = False) -> None:
    """Show what was understood of a task: target, ids, metric, split, columns."""
    from treewright.cli.understanding import understand, understanding_as_json

    understood = understand(task, goal=goal, metric=metric, target=target)
    if as_json:
        typer.echo(json.dumps(understanding_as_json(understood)))
    else:
        from rich.console import Console

        from treewright.cli.understanding import understanding_as_text

        Console().print(understanding_as_text(understood))


def grade(
    task: Task,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Predictions in the form of a submission.")],
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="The true values.  \\[default: answers.csv in TASK]"),
    ] = None,
    metric: Metric = None,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Score a file of predictions against true values that you hold."""
    from treewright.app import need_packages
    from treewright.cli.render import score_text

    need_packages()
    from treewright.evaluation.grading import grade_file

    truth = answers or task / "answers.csv"
    if not truth.is_file():
        raise UsageError(f"there are no answers at {truth}; name the file with the true values by --answers")
    from treewright.data import read_task

    graded = grade_file(read_task(task, metric=metric, target=target), file, truth)
    if as_json:
        typer.echo(json.dumps(graded))
    else:
        typer.echo(f"{graded['metric']} {score_text(graded['score'], graded['score_se'])} on {graded['rows']:,} rows")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (inspect, grade):
        app.command()(command)
