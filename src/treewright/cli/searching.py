"""``run`` and ``resume``: the commands that search."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from treewright.cli.options import (
    AnotherBaseUrl,
    AnotherModel,
    AnotherReview,
    AnotherReviewModel,
    BaseUrl,
    Coder,
    ConfigFile,
    Evaluate,
    Goal,
    Init,
    Json,
    MaxCost,
    MaxTokens,
    Metric,
    Model,
    MoreCost,
    MoreSteps,
    MoreTime,
    MoreTokens,
    MoreWorkers,
    Name,
    NoSamples,
    Out,
    Patience,
    Policy,
    Preset,
    Python,
    Quiet,
    Rerun,
    Review,
    ReviewModel,
    RunName,
    Sandbox,
    Seed,
    Set,
    Steps,
    Target,
    Task,
    Time,
    Workers,
    check_name,
    parse_cost,
    parse_count,
    parse_more,
)
from treewright.cli.settings import make_settings, model_settings, refuse_idle
from treewright.durations import parse_time
from treewright.tree import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.app import Run
    from treewright.folder import RunFolder

OPENED = time.monotonic()
"""About when the process began: ``--time`` is counted from here."""

NONE_FOUND, INTERRUPTED = 1, 130


def run(
    task: Task,
    goal: Goal = None,
    metric: Metric = None,
    target: Target = None,
    evaluate: Evaluate = None,
    steps: Steps = None,
    time_: Time = None,
    patience: Patience = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    model: Model = None,
    review_model: ReviewModel = None,
    review: Review = None,
    base_url: BaseUrl = None,
    no_samples: NoSamples = False,
    rerun: Rerun = False,
    coder: Coder = None,
    init: Init = None,
    workers: Workers = None,
    policy: Policy = None,
    preset: Preset = None,
    seed: Seed = None,
    python: Python = None,
    sandbox: Sandbox = None,
    set_: Set = None,
    config: ConfigFile = None,
    out: Out = Path("runs"),
    name: Name = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best program for a task."""
    from treewright.app import free_name, start
    from treewright.coders.folder import read_program
    from treewright.folder import RunFolder

    flags = {
        "task": task,
        "goal": goal,
        "metric": metric,
        "target": target,
        "evaluate": evaluate,
        "steps": steps,
        "time": None if time_ is None else parse_time(time_),
        "patience": patience,
        "max_cost": max_cost,
        "max_tokens": max_tokens,
        "coder": model_settings(coder, model, review_model, review, base_url, samples=not no_samples),
        "rerun": rerun or None,
        "init": init,
        "workers": workers,
        "policy": {"name": policy} if policy else None,
        "seed": seed,
        "python": python,
        "sandbox": sandbox,
    }
    settings = make_settings(flags, config, preset, set_ or [])
    folder = RunFolder(out / (free_name(out, settings.task) if name is None else check_name(name)))
    if settings.init:
        read_program(settings.init)  # what is wrong with it is said before anything is made
    with _opening(quiet=quiet or as_json):
        made = start(settings, folder, opened=OPENED)
    _search(made, as_json=as_json, quiet=quiet)


