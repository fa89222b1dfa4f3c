"""``run``, ``resume``, ``inspect``, ``grade``: the commands that need the data."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treewright.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from treewright.app import Run
    from treewright.folder import RunFolder

OPENED = time.monotonic()
"""About when the process began: ``--time`` is counted from here."""

NONE_FOUND, INTERRUPTED = 1, 130

_AMOUNT = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_TIMES = re.compile(rf"(?:(?P<h>{_AMOUNT})h)?(?:(?P<m>{_AMOUNT})m)?(?:(?P<s>{_AMOUNT})s?)?")
_LONGEST_NAME = 200


def parse_time(text: str) -> float:
    """Seconds in ``90``, ``90s``, ``30m``, ``1h30m``; ``UsageError`` for anything else."""
    match = _TIMES.fullmatch(text.strip().lower())
    if not match or not text.strip():
        raise UsageError(f"{text!r} is no time; write it like 90s, 30m or 1h30m")
    return sum(float(match[unit] or 0) * seconds for unit, seconds in (("h", 3600), ("m", 60), ("s", 1)))


Task = Annotated[Path, typer.Argument(metavar="TASK", help="A folder with train.csv and test.csv, or one table.")]
Target = Annotated[str | None, typer.Option(metavar="COL", help="The column to predict.", rich_help_panel="The task")]
Goal = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="What is wanted, in words.  \\[default: from the description]", rich_help_panel="The task"
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE.py:FUNCTION", help="How answers are scored.", rich_help_panel="The task"),
]
Time = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Stop after 90s, 30m, 1h30m of wall time, final steps included.",
        rich_help_panel="The budget",
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(metavar="N", help="Stop after N nodes without a better one.", rich_help_panel="The budget"),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Nodes worked on at the same time.  \\[default: 1]", rich_help_panel="The search"),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, as policy.num_drafts=3.", rich_help_panel="The search"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel="Output")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel="Output")]
RunName = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name in runs/.")]


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
    folder = RunFolder(out / (free_name(out, settings.task) if name is None else _check_name(name)))
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
        "steps": _more(steps, len(record.tree) if record else 0, _parse_count),
        "time": _more(time_, record.seconds if record else 0.0, parse_time),
        "patience": patience,
        "workers": workers,
    }
    layers = [parse_setting(setting) for setting in set_ or ()]
    changes = {key: value for key, value in changes.items() if value is not None}
    with _opening(quiet=quiet or as_json):
        made = reopen(run, [*layers, changes], opened=OPENED)
    _search(made, as_json=as_json, quiet=quiet)


def _more(text: str | None, done: float, parse: Callable[[str], float]) -> float | None:
    """``N``, or ``+N`` beyond what is done."""
    if text is None:
        return None
    amount = parse(text.removeprefix("+"))
    return amount + done if text.startswith("+") else amount


def _parse_count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise UsageError(f"--steps takes a number, or +N for so many more, not {text!r}")
    return int(text)


def _check_name(name: str) -> str:
    """The name of a run: a folder's, that a shell and a terminal take for nothing else."""
    size = len(name.encode(errors="replace"))
    if not name.isprintable() or "/" in name or name[:1] in {"", "-", ".", " "} or size > _LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot be the --name of a run: it must begin with a letter or digit, have no slash and nothing "
            f"unprintable in it, and at most {_LONGEST_NAME} bytes"
        )
    return name


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
    for command in (run, resume, inspect, grade):
        app.command()(command)
