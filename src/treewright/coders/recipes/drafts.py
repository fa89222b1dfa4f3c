"""First recipes: the best bet first, then clearly different ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import Features, blocks_for, preparations
from treewright.coders.recipes.families import BOOSTED, available, start
from treewright.coders.recipes.recipe import Decision, FoldKind, Mixing, Model, Recipe, Transform, Validation
from treewright.task import SplitKind

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation

_TUNED = frozenset({"f1", "f1_macro", "f1_weighted", "balanced_accuracy", "mcc", "kappa", "qwk", "precision", "recall"})


QUICK = 30_000
"""So many rows, times classes, take a linear model no time worth mentioning."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The families of a draft, how many features it starts with, and the thought behind it."""

    families: tuple[str, ...]
    features: Features
    thought: str


def draft(number: int, situation: Situation) -> tuple[Recipe, str]:
    """The recipe of draft ``number``, counted from 0, and the thought behind it; once all were used, seeds differ."""
    if situation.only_text:
        texts = _text_plans(situation)
        models, thought = texts[number % len(texts)]
        blocks, turn = preparations(situation), number // len(texts)
    else:
        plans = _table_plans(situation)
        plan = plans[number % len(plans)]
        models, thought = tuple(start(family, situation) for family in plan.families), plan.thought
        blocks, turn = blocks_for(plan.features, situation), number // len(plans)
    recipe = Recipe(
        models=models,
        validation=Validation(fold_kind(situation), folds=5 if situation.rows < 30_000 else 3),
        blocks=blocks,
        transform=_transform(situation),
        mixing=Mixing.STACK if situation.only_text and not situation.is_regression else Mixing.BLEND,
        decision=Decision.TUNED if situation.metric in _TUNED and situation.tunable else Decision.PLAIN,
        seed=turn,
    )
    return recipe, thought


def _table_plans(situation: Situation) -> list[Plan]:
    found = available(situation)
    boosted = [name for name in BOOSTED if name in found]
    first, second, third = boosted[0], boosted[min(1, len(boosted) - 1)], boosted[-1]
    linear = "ridge" if situation.is_regression else "logistic"
    curved = ("svm", "elastic_net") if "svm" in found and situation.is_small else (linear, "network")
    smooth = tuple(name for name in curved if name in found)
    forest = "extra_trees" if "extra_trees" in found else third
    quick = situation.rows * situation.classes <= QUICK
    beside = smooth if situation.is_small and situation.is_regression else (linear,) if quick else ()
    return [
        Plan(
            (first, *beside), Features.SOME, "trees for the steps, and where it is cheap a smooth model for the slopes"
        ),
        Plan(tuple(dict.fromkeys((second, forest))), Features.MANY, "two kinds of trees on many features"),
        Plan(smooth, Features.SMOOTH, "smooth models on straightened numbers"),
        Plan((third, *smooth[:1]), Features.FEW, "trees and a smooth model on few features"),
        Plan((second, first, *smooth[1:]), Features.SOME, "what boosting and a smooth model agree on"),
    ]


def _text_plans(situation: Situation) -> list[tuple[tuple[Model, ...], str]]:
    def models(*names: str) -> tuple[Model, ...]:
        return tuple(start(family, situation, view) for family, view in (name.split() for name in names))

    if situation.is_regression:
        return [
            (models("ridge word_weights", "ridge letter_weights"), "weighted words, and runs of letters"),
            (models("ridge phrase_weights", "ridge string_weights"), "phrases, and runs of characters"),
        ]
    return [
        (
            models("nb_logistic word_counts", "naive_bayes word_weights", "nb_logistic letter_weights"),
            "words say most, runs of letters catch endings and spellings",
        ),
        (
            models("naive_bayes phrase_weights", "naive_bayes string_weights", "nb_logistic string_weights"),
            "what is characteristic may be longer phrases, capitals and marks",
        ),
        (models("logistic word_weights", "naive_bayes letter_weights"), "weighted words, and letters counted"),
    ]


def fold_kind(situation: Situation) -> FoldKind:
    """The folds that imitate how test rows differ from training rows."""
    if situation.split is SplitKind.GROUP and situation.setting.task.holdout.column:
        return FoldKind.GROUP
    if situation.split in (SplitKind.TIME, SplitKind.BLOCKS) and situation.time:
        return FoldKind.BLOCKS
    return FoldKind.RANDOM if situation.is_regression else FoldKind.STRATIFIED


def _transform(situation: Situation) -> Transform:
    if not situation.is_regression:
        return Transform.NONE
    if situation.metric in ("rmsle", "msle", "mcrmsle") and situation.target_is_not_negative:
        return Transform.LOG1P
    if situation.metric in ("rmse_log", "mape", "smape") and situation.target_is_positive:
        return Transform.LOG
    return Transform.NONE
