"""The flags that several commands have, and reading what is given to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from treewright.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

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
Evaluate = Annotated[
    str | None,
    typer.Option(
        metavar="holdout|printed",
        help="Who scores: holdout hides rows and grades them, printed believes what scripts print.  "
        "\\[default: holdout, or printed where rows cannot be hidden]",
        rich_help_panel="The task",
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
NodeId = Annotated[int | None, typer.Argument(metavar="NODE", help="A node's number.")]

Steps = Annotated[int | None, typer.Option(metavar="N", help="Stop after N nodes.", rich_help_panel="The budget")]
Time = Annotated[
    str | None,
    typer.Option(
        "--time",
        metavar="TIME",
        help="Stop after 90s, 30m, 1h30m of wall time, final steps included.  "
        "\\[default: 10m, without --steps and --patience]",
        rich_help_panel="The budget",
    ),
]
Coder = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Who writes: recipes (built in), llm, or folder:DIR.  \\[default: llm with a --model, else recipes]",
        rich_help_panel="Who writes",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER:NAME",
        help="The language model that writes; several, with commas, take turns; replay:RUN repeats a run.  "
        "\\[default: TREEWRIGHT_MODEL]",
        rich_help_panel="Who writes",
    ),
]
ReviewModel = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER:NAME", help="The model that reviews.  \\[default: as --model]", rich_help_panel="Who writes"
    ),
]
Review = Annotated[
    str | None,
    typer.Option(
        metavar="auto|always|never",
        help="Which runs the model reviews: auto leaves out those that failed.  \\[default: auto]",
        rich_help_panel="Who writes",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where the models are, for any server with a provider's API.", rich_help_panel="Who writes"
    ),
]
NoSamples = Annotated[
    bool, typer.Option("--no-samples", help="Keep data values out of prompts.", rich_help_panel="Who writes")
]
Rerun = Annotated[
    bool,
    typer.Option("--rerun", help="In a replay, run the scripts again as well.", rich_help_panel="Who writes"),
]
MaxCost = Annotated[
    float | None,
    typer.Option(metavar="USD", help="Stop before models cost more than this.", rich_help_panel="The budget"),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Stop before models take more tokens than this, in and out.", rich_help_panel="The budget"
    ),
]
Init = Annotated[
    Path | None,
    typer.Option(metavar="SCRIPT.py", help="Start from a script of your own.", rich_help_panel="Who writes"),
]
Policy = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="How nodes are chosen.  \\[default: greedy]", rich_help_panel="The search"),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="paper: AIDE as published, its operators, memory and policy.", rich_help_panel="The search"
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Fixes the split and all random choices.  \\[default: 0]", rich_help_panel="The search"
    ),
]
Python = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The interpreter of scripts.  \\[default: treewright's own]",
        rich_help_panel="The search",
    ),
]
Sandbox = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="auto (bwrap, or an error), bwrap or none.  \\[default: auto]",
        rich_help_panel="The search",
    ),
]
MoreSteps = Annotated[
    str | None, typer.Option(metavar="N|+N", help="Stop after N nodes, or N more.", rich_help_panel="The budget")
]
MoreTime = Annotated[
    str | None,
    typer.Option("--time", metavar="T|+T", help="Stop after this time, or so much more.", rich_help_panel="The budget"),
]
MoreCost = Annotated[
    str | None,
    typer.Option(
        metavar="USD|+USD",
        help="Stop before models cost more than this, or so much more than until now.",
        rich_help_panel="The budget",
    ),
]
MoreTokens = Annotated[
    str | None,
    typer.Option(
        metavar="N|+N",
        help="Stop before models take more tokens than this, or so many more than until now.",
        rich_help_panel="The budget",
    ),
]
MoreWorkers = Annotated[
    int | None, typer.Option(metavar="N", help="Nodes worked on at the same time.", rich_help_panel="The search")
]
AnotherModel = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER:NAME", help="The language model that writes from now on.", rich_help_panel="Who writes"
    ),
]
AnotherReviewModel = Annotated[
    str | None,
    typer.Option(metavar="PROVIDER:NAME", help="The model that reviews from now on.", rich_help_panel="Who writes"),
]
AnotherReview = Annotated[
    str | None,
    typer.Option(
        metavar="auto|always|never", help="Which runs the model reviews from now on.", rich_help_panel="Who writes"
    ),
]
AnotherBaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where the models are from now on.", rich_help_panel="Who writes"),
]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Settings from a file.", rich_help_panel="The search")
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where runs are kept.", rich_help_panel="Output")]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="The run's name.", rich_help_panel="Output")]

_LONGEST_NAME = 200


def parse_more(text: str | None, done: float, parse: Callable[[str], float]) -> float | None:
    """``N``, or ``+N`` beyond what is done."""
    if text is None:
        return None
    amount = parse(text.removeprefix("+"))
    return amount + done if text.startswith("+") else amount


def parse_count(text: str, flag: str) -> int:
    """A number of steps or tokens; ``UsageError`` for anything else."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise UsageError(f"{flag} takes a number, or +N for so many more, not {text!r}")
    return int(text)


def parse_cost(text: str) -> float:
    """An amount of USD; ``UsageError`` for anything else."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise UsageError(f"--max-cost takes USD as in 2.50, or +USD for so much more, not {text!r}")
    return float(text)


def check_name(name: str) -> str:
    """The name of a run: a folder's, that a shell and a terminal take for nothing else."""
    size = len(name.encode(errors="replace"))
    if not name.isprintable() or "/" in name or name[:1] in {"", "-", ".", " "} or size > _LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot be the --name of a run: it must begin with a letter or digit, have no slash and nothing "
            f"unprintable in it, and at most {_LONGEST_NAME} bytes"
        )
    return name
