"""``run`` and ``resume``: the commands that search."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treewright.cli.options import (
    Goal,
    Json,
    Metric,
    Patience,
    Quiet,
    RunName,
    Set,
    Target,
    Task,
    Workers,
    check_name,
    parse_count,
    parse_more,
    parse_time,
)
from treewright.errors import UsageError

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
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after N nodes.", rich_help_panel="The budget")
    ] = None,
    time_: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="TIME",
            help="Stop after 90s, 30m, 1h30m of wall time, final steps included.  "
            "\\[default: 10m, without other limits]",
            rich_help_panel="The budget",
        ),
    ] = None,
    patience: Patience = None,
    coder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who writes: recipes (built in), or folder:DIR with scripts of your own.  \\[default: recipes]",
            rich_help_panel="The search",
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(metavar="SCRIPT.py", help="Start from a script of your own.", rich_help_panel="The search"),
    ] = None,
    workers: Workers = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How nodes are chosen.  \\[default: greedy]", rich_help_panel="The search"),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="paper: the search policy as published, no final blend.", rich_help_panel="The search"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Fixes the split and all random choices.  \\[default: 0]", rich_help_panel="The search"
        ),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The interpreter of scripts.  \\[default: treewright's own]",
            rich_help_panel="The search",
        ),
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="auto (bwrap, or an error), bwrap or none.  \\[default: auto]",
            rich_help_panel="The search",
        ),
    ] = None,
    set_: Set = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings from a file.", rich_help_panel="The search")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where runs are kept.", rich_help_panel="Output")] = Path(
        "runs"
    ),
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The run's name.", rich_help_panel="Output")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best program for a task."""
    from treewright.app import free_name, start
    from treewright.coders.folder import read_program
    from treewright.config import PAPER, make_config, parse_setting, read_config
    from treewright.folder import RunFolder

    if preset not in {None, "paper"}:
        raise UsageError(f"there is no preset {preset!r}; the one there is, is paper")
    flags = {
        "task": task,
        "goal": goal,
        "metric": metric,
        "target": target,
        "steps": steps,
        "time": None if time_ is None else parse_time(time_),
        "patience": patience,
        "coder": coder,
        "init": init,
        "workers": workers,
        "policy": {"name": policy} if policy else None,
        "seed": seed,
        "python": python,
        "sandbox": sandbox,
    }
    settings = make_config(
        read_config(config) if config else {},
        PAPER if preset else {},
        *map(parse_setting, set_ or ()),
        {key: value for key, value in flags.items() if value is not None},
    )
    folder = RunFolder(out / (free_name(out, settings.task) if name is None else check_name(name)))
    if settings.init:
        read_program(settings.init)  # what is wrong with it is said before anything is made
    with _opening(quiet=quiet or as_json):
        made = start(settings, folder, opened=OPENED)
    _search(made, as_json=as_json, quiet=quiet)


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
