"""``run`` and ``resume``: the commands that search."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treewright.cli.options import (
    BaseUrl,
    Coder,
    ConfigFile,
    Goal,
    Init,
    Json,
    MaxCost,
    MaxTokens,
    Metric,
    Model,
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
    parse_count,
    parse_more,
)
from treewright.durations import parse_time
from treewright.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.app import Run
    from treewright.config import Config
    from treewright.folder import RunFolder

MODEL_VARIABLE = "TREEWRIGHT_MODEL"
"""The environment variable with the model to use where none is named."""

OPENED = time.monotonic()
"""About when the process began: ``--time`` is counted from here."""

NONE_FOUND, INTERRUPTED = 1, 130


def run(
    task: Task,
    goal: Goal = None,
    metric: Metric = None,
    target: Target = None,
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


def make_settings(flags: dict[str, Any], file: Path | None, preset: str | None, more: list[str]) -> Config:
    """The file, the preset, ``--set`` and the flags, each over the ones before it."""
    from treewright.config import PAPER, make_config, parse_setting, read_config

    if preset not in {None, "paper"}:
        raise UsageError(f"there is no preset {preset!r}; the one there is, is paper")
    return make_config(
        usual_model(),
        _recorded_settings(flags["coder"].get("model")),
        read_config(file) if file else {},
        PAPER if preset else {},
        *map(parse_setting, more),
        {key: value for key, value in flags.items() if value is not None},
    )


def usual_model() -> dict[str, Any]:
    """The settings that the environment asks for."""
    model = os.environ.get(MODEL_VARIABLE)
    return {"coder": {"model": model}} if model else {}


def model_settings(
    coder: str | None,
    model: str | None = None,
    review_model: str | None = None,
    review: str | None = None,
    base_url: str | None = None,
    *,
    samples: bool = True,
) -> dict[str, Any]:
    """The flags about who writes, as far as they are given."""
    given = {
        "name": coder,
        "model": model,
        "review_model": review_model,
        "review": review,
        "base_url": base_url,
        "samples": None if samples else False,
    }
    return {key: value for key, value in given.items() if value is not None}


def _recorded_settings(model: str | None) -> dict[str, Any]:
    """For a replay, the settings of the run that it repeats."""
    if model is None or not model.startswith("replay:"):
        return {}
    from treewright.config import load_config
    from treewright.record import find_run

    return load_config(find_run(Path(model.removeprefix("replay:"))).config).model_dump(mode="json", exclude_none=True)


def resume(
    run: RunName,
    steps: Annotated[
        str | None, typer.Option(metavar="N|+N", help="Stop after N nodes, or N more.", rich_help_panel="The budget")
    ] = None,
    time_: Annotated[
        str | None,
        typer.Option(
            "--time", metavar="T|+T", help="Stop after this time, or so much more.", rich_help_panel="The budget"
        ),
    ] = None,
    patience: Patience = None,
    workers: Workers = None,
    set_: Set = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was interrupted, or extend one that has ended."""
    from treewright.app import reopen
    from treewright.config import parse_setting
    from treewright.record import read_run

    more = any(text and text.startswith("+") for text in (steps, time_))
    record = read_run(run) if more else None
    changes: dict[str, Any] = {
        "steps": parse_more(steps, len(record.tree) if record else 0, parse_count),
        "time": parse_more(time_, record.seconds if record else 0.0, parse_time),
        "patience": patience,
        "workers": workers,
    }
    layers = [parse_setting(setting) for setting in set_ or ()]
    changes = {key: value for key, value in changes.items() if value is not None}
    with _opening(quiet=quiet or as_json):
        made = reopen(run, [*layers, changes], opened=OPENED)
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
    return Header(title, task.metric.name, task.metric.direction, config.steps, config.time, config.workers)


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
    from treewright.cli.render import duration_text, score_text, visible_controls
    from treewright.record import read_run, summary

    figures = summary(read_run(folder.path))
    figures["stopped_by"] = stopped_by
    if as_json:
        typer.echo(json.dumps(figures))
        return
    best, path, answer = figures["best"], visible_controls(str(folder.path)), visible_controls(str(folder.best))
    counts = f"{figures['nodes']} nodes, {figures['buggy']} of them buggy, in {duration_text(figures['seconds'])}"
    if best is None:
        typer.echo(f"No valid solution yet: {counts}. See why: treewright show {path}")
    else:
        members = ", ".join(str(member["node"]) for member in best["members"])
        kind = f"node {members}" if best["kind"] == "node" else f"a blend of nodes {members}"
        typer.echo(f"{figures['metric']} {score_text(best['score'], best['score_se'])} by {kind} ({counts})")
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
