"""First recipes: the best bet first, then clearly different ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import Features, blocks_for, preparations
from treewright.coders.recipes.families import BOOSTED, available, start, text_model
from treewright.coders.recipes.recipe import Decision, FoldKind, Recipe, Transform, Validation
from treewright.task import SplitKind

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation

_TUNED = frozenset({"f1", "f1_macro", "f1_weighted", "balanced_accuracy", "mcc", "kappa", "qwk", "precision", "recall"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The families of a draft, how many features it starts with, and the thought behind it."""

    families: tuple[str, ...]
    features: Features
    thought: str


def draft(number: int, situation: Situation) -> tuple[Recipe, str]:
    """The recipe of draft ``number``, counted from 0, and the thought behind it; once all were used, seeds differ."""
    plans = _text_plans(situation) if situation.only_text else _table_plans(situation)
    plan = plans[number % len(plans)]
    models = tuple(text_model(name, situation) if situation.only_text else start(name, situation) for name in plan.families)
    recipe = Recipe(
        models=models,
        validation=Validation(fold_kind(situation), folds=5 if situation.rows < 30_000 else 3),
        blocks=preparations(situation) if situation.only_text else blocks_for(plan.features, situation),
        transform=_transform(situation),
        decision=Decision.TUNED if situation.metric in _TUNED else Decision.PLAIN,
        seed=number // len(plans),
    )
    return recipe, plan.thought


def _table_plans(situation: Situation) -> list[Plan]:
    found = available(situation)
    boosted = [name for name in BOOSTED if name in found]
    first, second, third = boosted[0], boosted[min(1, len(boosted) - 1)], boosted[-1]
    linear = "ridge" if situation.is_regression else "logistic"
    plans = [
        Plan((second, "extra_trees"), Features.MANY, "two kinds of trees on many features"),
        Plan((linear, "network"), Features.SMOOTH, "smooth models on straightened numbers"),
        Plan((third,), Features.FEW, "boosting on few features"),
        Plan(("extra_trees", "neighbours"), Features.FEW, "averages of many rough models"),
    ]
    if not situation.is_small:
        return [Plan((first,), Features.SOME, "boosting on the features that suit the columns"), *plans]
    smooth = ("svm", "elastic_net") if situation.is_regression else ("logistic",)
    plans[1] = Plan((*smooth, *(() if situation.is_regression else ("network",))), Features.SMOOTH, plans[1].thought)
    return [Plan((first, *smooth), Features.SOME, "few rows: trees for the steps, smooth models for the slopes"), *plans]


def _text_plans(situation: Situation) -> list[Plan]:
    words, letters = Features.FEW, Features.FEW
    if situation.is_regression:
        return [
            Plan(("ridge words", "ridge letters"), words, "weighted words and runs of letters"),
            Plan(("ridge words",), words, "weighted words"),
            Plan(("ridge letters",), letters, "weighted runs of letters"),
        ]
    return [
        Plan(("nb_logistic", "naive_bayes"), words, "which words occur says most, and counting them is quick"),
        Plan(("logistic letters", "naive_bayes letters"), letters, "runs of letters catch stems, endings and spellings"),
        Plan(("logistic words", "naive_bayes letters"), words, "weighted words, and runs of letters counted"),
        Plan(("logistic words",), words, "weighted words"),
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
