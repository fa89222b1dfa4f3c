"""From a recipe to the script that a person reads.

The script is the library's functions that the recipe names, with three functions written here: ``describe`` turns
the table into features, ``predict`` fits the models and mixes them, ``main`` reads, decides and writes. Nothing that
the recipe does not use gets in, and what it chooses stands in the code as plain arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from treewright.coders.recipes.catalogue import MADE_OF_Y, TEXT_SCORES, block_title
from treewright.coders.recipes.families import FAMILIES, TEXT_VIEWS, fit_function
from treewright.coders.recipes.layout import WIDTH, Call, Name, call, statement, string
from treewright.coders.recipes.linker import Import, link
from treewright.coders.recipes.recipe import Decision, FoldKind, Transform
from treewright.coders.recipes.situation import MANY_LABELS
from treewright.metrics import Needs
from treewright.task import ColumnKind

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Model, Recipe
    from treewright.coders.recipes.situation import Situation

_FORWARD = {Transform.LOG1P: "np.log1p({})", Transform.LOG: "np.log({})", Transform.SQRT: "np.sqrt({})"}
_BACK = {Transform.LOG1P: "np.expm1({})", Transform.LOG: "np.exp({})", Transform.SQRT: "np.square({}.clip(0))"}

_SCORES = {
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "medae": "median_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "smape": "smape",
    "rmsle": "root_mean_squared_log_error",
    "msle": "mean_squared_log_error",
    "rmse_log": "rmse_of_logs",
    "r2": "r2_score",
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
    "auc": "roc_auc_score",
    "average_precision": "average_precision_score",
    "log_loss": "log_loss",
}
_SKLEARN = {name: Import("sklearn.metrics", name, None) for name in (*_SCORES.values(), "mean_absolute_error", "mean_squared_error", "log_loss")}


def render(recipe: Recipe, situation: Situation) -> str:
    """The script: one complete program, formatted, with nothing in it that it does not use."""
    functions = [text for text in (_describe(recipe, situation), _predict(recipe, situation), _main(recipe, situation)) if text]
    seed = f"SEED = {recipe.seed}"
    own = "\n\n\n".join([*functions, 'if __name__ == "__main__":\n    main()'])
    linked = link(f"{seed}\n{own}", _SKLEARN | _constructors(recipe, situation))
    uses_seed = "SEED" in linked.names
    constants = "\n".join(text for text in (seed if uses_seed else "", linked.constants) if text)
    head = "\n\n".join(text for text in (_docstring(recipe, situation), linked.imports, constants) if text)
    return "\n\n\n".join([head, *linked.functions, own]) + "\n"


def _constructors(recipe: Recipe, situation: Situation) -> dict[str, Import]:
    found = [FAMILIES[model.family].constructor(situation) for model in recipe.models]
    return {each.item: each for each in found if each and each.item and each.module} | {"LogisticRegression": Import("sklearn.linear_model", "LogisticRegression", None), "Ridge": Import("sklearn.linear_model", "Ridge", None)}


# The docstring --------------------------------------------------------------------------------------------------------


def _docstring(recipe: Recipe, situation: Situation) -> str:
    task = situation.setting.task
    targets = ", ".join(_plain(target) for target in task.targets)
    titles = list(dict.fromkeys(FAMILIES[model.family].title for model in recipe.models))
    models = titles[0] if len(titles) == 1 else ", ".join(titles[:-1]) + " and " + titles[-1] + ", mixed"
    parts = recipe.validation.folds * recipe.validation.repeats
    lines = [f"Predict {targets} by {models}.", ""]
    lines += fill(f"Each model is fitted {parts} times, on {recipe.validation.folds - 1} of {recipe.validation.folds} parts of the training rows, and their mean answers.", WIDTH).splitlines()
    if recipe.blocks:
        lines += ["", "Features:", ""]
        for block in recipe.blocks:
            lines += fill(f"- {_plain(block_title(block))}", WIDTH, subsequent_indent="  ").splitlines()
    return '"""' + "\n".join(lines) + '\n"""'


def _plain(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")


# describe -------------------------------------------------------------------------------------------------------------


def _describe(recipe: Recipe, situation: Situation) -> str:
    if not needs_table(recipe):
        return ""
    by_target = any(block.name in MADE_OF_Y for block in recipe.blocks)
    head = "table: pd.DataFrame, y: np.ndarray" if by_target else "table: pd.DataFrame"
    lines = [f"def describe({head}) -> pd.DataFrame:", '    """Make the features."""']
    for block in recipe.blocks:
        if block.name == TEXT_SCORES:
            continue
        arguments = [Name("table"), *([Name("y")] if block.name in MADE_OF_Y else [])]
        lines += statement("table = ", Call(block.name, tuple(arguments), tuple(block.arguments.items())), 4)
    if unused := _unused(recipe, situation):
        lines += statement("table = ", call("table.drop", columns=unused), 4)
    plain = call("label_categories", Name("table"), most=MANY_LABELS)
    if has_odd_names(situation):
        plain = call("number_columns", plain)
    return "\n".join([*lines, *statement("return ", plain, 4)])


def has_odd_names(situation: Situation) -> bool:
    """Whether a column's name has characters that LightGBM or XGBoost refuse."""
    return any(set(column.name) & set('[]{}<>",:') for column in situation.columns)


