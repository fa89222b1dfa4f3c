"""From a recipe to the script that a person reads.

The script is the library's functions that the recipe names, with three functions written here: ``describe`` turns
the table into features, ``predict`` fits the models and mixes them, ``main`` (in ``answer.py``) reads, decides and
writes. Nothing that the recipe does not use gets in, and what it chooses stands in the code as plain arguments.
"""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from treewright.coders.recipes.answer import write_main
from treewright.coders.recipes.catalogue import MADE_OF_Y, OF_ALL_NUMBERS, TEXT_SCORES, block_title
from treewright.coders.recipes.families import FAMILIES, constructor, fit_function
from treewright.coders.recipes.layout import WIDTH, Call, Name, call, statement
from treewright.coders.recipes.linker import link
from treewright.coders.recipes.options import TEXT_VIEWS
from treewright.coders.recipes.recipe import Mixing
from treewright.coders.recipes.situation import MANY_LABELS
from treewright.task import ColumnKind

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Block, Model, Recipe
    from treewright.coders.recipes.situation import Situation

_SHORT = {
    "table": "table",
    "one_hot_matrix": "matrix",
    "number_labels": "numbers",
    "name_gaps": "labels",
    "word_counts": "words",
    "word_weights": "weighted_words",
    "phrase_weights": "phrases",
    "letter_weights": "letters",
    "string_weights": "strings",
}
"""What a view is called in the script."""

_ODD = frozenset('[]{}<>",:')
"""Characters that LightGBM or XGBoost refuse in a column's name."""


def render(recipe: Recipe, situation: Situation) -> str:
    """The script: one complete program, formatted, with nothing in it that it does not use."""
    functions = [_describe(recipe, situation), _predict(recipe, situation), write_main(recipe, situation)]
    own = "\n\n\n".join([*filter(None, functions), 'if __name__ == "__main__":\n    main()'])
    fits = recipe.validation.folds * recipe.validation.repeats
    linked = link(own, {"SEED": f"SEED = {recipe.seed}", "THREADS": f"THREADS = max(1, PROCESSORS // {fits})"})
    head = "\n\n".join(filter(None, [_docstring(recipe, situation), linked.imports, linked.constants]))
    return "\n\n\n".join([head, *linked.functions, own]) + "\n"


def _docstring(recipe: Recipe, situation: Situation) -> str:
    folds = recipe.validation.folds
    fits = f"{folds} times, on {folds - 1} of {folds} parts of the training rows"
    if recipe.validation.repeats > 1:
        fits += f", and that for {recipe.validation.repeats} divisions"
    targets = ", ".join(situation.setting.task.targets)
    texts = [f"Predict {_plain(targets)}."]
    texts.append(f"{_sentence(recipe)} Each model is fitted {fits}; the mean of its predictions counts.")
    if recipe.blocks:
        texts.append("Features besides the columns as they are:")
    paragraphs = [fill(text, WIDTH - 3) for text in texts]
    bullets = [fill(f"- {_plain(block_title(block))}", WIDTH, subsequent_indent="  ") for block in recipe.blocks]
    return '"""' + "\n\n".join([*paragraphs, *filter(None, ["\n".join(bullets)])]) + '\n"""'


def _sentence(recipe: Recipe) -> str:
    """Which models there are and how they become one."""
    titles = list(dict.fromkeys(FAMILIES[model.family].title for model in recipe.models))
    names = " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))
    mixed = {
        Mixing.BLEND: ", mixed by weights that suit the held-out rows",
        Mixing.STACK: ", mixed by a logistic regression on what they say of held-out rows",
    }[recipe.mixing]
    return f"{names[0].upper()}{names[1:]}{mixed if len(recipe.models) > 1 else ''}."


