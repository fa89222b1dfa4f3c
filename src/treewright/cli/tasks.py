"""``inspect`` and ``grade``: the commands about a task that run nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from treewright.cli.options import Evaluate, Goal, Json, Metric, NoSamples, Preset, Set, Target, Task
from treewright.errors import UsageError


def inspect(
    task: Task,
    goal: Goal = None,
    metric: Metric = None,
    target: Target = None,
    evaluate: Evaluate = None,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print the first prompt for a language model; nothing is sent.")
    ] = False,
    no_samples: NoSamples = False,
    preset: Preset = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Show what was understood of a task: target, ids, metric, split, columns."""
    flags: dict[str, Any] = {"task": task, "goal": goal, "metric": metric, "target": target, "evaluate": evaluate}
    if prompt:
        _show_prompt(flags, preset, set_ or [], samples=not no_samples, as_json=as_json)
        return
    for flag, given in (("--no-samples", no_samples), ("--preset", preset), ("--set", set_)):
        if given:
            raise UsageError(f"{flag} does nothing without --prompt, which shows what a model would be told")
    from treewright.cli.understanding import understand, understanding_as_json
    from treewright.config import make_config

    understood = understand(make_config(flags))
    if as_json:
        typer.echo(json.dumps(understanding_as_json(understood)))
    else:
        from rich.console import Console

        from treewright.cli.understanding import understanding_as_text

        Console().print(understanding_as_text(understood))


def _show_prompt(flags: dict[str, Any], preset: str | None, more: list[str], *, samples: bool, as_json: bool) -> None:
    from treewright.app import first_prompt
    from treewright.cli.render import visible_controls
    from treewright.cli.settings import make_settings, model_settings

    flags["coder"] = model_settings("llm", samples=samples)
    messages = first_prompt(make_settings(flags, None, preset, more))
    if as_json:
        typer.echo(json.dumps({"messages": [{"role": message.role, "text": message.text} for message in messages]}))
        return
    for message in messages:
        typer.secho(f"── {message.role} ──", bold=True)
        for line in message.text.splitlines():
            typer.echo(visible_controls(line))


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
