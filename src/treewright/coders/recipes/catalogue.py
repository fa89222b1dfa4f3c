"""The feature blocks: for which tables each makes sense, and with which arguments.

An *idea* looks at the situation and offers a block, or nothing. Ideas never look at a column's meaning, only at what
its profile shows; the exceptions are names that calendars use everywhere (``hour``, ``month``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.recipe import Block
from treewright.coders.recipes.situation import PERIODS
from treewright.task import ColumnKind, SplitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from treewright.coders.recipes.recipe import Recipe
    from treewright.coders.recipes.situation import Situation
    from treewright.task import ColumnProfile

MADE_OF_Y = frozenset({"add_target_means"})
"""Blocks that also get the target of the training rows."""

TEXT_SCORES = "add_text_scores"
"""The one block that is made while predicting: a text model's own predictions."""


class Features(Enum):
    """How many features a draft starts with; ``SMOOTH`` are those that linear models need."""

    FEW = auto()
    SOME = auto()
    SMOOTH = auto()
    MANY = auto()


@dataclass(frozen=True, slots=True)
class Idea:
    """A way to make features.

    ``title`` is what it adds, ``reason`` why that may help. ``prior`` is the gain expected of it, in standard errors,
    before anything is known about the task. ``smooth`` tells that linear models need it more than trees do.
    """

    title: str
    reason: str
    prior: float
    offer: Callable[[Situation], Mapping[str, Any] | None]
    smooth: bool = False


def block_title(block: Block) -> str:
    """What a block adds, with its columns: for a reader."""
    idea = IDEAS.get(block.name)
    title = idea.title if idea else PREPARATIONS[block.name]
    named = block.arguments.get("columns") or block.arguments.get("column")
    return f"{title} ({_few(named)})" if named else title


def _few(names: Any) -> str:
    if isinstance(names, str):
        return names
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


PREPARATIONS = {
    "read_numbers": "numbers that are written as text",
    "read_dates": "dates read as such",
    "read_day_first": "dates read as such, the day before the month",
}


def preparations(situation: Situation) -> tuple[Block, ...]:
    """The blocks that only read columns for what they are; every recipe begins with them."""
    blocks = []
    if written := [c.name for c in situation.numeric if _is_written(c)]:
        blocks.append(Block("read_numbers", {"columns": written}))
    day_first = [c.name for c in situation.dates if situation.day_first(c)]
    if dates := [c.name for c in situation.dates if c.name not in day_first]:
        blocks.append(Block("read_dates", {"columns": dates}))
    if day_first:
        blocks.append(Block("read_day_first", {"columns": day_first}))
    return tuple(blocks)


def _is_written(column: ColumnProfile) -> bool:
    """Whether numbers are stored as text: numbers with gaps would be floats, with a point in each."""
    plain = column.missing > 0 and not any("." in example or "e" in example for example in column.examples)
    return plain or not all(_is_number(example) for example in column.examples)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# What each idea asks of the table -------------------------------------------------------------------------------------


def _calendar(situation: Situation) -> Mapping[str, Any] | None:
    if not situation.dates:
        return None
    column = (situation.time or situation.dates[0])
    parts = ["dayofweek"]
    if any(":" in example for example in column.examples):
        parts.append("hour")
    if situation.split is not SplitKind.TIME:
        parts += ["year", "month", "day"]
    return {"column": column.name, "parts": parts}


def _time_of_day(situation: Situation) -> Mapping[str, Any] | None:
    column = next((c for c in situation.dates if any(":" in example for example in c.examples)), None)
    fine = column is not None and any(not example.rstrip("0:Z").endswith(":00") and ":30" in example or ":15" in example for example in column.examples)
    return {"column": column.name} if column is not None and fine else None


def _day_of_year(situation: Situation) -> Mapping[str, Any] | None:
    return {"column": (situation.time or situation.dates[0]).name, "parts": ["dayofyear"]} if situation.dates else None


def _elapsed(situation: Situation) -> Mapping[str, Any] | None:
    return {"column": (situation.time or situation.dates[0]).name} if situation.dates else None


def _cycles(situation: Situation) -> Mapping[str, Any] | None:
    periods = {c.name: PERIODS[c.name.lower()] for c in situation.numeric if c.name.lower() in PERIODS}
    offered = _calendar(situation)
    if offered:
        periods |= {f"{offered['column']}_{part}": PERIODS[part] for part in offered["parts"] if part in PERIODS}
    return {"periods": periods} if periods else None