def needs_table(recipe: Recipe) -> bool:
    """Whether any model looks at more than the texts."""
    return any(model.view not in TEXT_VIEWS for model in recipe.models)


def needs_texts(recipe: Recipe) -> bool:
    """Whether any model looks at the texts themselves."""
    return recipe.has(TEXT_SCORES) or any(model.view in TEXT_VIEWS for model in recipe.models)


def _unused(recipe: Recipe, situation: Situation) -> list[str]:
    """Columns of the table that are no features by themselves."""
    raw = {ColumnKind.IDENTIFIER, ColumnKind.DATETIME, ColumnKind.TEXT}
    ids = situation.setting.task.ids
    columns = situation.setting.table.columns
    names = [c.name for c in columns if c.in_test and (c.kind in raw or c.kind is ColumnKind.CONSTANT or c.name in ids)]
    return names


# predict --------------------------------------------------------------------------------------------------------------


def _predict(recipe: Recipe, situation: Situation) -> str:
    inputs = [("table: pd.DataFrame", needs_table(recipe)), ("texts: pd.Series", needs_texts(recipe))]
    head = ", ".join([text for text, needed in inputs if needed] + ["y: np.ndarray", "folds: Folds"])
    lines = [f"def predict({head}) -> tuple[np.ndarray, np.ndarray]:"]
    lines += ['    """Fit the models and mix them; the result is for the training rows and for the test rows."""']
    across = "predict_numbers" if situation.is_regression else "predict_classes"
    if recipe.has(TEXT_SCORES):
        simple = call("Ridge", alpha=1.0) if situation.is_regression else call("LogisticRegression", C=3.0, max_iter=300)
        scores = call(across, Name("fit_model"), simple, call("word_weights", Name("texts")), Name("y"), Name("folds"))
        lines += statement("scores = ", scores, 4)
        lines += ["    table = add_scores(table, scores)"]
    views, shown = {"table": "table"}, []
    for model in recipe.models:
        if model.view not in views:
            source = "texts" if model.view in TEXT_VIEWS else "table"
            name = _VIEW_NAMES[model.view]
            views[model.view] = name
            lines.append(f"    {name} = {model.view}({source})")
        fit = Name(fit_function(model.family, situation))
        shown.append(call(across, fit, _constructor(model, situation), Name(views[model.view]), Name("y"), Name("folds")))
    if len(shown) == 1:
        return "\n".join([*lines, *statement("return ", shown[0], 4)])
    names: list[str] = []
    for model, each in zip(recipe.models, shown, strict=True):
        name = model.family if model.family not in names else f"{model.family}_{len(names) + 1}"
        names.append(name)
        lines += statement(f"{name} = ", each, 4)
    mixed = call("blend", [Name(name) for name in names], Name("y"), Name(_loss(situation)))
    return "\n".join([*lines, *statement("return ", mixed, 4)])


