"""Repairs: from what went wrong to a recipe without it.

The traceback names the function that failed, and every feature block is a function, so most repairs are a look-up.
Whatever cannot be told apart ends at a recipe with as little in it as possible.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import IDEAS, PREPARATIONS, TEXT_SCORES, preparations
from treewright.coders.recipes.change import Change
from treewright.coders.recipes.drafts import draft
from treewright.coders.recipes.families import FAMILIES, available, start
from treewright.coders.recipes.recipe import Decision, Recipe, Transform

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation
    from treewright.tree import Node

_MODULES = {"lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost"}


def repair(parent: Node, recipe: Recipe, situation: Situation) -> Change:
    """The recipe without what failed."""
    trouble = _trouble(parent)
    for attempt in (_missing_package, _out_of_memory, _out_of_time, _failed_block, _failed_model):
        change = attempt(trouble, recipe, situation)
        if change is not None and change.recipe != recipe:
            return change
    return _plain(recipe, situation)


def _trouble(parent: Node) -> str:
    execution, evaluation = parent.execution, parent.evaluation
    said = [execution.failure, execution.exception, execution.output] if execution else []
    return "\n".join(text for text in [*said, evaluation.reason if evaluation else None] if text)


def _missing_package(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    found = re.search(r"No module named '(\w+)|cannot import name '(\w+)'", trouble)
    if not found:
        return None
    package = found[1] or found[2]
    broken = {name for name, family in FAMILIES.items() if family.module.split(".")[0] == package}
    return _without_families(broken, f"{package} cannot be imported", recipe, situation)


def _without_families(broken: set[str], why: str, recipe: Recipe, situation: Situation) -> Change | None:
    left = tuple(model for model in recipe.models if model.family not in broken)
    if left == recipe.models:
        return None
    if not left:
        other = next((name for name in available(situation) if name not in broken and name not in _MODULES), None)
        if other is None:
            return None
        left = (start(other, situation),)
    titles = " and ".join(FAMILIES[model.family].title for model in left)
    return Change("repair:family", f"Go on with {titles}, because {why}.", replace(recipe, models=left))


def _out_of_memory(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    if not re.search(r"MemoryError|out of memory|memory limit|Unable to allocate|\bkilled\b", trouble, re.IGNORECASE):
        return None
    return _smaller(recipe, situation, "it ran out of memory")


def _out_of_time(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    if not re.search(r"time limit|timed out|time-out|timeout", trouble, re.IGNORECASE):
        return None
    return _smaller(recipe, situation, "it ran out of time")


def _smaller(recipe: Recipe, situation: Situation, why: str) -> Change:
    validation = recipe.validation
    if len(recipe.models) > 1:
        slowest = max(recipe.models, key=lambda model: FAMILIES[model.family].cost)
        left = tuple(model for model in recipe.models if model is not slowest)
        plan = f"Leave {FAMILIES[slowest.family].title} out, because {why}."
        return Change("repair:fewer models", plan, replace(recipe, models=left))
    if validation.folds * validation.repeats > 3:
        fewer = replace(validation, folds=3, repeats=1)
        plan = f"Fit 3 times and not {validation.folds * validation.repeats} times, because {why}."
        return Change("repair:fewer folds", plan, replace(recipe, validation=fewer))
    rows = (recipe.rows or situation.rows) // 3
    return Change("repair:fewer rows", f"Learn from {rows:,} rows only, because {why}.", replace(recipe, rows=rows))


def _failed_block(trouble: str, recipe: Recipe, _situation: Situation) -> Change | None:
    called = re.findall(r"solution\.py\", line \d+, in (\w+)", trouble)
    culprits = [name for name in called if recipe.has(name)]
    if "add_scores" in called:
        culprits.append(TEXT_SCORES)
    if not culprits or culprits[-1] in PREPARATIONS:
        return None
    title = IDEAS[culprits[-1]].title
    return Change(f"repair:{culprits[-1]}", f"Leave {title} out, because making it failed.", recipe.without(culprits[-1]))


def _failed_model(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    called = set(re.findall(r"solution\.py\", line \d+, in (\w+)", trouble))
    broken = {model.family for model in recipe.models if FAMILIES[model.family].fit in called}
    if "predict" not in called and not broken:
        return None
    return _without_families(broken, "fitting it failed", recipe, situation)


def _plain(recipe: Recipe, situation: Situation) -> Change:
    """As little as possible: columns as they are, one model that copes with everything."""
    safe, _ = draft(0, situation)
    family = "hist" if recipe.models and recipe.models[0].family != "hist" else "extra_trees"
    models = safe.models if situation.only_text else (start(family, situation),)
    plain = replace(
        safe,
        models=models,
        blocks=preparations(situation),
        decision=Decision.PLAIN,
        transform=safe.transform if recipe.transform is not safe.transform else Transform.NONE,
        seed=recipe.seed + 1,
    )
    return Change("repair:plain", "Start again from the plainest recipe, because the cause could not be told.", plain)