def _plain(text: str) -> str:
    """The text without what could end or escape a docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


# describe -------------------------------------------------------------------------------------------------------------


def _describe(recipe: Recipe, situation: Situation) -> str:
    if all(model.view in TEXT_VIEWS for model in recipe.models):
        return ""
    by_target = any(block.name in MADE_OF_Y for block in recipe.blocks)
    head = "table: pd.DataFrame, y: np.ndarray" if by_target else "table: pd.DataFrame"
    lines = [f"def describe({head}) -> pd.DataFrame:", '    """Make the features."""']
    blocks = [block for block in recipe.blocks if block.name != TEXT_SCORES]
    for block in blocks:
        if block.name not in OF_ALL_NUMBERS:
            lines += _add(block)
    if unused := _unused(situation):
        lines += statement("table = ", call("table.drop", columns=unused), 4)
    for block in blocks:
        if block.name in OF_ALL_NUMBERS:
            lines += _add(block)
    features = call("label_categories", Name("table"), most=MANY_LABELS)
    if any(_ODD & set(column.name) for column in situation.columns):
        features = call("number_columns", features)
    return "\n".join([*lines, *statement("return ", features, 4)])


def _add(block: Block) -> list[str]:
    given = [Name("table"), *([Name("y")] if block.name in MADE_OF_Y else [])]
    return statement("table = ", Call(block.name, tuple(given), tuple(block.arguments.items())), 4)


def _unused(situation: Situation) -> list[str]:
    """Columns of the table that are no features by themselves."""
    raw = {ColumnKind.IDENTIFIER, ColumnKind.DATETIME, ColumnKind.TEXT, ColumnKind.CONSTANT}
    ids = situation.setting.task.ids
    columns = [column for column in situation.setting.table.columns if column.in_test]
    return [column.name for column in columns if column.kind in raw or column.name in ids]


# predict --------------------------------------------------------------------------------------------------------------


def _predict(recipe: Recipe, situation: Situation) -> str:
    needs_table = any(model.view not in TEXT_VIEWS for model in recipe.models)
    needs_texts = recipe.has(TEXT_SCORES) or any(model.view in TEXT_VIEWS for model in recipe.models)
    inputs = ["table: pd.DataFrame"] * needs_table + ["texts: pd.Series"] * needs_texts
    lines = [f"def predict({', '.join([*inputs, 'y: np.ndarray', 'folds: Folds'])}) -> tuple[np.ndarray, np.ndarray]:"]
    lines += ['    """Predict the training rows, held out in turn, and the test rows."""']
    if recipe.has(TEXT_SCORES):
        lines += _text_scores(situation)
    for view in dict.fromkeys(model.view for model in recipe.models):
        if view != "table":
            lines += [f"    {_SHORT[view]} = {view}({'texts' if view in TEXT_VIEWS else 'table'})"]
    fitted = [_fitted(model, situation) for model in recipe.models]
    if len(fitted) == 1:
        return "\n".join([*lines, *statement("return ", fitted[0], 4)])
    names = model_names(recipe)
    for name, each in zip(names, fitted, strict=True):
        lines += statement(f"{name} = ", each, 4)
    parts = [Name(name) for name in names]
    if recipe.mixing is Mixing.STACK:
        return "\n".join([*lines, *statement("return ", call("stack", parts, Name("y"), Name("folds")), 4)])
    mixed = call("blend", parts, Name("y"), Name(_loss(situation)))
    return "\n".join([*lines, *statement("return ", mixed, 4)])


def model_names(recipe: Recipe) -> list[str]:
    """What each model is called in ``predict``."""
    families = [model.family for model in recipe.models]
    if len(set(families)) == len(families):
        return families
    return [f"{model.family}_on_{view_name(model)}" for model in recipe.models]


def view_name(model: Model) -> str:
    """What that is called in ``predict`` which the model is shown."""
    return _SHORT[model.view]


def _text_scores(situation: Situation) -> list[str]:
    simple = call("Ridge", alpha=1.0) if situation.is_regression else call("LogisticRegression", C=3.0, max_iter=300)
    scores = call(
        _across(situation), Name("fit_model"), simple, call("word_weights", Name("texts")), Name("y"), Name("folds")
    )
    return [*statement("scores = ", scores, 4), "    table = add_scores(table, scores)"]


def _fitted(model: Model, situation: Situation) -> Call:
    fit = Name(fit_function(model.family, situation))
    options = {**model.options, **FAMILIES[model.family].fixed}
    made = Call(constructor(model.family, situation), (), tuple(options.items()))
    return call(_across(situation), fit, made, Name(view_name(model)), Name("y"), Name("folds"))


def _across(situation: Situation) -> str:
    return "predict_numbers" if situation.is_regression else "predict_classes"


def _loss(situation: Situation) -> str:
    """What the mixture is chosen by: smooth, and near enough to the metric."""
    if not situation.is_regression:
        return "log_loss"
    return "mean_absolute_error" if situation.is_robust else "mean_squared_error"
