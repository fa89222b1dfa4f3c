"""The feature blocks, what each is good for, and which of them a recipe may have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from treewright.coders.recipes import ideas
from treewright.coders.recipes.ideas import Offer
from treewright.coders.recipes.recipe import Block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from treewright.coders.recipes.recipe import Recipe
    from treewright.coders.recipes.situation import Situation

MADE_OF_Y = frozenset({"add_target_means", "add_class_shares"})
"""Blocks that also get the target of the training rows."""

TEXT_SCORES = "add_text_scores"
"""The one block that is made while predicting: a text model's own predictions."""


OF_ALL_NUMBERS = frozenset({"add_row_statistics", "add_components"})
"""Blocks that look at all numbers, so that ids must have gone before."""

BUILDS_ON = {"add_cycles": "add_calendar"}
"""Blocks that use columns of another block, where there are dates."""


class Features(Enum):
    """How many features a draft starts with; ``SMOOTH`` are those that linear models need."""

    FEW = auto()
    SOME = auto()
    SMOOTH = auto()
    MANY = auto()


@dataclass(frozen=True, slots=True)
class Idea:
    """A way to make features.

    ``prior`` is the gain expected of it, in standard errors, before anything is known about the task. ``offer`` gives
    its arguments for a table. ``title`` is what it adds, ``reason`` why that may help. ``smooth`` tells that linear
    models need it more than trees do.
    """

    prior: float
    offer: Offer
    title: str
    reason: str
    smooth: bool = False


def block_title(block: Block) -> str:
    """What a block adds, with its columns: for a reader."""
    idea = IDEAS.get(block.name)
    title = idea.title if idea else PREPARATIONS[block.name]
    named = block.arguments.get("columns") or block.arguments.get("column")
    return f"{title} ({_few(named)})" if named else title


def _few(names: str | Sequence[str]) -> str:
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
    """The blocks that read columns for what they are; every recipe begins with them."""
    blocks = []
    if written := [c.name for c in situation.numeric if c.as_text]:
        blocks.append(Block("read_numbers", {"columns": written}))
    day_first = [c.name for c in situation.dates if c.day_first]
    if dates := [c.name for c in situation.dates if c.name not in day_first]:
        blocks.append(Block("read_dates", {"columns": dates}))
    if day_first:
        blocks.append(Block("read_day_first", {"columns": day_first}))
    if many := [c.name for c in situation.many_labels]:
        blocks.append(Block("count_labels", {"columns": many}))  # they are nothing to a model by themselves
    return tuple(blocks)