def _codes(situation: Situation) -> Mapping[str, Any] | None:
    coded = [c for c in situation.columns if c.delimiter and c.kind is ColumnKind.CATEGORICAL]
    return {"column": coded[0].name, "delimiter": coded[0].delimiter} if coded else None


def _group(situation: Situation) -> Mapping[str, Any] | None:
    holdout = situation.setting.task.holdout
    coded = [c for c in situation.columns if c.delimiter and c.kind is ColumnKind.IDENTIFIER]
    if holdout.column and holdout.prefix:
        return {"column": holdout.column, "delimiter": holdout.prefix}
    return {"column": coded[0].name, "delimiter": coded[0].delimiter} if coded else None


def _last_word(situation: Situation) -> Mapping[str, Any] | None:
    for column in situation.columns:
        if column.kind is ColumnKind.IDENTIFIER and column.examples and all(" " in e.strip() for e in column.examples):
            return {"column": column.name}
    return None


def _counts(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.labels if c.unique > 5]
    return {"columns": names} if names else None


def _target_means(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.labels if c.unique > 5]
    return {"columns": names} if names else None


def _rare(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.labels if c.unique > 12]
    return {"columns": names, "least": 10} if names else None


def _missing(situation: Situation) -> Mapping[str, Any] | None:
    return {} if sum(c.missing > 0 for c in situation.columns) > 2 else None


def amounts(situation: Situation) -> list[str]:
    """Columns of one kind: amounts with many zeros and long tails."""
    return situation.choose(lambda c: c.low == 0 and (c.skew or 0) > 2 and c.unique > 20)


def _totals(situation: Situation) -> Mapping[str, Any] | None:
    names = amounts(situation)
    return {"columns": names} if 2 <= len(names) <= 30 else None


def _logarithms(situation: Situation) -> Mapping[str, Any] | None:
    names = situation.choose(lambda c: (c.low or -1) >= 0 and (c.skew or 0) > 2 and c.unique > 20)
    return {"columns": names} if names and not situation.is_wide else None


def _varied(most: int) -> Callable[[Situation], Mapping[str, Any] | None]:
    def offer(situation: Situation) -> Mapping[str, Any] | None:
        names = [c.name for c in situation.continuous[:most]]
        return {"columns": names} if len(names) > 1 and not situation.is_wide else None

    return offer


def _positive_ratios(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.continuous if (c.low or 0) > 0][:6]
    return {"columns": names} if len(names) > 1 and not situation.is_wide else None


def _group_means(situation: Situation) -> Mapping[str, Any] | None:
    numbers = [c.name for c in situation.continuous[:6]]
    label = max(situation.few_labels, key=lambda c: c.unique, default=None)
    return {"by": label.name, "columns": numbers} if label and numbers and not situation.is_wide else None


def _means_of_group(situation: Situation) -> Mapping[str, Any] | None:
    numbers = [c.name for c in situation.continuous[:6]]
    return {"by": "group", "columns": numbers} if _group(situation) and numbers else None


def _crossed(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.few_labels if 2 <= c.unique <= 30][:2]
    return {"columns": names} if len(names) == 2 else None


def _rolling(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.continuous[:4]]
    if not (situation.is_series and situation.time and names):
        return None
    return {"time": situation.time.name, "columns": names, "windows": [6, 24, 72]}


def _lags(situation: Situation) -> Mapping[str, Any] | None:
    offered = _rolling(situation)
    return {"time": offered["time"], "columns": offered["columns"], "steps": [1, 3, 24]} if offered else None


def _row_statistics(situation: Situation) -> Mapping[str, Any] | None:
    names = situation.choose(lambda _: True)
    return {"columns": names} if len(names) > 30 else None


def _components(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.continuous]
    return {"columns": names, "components": 20 if len(names) > 60 else 5} if len(names) > 12 else None


def _clusters(situation: Situation) -> Mapping[str, Any] | None:
    names = [c.name for c in situation.continuous[:20]]
    return {"columns": names, "clusters": 12} if len(names) > 2 and not situation.is_wide else None


def _text(**more: Any) -> Callable[[Situation], Mapping[str, Any] | None]:
    return lambda situation: {"column": situation.texts[0].name, **more} if situation.texts and not situation.only_text else None


