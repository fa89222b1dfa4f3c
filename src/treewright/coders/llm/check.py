"""Checks of a program before any run is spent on it: what would surely fail, and the mend where it is known.

A false finding costs more than a missed one, because a model takes it for true: what is not sure is not said.
"""

from __future__ import annotations

import ast
import difflib
import re
from typing import TYPE_CHECKING

from pyflakes.checker import Checker
from pyflakes.messages import UndefinedLocal, UndefinedName

from treewright.coders.llm.references import bound_names, uses
from treewright.coders.llm.syntax import parse, writes_submission

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event as Flag

    from treewright.coders.llm.names import Known, Names
    from treewright.coders.llm.references import Use

_LISTED = 12
"""The most arguments of a function that are listed."""

_MODULES = "collections gc glob itertools json logging math os pickle random re shutil sys time warnings joblib torch"
_USUAL_IMPORTS = {module: f"import {module}" for module in _MODULES.split()} | {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns",
    "lgb": "import lightgbm as lgb",
    "xgb": "import xgboost as xgb",
    "cb": "import catboost as cb",
    "tf": "import tensorflow as tf",
    "nn": "from torch import nn",
    "stats": "from scipy import stats",
    "tqdm": "from tqdm import tqdm",
}
_TEST_ANSWERS = re.compile(
    r"(y|labels?|targets?|truth|answers?)_?test|test_?(y|labels?|targets?|truth|answers?)|y_true", re.IGNORECASE
)
_NOTEBOOK = ("display", "get_ipython")
_REPLACED = {
    ("sklearn.metrics.mean_squared_error", "squared"): "call root_mean_squared_error instead",
    ("lightgbm.train", "early_stopping_rounds"): "give callbacks=[lightgbm.early_stopping(...)] instead",
    ("lightgbm.train", "verbose_eval"): "give callbacks=[lightgbm.log_evaluation(...)] instead",
    ("lightgbm.cv", "early_stopping_rounds"): "give callbacks=[lightgbm.early_stopping(...)] instead",
    ("lightgbm.cv", "verbose_eval"): "give callbacks=[lightgbm.log_evaluation(...)] instead",
}
"""Arguments that were replaced by something of another name."""


def check(code: str, names: Names | None, cancel: Flag | None = None) -> tuple[str, ...]:
    """What is surely wrong with a program, one line each with its line number; empty where nothing is.

    Without ``names`` nothing is said about what the installed libraries have.
    """
    try:
        tree = parse(code)
    except SyntaxError as error:
        return (_syntax(error, code),)
    lost, taken = _undefined(tree), uses(tree)
    wanted = {use.name for use in taken} | {query for _, name in lost if (query := _query(name, tree))}
    known = names.look_up(wanted, cancel) if names else {}
    findings = [(line, f"undefined name '{name}'{_origin(name, tree, known)}") for line, name in lost]
    findings += [*_relative(tree), *_missing(taken, known), *_arguments(taken, known)]
    told = dict.fromkeys(f"line {line}: {text}" for line, text in sorted(findings))
    return (*told, *(() if writes_submission(code) else ("the program never writes ./working/submission.csv",)))


def _syntax(error: SyntaxError, code: str) -> str:
    line = error.lineno or 0
    lines = code.split("\n")
    text = f": `{lines[line - 1].strip()[:200]}`" if 0 < line <= len(lines) and lines[line - 1].strip() else ""
    return f"line {line}: not valid Python: {error.msg}{text}" if line else f"not valid Python: {error.msg}"