_VIEW_NAMES = {
    "one_hot_matrix": "matrix",
    "number_labels": "numbers",
    "name_gaps": "labels",
    "word_weights": "words",
    "letter_weights": "letters",
    "word_counts": "counts",
    "letter_counts": "letter_runs",
}


def _constructor(model: Model, situation: Situation) -> Call:
    family = FAMILIES[model.family]
    made = family.constructor(situation)
    assert made is not None
    assert made.item is not None
    return Call(made.item, (), tuple({**model.options, **family.fixed}.items()))


def _loss(situation: Situation) -> str:
    """What the mixture is chosen by: smooth, and near enough to the metric."""
    if not situation.is_regression:
        return "log_loss"
    return "mean_absolute_error" if situation.metric in ("mae", "medae", "mape", "smape") else "mean_squared_error"


# main -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """How the code speaks of a target: by its name, or as the variable of a loop over several."""

    text: str
    indent: int


def _main(recipe: Recipe, situation: Situation) -> str:
    task = situation.setting.task
    lines = [
        "def main() -> None:",
        '    """Learn from the training rows and answer for the test rows."""',
        '    train, test = pd.read_csv("input/train.csv"), pd.read_csv("input/test.csv")',
    ]
    lines += _chosen_rows(recipe, situation)
    lines += [
        "    # Described together, both files get the same columns and the same categories.",
        '    table = pd.concat([train, test], join="inner", ignore_index=True)',
    ]
    if needs_texts(recipe):
        lines += statement("texts = ", call("join_texts", Name("table"), [c.name for c in situation.texts]), 4)
    ids = [name for name in task.ids if any(c.name == name and c.in_test for c in situation.setting.table.columns)]
    lines += statement("answers = ", Name(f"test[{_list(ids)}].copy()" if ids else "pd.DataFrame(index=test.index)"), 4)
    if len(task.targets) == 1:
        lines += _one_target(recipe, situation, _Target(string(task.targets[0]), 4), ids)
    else:
        lines += statement("for target in ", list(task.targets), 4, ":")
        lines += _one_target(recipe, situation, _Target("target", 8), ids)
    lines += ['    answers.to_csv("working/submission.csv", index=False)']
    return "\n".join(lines)


def _list(names: list[str]) -> str:
    return "[" + ", ".join(string(name) for name in names) + "]"


def _chosen_rows(recipe: Recipe, situation: Situation) -> list[str]:
    targets = situation.setting.table.targets
    lines = []
    if any(target.missing for target in targets):
        names = _list([target.name for target in targets])
        lines += [f"    train = train.dropna(subset={names}).reset_index(drop=True)"]
    if recipe.rows is not None and recipe.rows < situation.rows:
        lines += [
            "    # More rows than these would take too long.",
            f"    train = train.sample(min(len(train), {recipe.rows}), random_state=SEED).sort_index().reset_index(drop=True)",
        ]
    return lines


def _one_target(recipe: Recipe, situation: Situation, target: _Target, ids: list[str]) -> list[str]:
    lines = []
    if situation.is_regression:
        truth = f"train[{target.text}].to_numpy(float)"
        if recipe.transform is Transform.NONE:
            lines += [f"y = {truth}"]
        else:
            lines += [f"truth = {truth}", "y = " + _FORWARD[recipe.transform].format("truth")]
    else:
        lines += [f"y, classes = pd.factorize(train[{target.text}], sort=True)"]
    lines += statement("folds = ", _folds(recipe, situation))
    described = "describe(table, y)" if any(b.name in MADE_OF_Y for b in recipe.blocks) else "describe(table)"
    inputs = [described] * needs_table(recipe) + ["texts"] * needs_texts(recipe) + ["y", "folds"]
    lines += [f"held_out, predicted = predict({', '.join(inputs)})"]
    lines += _numbers(recipe, situation, target) if situation.is_regression else _classes(recipe, situation, target, ids)
    return [" " * target.indent + line for line in lines]


