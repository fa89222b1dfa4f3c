"""Writing a script's ``main``: it reads the files, has the target predicted, and hands in what the metric wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.coders.recipes.catalogue import MADE_OF_Y, TEXT_SCORES
from treewright.coders.recipes.layout import Call, Name, call, flat, statement, string
from treewright.coders.recipes.options import TEXT_VIEWS
from treewright.coders.recipes.recipe import Decision, FoldKind, Transform
from treewright.task import TargetKind

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Recipe
    from treewright.coders.recipes.situation import Situation

_FORWARD = {
    Transform.LOG1P: "np.log1p({})",
    Transform.LOG: "np.log({})",
    Transform.SQRT: "np.sqrt({})",
}
_BACK = {
    Transform.NONE: "{}",
    Transform.LOG1P: "np.expm1({})",
    Transform.LOG: "np.exp({})",
    Transform.SQRT: "np.square({}.clip(0))",
}

_NUMBER_SCORES = {
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "medae": "median_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "smape": "smape",
    "rmsle": "root_mean_squared_log_error",
    "msle": "mean_squared_log_error",
    "rmse_log": "rmse_of_logs",
    "mcrmse": "root_mean_squared_error",
    "mcrmsle": "root_mean_squared_log_error",
    "r2": "r2_score",
}
_LABEL_SCORES = {
    "accuracy": "accuracy_score",
    "balanced_accuracy": "balanced_accuracy_score",
    "f1": "f1_score",
    "f1_macro": "f1_macro",
    "f1_micro": "f1_micro",
    "f1_weighted": "f1_weighted",
    "precision": "precision_score",
    "recall": "recall_score",
    "mcc": "matthews_corrcoef",
    "kappa": "cohen_kappa_score",
    "qwk": "quadratic_kappa",
}

_RANKINGS = {"auc": "roc_auc_score", "average_precision": "average_precision_score"}


def write_main(recipe: Recipe, situation: Situation) -> str:
    """The text of ``main``."""
    task = situation.setting.task
    lines = [
        "def main() -> None:",
        '    """Learn from the training rows and answer for the test rows."""',
        '    train, test = pd.read_csv("input/train.csv"), pd.read_csv("input/test.csv")',
        *_chosen_rows(recipe, situation),
        "    # Described together, both files get the same columns and the same categories.",
        '    table = pd.concat([train, test], join="inner", ignore_index=True)',
    ]
    if _needs_texts(recipe):
        lines += statement("texts = ", call("join_texts", Name("table"), [c.name for c in situation.texts]), 4)
    ids = [column.name for column in situation.setting.table.columns if column.name in task.ids and column.in_test]
    lines += [f"    answers = test[{flat(ids)}].copy()" if ids else "    answers = pd.DataFrame(index=test.index)"]
    if len(task.targets) == 1:
        lines += _answer(recipe, situation, string(task.targets[0]), string(task.submission_columns[0]))
    else:
        collects = situation.setting.self_reported
        lines += ["    scores = []"] * collects
        lines += statement("for target in ", list(task.targets), 4, ":")
        lines += ["    " + line for line in _answer(recipe, situation, "target", "target")]
        lines += ['    print(f"metric: {np.mean(scores):.6g}")'] * collects
    lines += ['    answers.to_csv("working/submission.csv", index=False)']
    return "\n".join(lines)


def _needs_texts(recipe: Recipe) -> bool:
    return recipe.has(TEXT_SCORES) or any(model.view in TEXT_VIEWS for model in recipe.models)


def _chosen_rows(recipe: Recipe, situation: Situation) -> list[str]:
    """Lines that leave out training rows, where there are too many."""
    if recipe.rows is None or recipe.rows >= situation.rows:
        return []
    chosen = call("train.sample", Name(f"min(len(train), {recipe.rows})"), random_state=Name("SEED"))
    return [
        "    # More rows than these would take too long; the order of the file is kept.",
        *statement("train = ", chosen, 4, ".sort_index().reset_index(drop=True)"),
    ]


def _answer(recipe: Recipe, situation: Situation, target: str, column: str) -> list[str]:
    """Lines that predict and answer one target; both are code: its name in the training file and in the answer."""
    described = "describe(table, y)" if any(b.name in MADE_OF_Y for b in recipe.blocks) else "describe(table)"
    needs_table = any(model.view not in TEXT_VIEWS for model in recipe.models)
    inputs = [described] * needs_table + ["texts"] * _needs_texts(recipe)
    lines = []
    if situation.is_regression:
        truth = f"train[{target}].to_numpy(float)"
        if recipe.transform is Transform.NONE:
            lines += [f"y = {truth}"]
        else:
            lines += [f"truth = {truth}", f"y = {_FORWARD[recipe.transform].format('truth')}"]
        answer = _numbers(recipe, situation, column)
    else:
        lines += [f"y, classes = pd.factorize(train[{target}], sort=True)"]
        answer = _labels(recipe, situation, column) if situation.wants_labels else _chances(situation, column)
        if not any("classes" in line for line in answer):
            lines = [f"y, _ = pd.factorize(train[{target}], sort=True)"]
    lines += statement("folds = ", _folds(recipe, situation))
    lines += [f"held_out, predicted = predict({', '.join([*inputs, 'y', 'folds'])})", *answer]
    return ["    " + line for line in lines]


def _folds(recipe: Recipe, situation: Situation) -> Call:
    kind, folds, repeats = recipe.validation.kind, recipe.validation.folds, recipe.validation.repeats
    holdout = situation.setting.task.holdout
    if kind is FoldKind.GROUP and holdout.column:
        groups = f"train[{string(holdout.column)}]"
        if holdout.prefix:
            groups += f".astype(str).str.split({string(holdout.prefix)}).str[0]"
        return call("grouped_folds", Name("y"), Name(groups), folds=folds, repeats=repeats)
    if kind is FoldKind.BLOCKS and situation.time:
        reader = "read_days_first" if situation.time.day_first else "read_times"
        times = call(reader, Name(f"train[{string(situation.time.name)}]"))
        return call("block_folds", times, blocks=8 * folds, folds=folds, repeats=repeats)
    name = "random_folds" if situation.is_regression else "stratified_folds"
    return call(name, Name("y"), folds=folds, repeats=repeats)


# What is handed in ----------------------------------------------------------------------------------------------------


def _numbers(recipe: Recipe, situation: Situation, column: str) -> list[str]:
    known, answer = (_BACK[recipe.transform].format(name) for name in ("held_out", "predicted"))
    truth = "y" if recipe.transform is Transform.NONE else "truth"
    if situation.needs_positive:
        lines = [f"lowest, highest = {truth}.min(), {truth}.max()"]
        known, answer = (f"{text}.clip(lowest, highest)" for text in (known, answer))
    elif situation.target_is_not_negative:
        lines = []
        known, answer = f"{known}.clip(0)", f"{answer}.clip(0)"
    else:
        lines = []
    if recipe.decision is Decision.ROUND:
        known, answer = f"{known}.round()", f"{answer}.round()"
    name = situation.metric if situation.metric in _NUMBER_SCORES else "rmse"
    lines += _own_score(situation, name, f"{_NUMBER_SCORES[name]}({truth}, {known})")
    return [*lines, f"answers[{column}] = {answer}"]


def _chances(situation: Situation, column: str) -> list[str]:
    task = situation.setting.task
    lines = _own_score(situation, *_score_of_chances(situation))
    if len(task.submission_columns) == len(task.targets):
        return [*lines, f"answers[{column}] = predicted[:, 1]"]
    lines += [
        "chances = pd.DataFrame(predicted, columns=classes.astype(str))",
        "# A class that these training rows lack still has its column.",
        *statement("chances = ", call("chances.reindex", columns=list(task.classes), fill_value=0.0)),
    ]
    if task.submission_columns != task.classes:
        lines += statement("chances = ", call("chances.set_axis", list(task.submission_columns), axis="columns"))
    return [*lines, "answers = answers.join(chances)"]


def _score_of_chances(situation: Situation) -> tuple[str, str]:
    """The metric's name and its value as code."""
    name = situation.metric
    if name in _RANKINGS and situation.is_binary:
        return name, f"{_RANKINGS[name]}(y, held_out[:, 1])"
    if name in _RANKINGS:
        return name, f"mean_over_classes({_RANKINGS[name]}, y, held_out)"
    if name == "brier":
        return name, "brier_score_loss(y, held_out[:, 1])" if situation.is_binary else "brier_of_classes(y, held_out)"
    return "log_loss", "log_loss(y, held_out)"


