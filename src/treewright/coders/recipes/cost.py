"""How long a script will take, roughly, and how long it may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from treewright.coders.recipes.families import BOOSTED, FAMILIES
from treewright.coders.recipes.options import TEXT_VIEWS

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Model, Recipe
    from treewright.coders.recipes.situation import Situation
    from treewright.protocols import Brief

START = 1.5
"""Seconds until Python has imported everything."""

FEWEST_ROWS = 4_000
"""So many rows are quick to learn from by any model."""

HASTE = 0.1
"""The learning rate from which steps begin to cost accuracy."""

_LETTERS = frozenset({"letter_weights", "string_weights"})

SHARE = 0.6
"""Of the time limit that a script may be expected to take: estimates err by that much."""


def estimate(recipe: Recipe, situation: Situation) -> float:
    """Seconds for one run of the recipe's script on a machine that does nothing else."""
    rows = min(situation.rows, recipe.rows or situation.rows)
    fits = recipe.validation.folds * recipe.validation.repeats
    models = sum(_fit_seconds(model, rows, situation) for model in recipe.models)
    return START + _view_seconds(recipe, situation) + fits * models * len(situation.setting.task.targets)


def _view_seconds(recipe: Recipe, situation: Situation) -> float:
    views = {model.view for model in recipe.models}
    words = situation.all_rows * sum(c.words or 0 for c in situation.texts)
    seconds = {view: (4e-6 if view in _LETTERS else 1e-6) * words for view in TEXT_VIEWS}
    seconds["one_hot_matrix"] = 1e-6 * situation.all_rows * situation.width
    return sum(seconds.get(view, 0.0) for view in views)


def _fit_seconds(model: Model, rows: int, situation: Situation) -> float:
    family = FAMILIES[model.family]
    classes = situation.classes if situation.classes > 2 else 1
    if model.view in TEXT_VIEWS:
        words = sum(c.words or 0 for c in situation.texts) * (8 if model.view in _LETTERS else 1)
        return family.cost * 1e-9 * rows * words * classes
    # Milliseconds for a tree of 31 leaves by LightGBM on one thread; anything else is compared with that.
    tree = 0.15 + rows * (situation.width + 5) * 1e-5
    trees = 1.0
    if model.family in BOOSTED:
        trees = min(12 / float(model.options["learning_rate"]), model.options.get("max_iter", 3000)) * classes
    elif "n_estimators" in model.options:
        trees = float(model.options["n_estimators"])
    elif model.family == "svm":
        tree *= rows / 2_000
    threads = float(max(1, situation.setting.machine.cpus) ** 0.8)
    return 0.02 + family.cost * tree * trees / 1000 / threads


def allowance(brief: Brief) -> float:
    """Seconds that one run of the next script may be expected to take."""
    seconds = SHARE * brief.limit
    if brief.time_left is not None:
        # Several more steps shall fit into what is left.
        seconds = min(seconds, max(4.0, brief.time_left / (5 * brief.setting.runs)))
    return seconds


def pace(brief: Brief, recipe: Recipe, situation: Situation) -> float:
    """How much slower than estimated the parent's script was."""
    if brief.parent is None or brief.parent.execution is None:
        return 1.0
    seconds = brief.parent.execution.seconds / brief.setting.runs
    return min(10.0, max(0.2, seconds / estimate(recipe, situation)))


def fit_into(recipe: Recipe, situation: Situation, seconds: float) -> Recipe:
    """The recipe with larger steps, fewer folds, fewer models and finally fewer rows, until its estimate fits."""
    while estimate(recipe, situation) > seconds:
        cheaper = smaller(recipe, situation)
        if cheaper == recipe:
            break
        recipe = cheaper
    return recipe


def smaller(recipe: Recipe, situation: Situation) -> Recipe:
    """One step towards a cheaper recipe; the same recipe where there is none left."""
    hasty = tuple(_hasty(model) for model in recipe.models)
    if hasty != recipe.models:
        return replace(recipe, models=hasty)
    if recipe.validation.folds * recipe.validation.repeats > 3:
        return replace(recipe, validation=replace(recipe.validation, folds=3, repeats=1))
    if len(recipe.models) > 1:
        slowest = max(recipe.models, key=lambda model: _fit_seconds(model, situation.rows, situation))
        return replace(recipe, models=tuple(model for model in recipe.models if model is not slowest))
    rows = recipe.rows or situation.rows
    return replace(recipe, rows=rows // 2) if rows > FEWEST_ROWS else recipe


def _hasty(model: Model) -> Model:
    if model.options.get("learning_rate", 1.0) >= HASTE:
        return model
    return replace(model, options={**model.options, "learning_rate": HASTE})