def _text_scores(situation: Situation) -> Mapping[str, Any] | None:
    return {} if situation.texts and not situation.only_text else None


IDEAS: Mapping[str, Idea] = {
    "add_calendar": Idea("parts of the date", "people and nature keep to the clock and the calendar", 2.0, _calendar),
    "add_time_of_day": Idea("the time of day in hours", "it joins hour and minute into one scale", 1.0, _time_of_day),
    "add_elapsed": Idea("the days since the beginning", "there may be a trend", 0.5, _elapsed),
    "add_cycles": Idea("calendar numbers on a circle", "the end of a period is next to its beginning", 0.3, _cycles, smooth=True),
    "split_codes": Idea("the parts of coded labels", "each part of a code has a meaning of its own", 2.0, _codes),
    "add_group": Idea("the group in the id and its size", "rows that belong together share a fate", 1.0, _group),
    "add_last_word": Idea("how many rows share the last word of a name", "it may be the name of a family", 0.4, _last_word),
    "count_labels": Idea("how often each label occurs", "rare labels behave differently", 0.3, _counts),
    "add_target_means": Idea("the target's mean for each label", "it puts many labels on one scale", 0.5, _target_means),
    "group_rare": Idea("rare labels merged", "nothing can be learned about each of them alone", 0.1, _rare),
    "count_missing": Idea("the number of missing values", "rows with gaps often have an origin in common", 0.2, _missing),
    "add_totals": Idea("the total of the amounts and how many are zero", "they are one decision, spread over columns", 1.0, _totals),
    "add_shares": Idea("each amount's share of the total", "what matters may be the mix and not the size", 0.3, _totals),
    "add_logarithms": Idea("logarithms of skewed numbers", "their tails are long", 0.2, _logarithms, smooth=True),
    "add_ratios": Idea("ratios of numbers", "trees approach a ratio only by many steps", 0.6, _positive_ratios),
    "add_differences": Idea("differences of numbers", "trees approach a difference only by many steps", 0.4, _varied(6)),
    "add_products": Idea("products of numbers", "effects may strengthen each other", 0.3, _varied(6)),
    "add_group_means": Idea("means among rows of one label", "what counts may be how far a row is from its like", 0.4, _group_means),
    "cross_labels": Idea("labels joined in pairs", "some effects need both", 0.2, _crossed),
    "add_rolling_means": Idea("means over the hours around", "effects may come late or build up", 1.0, _rolling),
    "add_lags": Idea("earlier and later values", "change may matter as much as level", 0.5, _lags),
    "add_row_statistics": Idea("mean, spread and extremes of each row", "many columns measure the same thing", 0.4, _row_statistics),
    "add_components": Idea("principal components", "they gather what many columns have in common", 0.3, _components),
    "add_clusters": Idea("distances to clusters of rows", "rows of one kind may behave alike", 0.2, _clusters),
    "add_text_statistics": Idea("counts of letters, words and marks", "form tells something too", 0.5, _text()),
    TEXT_SCORES: Idea("a text model's own predictions", "trees can then use what the words say", 2.0, _text_scores),
    "add_text_topics": Idea("the main topics of the text", "they are few enough for trees", 0.5, _text(topics=20)),
}  # fmt: skip


def offer(name: str, situation: Situation) -> Block | None:
    """The block of this idea for this table, or ``None`` where it makes no sense."""
    arguments = IDEAS[name].offer(situation)
    return None if arguments is None else Block(name, arguments)


def blocks_for(features: Features, situation: Situation) -> tuple[Block, ...]:
    """The blocks that a draft starts with."""
    wanted = {
        Features.FEW: lambda idea: idea.prior >= 2,
        Features.SOME: lambda idea: idea.prior >= 1,
        Features.SMOOTH: lambda idea: idea.prior >= 1 or idea.smooth,
        Features.MANY: lambda idea: idea.prior >= 0.4,
    }[features]
    offers = (offer(name, situation) for name, idea in IDEAS.items() if wanted(idea))
    return (*preparations(situation), *(block for block in offers if block))


def new_blocks(recipe: Recipe, situation: Situation) -> list[Block]:
    """The blocks that could be added to the recipe."""
    offers = (offer(name, situation) for name in IDEAS if not recipe.has(name))
    return [block for block in offers if block]