def _undefined(tree: ast.Module) -> list[tuple[int, str]]:
    """The names that nothing defines, each with the first line it is at."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if {"exec", "globals", "locals"} & {node.id for node in names}:
        return []
    try:
        messages = Checker(tree).messages
    except RecursionError:
        return []
    # Where a name is deleted on the way to an exception, pyflakes takes it for deleted.
    deleted = {node.id for node in names if isinstance(node.ctx, ast.Del)}
    places = {(node.lineno, node.col_offset) for node in names if node.id not in deleted} - _never_evaluated(tree)
    found: dict[str, int] = {}
    for message in sorted(messages, key=lambda message: int(message.lineno)):
        if isinstance(message, (UndefinedName, UndefinedLocal)) and (message.lineno, message.col) in places:
            found.setdefault(message.message_args[0], message.lineno)
    return [(line, name) for name, line in found.items()]


def _never_evaluated(tree: ast.Module) -> set[tuple[int, int]]:
    """Where the names are that stand in annotations which Python does not look at."""
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    annotated: list[ast.AST] = [node for function in functions for node in ast.walk(function)]
    annotations = [node.annotation for node in annotated if isinstance(node, ast.AnnAssign)]
    if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body):
        annotations += [
            node.annotation for node in nodes if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation
        ]
        annotations += [function.returns for function in functions if function.returns]
    names = [node for annotation in annotations for node in ast.walk(annotation) if isinstance(node, ast.Name)]
    return {(name.lineno, name.col_offset) for name in names}


def _query(name: str, tree: ast.Module) -> str | None:
    """What to ask the interpreter about an undefined name: its usual module, or who has a function or class like it."""
    if name in _USUAL_IMPORTS:
        return _USUAL_IMPORTS[name].split()[1]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    is_like_a_class = name[0].isupper() and not name.isupper()
    return f"*.{name}" if name in called or is_like_a_class else None


def _origin(name: str, tree: ast.Module, known: Mapping[str, Known]) -> str:
    """Where an undefined name most likely was to come from."""
    answer = known.get(_query(name, tree) or "")
    usual = _USUAL_IMPORTS.get(name)
    if usual and answer and not answer.exists:
        return f": the module '{answer.missing}' is not installed, do without it"
    if usual:
        return f": add `{usual}`"
    if answer and answer.homes:
        return f": add `from {answer.homes[0]} import {name}`"
    if name in _NOTEBOOK:
        return ": it exists in notebooks only"
    if _TEST_ANSWERS.fullmatch(name):
        return ": test.csv has no answers, so remove every line that needs them"
    return _did_you_mean(difflib.get_close_matches(name, bound_names(tree) - {name}, n=1, cutoff=0.85))


def _relative(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "an import from beside the program, but the program is one file"


def _missing(taken: Sequence[Use], known: Mapping[str, Known]) -> Iterator[tuple[int, str]]:
    """What the installed libraries do not have, each where it is first taken."""
    own_modules = any(f"{use.name}.".startswith("sys.path.") for use in taken)
    told: set[str] = set()
    for use in taken:
        answer = known.get(use.name)
        if answer is None or answer.exists or answer.missing in told or len(answer.missing) <= len(use.imported):
            continue
        told.add(answer.missing)
        owner, _, name = answer.missing.rpartition(".")
        if owner:
            yield use.line, f"{owner} has no '{name}'{_instead(name, answer)}"
        elif not own_modules:
            hint = _did_you_mean(answer.near) or ": do without it"
            yield use.line, f"the module '{name}' is not installed{hint}"


def _instead(name: str, answer: Known) -> str:
    if answer.homes:
        return f": `from {answer.homes[0]} import {name}`"
    return f": {answer.remark}" if answer.remark else _did_you_mean(answer.near)


def _arguments(taken: Sequence[Use], known: Mapping[str, Known]) -> Iterator[tuple[int, str]]:
    """Arguments that a function or class does not take."""
    for use in taken:
        answer = known.get(use.name)
        if answer is None:
            continue
        short, named = use.name.rpartition(".")[2], answer.parameters
        for keyword in use.keywords:
            if named is not None and keyword not in named:
                yield use.line, f"{short} has no argument '{keyword}'{_other_argument(use.name, keyword, named)}"
        if answer.positional is not None and use.positional > answer.positional:
            most = f"at most {answer.positional}" if answer.positional else "no"
            yield use.line, f"{short} takes {most} arguments without their names, not {use.positional}{_list(named)}"


def _other_argument(function: str, keyword: str, parameters: Sequence[str]) -> str:
    replaced = _REPLACED.get((function, keyword))
    if replaced:
        return f": {replaced}"
    return _did_you_mean(difflib.get_close_matches(keyword, parameters, n=2)) or _list(parameters)


def _list(parameters: Sequence[str] | None) -> str:
    return f"; it takes {', '.join(parameters)}" if parameters and len(parameters) <= _LISTED else ""


def _did_you_mean(names: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(repr(name) for name in names)}?" if names else ""
