"""First recipes: the best bet first, then clearly different ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import first_blocks, preparations
from treewright.coders.recipes.families import available, start
from treewright.coders.recipes.recipe import Decision, FoldKind, Model, Recipe, Transform, Validation
from treewright.task import SplitKind

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation

_ORDER = ("lightgbm", "ridge", "logistic", "catboost", "xgboost", "hist", "extra_trees", "network", "neighbours", "forest")
_TUNED = frozenset({"f1", "f1_macro", "f1_weighted", "balanced_accuracy", "mcc", "kappa", "qwk", "precision", "recall"})


def draft(number: int, situation: Situation) -> Recipe:
    """The recipe of draft ``number``, counted from 0; beyond the kinds there are, seeds differ."""
    kinds = _text_drafts(situation) if situation.only_text else _table_drafts(situation)
    recipe = kinds[number % len(kinds)]
    return replace(recipe, seed=number // len(kinds))


def _table_drafts(situation: Situation) -> list[Recipe]:
    found = available(situation)
    families = [name for name in _ORDER if name in found]
    boosting = [name for name in ("lightgbm", "catboost", "xgboost", "hist") if name in found]
    return [_recipe((start(name, situation),), situation) for name in dict.fromkeys([*boosting[:1], *families])]


def _text_drafts(situation: Situation) -> list[Recipe]:
    if situation.is_regression:
        models = [start("ridge", situation, "word_weights"), start("ridge", situation, "letter_weights")]
        return [_recipe((model,), situation) for model in models]
    words = Model("logistic", "word_weights", {"C": 10.0, "max_iter": 300})
    letters = Model("logistic", "letter_weights", {"C": 10.0, "max_iter": 300})
    return [
        _recipe(models, situation)
        for models in (
            (start("nb_logistic", situation), start("naive_bayes", situation)),
            (words,),
            (letters,),
            (start("naive_bayes", situation),),
        )
    ]


def _recipe(models: tuple[Model, ...], situation: Situation) -> Recipe:
    return Recipe(
        models=models,
        validation=Validation(fold_kind(situation), folds=5 if situation.rows < 30_000 else 3),
        blocks=preparations(situation) if situation.only_text else first_blocks(situation),
        transform=_transform(situation),
        decision=Decision.TUNED if situation.metric in _TUNED else Decision.PLAIN,
    )


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
