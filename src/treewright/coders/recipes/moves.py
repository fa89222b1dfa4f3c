"""Improvements: which single changes a recipe allows, and which of them to try next.

A change is worth what it gained, in standard errors, wherever this run has tried it, drawn towards what is expected
of it beforehand and of changes of its kind; few trials move that little, many a lot. One is drawn by these values
and not the best taken, since several workers ask at once and a value known from one trial is mostly noise.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.catalogue import IDEAS, new_blocks, without
from treewright.coders.recipes.change import Change
from treewright.coders.recipes.cost import allowance, estimate, pace
from treewright.coders.recipes.families import FAMILIES, available, start, text_models
from treewright.coders.recipes.options import TEXT_VIEWS
from treewright.coders.recipes.recipe import Decision, Mixing, Recipe, Transform

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from treewright.coders.recipes.recipe import Model
    from treewright.coders.recipes.situation import Situation
    from treewright.protocols import Brief, Memory

STRENGTH = 1.0
"""How many trials the prior expectation counts for."""

KIND_STRENGTH = 2.0
"""How many trials of other changes of its kind it takes to believe half of what they showed."""

TEMPERATURE = 0.4
"""In standard errors: how much worse a change may look and still be drawn about a third as often."""

CLIP = 3.0

MOST_MODELS = 6

Step = tuple[str, Any, str]

_STEPS: dict[str, tuple[Step, ...]] = {
    "lightgbm": (
        ("num_leaves", 2.0, "the trees may be too simple for the rows there are"),
        ("num_leaves", 0.5, "the trees may be too detailed for the rows there are"),
        ("min_child_samples", 2.5, "leaves of few rows may only repeat noise"),
        ("min_child_samples", 0.4, "small groups of rows may deserve leaves of their own"),
        ("colsample_bytree", 0.6, "trees that see fewer columns differ more"),
        ("learning_rate", 0.5, "smaller steps average better"),
        ("reg_lambda", 10.0, "leaves may be drawn towards zero more strongly"),
    ),
    "xgboost": (
        ("max_depth", 1.5, "the trees may be too simple for the rows there are"),
        ("max_depth", 0.7, "the trees may be too detailed for the rows there are"),
        ("colsample_bytree", 0.6, "trees that see fewer columns differ more"),
        ("learning_rate", 0.5, "smaller steps average better"),
    ),
    "catboost": (
        ("depth", 1.34, "the trees may be too simple for the rows there are"),
        ("depth", 0.67, "the trees may be too detailed for the rows there are"),
        ("learning_rate", 0.5, "smaller steps average better"),
    ),
    "hist": (
        ("max_leaf_nodes", 2.0, "the trees may be too simple for the rows there are"),
        ("max_leaf_nodes", 0.5, "the trees may be too detailed for the rows there are"),
        ("learning_rate", 0.5, "smaller steps average better"),
    ),
    "extra_trees": (
        ("min_samples_leaf", 2.5, "leaves of few rows may only repeat noise"),
        ("max_features", 1.6, "each split may need more columns to choose from"),
    ),
    "ridge": (
        ("alpha", 5.0, "there may be more columns than the rows can bear"),
        ("alpha", 0.2, "it may be held back too much"),
    ),
    "elastic_net": (("alpha", 0.4, "it may be held back too much"), ("alpha", 2.5, "it may follow noise")),
    "logistic": (("C", 4.0, "it may be held back too much"), ("C", 0.25, "it may follow noise")),
    "nb_logistic": (
        ("strength", 4.0, "it may be held back too much"),
        ("strength", 0.25, "it may follow noise"),
    ),
    "naive_bayes": (("alpha", 0.3, "rare words may say more"), ("alpha", 3.0, "rare words may say less")),
    "neighbours": (("n_neighbors", 2.0, "more neighbours are steadier"),),
    "network": (("alpha", 10.0, "smaller weights are steadier"),),
    "svm": (("C", 3.0, "it may be held back too much"), ("C", 0.3, "it may follow noise")),
}
"""Steps of options by a factor, with the reason that one would give."""

_SHARES = frozenset({"colsample_bytree", "max_features"})
_LARGEST = {"colsample_bytree": 1.0, "max_features": 1.0, "depth": 10, "max_depth": 12, "num_leaves": 255}


def improve(brief: Brief, recipe: Recipe, situation: Situation, rng: random.Random) -> Change:
    """The recipe with one change, drawn by what is known of all that are possible in the time there is."""
    tried = {memory.notes.get("change") for memory in brief.memory if memory.relation == "sibling"}
    seconds, slow = allowance(brief), pace(brief, recipe, situation)
    changes = [change for change in possible(recipe, situation) if change.key not in tried]
    changes = changes or _pairs(recipe, situation)
    costs = {change.key: slow * estimate(change.recipe, situation) for change in changes}
    # Where nothing fits, what costs least is still better than what is sure to run out of time.
    most = max(seconds, 1.1 * min(costs.values()))
    return choose([change for change in changes if costs[change.key] <= most], brief.memory, rng)


def choose(changes: Sequence[Change], memory: Sequence[Memory], rng: random.Random) -> Change:
    """Draw a change by its value."""
    values = [value(change, memory) for change in changes]
    best = max(values)
    return rng.choices(changes, [math.exp((each - best) / TEMPERATURE) for each in values])[0]


def value(change: Change, memory: Sequence[Memory]) -> float:
    """The gain to be expected of a change, in standard errors."""
    seen = [(m.notes.get("change", ""), outcome(m)) for m in memory]
    known = [(key, gain) for key, gain in seen if gain is not None]
    same_kind = [gain for key, gain in known if key.partition(":")[0] == change.kind and key != change.key]
    same = [gain for key, gain in known if key == change.key]
    prior = change.prior + sum(same_kind) / (KIND_STRENGTH + len(same_kind))
    return (STRENGTH * prior + sum(same)) / (STRENGTH + len(same))


def outcome(memory: Memory) -> float | None:
    """What an earlier change gained, in standard errors; a failure counts as a clear loss."""
    if memory.reason is not None:
        return -2.0 if memory.seconds else None  # without seconds it has not run yet
    if memory.gain is None or memory.standard_error == math.inf:
        return None
    if not memory.standard_error:  # none at all, or an unknown one: the direction is all that there is
        return math.copysign(1.0, memory.gain) if memory.gain else 0.0
    return max(-CLIP, min(CLIP, memory.gain / memory.standard_error))


# What can be changed --------------------------------------------------------------------------------------------------


def possible(recipe: Recipe, situation: Situation) -> list[Change]:
    """Every single change that the recipe allows; in each, one field differs."""
    return [
        *_added_models(recipe, situation),
        *_added_blocks(recipe, situation),
        *_dropped_blocks(recipe),
        *_stepped_options(recipe),
        *_targets(recipe, situation),
        *_decisions(recipe, situation),
        *_mixings(recipe, situation),
        *_folds(recipe),
    ]


def _pairs(recipe: Recipe, situation: Situation) -> list[Change]:
    """Two changes at once, for a recipe on which every single one was tried."""
    singles = possible(recipe, situation)
    return [
        Change(f"{one.key} + {two.key}", f"{one.plan} {two.plan}", two.recipe, one.prior + two.prior)
        for one in singles
        for two in possible(one.recipe, situation)
        if two.recipe != recipe
    ]


def _added_models(recipe: Recipe, situation: Situation) -> Iterator[Change]:
    if len(recipe.models) >= MOST_MODELS:
        return
    present = {(model.family, model.view) for model in recipe.models}
    for model, prior in _candidates(situation):
        if (model.family, model.view) in present:
            continue
        title = FAMILIES[model.family].title + _of(model)
        plan = f"Mix in {title}, because models of different kinds err in different places."
        yield Change(f"mix:{model.family}{_of(model)}", plan, replace(recipe, models=(*recipe.models, model)), prior)


def _candidates(situation: Situation) -> Iterator[tuple[Model, float]]:
    if situation.only_text:
        yield from ((model, 1.5) for model in text_models(situation))
        return
    priors = {"catboost": 1.5, "lightgbm": 1.5, "xgboost": 1.2, "svm": 1.2, "extra_trees": 1.0, "hist": 0.8}
    yield from ((start(family, situation), priors.get(family, 0.5)) for family in available(situation))


def _added_blocks(recipe: Recipe, situation: Situation) -> Iterator[Change]:
    if situation.only_text:
        return
    for block in new_blocks(recipe, situation):
        idea = IDEAS[block.name]
        yield Change(
            f"add:{block.name}",
            f"Add {idea.title}, because {idea.reason}.",
            replace(recipe, blocks=(*recipe.blocks, block)),
            idea.prior,
        )


def _dropped_blocks(recipe: Recipe) -> Iterator[Change]:
    for block in recipe.blocks:
        if block.name in IDEAS:
            plan = f"Drop {IDEAS[block.name].title}, because it may only add noise."
            yield Change(f"drop:{block.name}", plan, without(recipe, block.name), -0.7)


def _stepped_options(recipe: Recipe) -> Iterator[Change]:
    for place, model in enumerate(recipe.models):
        for option, factor, reason in _STEPS.get(model.family, ()):
            old = model.options.get(option)
            new = _stepped(option, old, factor)
            if new is None or new == old:
                continue
            stepped = replace(model, options={**model.options, option: new})
            models = (*recipe.models[:place], stepped, *recipe.models[place + 1 :])
            plan = f"Set {option} of {FAMILIES[model.family].title}{_of(model)} from {old} to {new}, because {reason}."
            key = f"tune:{model.family}{_of(model)}.{option} {'up' if factor > 1 else 'down'}"
            yield Change(key, plan, replace(recipe, models=models), 0.1)


def _stepped(option: str, old: Any, factor: float) -> Any:
    if isinstance(old, bool) or not isinstance(old, int | float):
        return None
    new = min(old * factor, _LARGEST.get(option, math.inf))
    if option in _SHARES:
        return round(max(0.1, new), 2)
    return max(1, round(new)) if isinstance(old, int) else float(f"{new:.2g}")


def _of(model: Model) -> str:
    """What a model of texts looks at; nothing for others, which each look at the table in one way."""
    return f" on {TEXT_VIEWS[model.view]}" if model.view in TEXT_VIEWS else ""


def _targets(recipe: Recipe, situation: Situation) -> Iterator[Change]:
    if not situation.is_regression:
        return
    skew = fmean(target.skew or 0.0 for target in situation.setting.table.targets)
    for transform, name in _SCALES.items():
        if transform is recipe.transform or (transform is not Transform.NONE and not situation.target_is_not_negative):
            continue
        plan = f"Predict {name}, because its scale may suit the errors better."
        # Where the metric itself takes logarithms, drafts already do.
        prior = 0.8 if skew > 1 and recipe.transform is Transform.NONE else -1.0
        yield Change(f"target:{transform}", plan, replace(recipe, transform=transform), prior)


_SCALES = {
    Transform.NONE: "the target itself",
    Transform.LOG1P: "the logarithm of one plus the target",
    Transform.SQRT: "the root of the target",
}


def _decisions(recipe: Recipe, situation: Situation) -> Iterator[Change]:
    whole = situation.is_regression and all(target.integer for target in situation.setting.table.targets)
    if whole and situation.is_robust:
        other = Decision.PLAIN if recipe.decision is Decision.ROUND else Decision.ROUND
    elif situation.wants_labels and situation.tunable:
        other = Decision.PLAIN if recipe.decision is Decision.TUNED else Decision.TUNED
    else:
        return
    yield Change(f"answer:{other}", f"{_DECISIONS[other]}.", replace(recipe, decision=other), 0.0)


_DECISIONS = {
    Decision.PLAIN: "Answer with the predictions as they are, because what was fitted to the metric may follow noise",
    Decision.ROUND: "Round the predictions, because the target is a whole number",
    Decision.TUNED: "Fit thresholds to the metric, because the likeliest class is not always the best answer",
}


def _mixings(recipe: Recipe, situation: Situation) -> Iterator[Change]:
    if len(recipe.models) < 2 or situation.is_regression:
        return
    other, plan = {
        Mixing.BLEND: (
            Mixing.STACK,
            "Mix by a logistic regression on the log probabilities, because it mends over-confidence.",
        ),
        Mixing.STACK: (Mixing.BLEND, "Mix by plain weights, because they cannot follow noise far."),
    }[recipe.mixing]
    yield Change(f"mixing:{other}", plan, replace(recipe, mixing=other), 0.3)


def _folds(recipe: Recipe) -> Iterator[Change]:
    validation = recipe.validation
    if validation.folds < 10:
        more = replace(validation, folds=10)
        plan = "Use ten folds, because each model then learns from more rows."
        yield Change("folds:10", plan, replace(recipe, validation=more), 0.3)
    if validation.repeats < 3:
        more = replace(validation, repeats=validation.repeats + 1)
        plan = f"Divide the rows {more.repeats} times, because the mean of more models is steadier."
        yield Change("folds:repeat", plan, replace(recipe, validation=more), 0.3)