IDEAS: Mapping[str, Idea] = {
    "add_calendar": Idea(
        2.0, ideas.calendar, "parts of the date", "people and nature keep to the clock and the calendar"
    ),
    "add_time_of_day": Idea(
        1.0, ideas.time_of_day, "the time of day in hours", "it joins hour and minute into one scale"
    ),
    "add_day_of_year": Idea(0.3, ideas.day_of_year, "the day of the year", "it tells the season finely"),
    "add_elapsed": Idea(1.0, ideas.elapsed, "the days since the beginning", "there may be a trend"),
    "add_durations": Idea(1.0, ideas.durations, "the days between dates", "how long something took says much about it"),
    "add_cycles": Idea(
        0.3, ideas.cycles, "calendar numbers on a circle", "the end of a period is next to its beginning", smooth=True
    ),
    "split_codes": Idea(2.0, ideas.codes, "the parts of coded labels", "each part of a code has a meaning of its own"),
    "add_group": Idea(1.0, ideas.group, "the group in the id and its size", "rows that belong together share a fate"),
    "add_last_word": Idea(
        0.4, ideas.last_word, "how many rows share the last word of a name", "it may be the name of a family"
    ),
    "count_labels": Idea(0.3, ideas.counts, "how often each label occurs", "rare labels behave differently"),
    "add_target_means": Idea(
        0.5, ideas.target_means, "the target's mean for each label", "it puts many labels on one scale"
    ),
    "add_class_shares": Idea(
        0.5, ideas.class_shares, "the classes' shares for each label", "they put many labels on one scale"
    ),
    "group_rare": Idea(0.1, ideas.rare, "rare labels merged", "nothing can be learned about each of them alone"),
    "cross_labels": Idea(0.2, ideas.crossed, "labels joined in pairs", "some effects need both"),
    "count_missing": Idea(
        0.2, ideas.missing, "the number of missing values", "rows with gaps often have an origin in common"
    ),
    "add_totals": Idea(
        1.0,
        ideas.totals,
        "the total of the amounts and how many are zero",
        "they are one decision, spread over columns",
    ),
    "add_shares": Idea(
        0.3, ideas.totals, "each amount's share of the total", "what matters may be the mix and not the size"
    ),
    "add_logarithms": Idea(0.2, ideas.logarithms, "logarithms of skewed numbers", "their tails are long", smooth=True),
    "add_ratios": Idea(0.6, ideas.positive_ratios, "ratios of numbers", "trees approach a ratio only by many steps"),
    "add_differences": Idea(
        0.4, ideas.varied(6), "differences of numbers", "trees approach a difference only by many steps"
    ),
    "add_sums": Idea(0.3, ideas.sums, "sums of numbers on one scale", "parts may count only together"),
    "add_products": Idea(0.3, ideas.varied(6), "products of numbers", "effects may strengthen each other"),
    "add_group_means": Idea(
        0.4, ideas.group_means, "means among rows of one label", "what counts may be how far a row is from its like"
    ),
    "add_rolling_means": Idea(1.0, ideas.rolling, "means over the time around", "effects may come late or build up"),
    "add_lags": Idea(0.4, ideas.lags, "earlier and later values", "change may matter as much as level"),
    "add_row_statistics": Idea(
        0.4, ideas.row_statistics, "mean, spread and extremes of each row", "many columns measure the same thing"
    ),
    "add_components": Idea(
        0.3, ideas.components, "principal components", "they gather what many columns have in common"
    ),
    "add_clusters": Idea(0.2, ideas.clusters, "distances to clusters of rows", "rows of one kind may behave alike"),
    "add_text_statistics": Idea(0.5, ideas.text(), "counts of letters, words and marks", "form tells something too"),
    TEXT_SCORES: Idea(
        2.0, ideas.text_scores, "a text model's own predictions", "trees can then use what the words say"
    ),
    "add_text_topics": Idea(0.5, ideas.text(topics=20), "the main topics of the text", "they are few enough for trees"),
}


def offer(name: str, situation: Situation) -> Block | None:
    """The block of this idea for this table, or ``None`` where it makes no sense."""
    arguments = IDEAS[name].offer(situation)
    return None if arguments is None else Block(name, arguments)


def blocks_for(features: Features, situation: Situation) -> tuple[Block, ...]:
    """The blocks that a draft starts with."""
    read = preparations(situation)
    described = {"add_target_means", "add_class_shares"} if situation.many_labels else set()
    wanted = {name for name, idea in IDEAS.items() if name in described or _is_wanted(idea, features)}
    offers = (offer(name, situation) for name in IDEAS if name in wanted - {block.name for block in read})
    return (*read, *(block for block in offers if block))


def _is_wanted(idea: Idea, features: Features) -> bool:
    least = {Features.FEW: 2.0, Features.SOME: 1.0, Features.SMOOTH: 1.0, Features.MANY: 0.5}[features]
    return idea.prior >= least or (features is Features.SMOOTH and idea.smooth)


def new_blocks(recipe: Recipe, situation: Situation) -> list[Block]:
    """The blocks that could be added to the recipe."""
    offers = (offer(name, situation) for name in IDEAS if not recipe.has(name))
    lacking = {name for name, needed in BUILDS_ON.items() if not recipe.has(needed) and situation.dates}
    return [block for block in offers if block and block.name not in lacking]


def without(recipe: Recipe, name: str) -> Recipe:
    """The recipe without a block, and without those that use its columns."""
    return recipe.without(name, *(other for other, needed in BUILDS_ON.items() if needed == name))