def _folds(recipe: Recipe, situation: Situation) -> Call:
    kind, folds, repeats = recipe.validation.kind, recipe.validation.folds, recipe.validation.repeats
    holdout = situation.setting.task.holdout
    if kind is FoldKind.GROUP and holdout.column:
        column = f"train[{string(holdout.column)}]"
        if holdout.prefix:
            column += f".astype(str).str.split({string(holdout.prefix)}).str[0]"
        return call("grouped_folds", Name("y"), Name(column), folds=folds, repeats=repeats)
    if kind is FoldKind.BLOCKS and situation.time:
        times = Name(f"pd.to_datetime(train[{string(situation.time.name)}])")
        return call("block_folds", times, blocks=8 * folds, folds=folds, repeats=repeats)
    return call("random_folds" if situation.is_regression else "stratified_folds", Name("y"), folds=folds, repeats=repeats)


def _numbers(recipe: Recipe, situation: Situation, target: _Target) -> list[str]:
    known, answer, truth = "held_out", "predicted", "y"
    if recipe.transform is not Transform.NONE:
        back = _BACK[recipe.transform]
        known, answer, truth = back.format(known), back.format(answer), "truth"
    low = [t.low for t in situation.setting.table.targets]
    lines = [f"held_out, predicted = {known}, {answer}"] if recipe.transform is not Transform.NONE else []
    if situation.target_is_not_negative:
        least = "0"
        if situation.target_is_positive and situation.metric in ("rmse_log",):
            least = f"{truth}.min()"
        lines += [f"held_out, predicted = held_out.clip({least}), predicted.clip({least})"]
    if recipe.decision is Decision.ROUND:
        lines += ["held_out, predicted = held_out.round(), predicted.round()"]
    name = situation.metric if situation.metric in _SCORES else "rmse"
    score = f"{_SCORES[name]}({truth}, held_out)"
    lines += [f'print(f"validation {name}: {{{score}:.5f}}")']
    return [*lines, f"answers[{target.text}] = predicted"]


def _classes(recipe: Recipe, situation: Situation, target: _Target, ids: list[str]) -> list[str]:
    task = situation.setting.task
    if task.metric.needs is Needs.LABELS:
        return _labels(recipe, situation, target, ids)
    several = task.submission_columns != task.targets
    lines = []
    if situation.metric in ("auc", "average_precision") and situation.is_binary:
        lines += [f'print(f"validation {situation.metric}: {{{_SCORES[situation.metric]}(y, held_out[:, 1]):.5f}}")']
    elif situation.metric == "auc":
        lines += ["print(f\"validation auc: {roc_auc_score(y, held_out, multi_class='ovr'):.5f}\")"]
    else:
        lines += ['print(f"validation log_loss: {log_loss(y, held_out):.5f}")']
    if not several:
        return [*lines, f"answers[{target.text}] = predicted[:, 1]"]
    lines += ["chances = pd.DataFrame(predicted, columns=classes.astype(str))"]
    lines += statement("answers = ", Name(f"answers.join(chances.reindex(columns={_list(list(task.submission_columns))}, fill_value=0.0))"))
    return lines


def _labels(recipe: Recipe, situation: Situation, target: _Target, ids: list[str]) -> list[str]:
    name = situation.metric if situation.metric in _SCORES else "accuracy"
    function = _SCORES[name]
    lines: list[str] = []
    known, answer = "held_out.argmax(axis=1)", "predicted.argmax(axis=1)"
    if recipe.decision is Decision.TUNED and situation.is_binary:
        lines += [f"threshold = tune_threshold(held_out, y, {function})"]
        known, answer = "(held_out[:, 1] >= threshold).astype(int)", "(predicted[:, 1] >= threshold).astype(int)"
    elif recipe.decision is Decision.TUNED:
        lines += [f"weights = tune_weights(held_out, y, {function})"]
        known, answer = "(held_out * weights).argmax(axis=1)", "(predicted * weights).argmax(axis=1)"
    lines += [f'print(f"validation {name}: {{{function}(y, {known}):.5f}}")']
    if target.text != "target":
        lines += ["chances = answers.join(pd.DataFrame(predicted, columns=classes.astype(str)))"]
        lines += ['chances.to_csv("working/probabilities.csv", index=False)']
    return [*lines, f"answers[{target.text}] = classes[{answer}]"]