def resume(
    run: RunName,
    steps: MoreSteps = None,
    time_: MoreTime = None,
    patience: Patience = None,
    max_cost: MoreCost = None,
    max_tokens: MoreTokens = None,
    model: AnotherModel = None,
    review_model: AnotherReviewModel = None,
    review: AnotherReview = None,
    base_url: AnotherBaseUrl = None,
    workers: MoreWorkers = None,
    set_: Set = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was interrupted, or extend one that has ended; what is not named stays as it was."""
    from treewright.app import reopen
    from treewright.config import load_config, make_config, parse_setting
    from treewright.record import find_run, read_run

    more = any(text and text.startswith("+") for text in (steps, time_, max_cost, max_tokens))
    record = read_run(run) if more else None
    spent = record.tree.usage if record else NOTHING
    tokens = spent.input_tokens + spent.output_tokens
    limits = {
        "steps": parse_more(steps, len(record.tree) if record else 0, partial(parse_count, flag="--steps")),
        "time": parse_more(time_, record.seconds if record else 0.0, parse_time),
        "patience": patience,
        "max_cost": parse_more(max_cost, spent.cost_usd or 0.0, parse_cost),
        "max_tokens": parse_more(max_tokens, tokens, partial(parse_count, flag="--max-tokens")),
        "workers": workers,
    }
    flags: dict[str, Any] = {key: value for key, value in limits.items() if value is not None}
    flags["coder"] = model_settings(None, model, review_model, review, base_url)
    changes = [*map(parse_setting, set_ or ()), flags]
    before = load_config(find_run(run).config).model_dump(mode="json", exclude_none=True)
    refuse_idle(flags, make_config(before, *changes))
    with _opening(quiet=quiet or as_json):
        made = reopen(run, changes, opened=OPENED)
    _search(made, as_json=as_json, quiet=quiet)


@contextmanager
def _opening(*, quiet: bool) -> Iterator[None]:
    from rich.console import Console

    console = Console(stderr=True)
    showing = console.status("Reading and splitting the data…") if not quiet and console.is_terminal else nullcontext()
    with showing:
        yield


def _search(made: Run, *, as_json: bool, quiet: bool) -> None:
    """Run the search under the live view, print the result and exit with its status."""
    from treewright.cli.live import open_view

    with made as opened:
        view: Any = nullcontext() if quiet or as_json else open_view(_header(opened))
        opened.keep_settings()
        with view as listener, _signals(opened):
            if listener is not None:
                opened.search.listeners.append(listener)
                opened.notices.append(listener.notice)
            stopped_by = opened.search.run()
    _report(made.folder, stopped_by, as_json=as_json)
    if stopped_by == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if made.search.best is None:
        raise typer.Exit(NONE_FOUND)


def _header(made: Run) -> Any:
    from treewright.cli.watch import Header

    task, config = made.task, made.config
    title = (
        f"{task.name}: {task.metric.name}, {task.metric.direction}; run {made.folder.path}",
        *made.announcements,
    )
    return Header(title, task.metric.name, task.metric.direction, config.steps, config.time, made.search.workers)


@contextmanager
def _signals(made: Run) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the run in order; a second one ends it at once."""

    def stop(*_: object) -> None:
        if made.search.cancel.is_set():
            raise KeyboardInterrupt
        sys.stderr.write("\nstopping; what is in flight is left for treewright resume\n")
        made.search.interrupt()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(folder: RunFolder, stopped_by: str, *, as_json: bool) -> None:
    from treewright.cli.render import best_text, counts, duration_text, visible_controls
    from treewright.record import read_run, summary

    record = read_run(folder.path)
    figures = summary(record)
    figures["stopped_by"] = stopped_by
    if as_json:
        typer.echo(json.dumps(figures))
        return
    best, path, answer = figures["best"], visible_controls(str(folder.path)), visible_controls(str(folder.best))
    took = f"{counts(record.tree)}, in {duration_text(figures['seconds'])}"
    if best is None:
        typer.echo(f"No valid solution yet: {took}. See why: treewright show {path}")
    else:
        members = ", ".join(str(member["node"]) for member in best["members"])
        kind = f"node {members}" if best["kind"] == "node" else f"a blend of nodes {members}"
        typer.echo(f"{figures['metric']} {best_text(best)} by {kind} ({took})")
        typer.echo(f"  script      {answer}/solution.py")
        if (folder.best / "submission.csv").exists():
            typer.echo(f"  submission  {answer}/submission.csv")
    if stopped_by == "interrupted":
        typer.echo(f"  go on with  treewright resume {path}")
    else:
        typer.echo(f"  look at it  treewright show {path}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (run, resume):
        app.command()(command)
