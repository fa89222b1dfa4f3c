"""How long a script will take, roughly, and how long it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.recipes.families import FAMILIES, TEXT_VIEWS

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Model, Recipe
    from treewright.coders.recipes.situation import Situation
    from treewright.protocols import Brief

START = 2.5
"""Seconds until Python has imported everything."""

SHARE = 0.6
"""Of the time limit that a script may be expected to take: estimates err by that much."""


def estimate(recipe: Recipe, situation: Situation) -> float:
    """Seconds for one run of the recipe's script."""
    rows = min(situation.rows, recipe.rows or situation.rows)
    fits = recipe.validation.folds * recipe.validation.repeats
    models = sum(_fit_seconds(model, rows, situation) for model in recipe.models)
    texts = situation.all_rows * 0.0004 * sum(c.words or 0 for c in situation.texts) / 20
    return START + texts + fits * models


def _fit_seconds(model: Model, rows: int, situation: Situation) -> float:
    family = FAMILIES[model.family]
    if model.view in TEXT_VIEWS:
        words = sum(c.words or 0 for c in situation.texts)
        return family.cost * 1e-6 * rows * words * situation.classes * (4 if "letter" in model.view else 1)
    trees = situation.classes if situation.classes > 2 and family.fit != "fit_model" else 1
    pace = 0.05 / float(model.options.get("learning_rate", 0.05)) if family.fit != "fit_model" else 1.0
    width = situation.width + 5
    return family.cost * 1e-6 * rows * width * trees * pace * 2 / max(1, situation.setting.machine.cpus) + 0.05


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
    return min(10.0, max(0.2, brief.parent.execution.seconds / estimate(recipe, situation)))


def fit_into(recipe: Recipe, situation: Situation, seconds: float) -> Recipe:
    """The recipe with fewer repeats, folds and finally rows, until its estimate fits."""
    from dataclasses import replace

    validation = recipe.validation
    for folds, repeats in ((validation.folds, 1), (3, 1), (2, 1)):
        if estimate(recipe, situation) <= seconds:
            return recipe
        recipe = replace(recipe, validation=replace(validation, folds=min(folds, validation.folds), repeats=repeats))
    while estimate(recipe, situation) > seconds and (recipe.rows or situation.rows) > 2_000:
        recipe = replace(recipe, rows=(recipe.rows or situation.rows) // 2)
    return recipe
