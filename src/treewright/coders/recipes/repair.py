"""Repairs: from what went wrong to a recipe without it.

The traceback names the function that failed, and every feature block is a function, so most repairs are a look-up.
Whatever cannot be told apart ends at a recipe with as little in it as possible.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import IDEAS, TEXT_SCORES, preparations, without
from treewright.coders.recipes.change import Change
from treewright.coders.recipes.cost import allowance, estimate, smaller
from treewright.coders.recipes.drafts import draft
from treewright.coders.recipes.families import FAMILIES, available, fit_function, start
from treewright.coders.recipes.recipe import Decision, Model, Recipe
from treewright.coders.recipes.script import model_names, view_name

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation
    from treewright.protocols import Brief
    from treewright.tree import Node

SHARE = 0.4
"""Of the estimated time or memory that a recipe may keep which had too little of it."""

_NO_PACKAGE = re.compile(r"No module named '(\w+)|cannot import name '\w+' from '(\w+)|lib(\w+)\.so")
_NO_MEMORY = re.compile(r"MemoryError|out of memory|killed|Unable to allocate|bad_alloc", re.IGNORECASE)
_NO_TIME = re.compile(r"past its limit|time limit|timed out|time-?out", re.IGNORECASE)
_FRAME = re.compile(r'solution\.py", line \d+, in (\w+)\n\s*(\w*)')
"""A frame of the script in a traceback: the function, and the first word of the line in it."""


def repair(brief: Brief, parent: Node, recipe: Recipe, situation: Situation) -> Change:
    """The recipe without what failed."""
    trouble = _trouble(parent)
    change = (
        _lack_of_room(brief, trouble, recipe, situation)
        or _missing_package(trouble, recipe, situation)
        or _failed_block(trouble, recipe)
        or _failed_model(trouble, recipe, situation)
    )
    return change if change and change.recipe != recipe else _plainest(recipe, situation)


def _trouble(parent: Node) -> str:
    execution, evaluation = parent.execution, parent.evaluation
    said = [execution.output, execution.failure, execution.exception] if execution else []
    return "\n".join(text for text in [*said, evaluation.reason if evaluation else None] if text)


def _lack_of_room(brief: Brief, trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    """A cheaper recipe, after a time-out or a lack of memory."""
    what = "memory" if _NO_MEMORY.search(trouble) else "time" if _NO_TIME.search(trouble) else None
    if what is None:
        return None
    before = estimate(recipe, situation)
    cheaper = smaller(recipe, situation)
    while estimate(cheaper, situation) > min(SHARE * before, allowance(brief)):
        previous, cheaper = cheaper, smaller(cheaper, situation)
        if cheaper == previous:
            break
    plan = f"Do with less ({_savings(recipe, cheaper)}), because it ran out of {what}."
    return Change(f"repair:less {what}", plan, cheaper)


def _savings(old: Recipe, new: Recipe) -> str:
    fits = new.validation.folds * new.validation.repeats
    left_out = [FAMILIES[m.family].title for m in old.models if m.family not in {n.family for n in new.models}]
    savings = [
        f"without {' and '.join(left_out)}" if left_out else "",
        f"{fits} fits of each model" if new.validation != old.validation else "",
        f"{new.rows:,} training rows" if new.rows is not None and new.rows != old.rows else "",
    ]
    return ", ".join(filter(None, savings)) or "larger steps"


def _missing_package(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    found = _NO_PACKAGE.search(trouble)
    if not found:
        return None
    package = next(filter(None, found.groups())).removeprefix("_")
    broken = {name for name, family in FAMILIES.items() if any(p.startswith(package) for p in family.packages)}
    keep = [model for model in recipe.models if model.family not in broken]
    return _with_models(keep, broken, f"{package} cannot be imported", recipe, situation)


def _failed_block(trouble: str, recipe: Recipe) -> Change | None:
    called = [function for function, _ in _FRAME.findall(trouble)]
    names = [TEXT_SCORES if name == "add_scores" else name for name in called]
    failed = next((name for name in reversed(names) if recipe.has(name) and name in IDEAS), None)
    if failed is None:
        return None
    plan = f"Leave {IDEAS[failed].title} out, because making it failed."
    return Change(f"repair:{failed}", plan, without(recipe, failed))


def _failed_model(trouble: str, recipe: Recipe, situation: Situation) -> Change | None:
    """The recipe without the model in whose line ``predict`` failed, or whose way of fitting failed."""
    frames = _FRAME.findall(trouble)
    words = {word for function, word in frames if function == "predict"}
    called = {function for function, _ in frames}

    def failed(name: str, model: Model) -> bool:
        fit = fit_function(model.family, situation)
        return name in words or view_name(model) in words - {"table"} or (fit in called and fit != "fit_model")

    keep = [
        model
        for name, model in zip(model_names(recipe), recipe.models, strict=True)
        if words and not failed(name, model)
    ]
    if not words or len(keep) == len(recipe.models):
        return None
    broken = {model.family for model in recipe.models if model not in keep}
    return _with_models(keep, broken, "fitting it failed", recipe, situation)


def _with_models(keep: list[Model], broken: set[str], why: str, recipe: Recipe, situation: Situation) -> Change | None:
    if not keep and not situation.only_text:
        others = (name for name in ("lightgbm", "hist", "extra_trees") if name not in broken)
        keep = [start(name, situation) for name in others if name in available(situation)][:1]
    if not keep:
        return None
    titles = " and ".join(dict.fromkeys(FAMILIES[model.family].title for model in keep))
    plan = f"Go on with {titles}, because {why}."
    return Change("repair:models", plan, replace(recipe, models=tuple(keep)))


def _plainest(recipe: Recipe, situation: Situation) -> Change:
    """As little as possible: columns as they are, one model that has not failed here."""
    tried = {model.family for model in recipe.models}
    if situation.only_text:
        family = "ridge" if situation.is_regression else "logistic" if "naive_bayes" in tried else "naive_bayes"
        model = start(family, situation, "word_weights")
    else:
        family = next((name for name in ("hist", "extra_trees") if name not in tried), "hist")
        model = start(family, situation)
    safe, _ = draft(0, situation)
    plain = replace(
        safe,
        models=(model,),
        blocks=preparations(situation),
        decision=Decision.PLAIN,
        rows=recipe.rows,
        seed=recipe.seed + 1,
    )
    plan = f"Start again plainly with {FAMILIES[family].title}, because the cause could not be told."
    return Change("repair:plainest", plan, plain)