def _own_score(situation: Situation, name: str, value: str) -> list[str]:
    """Lines that print the validation score: a remark, or what the script is scored by."""
    if not situation.setting.self_reported:
        return [f'print(f"validation {name}: {{{value}:.5f}}")']
    if len(situation.setting.task.targets) > 1:
        return [f"scores.append({value})"]
    return [f'print(f"metric: {{{value}:.6g}}")']


def _labels(recipe: Recipe, situation: Situation, column: str) -> list[str]:
    name = situation.metric if situation.metric in _LABEL_SCORES else "accuracy"
    score = _LABEL_SCORES[name]
    lines: list[str] = []
    choice = "{}.argmax(axis=1)"
    if recipe.decision is Decision.TUNED and situation.setting.task.kind is TargetKind.BINARY:
        lines += [f"threshold = tune_threshold(held_out, y, {score})"]
        choice = "({}[:, 1] >= threshold).astype(int)"
    elif recipe.decision is Decision.TUNED:
        lines += [f"weights = tune_weights(held_out, y, {score})"]
        choice = "({} * weights).argmax(axis=1)"
    lines += _own_score(situation, name, f"{score}(y, {choice.format('held_out')})")
    if len(situation.setting.task.targets) == 1:
        lines += ["chances = pd.DataFrame(predicted, columns=classes.astype(str))"]
        lines += ['answers.join(chances).to_csv("working/probabilities.csv", index=False)']
    return [*lines, f"answers[{column}] = classes[{choice.format('predicted')}]"]
